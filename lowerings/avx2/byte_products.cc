#include <qrules/lowerings/avx2/byte_products.h>

#if defined(__x86_64__)

#include <algorithm>
#include <bit>
#include <cstring>

#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {
namespace {

constexpr int kLargestPair = 256;

// One four of activations of a row by 16 channels.
struct Fours {
  __m256i low, high, ones;

  QRULES_AVX2_INLINE explicit Fours(const int8_t* weights)
      : low(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights))),
        high(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights + 32))),
        ones(_mm256_set1_epi16(1)) {}
  QRULES_AVX2_INLINE void add(uint32_t four, __m256i& to_low, __m256i& to_high) const {
    const __m256i x = _mm256_set1_epi32(static_cast<int32_t>(four));
    to_low = _mm256_add_epi32(to_low, _mm256_madd_epi16(_mm256_maddubs_epi16(x, low), ones));
    to_high = _mm256_add_epi32(to_high, _mm256_madd_epi16(_mm256_maddubs_epi16(x, high), ones));
  }
};

template <int R>
QRULES_AVX2 void sum_rows(const uint8_t* activations, const int64_t* starts, const Runs& runs, const int8_t* panel,
                          const Extra* extras, int64_t extra_count, int32_t* sums) {
  __m256i low[R], high[R];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) low[r] = high[r] = _mm256_setzero_si256();
  const int8_t* weights = panel;
  for (const int64_t offset : runs.offsets) {
    const uint8_t* row[R];
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) row[r] = activations + starts[r] + offset;
    for (int64_t k = 0; k < runs.length; k += 4, weights += 4 * kTileChannels) {
      const Fours fours(weights);
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        uint32_t four;
        std::memcpy(&four, row[r] + k, sizeof(four));
        fours.add(four, low[r], high[r]);
      }
    }
  }
  for (int64_t i = 0; i < extra_count; ++i) {
    const Fours fours(panel + extras[i].weights);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) fours.add(extras[i].rows[r], low[r], high[r]);
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + r * kTileChannels), low[r]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + r * kTileChannels + 8), high[r]);
  }
}

// The four at `from`, which may end a row: no more than its bytes are touched.
bool halve_pairs_of_four(const uint8_t* from, uint8_t* to, uint8_t* rest) {
  bool any = false;
  for (int i = 0; i < 4; i += 2) {
    const bool above = from[i] + from[i + 1] > kLargestPair;
    any = any || above;
    for (int j = i; j < i + 2; ++j) {
      to[j] = above ? static_cast<uint8_t>(from[j] / 2) : from[j];
      rest[j] = static_cast<uint8_t>(from[j] - to[j]);
    }
  }
  return any;
}

QRULES_AVX2 bool halve_pairs_avx2(const uint8_t* from, int64_t count, uint8_t* to, uint8_t* rest, uint8_t* marks) {
  const __m256i ones = _mm256_set1_epi8(1), largest = _mm256_set1_epi16(kLargestPair);
  const __m256i low_bits = _mm256_set1_epi8(0x7f);
  bool any = false;
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    const __m256i above = _mm256_cmpgt_epi16(_mm256_maddubs_epi16(x, ones), largest);
    uint64_t eight_marks = 0;
    __m256i kept = x;
    if (!_mm256_testz_si256(above, above)) {
      const __m256i half = _mm256_and_si256(_mm256_srli_epi16(x, 1), low_bits);
      kept = _mm256_blendv_epi8(x, half, above);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(rest + i), _mm256_sub_epi8(x, kept));
      const auto without = static_cast<uint32_t>(_mm256_movemask_ps(
          _mm256_castsi256_ps(_mm256_cmpeq_epi32(above, _mm256_setzero_si256()))));
      for (uint32_t bit = 0; bit < 8; ++bit) eight_marks |= uint64_t{(~without >> bit) & 1} << (8 * bit);
      any = true;
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), kept);
    std::memcpy(marks + i / 4, &eight_marks, sizeof(eight_marks));
  }
  for (; i < count; i += 4) {
    const bool marked = halve_pairs_of_four(from + i, to + i, rest + i);
    marks[i / 4] = marked ? 1 : 0;
    any = any || marked;
  }
  return any;
}

// Bit i: one of the rows has a mark at fours[r] + i.
QRULES_AVX2 uint32_t sixteen_marks(int64_t rows, const uint8_t* marks, const int64_t* fours) {
  __m128i any = _mm_setzero_si128();
  for (int64_t r = 0; r < rows; ++r)
    any = _mm_or_si128(any, _mm_loadu_si128(reinterpret_cast<const __m128i*>(marks + fours[r])));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpgt_epi8(any, _mm_setzero_si128())));
}

}  // namespace

void pack_byte_panels(const int8_t* weights, int64_t channels, const Runs& runs, int8_t* panels) {
  const int64_t count = static_cast<int64_t>(runs.offsets.size());
  for (int64_t first = 0; first < channels; first += kTileChannels) {
    for (int64_t run = 0; run < count; ++run) {
      for (int64_t k = 0; k < runs.length; k += 4) {
        for (int64_t c = first; c < first + kTileChannels; ++c, panels += 4) {
          if (c < channels)
            std::memcpy(panels, weights + (c * count + run) * runs.length + k, 4);
          else
            std::memset(panels, 0, 4);
        }
      }
    }
  }
}

bool halve_pairs(const uint8_t* from, int64_t count, uint8_t* to, uint8_t* rest, uint8_t* marks) {
  return halve_pairs_avx2(from, count, to, rest, marks);
}

int64_t find_extras(int64_t rows, const int64_t* starts, const Runs& runs, const uint8_t* rest, const uint8_t* marks,
                    Extra* extras) {
  const int64_t fours = runs.length / 4;
  int64_t count = 0;
  int64_t first = 0;  // of the run, in fours
  for (const int64_t offset : runs.offsets) {
    int64_t at[kTileRows];
    for (int64_t i = 0; i < fours; i += 16) {
      for (int64_t r = 0; r < rows; ++r) at[r] = (starts[r] + offset) / 4 + i;
      uint32_t marked = sixteen_marks(rows, marks, at);
      if (fours - i < 16) marked &= (1u << (fours - i)) - 1;
      for (; marked != 0; marked &= marked - 1) {
        const int bit = std::countr_zero(marked);
        Extra& extra = extras[count++];
        extra.weights = (first + i + bit) * 4 * kTileChannels;
        for (int64_t r = 0; r < rows; ++r) {
          extra.rows[r] = 0;
          if (marks[at[r] + bit] != 0) std::memcpy(&extra.rows[r], rest + 4 * (at[r] + bit), 4);
        }
      }
    }
    first += fours;
  }
  return count;
}

void sum_byte_tile(int64_t rows, const uint8_t* activations, const int64_t* starts, const Runs& runs,
                   const int8_t* panel, const Extra* extras, int64_t extra_count, int32_t* sums) {
  switch (rows) {
    case 1: return sum_rows<1>(activations, starts, runs, panel, extras, extra_count, sums);
    case 2: return sum_rows<2>(activations, starts, runs, panel, extras, extra_count, sums);
    case 3: return sum_rows<3>(activations, starts, runs, panel, extras, extra_count, sums);
    case 4: return sum_rows<4>(activations, starts, runs, panel, extras, extra_count, sums);
    case 5: return sum_rows<5>(activations, starts, runs, panel, extras, extra_count, sums);
    default: return sum_rows<6>(activations, starts, runs, panel, extras, extra_count, sums);
  }
}

}  // namespace qrules::avx2

#endif
