#include <qrules/lowerings/avx512/single_queries.h>

#if defined(__x86_64__)

#include <algorithm>
#include <limits>
#include <type_traits>

#include <qrules/lowerings/avx512/attention_tiles.h>
#include <qrules/lowerings/avx512/vector_math.h>

namespace qrules::avx512 {
namespace {

using attention::kLanes;
using attention::whole_lanes;

constexpr int kKeys = 4;   // whose scores are summed side by side
constexpr int kWidth = 8;  // registers of a row of the result

const float* bits(const float* from) { return from; }
const uint16_t* bits(const elements::Bf16* from) { return &from->bits; }

// scores[t] = sum over d of q[d] * k[t][d], K keys.
template <int K, typename T>
QRULES_AVX512 void score(const float* q, const T* k, int64_t key_step, int64_t depth, float* scores) {
  __m512 sum[K];
#pragma GCC unroll 4
  for (int t = 0; t < K; ++t) sum[t] = _mm512_setzero_ps();
  for (int64_t d = 0; d < depth; d += kLanes) {
    const __mmask16 lanes = first_lanes(depth - d);
    const __m512 x = _mm512_maskz_loadu_ps(lanes, q + d);
#pragma GCC unroll 4
    for (int t = 0; t < K; ++t) sum[t] = _mm512_fmadd_ps(x, load_wide16(bits(k + t * key_step + d), lanes), sum[t]);
  }
  for (int t = 0; t < K; ++t) scores[t] = _mm512_reduce_add_ps(sum[t]);
}

// scores = e^(score - the largest). Returns the sum.
QRULES_AVX512 float exponentials(float* scores, int64_t count) {
  __m512 largest = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (int64_t t = 0; t < count; t += kLanes)
    largest = _mm512_mask_max_ps(largest, first_lanes(count - t),
                                 _mm512_maskz_loadu_ps(first_lanes(count - t), scores + t), largest);
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
  __m512 sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < count; t += kLanes) {
    const __mmask16 lanes = first_lanes(count - t);
    const __m512 e =
        two_to16(_mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, scores + t), top), _mm512_set1_ps(kLog2E)));
    _mm512_mask_storeu_ps(scores + t, lanes, e);
    sum = _mm512_mask_add_ps(sum, lanes, sum, e);
  }
  return _mm512_reduce_add_ps(sum);
}

// to[e] = sum over t of weights[t] * v[t][e], `count` <= 128 elements.
template <typename T>
QRULES_AVX512 void mix(const float* weights, const T* v, int64_t row_step, int64_t keys, int64_t count, float* to) {
  __m512 sum[kWidth];
#pragma GCC unroll 8
  for (int c = 0; c < kWidth; ++c) sum[c] = _mm512_setzero_ps();
  for (int64_t t = 0; t < keys; ++t) {
    const __m512 weight = _mm512_set1_ps(weights[t]);
#pragma GCC unroll 8
    for (int c = 0; c < kWidth; ++c) {
      if (c * kLanes < count)
        sum[c] = _mm512_fmadd_ps(
            weight, load_wide16(bits(v + t * row_step + c * kLanes), first_lanes(count - c * kLanes)), sum[c]);
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < kWidth; ++c) _mm512_storeu_ps(to + c * kLanes, sum[c]);
}

}  // namespace

int64_t SingleQueries::scratch_elements(const AttentionCall& call) {
  return whole_lanes(call.depth) + whole_lanes(call.keys);
}

template <typename T, typename Mask>
void SingleQueries::run(const T* q, const T* k, const T* v, const Mask* mask, float* scratch,
                        const avx2::EpilogueRun& output, int64_t out) const {
  float *query = scratch, *scores = query + whole_lanes(call_.depth);
  const auto scale = static_cast<float>(call_.scale);
  for (int64_t m = 0; m < call_.rows; ++m) {
    for (int64_t d = 0; d < call_.depth; ++d)
      query[d] = elements::widen(q[m * q_.row_step + d * q_.column_step]) * scale;
    int64_t t = 0;
    for (; t + kKeys <= call_.keys; t += kKeys)
      score<kKeys>(query, k + t * k_.column_step, k_.column_step, call_.depth, scores + t);
    for (; t < call_.keys; ++t) score<1>(query, k + t * k_.column_step, k_.column_step, call_.depth, scores + t);
    if (mask) {
      for (t = 0; t < call_.keys; ++t) scores[t] += elements::widen(mask[m * mask_->row_step + t * mask_->column_step]);
    }
    const float inverse = 1.0f / exponentials(scores, call_.keys);
    for (int64_t column = 0; column < call_.columns; column += kWidth * kLanes) {
      const int64_t count = std::min(kWidth * kLanes, call_.columns - column);
      alignas(64) float products[kWidth * kLanes];
      mix(scores, v + column, v_.row_step, call_.keys, count, products);
      output.store_values(products, inverse, count, out + m * out_step_ + column);
    }
  }
}

template void SingleQueries::run(const float*, const float*, const float*, const float*, float*,
                                 const avx2::EpilogueRun&, int64_t) const;
template void SingleQueries::run(const elements::Bf16*, const elements::Bf16*, const elements::Bf16*, const float*,
                                 float*, const avx2::EpilogueRun&, int64_t) const;
template void SingleQueries::run(const elements::Bf16*, const elements::Bf16*, const elements::Bf16*,
                                 const elements::Bf16*, float*, const avx2::EpilogueRun&, int64_t) const;

}  // namespace qrules::avx512

#endif
