// Functions of eight floats. Their errors stay below 4e-7 of the result, or of 1 where the result is smaller; NaN stays
// NaN.
#pragma once

#include <limits>

#include <qrules/lowerings/avx2/target.h>

#if defined(__x86_64__)

namespace qrules::avx2 {

// The sum of the lanes.
QRULES_AVX2_INLINE float sum8(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// e^(x - n ln 2) for |x - n ln 2| <= ln 2 / 2: a polynomial (Cephes' expf).
QRULES_AVX2_INLINE __m256 exp_remainder8(__m256 x, __m256 n) {
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
  __m256 y = _mm256_set1_ps(1.9875691500e-4f);
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(1.3981999507e-3f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(8.3334519073e-3f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(4.1665795894e-2f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(1.6666665459e-1f));
  y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(5.0000001201e-1f));
  return _mm256_fmadd_ps(_mm256_mul_ps(r, r), y, _mm256_add_ps(r, _mm256_set1_ps(1.0f)));
}

// e^x: x = n ln 2 + r, e^r times 2^n by way of the exponent bits.
QRULES_AVX2_INLINE __m256 exp8(__m256 x) {
  const __m256 clamped =
      _mm256_min_ps(_mm256_set1_ps(88.3762626647950f), _mm256_max_ps(_mm256_set1_ps(-87.3365478515625f), x));
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(clamped, _mm256_set1_ps(1.44269504088896341f)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 y = exp_remainder8(clamped, n);
  const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  const __m256 result = _mm256_mul_ps(y, _mm256_castsi256_ps(power));
  // Below the bounds it is zero, above them infinite; NaN was made a number by them.
  const __m256 positive = _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(-87.3365478515625f), _CMP_LT_OQ), result);
  const __m256 bounded = _mm256_blendv_ps(positive, _mm256_set1_ps(std::numeric_limits<float>::infinity()),
                                          _mm256_cmp_ps(x, _mm256_set1_ps(88.72283935546875f), _CMP_GT_OQ));
  return _mm256_blendv_ps(bounded, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

// The same of what is not above zero.
QRULES_AVX2_INLINE __m256 exp_below_zero8(__m256 x) {
  const __m256 lowest = _mm256_set1_ps(-87.3365478515625f);
  const __m256 clamped = _mm256_max_ps(lowest, x);  // NaN stays: it is the second operand
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(clamped, _mm256_set1_ps(1.44269504088896341f)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 y = exp_remainder8(clamped, n);
  const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_andnot_ps(_mm256_cmp_ps(x, lowest, _CMP_LT_OQ), _mm256_mul_ps(y, _mm256_castsi256_ps(power)));
}

QRULES_AVX2_INLINE __m256 sigmoid8(__m256 x) {
  const __m256 one = _mm256_set1_ps(1.0f);
  return _mm256_div_ps(one, _mm256_add_ps(one, exp8(_mm256_sub_ps(_mm256_setzero_ps(), x))));
}

// Near zero a polynomial (Cephes' tanhf), elsewhere 1 - 2 / (e^2x + 1).
QRULES_AVX2_INLINE __m256 tanh8(__m256 x) {
  const __m256 sign = _mm256_set1_ps(-0.0f), magnitude = _mm256_andnot_ps(sign, x), square = _mm256_mul_ps(x, x);
  __m256 small = _mm256_set1_ps(-5.70498872745e-3f);
  small = _mm256_fmadd_ps(small, square, _mm256_set1_ps(2.06390887954e-2f));
  small = _mm256_fmadd_ps(small, square, _mm256_set1_ps(-5.37397155531e-2f));
  small = _mm256_fmadd_ps(small, square, _mm256_set1_ps(1.33314422036e-1f));
  small = _mm256_fmadd_ps(small, square, _mm256_set1_ps(-3.33332819422e-1f));
  small = _mm256_fmadd_ps(_mm256_mul_ps(small, square), x, x);
  const __m256 one = _mm256_set1_ps(1.0f);
  const __m256 e = exp8(_mm256_add_ps(magnitude, magnitude));
  const __m256 large = _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), _mm256_add_ps(e, one)));
  const __m256 signed_large = _mm256_or_ps(large, _mm256_and_ps(sign, x));
  return _mm256_blendv_ps(signed_large, small, _mm256_cmp_ps(magnitude, _mm256_set1_ps(0.625f), _CMP_LT_OQ));
}

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: absolute error below 1.5e-7.
QRULES_AVX2_INLINE __m256 erf8(__m256 x) {
  const __m256 sign = _mm256_set1_ps(-0.0f), magnitude = _mm256_andnot_ps(sign, x), one = _mm256_set1_ps(1.0f);
  const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(_mm256_set1_ps(0.3275911f), magnitude, one));
  __m256 y = _mm256_set1_ps(1.061405429f);
  y = _mm256_fmadd_ps(y, t, _mm256_set1_ps(-1.453152027f));
  y = _mm256_fmadd_ps(y, t, _mm256_set1_ps(1.421413741f));
  y = _mm256_fmadd_ps(y, t, _mm256_set1_ps(-0.284496736f));
  y = _mm256_fmadd_ps(y, t, _mm256_set1_ps(0.254829592f));
  const __m256 gauss = exp8(_mm256_sub_ps(_mm256_setzero_ps(), _mm256_mul_ps(x, x)));
  const __m256 result = _mm256_fnmadd_ps(_mm256_mul_ps(y, t), gauss, one);
  return _mm256_or_ps(_mm256_andnot_ps(sign, result), _mm256_and_ps(sign, x));
}

}  // namespace qrules::avx2

#endif
