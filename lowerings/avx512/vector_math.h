// Functions of sixteen floats, as lowerings/avx2/vector_math.h has them of eight.
#pragma once

#include <qrules/lowerings/avx512/target.h>

#if defined(__x86_64__)

namespace qrules::avx512 {

// e^x of what is not above zero: x = n ln 2 + r, a polynomial of r (Cephes' expf) times 2^n. NaN stays NaN.
QRULES_AVX512_INLINE __m512 exp_below_zero16(__m512 x) {
  const __m512 lowest = _mm512_set1_ps(-87.3365478515625f);
  const __mmask16 counts = _mm512_cmp_ps_mask(x, lowest, _CMP_NLT_UQ);
  const __m512 clamped = _mm512_max_ps(lowest, x);  // NaN stays: it is the second operand
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(clamped, _mm512_set1_ps(1.44269504088896341f)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), clamped);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 y = _mm512_set1_ps(1.9875691500e-4f);
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.3981999507e-3f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(8.3334519073e-3f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(4.1665795894e-2f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.6666665459e-1f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(5.0000001201e-1f));
  y = _mm512_fmadd_ps(_mm512_mul_ps(r, r), y, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  return _mm512_maskz_scalef_ps(counts, y, n);
}

QRULES_AVX512_INLINE __m512 load_wide16(const float* from, __mmask16 lanes) {
  return _mm512_maskz_loadu_ps(lanes, from);
}
QRULES_AVX512_INLINE __m512 load_wide16(const uint16_t* bf16, __mmask16 lanes) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, bf16)), 16));
}

// The lanes of the first `count` elements.
QRULES_AVX512_INLINE __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : (1u << count) - 1);
}

}  // namespace qrules::avx512

#endif
