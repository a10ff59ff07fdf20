#include <qrules/lowerings/avx512/product_tiles.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>

#include <qrules/lowerings/avx512/requantize.h>

namespace qrules::avx512 {
namespace {

constexpr int64_t kShare = 16;

// Integers of C shares of a row become bytes, `count` of which are stored.
template <int C, bool kBounded>
QRULES_AVX512_INLINE void store_bytes(const __m512i (&integers)[C], const Requantization& to, int64_t count,
                                      char* out) {
  if constexpr (C == 4) {
    const __m512i bytes =
        Bytes64::to_bytes(Bytes64::to_shorts(integers[0], integers[1]), Bytes64::to_shorts(integers[2], integers[3]));
    Bytes64::store(out, finish_bytes<kBounded>(bytes, to));
  } else if constexpr (C == 2) {
    const __m512i shorts = _mm512_max_epi16(Bytes64::to_shorts(integers[0], integers[1]), _mm512_setzero_si512());
    const __m512i bytes = _mm512_castsi256_si512(_mm512_cvtusepi16_epi8(shorts));
    const __m256i results = _mm512_castsi512_si256(finish_bytes<kBounded>(bytes, to));
    if (count == Bytes32::kSize) {
      Bytes32::store(out, results);
    } else {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(results));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(out + kShare), _mm256_extracti128_si256(results, 1));
    }
  } else {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), finish_share<kBounded>(integers[0], to));
  }
}

// Integers of one share of four rows, of which each lane of the packed bytes has a quarter.
template <bool kBounded>
QRULES_AVX512_INLINE void store_four_rows(const __m512i (&integers)[4], const Requantization& to, char* out,
                                          int64_t step) {
  const __m512i packed =
      Bytes64::to_bytes(Bytes64::to_shorts(integers[0], integers[1]), Bytes64::to_shorts(integers[2], integers[3]));
  const __m512i by_rows = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i rows = finish_bytes<kBounded>(_mm512_permutexvar_epi32(by_rows, packed), to);
  if (step == kShare) return Bytes64::store(out, rows);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_castsi512_si128(rows));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + step), _mm512_extracti32x4_epi32(rows, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * step), _mm512_extracti32x4_epi32(rows, 2));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * step), _mm512_extracti32x4_epi32(rows, 3));
}

// What follows the sums. All but `saturated` have bounds.
enum class Finish : uint8_t { saturated, bounded, tail, addend, real, real_addend };

// `count` bytes of C shares, each of four channels in every lane, as floats.
template <int C>
QRULES_AVX512_INLINE void load_bytes(const char* from, int64_t count, uint8_t flip, __m512 (&to)[C]) {
  const __m512i zero = _mm512_setzero_si512();
  if constexpr (C == 4) {
    const __m512i bytes = Bytes64::exclusive_or(Bytes64::load(from), Bytes64::every(static_cast<int8_t>(flip))),
                  low = Bytes64::low_bytes(bytes, zero), high = Bytes64::high_bytes(bytes, zero);
    to[0] = Bytes64::to_floats(Bytes64::low_pairs(low, zero));
    to[1] = Bytes64::to_floats(Bytes64::high_pairs(low, zero));
    to[2] = Bytes64::to_floats(Bytes64::low_pairs(high, zero));
    to[3] = Bytes64::to_floats(Bytes64::high_pairs(high, zero));
  } else if constexpr (C == 2) {
    const __m512i shorts = _mm512_cvtepu8_epi16(
        Bytes32::exclusive_or(Bytes32::load_first(from, count), Bytes32::every(static_cast<int8_t>(flip))));
    to[0] = Bytes64::to_floats(Bytes64::low_pairs(shorts, zero));
    to[1] = Bytes64::to_floats(Bytes64::high_pairs(shorts, zero));
  } else {
    const __m128i bytes =
        _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), _mm_set1_epi8(static_cast<char>(flip)));
    to[0] = Bytes64::to_floats(_mm512_cvtepu8_epi32(bytes));
  }
}

// Adds the products of R rows of `depth` activations, which begin at row_at(r), with a run's weights; these are passed
// over.
template <int R, int C, typename RowAt>
QRULES_AVX512_VNNI_INLINE void add_run(__m512i (&sums)[R][C], int64_t depth, const RowAt& row_at,
                                       const int8_t*& weights) {
  for (int64_t k = 0; k < depth; k += 4, weights += int64_t{64} * C) {
    __m512i w[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) w[c] = Bytes64::load(weights + int64_t{64} * c);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      int32_t four;
      std::memcpy(&four, row_at(r) + k, sizeof four);
      const __m512i quad = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[r][c] = Bytes64::dot(sums[r][c], quad, w[c]);
    }
  }
}

