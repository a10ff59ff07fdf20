#include <qrules/lowerings/avx2/byte_products.h>

#if defined(__x86_64__)

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {
namespace {

// One four of activations of a row by 16 channels.
template <Bytes kBytes>
struct Fours {
  const int8_t* weights;
  __m256i low, ones;

  QRULES_AVX2_INLINE explicit Fours(const int8_t* from)
      : weights(from), low(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))), ones(_mm256_set1_epi16(1)) {}
  QRULES_AVX2_INLINE void add(uint32_t four, __m256i& to_low, __m256i& to_high) const {
    const __m256i x = _mm256_set1_epi32(static_cast<int32_t>(four));
    __m256i low_pairs, high_pairs;
    if constexpr (kBytes == Bytes::raw) {
      low_pairs = _mm256_maddubs_epi16(x, low);
      // From memory: the compiler would load it once for all rows, into a register that the sums need. Centred weights
      // are the first operand, which cannot be in memory.
      asm("vpmaddubsw %2, %1, %0" : "=x"(high_pairs) : "x"(x), "m"(*reinterpret_cast<const __m256i_u*>(weights + 32)));
    } else {
      low_pairs = _mm256_maddubs_epi16(low, x);
      high_pairs = _mm256_maddubs_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights + 32)), x);
    }
    to_low = _mm256_add_epi32(to_low, _mm256_madd_epi16(low_pairs, ones));
    to_high = _mm256_add_epi32(to_high, _mm256_madd_epi16(high_pairs, ones));
  }
};

// What the sums of a tile's rows by a panel start from.
template <Bytes kBytes, int R>
QRULES_AVX2_INLINE void start_sums(const Runs& runs, const int8_t* panel, const ByteTile& tile, __m256i* low,
                                   __m256i* high) {
  if (kBytes == Bytes::raw && tile.weight_factor == 0) {
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) low[r] = high[r] = _mm256_setzero_si256();
    return;
  }
  const __m256i factor = _mm256_set1_epi32(tile.weight_factor);
  const auto* weight_sums = reinterpret_cast<const __m256i*>(panel + runs.panel_weights);
  const __m256i first[2] = {_mm256_mullo_epi32(_mm256_loadu_si256(weight_sums), factor),
                            _mm256_mullo_epi32(_mm256_loadu_si256(weight_sums + 1), factor)};
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    low[r] = first[0];
    high[r] = first[1];
    if constexpr (kBytes == Bytes::centred) {
      const __m256i row = _mm256_slli_epi32(_mm256_set1_epi32(tile.row_sums[r]), 7);
      low[r] = _mm256_sub_epi32(low[r], row);
      high[r] = _mm256_sub_epi32(high[r], row);
    }
  }
}

template <Bytes kBytes, int R>
QRULES_AVX2 void sum_rows(const uint8_t* kept, const int64_t* starts, const Runs& runs, const int8_t* panel,
                          int64_t panels, const ByteTile& tile, const TileTarget& target) {
  for (int64_t index = 0; index < panels; ++index, panel += byte_panel_bytes(runs)) {
    __m256i low[R], high[R];
    start_sums<kBytes, R>(runs, panel, tile, low, high);
    for (const Runs::Run& run : runs.runs) {
      const int8_t* weights = panel + run.weights;
      const uint8_t* row[R];
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) row[r] = kept + starts[r] + run.offset;
      for (int64_t k = 0; k < runs.length; k += 4, weights += 4 * kTileChannels) {
        const Fours<kBytes> fours(weights);
#pragma GCC unroll 6
        for (int r = 0; r < R; ++r) {
          uint32_t four;
          std::memcpy(&four, row[r] + k, sizeof(four));
          fours.add(four, low[r], high[r]);
        }
      }
    }
    for (int64_t i = 0; i < tile.extra_count; ++i) {
      const Extra& extra = tile.extras[i];
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) Fours<kBytes>(panel + extra.weights[r]).add(extra.fours[r], low[r], high[r]);
    }
    store_tile<R>(target, index, low, high);
  }
}

