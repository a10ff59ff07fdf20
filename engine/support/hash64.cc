#include <qrules/support/hash64.h>

#include <array>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace qrules {
namespace {

constexpr uint64_t kP1 = 0x9e3779b185ebca87, kP2 = 0xc2b2ae3d27d4eb4f, kP3 = 0x165667b19e3779f9,
                   kP4 = 0x85ebca77c2b2ae63, kP5 = 0x27d4eb2f165667c5;

template <typename T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

uint64_t mix(uint64_t lane, uint64_t word) { return std::rotl(lane + word * kP2, 31) * kP1; }

}  // namespace

uint64_t hash64(std::string_view bytes, uint64_t seed) {
  constexpr size_t kStripe = 32;
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t hash = seed + kP5;
  if (left >= kStripe) {
    uint64_t a = seed + kP1 + kP2, b = seed + kP2, c = seed, d = seed - kP1;
    for (; left >= kStripe; at += kStripe, left -= kStripe) {
      a = mix(a, load<uint64_t>(at));
      b = mix(b, load<uint64_t>(at + 8));
      c = mix(c, load<uint64_t>(at + 16));
      d = mix(d, load<uint64_t>(at + 24));
    }
    hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
    for (const uint64_t lane : {a, b, c, d}) hash = (hash ^ mix(0, lane)) * kP1 + kP4;
  }
  hash += bytes.size();
  for (; left >= 8; at += 8, left -= 8) hash = std::rotl(hash ^ mix(0, load<uint64_t>(at)), 27) * kP1 + kP4;
  if (left >= 4) {
    hash = std::rotl(hash ^ load<uint32_t>(at) * kP1, 23) * kP2 + kP3;
    at += 4;
    left -= 4;
  }
  for (; left > 0; ++at, --left) hash = std::rotl(hash ^ static_cast<unsigned char>(*at) * kP5, 11) * kP1;
  hash = (hash ^ hash >> 33) * kP2;
  hash = (hash ^ hash >> 29) * kP3;
  return hash ^ hash >> 32;
}

std::string hash_name(std::string_view bytes) {
  std::array<char, 40> digits;
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64 "%016" PRIx64, hash64(bytes, 0), hash64(bytes, kP3));
  return digits.data();
}

}  // namespace qrules
