#include <string>

#include <qrules/support/hash64.h>

#include "../catch.h"

namespace qrules {
namespace {

TEST_CASE("The hash is XXH64", "[hash]") {
  CHECK(hash64("") == 0xef46db3751d8e999);
  CHECK(hash64("a") == 0xd24ec4f1a98c6e5b);
  CHECK(hash64("abc") == 0x44bc2cf5ad770999);
  CHECK(hash64("Nobody inspects the spammish repetition") == 0xfbcea83c8a378bf1);
}

TEST_CASE("Every flipped bit changes the hash", "[hash]") {
  std::string bytes(75, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 37);
  const uint64_t before = hash64(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const char kept = bytes[bit / 8];
    bytes[bit / 8] = static_cast<char>(kept ^ (1 << bit % 8));
    CHECK(hash64(bytes) != before);
    bytes[bit / 8] = kept;
  }
  CHECK(hash64(bytes) == before);
  CHECK(hash_name(bytes).size() == 32);
  CHECK(hash_name(bytes) != hash_name(bytes + '\0'));
}

}  // namespace
}  // namespace qrules