template <int R, int C, Finish kFinish, bool kWindows>
QRULES_AVX512_VNNI void multiply_tile(const PanelRows& p, int64_t count, int64_t first) {
  const int64_t out = first * p.out_step;
  __m512i sums[R][C];
#pragma GCC unroll 24
  for (int i = 0; i < R * C; ++i) sums[i / C][i % C] = Bytes64::load(p.start + kShare * (i % C));
  const int8_t* weights = p.weights;
  if constexpr (kWindows) {
    for (int64_t run = 0; run < p.run_count; ++run) {
      const uint8_t* rows[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) rows[r] = p.x + p.starts[first + r] + p.runs[run];
      add_run(
          sums, p.depth, [&](int r) { return rows[r]; }, weights);
    }
  } else {
    const uint8_t* x = p.x + first * p.x_step;
    add_run(
        sums, p.depth, [&](int r) { return x + r * p.x_step; }, weights);
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
  const auto integers_of = [&](int r, __m512i(&integers)[C]) QRULES_AVX512_VNNI {
    if constexpr (kFinish == Finish::addend) {
      __m512 other[C];
      load_bytes<C>(p.other + out + r * p.out_step, count, p.to->other_flip, other);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        const __m512 v = Bytes64::multiply_add(Bytes64::to_floats(sums[r][c]), factor[c], offset[c]);
        integers[c] = Bytes64::to_integers(Bytes64::multiply_add(other[c], Bytes64::every(p.to->other_factor), v));
      }
    } else {
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c)
        integers[c] = rescale<Bytes64, kFinish == Finish::tail>(sums[r][c], factor[c], offset[c], *p.to);
    }
  };
  constexpr bool kBounded = kFinish != Finish::saturated;
  constexpr int kByFours = C == 1 ? R / 4 * 4 : 0;
#pragma GCC unroll 2
  for (int r = 0; r < kByFours; r += 4) {
    __m512i integers[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      __m512i of_row[C];
      integers_of(r + i, of_row);
      integers[i] = of_row[0];
    }
    store_four_rows<kBounded>(integers, *p.to, p.out + out + r * p.out_step, p.out_step);
  }
#pragma GCC unroll 6
  for (int r = kByFours; r < R; ++r) {
    __m512i integers[C];
    integers_of(r, integers);
    store_bytes<C, kBounded>(integers, *p.to, count, p.out + out + r * p.out_step);
  }
}

using MultiplyTile = void (*)(const PanelRows&, int64_t, int64_t);

constexpr int64_t kNarrowTileRows = 8;  // of one share

// Of one row and more.
template <int C, Finish kFinish, bool kWindows>
constexpr std::array<MultiplyTile, kTileRows> kOfRows = {
    multiply_tile<1, C, kFinish, kWindows>, multiply_tile<2, C, kFinish, kWindows>,
    multiply_tile<3, C, kFinish, kWindows>, multiply_tile<4, C, kFinish, kWindows>,
    multiply_tile<5, C, kFinish, kWindows>, multiply_tile<6, C, kFinish, kWindows>};

template <Finish kFinish, bool kWindows>
void multiply_tiles(const PanelRows& p, const Panel& panel) {
  const int64_t width = panel.width;
  const auto& tiles = width == 64   ? kOfRows<4, kFinish, kWindows>
                      : width == 32 ? kOfRows<2, kFinish, kWindows>
                                    : kOfRows<1, kFinish, kWindows>;
  int64_t m = 0;
  if (width == kShare) {
    for (; m + kNarrowTileRows <= p.rows; m += kNarrowTileRows)
      multiply_tile<kNarrowTileRows, 1, kFinish, kWindows>(p, panel.count, m);
  }
  for (; m < p.rows; m += kTileRows) {
    const int64_t rows = std::min(kTileRows, p.rows - m);
    tiles[static_cast<size_t>(rows - 1)](p, panel.count, m);
  }
}

template <bool kWindows>
void multiply(const PanelRows& p, const Panel& panel) {
  const bool saturates = p.to->lowest == 0 && p.to->highest == 255 && p.to->flip == 0;
  if (p.to->is_real)
    p.other ? multiply_tiles<Finish::real_addend, kWindows>(p, panel)
            : multiply_tiles<Finish::real, kWindows>(p, panel);
  else if (p.other)
    multiply_tiles<Finish::addend, kWindows>(p, panel);
  else if (p.to->tail)
    multiply_tiles<Finish::tail, kWindows>(p, panel);
  else
    saturates ? multiply_tiles<Finish::saturated, kWindows>(p, panel)
              : multiply_tiles<Finish::bounded, kWindows>(p, panel);
}

}  // namespace

std::vector<Panel> panels_of(int64_t channels, ShareOrder order) {
  std::vector<Panel> panels;
  int64_t packed = 0;
  for (int64_t c = 0; c < channels;) {
    const int64_t left = channels - c;
    const bool is_short = left == 24 && order == ShareOrder::packing;
    const int64_t width = left >= 64 ? 64 : left >= 32 || is_short ? 32 : 16, count = is_short ? left : width;
    const int64_t first = std::min(c, channels - count);
    panels.push_back({order, first, width, count, packed});
    packed += width;
    c = first + count;
  }
  return panels;
}

int64_t channel_at(const Panel& panel, int64_t share, int64_t element) {
  const int64_t of_a_lane = panel.width / 4;
  if (panel.order == ShareOrder::channels) return share * kShare + element;
  const int64_t channel = panel.width == kShare ? element : element / 4 * of_a_lane + share * 4 + element % 4;
  return channel < panel.count ? channel : -1;
}

void pack_panel(const int8_t* weights, int64_t depth, const Panel& panel, int8_t* to) {
  for (int64_t k = 0; k < depth; k += 4) {
    for (int64_t share = 0; share < panel.width / kShare; ++share) {
      for (int64_t element = 0; element < kShare; ++element, to += 4) {
        const int64_t channel = channel_at(panel, share, element);
        if (channel < 0)
          std::memset(to, 0, 4);
        else
          std::memcpy(to, weights + (panel.first + channel) * depth + k, 4);
      }
    }
  }
}

void multiply_panel(const PanelRows& p, const Panel& panel) {
  p.runs ? multiply<true>(p, panel) : multiply<false>(p, panel);
}

}  // namespace qrules::avx512

#endif
