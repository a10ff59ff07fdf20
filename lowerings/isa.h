// What oneDNN says of the CPU, for handlers that do without oneDNN; lowerings/onednn asks it.
#pragma once

#include <cstdint>

namespace qrules {

// How much of AVX512 there is, each level with those before it.
enum class Avx512 : uint8_t { none, core, vnni, bf16 };

// Of the CPU, and not held back by ONEDNN_MAX_CPU_ISA.
Avx512 avx512_level();

}  // namespace qrules
