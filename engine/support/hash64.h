// A fast hash of many bytes, to notice that they changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace qrules {

// XXH64 (Yann Collet, xxHash specification 0.1.1): several bytes in a cycle, and any flipped bit is noticed. It is no
// protection against one who wants two texts of one hash.
uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

// 32 hexadecimal digits of two such hashes: for names, where two texts must not meet by chance.
std::string hash_name(std::string_view bytes);

}  // namespace qrules
