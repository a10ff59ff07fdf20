// Eight elements of f32, or of bf16 widened to it.
#pragma once

#include <qrules/lowerings/avx2/target.h>
#include <qrules/lowerings/elements.h>

#if defined(__x86_64__)

namespace qrules::avx2 {

QRULES_AVX2_INLINE __m256 load8(const float* from) { return _mm256_loadu_ps(from); }
QRULES_AVX2_INLINE __m256 load8(const elements::Bf16* from) {
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

}  // namespace qrules::avx2

#endif
