#include <qrules/lowerings/avx512/attention_tiles.h>

#if defined(__x86_64__)

#include <algorithm>
#include <cmath>
#include <limits>

#include <qrules/lowerings/avx512/vector_math.h>

namespace qrules::avx512::attention {
namespace {

// Adding it to a float from 0 on rounds that to an integer, which is in the lowest bits; those of the exponent and sign
// are in the highest byte alone.
constexpr float kRounds = 0x1p23f;

// Weights from the powers of a group, four keys at a time. Returns the sums of the weights.
QRULES_AVX512_VNNI_INLINE __m512i round_weights(const float* powers, int64_t keys, __m512 factor, ByteQuad* quads,
                                                int64_t quad_step) {
  const __m512 rounds = _mm512_set1_ps(kRounds), highest = _mm512_set1_ps(kRounds + 255);
  const __m512i byte = _mm512_set1_epi32(0xff);
  __m512i total = _mm512_setzero_si512();
  const auto weights = [&](int64_t t) QRULES_AVX512_VNNI {
    const __m512 power = t < keys ? _mm512_loadu_ps(powers + t * kLanes) : _mm512_setzero_ps();
    return _mm512_castps_si512(_mm512_min_ps(_mm512_fmadd_ps(power, factor, rounds), highest));
  };
  for (int64_t t = 0; t < keys; t += kOfUnit<ByteQuad>, quads += quad_step) {
    constexpr int kAndOr = 0xea, kOr = 0xfe;  // (a & b) | c, a | b | c
    const __m512i low = _mm512_ternarylogic_epi32(weights(t), byte, _mm512_slli_epi32(weights(t + 1), 8), kAndOr);
    const __m512i quad = _mm512_ternarylogic_epi32(low, _mm512_slli_epi32(weights(t + 2), 16),
                                                   _mm512_slli_epi32(weights(t + 3), 24), kOr);
    _mm512_storeu_si512(quads, quad);
    total = _mm512_dpbusd_epi32(total, quad, _mm512_set1_epi8(1));
  }
  return total;
}

template <Offsets kOffsets>
QRULES_AVX512_VNNI void run_group(const QuantizedSoftmax& softmax, const int32_t* sums, int64_t keys, float* memory,
                                  ByteQuad* quads, int64_t quad_step, int32_t* totals) {
  const __m512 factor = _mm512_set1_ps(softmax.factor);
  // The largest sum is taken away before the rest becomes floats: what weighs most is near it, and stays exact.
  __m512i largest_sum = _mm512_loadu_si512(sums);
  for (int64_t t = 1; t < keys; ++t) largest_sum = _mm512_max_epi32(largest_sum, _mm512_loadu_si512(sums + t * kLanes));
  const auto exponents = [&](int64_t t) QRULES_AVX512_VNNI {
    const __m512 sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_loadu_si512(sums + t * kLanes), largest_sum));
    if constexpr (kOffsets == Offsets::none) return _mm512_mul_ps(sum, factor);
    return _mm512_fmadd_ps(
        sum, factor,
        kOffsets == Offsets::of_keys ? _mm512_set1_ps(softmax.of_keys[t]) : _mm512_loadu_ps(memory + t * kLanes));
  };
  __m512 largest = _mm512_setzero_ps();
  if constexpr (kOffsets != Offsets::none) {
    largest = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    for (int64_t t = 0; t < keys; ++t) largest = _mm512_max_ps(exponents(t), largest);
  }
  __m512 total = _mm512_setzero_ps();
  for (int64_t t = 0; t < keys; ++t) {
    __m512 exponent = exponents(t);
    if constexpr (kOffsets != Offsets::none) exponent = _mm512_sub_ps(exponent, largest);
    const __m512 power = two_to16(exponent);
    _mm512_storeu_ps(memory + t * kLanes, power);
    total = _mm512_add_ps(total, power);
  }
  // Powers that are NaN make their sum NaN, and all weights 0.
  const __mmask16 known = _mm512_cmp_ps_mask(total, total, _CMP_ORD_Q);
  if (known != 0xffff) {
    for (int64_t t = 0; t < keys; ++t)
      _mm512_storeu_ps(memory + t * kLanes, _mm512_maskz_loadu_ps(known, memory + t * kLanes));
    total = _mm512_mask_mov_ps(_mm512_set1_ps(1.0f), known, total);
  }
  const __m512 weights_factor = _mm512_div_ps(_mm512_set1_ps(softmax.inverse_scale), total);
  _mm512_storeu_si512(totals, round_weights(memory, keys, weights_factor, quads, quad_step));
}

}  // namespace

void QuantizedSoftmax::run(const int32_t* sums, int64_t keys, float* memory, ByteQuad* quads, int64_t quad_step,
                           int32_t* totals) const {
  switch (offsets) {
    case Offsets::none: return run_group<Offsets::none>(*this, sums, keys, memory, quads, quad_step, totals);
    case Offsets::of_keys: return run_group<Offsets::of_keys>(*this, sums, keys, memory, quads, quad_step, totals);
    case Offsets::of_queries:
      return run_group<Offsets::of_queries>(*this, sums, keys, memory, quads, quad_step, totals);
  }
}

void exponents_of_masks(const float* masks, int64_t count, float* to) {
  constexpr float kMost = 2e38f;  // times log2(e) it is finite
  for (int64_t i = 0; i < count; ++i)
    to[i] = (std::isfinite(masks[i]) ? std::clamp(masks[i], -kMost, kMost) : masks[i]) * kLog2E;
}

}  // namespace qrules::avx512::attention

#endif