// Sixteen bytes in 16 bits: activations are s8 when they are centred and u8 else, weights the other way round.
template <bool kSigned>
QRULES_AVX2_INLINE __m256i widen(__m128i bytes) {
  return kSigned ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

// Adds the products of R <= 3 rows in 16 bits: a vector has four channels, and of each two sums of pairs.
template <Bytes kBytes, int R>
QRULES_AVX2_INLINE void add_words(const uint8_t* whole, const int64_t* starts, const Runs& runs, const int8_t* panel,
                                  __m256i* low, __m256i* high) {
  constexpr bool kCentred = kBytes == Bytes::centred;
  __m256i sums[R][4];
#pragma GCC unroll 12
  for (int i = 0; i < 4 * R; ++i) sums[i / 4][i % 4] = _mm256_setzero_si256();
  for (const Runs::Run& run : runs.runs) {
    const int8_t* weights = panel + run.weights;
    for (int64_t k = 0; k < runs.length; k += 4, weights += 4 * kTileChannels) {
      __m256i x[R];
#pragma GCC unroll 3
      for (int r = 0; r < R; ++r) {
        int32_t four;
        std::memcpy(&four, whole + starts[r] + run.offset + k, sizeof(four));
        x[r] = widen<kCentred>(_mm_set1_epi32(four));
      }
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) {
        const __m256i w = widen<!kCentred>(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights) + c));
#pragma GCC unroll 3
        for (int r = 0; r < R; ++r) sums[r][c] = _mm256_add_epi32(sums[r][c], _mm256_madd_epi16(x[r], w));
      }
    }
  }
#pragma GCC unroll 3
  for (int r = 0; r < R; ++r) {
    // Adding neighbours works within halves: pairs of channels 0 2 | 1 3, put in order as quarters.
    constexpr int kOrder = _MM_SHUFFLE(3, 1, 2, 0);
    low[r] = _mm256_add_epi32(low[r], _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[r][0], sums[r][1]), kOrder));
    high[r] = _mm256_add_epi32(high[r], _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[r][2], sums[r][3]), kOrder));
  }
}

template <Bytes kBytes, int R>
QRULES_AVX2 void sum_rows_in_words(const uint8_t* whole, const int64_t* starts, const Runs& runs, const int8_t* panel,
                                   int64_t panels, const ByteTile& tile, const TileTarget& target) {
  for (int64_t index = 0; index < panels; ++index, panel += byte_panel_bytes(runs)) {
    __m256i low[R], high[R];
    start_sums<kBytes, R>(runs, panel, tile, low, high);
    add_words<kBytes, (R < 3 ? R : 3)>(whole, starts, runs, panel, low, high);
    if constexpr (R > 3) add_words<kBytes, R - 3>(whole, starts + 3, runs, panel, low + 3, high + 3);
    store_tile<R>(target, index, low, high);
  }
}

// The four at `from`, which may end a row: no more than its bytes are touched.
template <Bytes kBytes>
bool halve_pairs_of_four(const uint8_t* from, uint8_t flip, const int16_t* limits, uint8_t* whole, uint8_t* kept) {
  bool any = false;
  for (int i = 0; i < 4; i += 2) {
    int values[2], sum = 0;
    for (int j = 0; j < 2; ++j) {
      const int raw = from[i + j] ^ flip;
      values[j] = kBytes == Bytes::raw ? raw : raw - kCentre;
      sum += std::abs(values[j]);
    }
    const bool above = sum > limits[i / 2];
    any = any || above;
    for (int j = 0; j < 2; ++j) {
      whole[i + j] = static_cast<uint8_t>(values[j]);
      kept[i + j] = static_cast<uint8_t>(above ? values[j] >> 1 : values[j]);
    }
  }
  return any;
}

