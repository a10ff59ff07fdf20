#include <qrules/lowerings/avx512/product_tiles.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>

#include <qrules/lowerings/avx512/requantize.h>

namespace qrules::avx512 {
namespace {

constexpr int64_t kShare = 16;

// Integers of C shares of a row become bytes.
template <int C>
QRULES_AVX512_INLINE void store_bytes(const __m512i (&integers)[C], const Requantization& to, char* out) {
  if constexpr (C == 4) {
    const __m512i bytes =
        Bytes64::to_bytes(Bytes64::to_shorts(integers[0], integers[1]), Bytes64::to_shorts(integers[2], integers[3]));
    const __m512i bounded = Bytes64::bound(bytes, Bytes64::every(static_cast<int8_t>(to.lowest)),
                                           Bytes64::every(static_cast<int8_t>(to.highest)));
    Bytes64::store(out, Bytes64::exclusive_or(bounded, Bytes64::every(static_cast<int8_t>(to.flip))));
  } else if constexpr (C == 2) {
    const __m512i shorts = _mm512_max_epi16(Bytes64::to_shorts(integers[0], integers[1]), _mm512_setzero_si512());
    const __m256i bounded =
        Bytes32::bound(_mm512_cvtusepi16_epi8(shorts), Bytes32::every(static_cast<int8_t>(to.lowest)),
                       Bytes32::every(static_cast<int8_t>(to.highest)));
    Bytes32::store(out, Bytes32::exclusive_or(bounded, Bytes32::every(static_cast<int8_t>(to.flip))));
  } else {
    const __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(integers[0], _mm512_setzero_si512()));
    const __m128i bounded = _mm_min_epu8(_mm_max_epu8(bytes, _mm_set1_epi8(static_cast<char>(to.lowest))),
                                         _mm_set1_epi8(static_cast<char>(to.highest)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm_xor_si128(bounded, _mm_set1_epi8(static_cast<char>(to.flip))));
  }
}

// What follows the sums besides bounds.
enum class Finish : uint8_t { nothing, tail, addend, real, real_addend };

// Bytes of C shares, each of four channels in every lane, as floats.
template <int C>
QRULES_AVX512_INLINE void load_bytes(const char* from, uint8_t flip, __m512 (&to)[C]) {
  const __m512i zero = _mm512_setzero_si512();
  if constexpr (C == 4) {
    const __m512i bytes = Bytes64::exclusive_or(Bytes64::load(from), Bytes64::every(static_cast<int8_t>(flip))),
                  low = Bytes64::low_bytes(bytes, zero), high = Bytes64::high_bytes(bytes, zero);
    to[0] = Bytes64::to_floats(Bytes64::low_pairs(low, zero));
    to[1] = Bytes64::to_floats(Bytes64::high_pairs(low, zero));
    to[2] = Bytes64::to_floats(Bytes64::low_pairs(high, zero));
    to[3] = Bytes64::to_floats(Bytes64::high_pairs(high, zero));
  } else if constexpr (C == 2) {
    const __m512i shorts =
        _mm512_cvtepu8_epi16(Bytes32::exclusive_or(Bytes32::load(from), Bytes32::every(static_cast<int8_t>(flip))));
    to[0] = Bytes64::to_floats(Bytes64::low_pairs(shorts, zero));
    to[1] = Bytes64::to_floats(Bytes64::high_pairs(shorts, zero));
  } else {
    const __m128i bytes =
        _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), _mm_set1_epi8(static_cast<char>(flip)));
    to[0] = Bytes64::to_floats(_mm512_cvtepu8_epi32(bytes));
  }
}

