#include <qrules/lowerings/round_row.h>

namespace qrules::elements {
namespace {

// Without branches, so that it is made of vectors.
inline void round_elements(const float* from, int64_t count, Bf16* to) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(from[i]), rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    to[i].bits = static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void round_with_avx2(const float* from, int64_t count, Bf16* to) {
  round_elements(from, count, to);
}
#endif

}  // namespace

void round_row(const float* from, int64_t count, Bf16* to) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return round_with_avx2(from, count, to);
#endif
  round_elements(from, count, to);
}

}  // namespace qrules::elements
