#include <qrules/lowerings/decomposed/extremes.h>

namespace qrules::decomposed {
namespace {

// In lanes, so that it is made of vectors: comparisons with NaN are false, so NaN is looked for apart.
inline Extremes extremes_of_row(const float* values, int64_t count) {
  constexpr int64_t kLanes = 32;
  float low[kLanes], high[kLanes];
  uint32_t unordered[kLanes];
  const Extremes none;
  std::fill(low, low + kLanes, none.low);
  std::fill(high, high + kLanes, none.high);
  std::fill(unordered, unordered + kLanes, 0u);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
      unordered[lane] |= value != value ? 1u : 0u;
    }
  }
  Extremes all;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    all.add(Extremes{low[lane], high[lane]});
    if (unordered[lane]) all.add(std::numeric_limits<float>::quiet_NaN());
  }
  for (; i < count; ++i) all.add(values[i]);
  return all;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) Extremes extremes_with_avx2(const float* values, int64_t count) {
  return extremes_of_row(values, count);
}
#endif

}  // namespace

void Extremes::add_row(const float* values, int64_t count) {
  if (count == 0) return;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return add(extremes_with_avx2(values, count));
#endif
  add(extremes_of_row(values, count));
}

}  // namespace qrules::decomposed