template <int R, int C, Finish kFinish>
QRULES_AVX512_VNNI void multiply_tile(const PanelRows& p, const uint8_t* x, int64_t out) {
  __m512i sums[R][C];
#pragma GCC unroll 24
  for (int i = 0; i < R * C; ++i) sums[i / C][i % C] = Bytes64::load(p.start + kShare * (i % C));
  const int8_t* weights = p.weights;
  for (int64_t k = 0; k < p.depth; k += 4, weights += int64_t{64} * C) {
    __m512i w[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) w[c] = Bytes64::load(weights + int64_t{64} * c);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      int32_t four;
      std::memcpy(&four, x + r * p.x_step + k, sizeof four);
      const __m512i quad = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[r][c] = Bytes64::dot(sums[r][c], quad, w[c]);
    }
  }
  __m512 factor[C], offset[C];
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) {
    factor[c] = _mm512_loadu_ps(p.factor + c * kShare);
    offset[c] = _mm512_loadu_ps(p.offset + c * kShare);
  }
  if constexpr (kFinish == Finish::real || kFinish == Finish::real_addend) {
    const __m512 least = _mm512_set1_ps(p.to->least);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const int64_t row = out + r * p.out_step;
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const int64_t at = row + c * kShare * static_cast<int64_t>(sizeof(float));
        __m512 v = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[r][c]), factor[c], offset[c]);
        if constexpr (kFinish == Finish::real_addend) v = _mm512_add_ps(v, _mm512_loadu_ps(p.other + at));
        _mm512_storeu_ps(p.out + at, _mm512_max_ps(least, v));  // NaN stays: it is the second operand
      }
    }
    return;
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    __m512i integers[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      if constexpr (kFinish != Finish::addend)
        integers[c] = rescale<Bytes64, kFinish == Finish::tail>(sums[r][c], factor[c], offset[c], *p.to);
    }
    if constexpr (kFinish == Finish::addend) {
      __m512 other[C];
      load_bytes<C>(p.other + out + r * p.out_step, p.to->other_flip, other);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const __m512 v = Bytes64::multiply_add(Bytes64::to_floats(sums[r][c]), factor[c], offset[c]);
        integers[c] = Bytes64::to_integers(Bytes64::multiply_add(other[c], Bytes64::every(p.to->other_factor), v));
      }
    }
    store_bytes<C>(integers, *p.to, p.out + out + r * p.out_step);
  }
}

using MultiplyTile = void (*)(const PanelRows&, const uint8_t*, int64_t);

// Of one to six rows.
template <int C, Finish kFinish>
constexpr std::array<MultiplyTile, kTileRows> kOfRows = {multiply_tile<1, C, kFinish>, multiply_tile<2, C, kFinish>,
                                                         multiply_tile<3, C, kFinish>, multiply_tile<4, C, kFinish>,
                                                         multiply_tile<5, C, kFinish>, multiply_tile<6, C, kFinish>};

template <Finish kFinish>
const std::array<MultiplyTile, kTileRows>& tiles_of(int64_t width) {
  return width == 64 ? kOfRows<4, kFinish> : width == 32 ? kOfRows<2, kFinish> : kOfRows<1, kFinish>;
}

}  // namespace

std::vector<Panel> panels_of(int64_t channels, ShareOrder order) {
  std::vector<Panel> panels;
  int64_t packed = 0;
  for (int64_t c = 0; c < channels;) {
    const int64_t left = channels - c, width = left >= 64 ? 64 : left >= 32 ? 32 : 16;
    const int64_t first = std::min(c, channels - width);
    panels.push_back({order, first, width, packed});
    packed += width;
    c = first + width;
  }
  return panels;
}

int64_t channel_at(const Panel& panel, int64_t share, int64_t element) {
  const int64_t of_a_lane = panel.width / 4;
  if (panel.order == ShareOrder::channels) return share * kShare + element;
  return panel.width == kShare ? element : element / 4 * of_a_lane + share * 4 + element % 4;
}

void pack_panel(const int8_t* weights, int64_t depth, const Panel& panel, int8_t* to) {
  for (int64_t k = 0; k < depth; k += 4) {
    for (int64_t share = 0; share < panel.width / kShare; ++share) {
      for (int64_t element = 0; element < kShare; ++element, to += 4)
        std::memcpy(to, weights + (panel.first + channel_at(panel, share, element)) * depth + k, 4);
    }
  }
}

void multiply_panel(const PanelRows& p, int64_t width) {
  const auto& tiles = p.to->is_real && p.other ? tiles_of<Finish::real_addend>(width)
                      : p.to->is_real          ? tiles_of<Finish::real>(width)
                      : p.other                ? tiles_of<Finish::addend>(width)
                      : p.to->tail             ? tiles_of<Finish::tail>(width)
                                               : tiles_of<Finish::nothing>(width);
  for (int64_t m = 0; m < p.rows; m += kTileRows) {
    const int64_t rows = std::min(kTileRows, p.rows - m);
    tiles[static_cast<size_t>(rows - 1)](p, p.x + m * p.x_step, m * p.out_step);
  }
}

}  // namespace qrules::avx512

#endif
