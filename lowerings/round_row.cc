#include <qrules/lowerings/round_row.h>

namespace qrules::elements {
namespace {

inline void round_elements(const float* from, int64_t count, Bf16* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = convert<Bf16>(from[i]);
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
