// Functions of sixteen floats.
#pragma once

#include <qrules/lowerings/avx512/target.h>

#if defined(__x86_64__)

namespace qrules::avx512 {

// e^x is 2^(x kLog2E).
inline constexpr float kLog2E = 1.44269504088896341f;

// 2^x to 2e-7 of it: x is its floor and a rest r from 0 on, 2^r a polynomial (least relative error, exact at 0). -inf
// gives 0, NaN stays NaN.
QRULES_AVX512_INLINE __m512 two_to16(__m512 x) {
  const __m512 r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);  // 0 of infinities
  __m512 y = _mm512_set1_ps(1.867130050e-03f);
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(9.017030708e-03f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(5.579991266e-02f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(2.401644439e-01f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(6.931512952e-01f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(y, x);  // takes the floor
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
