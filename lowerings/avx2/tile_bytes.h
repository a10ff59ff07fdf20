// A tile's sums that become u8 without leaving the registers, by the steps that epilogue.h has for them: those with a
// scale and a bias for each channel, no addend, and no activation but one that bounds the integers. Most calls of a
// network are so.
#pragma once

#include <cstdint>

#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {

struct TileBytes {
  const float *scale = nullptr, *bias = nullptr;  // of each channel
  float inverse_out_scale = 1, out_zero_point = 0, highest = 255;
  uint8_t* to = nullptr;
  int64_t to_step = 0;  // bytes between rows
};

#if defined(__x86_64__)

// Eight values in units of the result as integers, of which packing to u8 makes results. NaN becomes the least of 32
// bits, as what is below them does, and so 0.
QRULES_AVX2_INLINE __m256i to_u8_range(__m256 scaled, __m256 highest) {
  // The second operand is the result for NaN.
  return _mm256_cvtps_epi32(_mm256_min_ps(highest, scaled));
}

struct TileQuantizer {
  __m256 scale[2], bias[2], inverse, zero_point, highest;

  QRULES_AVX2_INLINE TileQuantizer(const TileBytes& b, int64_t channel)
      : scale{_mm256_loadu_ps(b.scale + channel), _mm256_loadu_ps(b.scale + channel + 8)},
        bias{_mm256_loadu_ps(b.bias + channel), _mm256_loadu_ps(b.bias + channel + 8)},
        inverse(_mm256_set1_ps(b.inverse_out_scale)),
        zero_point(_mm256_set1_ps(b.out_zero_point)),
        highest(_mm256_set1_ps(b.highest)) {}

  template <int kHalf>
  QRULES_AVX2_INLINE __m256i quantize(__m256i sums) const {
    const __m256 value = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), scale[kHalf], bias[kHalf]);
    return to_u8_range(_mm256_fmadd_ps(value, inverse, zero_point), highest);
  }
  QRULES_AVX2_INLINE __m256i shorts(__m256i low, __m256i high) const {
    return _mm256_packs_epi32(quantize<0>(low), quantize<1>(high));
  }
};

// Stores R rows of the 16 channels from `channel` on.
template <int R>
QRULES_AVX2_INLINE void store_bytes(const TileBytes& b, int64_t channel, const __m256i* low, const __m256i* high) {
  const TileQuantizer quantizer(b, channel);
  uint8_t* to = b.to + channel;
  // Packing works within halves: fours of channels lie as 0 2 | 1 3 of one row, then of the next.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
#pragma GCC unroll 3
  for (int r = 0; r < R; r += 2) {
    const int next = r + 1 < R ? r + 1 : r;
    const __m256i packed =
        _mm256_packus_epi16(quantizer.shorts(low[r], high[r]), quantizer.shorts(low[next], high[next]));
    const __m256i rows = _mm256_permutevar8x32_epi32(packed, order);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + r * b.to_step), _mm256_castsi256_si128(rows));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + next * b.to_step), _mm256_extracti128_si256(rows, 1));
  }
}

#endif

}  // namespace qrules::avx2