template <Bytes kBytes>
QRULES_AVX2 bool halve_pairs_avx2(const uint8_t* from, int64_t count, uint8_t flip, const PairLimits& limits,
                                  uint8_t* whole, uint8_t* kept, uint8_t* marks) {
  constexpr bool kCentred = kBytes == Bytes::centred;
  const __m256i ones = _mm256_set1_epi8(1);
  const __m256i low_bits = _mm256_set1_epi8(0x7f), half_centre = _mm256_set1_epi8(kCentred ? kCentre / 2 : 0);
  const __m256i flips = _mm256_set1_epi8(static_cast<char>(flip ^ (kCentred ? 0x80 : 0)));
  const __m256i unflips = _mm256_set1_epi8(static_cast<char>(kCentred ? 0x80 : 0));
  bool any = false;
  int64_t i = 0, phase = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i largest = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(limits.limits + phase / 2));
    phase = phase + 32 == limits.period ? 0 : phase + 32;
    const __m256i x = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)), flips);
    const __m256i sums = _mm256_maddubs_epi16(kCentred ? _mm256_abs_epi8(x) : x, ones);
    const __m256i above = _mm256_cmpgt_epi16(sums, largest);
    uint64_t eight_marks = 0;
    __m256i halved = x;
    if (!_mm256_testz_si256(above, above)) {
      // Halves of the u8, from which half of the centre is taken away.
      const __m256i half =
          _mm256_sub_epi8(_mm256_and_si256(_mm256_srli_epi16(_mm256_xor_si256(x, unflips), 1), low_bits), half_centre);
      halved = _mm256_blendv_epi8(x, half, above);
      const auto without = static_cast<uint32_t>(
          _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(above, _mm256_setzero_si256()))));
      for (uint32_t bit = 0; bit < 8; ++bit) eight_marks |= uint64_t{(~without >> bit) & 1} << (8 * bit);
      any = true;
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(whole + i), x);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(kept + i), halved);
    std::memcpy(marks + i / 4, &eight_marks, sizeof(eight_marks));
  }
  for (; i < count; i += 4, phase += 4) {
    const bool marked = halve_pairs_of_four<kBytes>(from + i, flip, limits.limits + phase / 2, whole + i, kept + i);
    marks[i / 4] = marked ? 1 : 0;
    any = any || marked;
  }
  return any;
}

// The other halves of four activations, each in its byte.
uint32_t rest_of(const uint8_t* whole, const uint8_t* kept) {
  int32_t a, b;
  std::memcpy(&a, whole, sizeof(a));
  std::memcpy(&b, kept, sizeof(b));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_sub_epi8(_mm_cvtsi32_si128(a), _mm_cvtsi32_si128(b))));
}

// Bit i: one of the rows has a mark at fours[r] + i.
QRULES_AVX2_INLINE uint32_t marks_of_rows(int64_t rows, const uint8_t* marks, const int64_t* fours) {
  static_assert(kMarksAtOnce == 32);
  __m256i any = _mm256_setzero_si256();
  for (int64_t r = 0; r < rows; ++r)
    any = _mm256_or_si256(any, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(marks + fours[r])));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi8(any, _mm256_setzero_si256())));
}

// The sum of `count` s8, a multiple of 4.
QRULES_AVX2 int32_t sum_s8(const uint8_t* from, int64_t count) {
  const __m256i ones = _mm256_set1_epi8(1), wide_ones = _mm256_set1_epi16(1);
  __m256i sums = _mm256_setzero_si256();
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(ones, x), wide_ones));
  }
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  for (; i + 4 <= count; i += 4) {
    int32_t bytes;
    std::memcpy(&bytes, from + i, sizeof(bytes));
    const __m128i pairs = _mm_maddubs_epi16(_mm256_castsi256_si128(ones), _mm_cvtsi32_si128(bytes));
    four = _mm_add_epi32(four, _mm_madd_epi16(pairs, _mm256_castsi256_si128(wide_ones)));
  }
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(four);
}

}  // namespace

template <Bytes kBytes>
void pack_byte_panels(const int8_t* weights, int64_t channels, const Runs& runs, int8_t* panels) {
  const auto count = static_cast<int64_t>(runs.runs.size());
  constexpr int kShift = kBytes == Bytes::raw ? 0 : kCentre;
  for (int64_t first = 0; first < channels; first += kTileChannels) {
    int32_t sums[kTileChannels] = {};
    for (int64_t run = 0; run < count; ++run) {
      for (int64_t k = 0; k < runs.length; k += 4) {
        for (int64_t c = 0; c < kTileChannels; ++c) {
          for (int64_t i = k; i < k + 4; ++i) {
            const bool there = first + c < channels;
            const int weight = there ? weights[((first + c) * count + run) * runs.length + i] : 0;
            sums[c] += weight;
            *panels++ = static_cast<int8_t>(static_cast<uint8_t>(weight + kShift));
          }
        }
      }
    }
    std::memcpy(panels, sums, sizeof(sums));
    panels += sizeof(sums);
  }
}

