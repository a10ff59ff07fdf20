// A tile's sums that become u8 without leaving the registers, by the steps that epilogue.h has for them: those with a
// scale and a bias for each channel, at most an addend of eight bits, and no activation but one that bounds the
// integers. Most calls of a network are so.
#pragma once

#include <cstdint>

#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {

struct TileBytes {
  const float *scale = nullptr, *bias = nullptr;  // of each channel
  float inverse_out_scale = 1, out_zero_point = 0, highest = 255;
  uint8_t* to = nullptr;
  int64_t to_step = 0;  // bytes between rows, of an addend too
  // An addend, whose memory the result may be; null: none.
  const uint8_t* other = nullptr;
  bool other_is_signed = false;
  float other_scale = 1, other_zero_point = 0;
};

#if defined(__x86_64__)

// Eight values in units of the result as integers, of which packing to u8 makes results. NaN becomes the least of 32
// bits, as what is below them does, and so 0.
QRULES_AVX2_INLINE __m256i to_u8_range(__m256 scaled, __m256 highest) {
  // The second operand is the result for NaN.
  return _mm256_cvtps_epi32(_mm256_min_ps(highest, scaled));
}

template <bool kAdds>
struct TileQuantizer {
  const TileBytes& tile;
  __m256 scale[2], bias[2], inverse, zero_point, highest;

  QRULES_AVX2_INLINE TileQuantizer(const TileBytes& b, int64_t channel)
      : tile(b),
        scale{_mm256_loadu_ps(b.scale + channel), _mm256_loadu_ps(b.scale + channel + 8)},
        bias{_mm256_loadu_ps(b.bias + channel), _mm256_loadu_ps(b.bias + channel + 8)},
        inverse(_mm256_set1_ps(b.inverse_out_scale)),
        zero_point(_mm256_set1_ps(b.out_zero_point)),
        highest(_mm256_set1_ps(b.highest)) {}

  // The addend of eight channels.
  QRULES_AVX2_INLINE __m256 addend(const uint8_t* from) const {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    const __m256i integers = tile.other_is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
    return _mm256_mul_ps(_mm256_sub_ps(_mm256_cvtepi32_ps(integers), _mm256_set1_ps(tile.other_zero_point)),
                         _mm256_set1_ps(tile.other_scale));
  }
  template <int kHalf>
  QRULES_AVX2_INLINE __m256i quantize(__m256i sums, const uint8_t* other) const {
    __m256 value = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), scale[kHalf], bias[kHalf]);
    if constexpr (kAdds) value = _mm256_add_ps(value, addend(other + int64_t{8} * kHalf));
    return to_u8_range(_mm256_fmadd_ps(value, inverse, zero_point), highest);
  }
  // Of the sums of sixteen channels.
  QRULES_AVX2_INLINE __m256i shorts(const int32_t* sums, const uint8_t* other) const {
    const auto* halves = reinterpret_cast<const __m256i*>(sums);
    return _mm256_packs_epi32(quantize<0>(halves[0], other), quantize<1>(halves[1], other));
  }
};

// Stores R rows of sums [R][16], which lie at a multiple of 32 bytes, of the 16 channels from `channel` on. Rows of an
// addend are read before theirs are stored. No part of the loop that makes the sums, which needs all registers for
// them: this needs some for constants.
template <int R, bool kAdds>
[[gnu::noinline]] QRULES_AVX2 void store_bytes(const TileBytes& b, int64_t channel, const int32_t* sums) {
  const TileQuantizer<kAdds> quantizer(b, channel);
  uint8_t* to = b.to + channel;
  const int64_t step = b.to_step;
  const auto other = [&](int64_t r) { return kAdds ? b.other + channel + r * step : nullptr; };
  // Packing works within halves: fours of channels lie as 0 2 | 1 3 of one row, then of the next.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
#pragma GCC unroll 3
  for (int64_t r = 0; r < R; r += 2) {
    const int64_t next = r + 1 < R ? r + 1 : r;
    const __m256i packed =
        _mm256_packus_epi16(quantizer.shorts(sums + 16 * r, other(r)), quantizer.shorts(sums + 16 * next, other(next)));
    const __m256i rows = _mm256_permutevar8x32_epi32(packed, order);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + r * step), _mm256_castsi256_si128(rows));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + next * step), _mm256_extracti128_si256(rows, 1));
  }
}

#endif

}  // namespace qrules::avx2
