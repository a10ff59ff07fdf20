#include <qrules/lowerings/avx2/pair_limits.h>

#if defined(__x86_64__)

#include <algorithm>
#include <numeric>
#include <vector>

#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {
namespace {

constexpr int kHighest = 32'767, kLowest = -32'768;

// The sums of products of sixteen pairs. Centred activations are given negative: 128 is no s8.
template <Bytes kBytes>
QRULES_AVX2_INLINE __m256i add_pairs(__m256i x, __m256i weights) {
  if constexpr (kBytes == Bytes::raw) return _mm256_maddubs_epi16(x, weights);
  return _mm256_maddubs_epi16(_mm256_xor_si256(weights, _mm256_set1_epi8(-128)),
                              _mm256_sub_epi8(_mm256_setzero_si256(), x));
}

// Whether none of sixteen pairs of weights meets a pair of activations at its limit that leaves 16 bits. One that
// reaches an end of the range counts as leaving it.
template <Bytes kBytes>
QRULES_AVX2 bool keeps_limits(const int8_t* weights, const int16_t* limits) {
  constexpr bool kRaw = kBytes == Bytes::raw;
  const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
  // The larger one of a pair and what is left for the other.
  const __m256i largest = _mm256_set1_epi16(kLargest<kBytes>);
  const __m256i rest = _mm256_sub_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(limits)), largest);
  const __m256i one = _mm256_or_si256(largest, _mm256_slli_epi16(rest, 8)),
                other = _mm256_or_si256(rest, _mm256_slli_epi16(largest, 8));
  const __m256i first = add_pairs<kBytes>(one, w), second = add_pairs<kBytes>(other, w);
  const __m256i low = _mm256_min_epi16(first, second), high = _mm256_max_epi16(first, second);
  __m256i left = _mm256_cmpgt_epi16(_mm256_set1_epi16(kLowest + 2), low);
  if constexpr (kRaw) left = _mm256_or_si256(left, _mm256_cmpgt_epi16(high, _mm256_set1_epi16(kHighest - 1)));
  return _mm256_testz_si256(left, left) != 0;
}

}  // namespace

int64_t PairLimits::period_of(int64_t channels) { return std::lcm(channels, int64_t{32}); }

template <Bytes kBytes>
int pair_limit(int first, int second) {
  // Products are linear: up to a limit, the extremes are where one of the pair is at its largest. Centred weights are
  // not negative, so that negative activations only mirror the positive ones.
  const auto most_beside = [](int at_largest, int other) {
    if (other == 0) return kLargest<kBytes>;
    const int sum = kLargest<kBytes> * at_largest;
    return std::min(kLargest<kBytes>, other > 0 ? (kHighest - sum) / other : (kLowest - sum) / other);
  };
  const int shift = kBytes == Bytes::raw ? 0 : kCentre;
  const int a = first + shift, b = second + shift;
  return kLargest<kBytes> + std::min(most_beside(a, b), most_beside(b, a));
}

template <Bytes kBytes>
void find_pair_limits(const int8_t* weights, int64_t channels, int64_t inner, int64_t outer, int64_t row,
                      int16_t* limits) {
  const int64_t period = PairLimits::period_of(inner), pairs = inner / 2, size = outer * row;
  std::vector<int16_t> of_group(static_cast<size_t>(period / 2));
  for (int64_t group = 0; group < channels / inner; ++group, weights += size) {
    std::fill(of_group.begin(), of_group.end(), static_cast<int16_t>(2 * kLargest<kBytes>));
    const auto meet = [&](int64_t at, int16_t* limit, int64_t count) {
      for (int64_t i = 0; i < count; ++i, at += 2)
        limit[i] = std::min(limit[i], static_cast<int16_t>(pair_limit<kBytes>(weights[at], weights[at + 1])));
    };
    int64_t at = 0, phase = 0;
    for (; at + 32 <= size; at += 32, phase = phase + 32 == period ? 0 : phase + 32) {
      int16_t* limit = of_group.data() + phase / 2;
      // Limits are soon at what they will be: divisions are rare.
      if (!keeps_limits<kBytes>(weights + at, limit)) meet(at, limit, 16);
    }
    meet(at, of_group.data() + phase / 2, (size - at) / 2);
    for (int64_t i = 0; i < pairs; ++i) {
      int16_t& limit = limits[group * pairs + i];
      limit = of_group[static_cast<size_t>(i)];
      for (int64_t again = i + pairs; again < period / 2; again += pairs)
        limit = std::min(limit, of_group[static_cast<size_t>(again)]);
    }
  }
  for (int64_t i = channels / 2; i < PairLimits::period_of(channels) / 2; ++i) limits[i] = limits[i - channels / 2];
}

#define QRULES_PAIR_LIMITS(bytes)           \
  template int pair_limit<bytes>(int, int); \
  template void find_pair_limits<bytes>(const int8_t*, int64_t, int64_t, int64_t, int64_t, int16_t*);
QRULES_PAIR_LIMITS(Bytes::raw)
QRULES_PAIR_LIMITS(Bytes::centred)
#undef QRULES_PAIR_LIMITS

}  // namespace qrules::avx2

#endif