template <Bytes kBytes>
bool halve_pairs(const uint8_t* from, int64_t count, uint8_t flip, const PairLimits& limits, uint8_t* whole,
                 uint8_t* kept, uint8_t* marks) {
  return halve_pairs_avx2<kBytes>(from, count, flip, limits, whole, kept, marks);
}

QRULES_AVX2 int64_t find_extras(int64_t rows, const int64_t* starts, const Runs& runs, const ByteRows& from,
                                int64_t most, Extra* extras) {
  const int64_t fours = runs.length / 4;
  int64_t counts[kTileRows] = {};  // of each row
  for (const Runs::Run& run : runs.runs) {
    int64_t at[kTileRows];
    for (int64_t i = 0; i < fours; i += kMarksAtOnce) {
      for (int64_t r = 0; r < rows; ++r) at[r] = (starts[r] + run.offset) / 4 + i;
      uint32_t marked = marks_of_rows(rows, from.marks, at);
      if (fours - i < kMarksAtOnce) marked &= (1u << (fours - i)) - 1;
      for (; marked != 0; marked &= marked - 1) {
        const int bit = std::countr_zero(marked);
        const auto weights = static_cast<int32_t>(run.weights + (i + bit) * 4 * kTileChannels);
        for (int64_t r = 0; r < rows; ++r) {
          // Written in any case, kept when the row has a mark: no branch could guess which rows do.
          const int64_t four = at[r] + bit;
          extras[counts[r]].weights[r] = weights;
          extras[counts[r]].fours[r] = rest_of(from.whole + 4 * four, from.kept + 4 * four);
          counts[r] += from.marks[four];
          if (counts[r] > most) return counts[r];
        }
      }
    }
  }
  const int64_t count = *std::max_element(counts, counts + rows);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = counts[r]; i < count; ++i) extras[i].weights[r] = 0, extras[i].fours[r] = 0;
  }
  return count;
}

void sum_centred_rows(int64_t rows, const int64_t* starts, const Runs& runs, const uint8_t* whole, int32_t* row_sums) {
  for (int64_t r = 0; r < rows; ++r) {
    row_sums[r] = 0;
    for (const Runs::Run& run : runs.runs) row_sums[r] += sum_s8(whole + starts[r] + run.offset, runs.length);
  }
}

template <Bytes kBytes>
void sum_byte_tile_in_words(int64_t rows, const uint8_t* whole, const int64_t* starts, const Runs& runs,
                            const int8_t* panel, int64_t panels, const ByteTile& tile, const TileTarget& target) {
  for_rows(rows, [&](auto r) { sum_rows_in_words<kBytes, r()>(whole, starts, runs, panel, panels, tile, target); });
}

template <Bytes kBytes>
void sum_byte_tile(int64_t rows, const uint8_t* kept, const int64_t* starts, const Runs& runs, const int8_t* panel,
                   int64_t panels, const ByteTile& tile, const TileTarget& target) {
  for_rows(rows, [&](auto r) { sum_rows<kBytes, r()>(kept, starts, runs, panel, panels, tile, target); });
}

#define QRULES_BYTE_PRODUCTS(bytes)                                                                                    \
  template void pack_byte_panels<bytes>(const int8_t*, int64_t, const Runs&, int8_t*);                                 \
  template bool halve_pairs<bytes>(const uint8_t*, int64_t, uint8_t, const PairLimits&, uint8_t*, uint8_t*, uint8_t*); \
  template void sum_byte_tile_in_words<bytes>(int64_t, const uint8_t*, const int64_t*, const Runs&, const int8_t*,     \
                                              int64_t, const ByteTile&, const TileTarget&);                            \
  template void sum_byte_tile<bytes>(int64_t, const uint8_t*, const int64_t*, const Runs&, const int8_t*, int64_t,     \
                                     const ByteTile&, const TileTarget&);
QRULES_BYTE_PRODUCTS(Bytes::raw)
QRULES_BYTE_PRODUCTS(Bytes::centred)
#undef QRULES_BYTE_PRODUCTS

}  // namespace qrules::avx2

#endif
