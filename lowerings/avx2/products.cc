#include <qrules/lowerings/avx2/products.h>

#if defined(__x86_64__)

#include <cstring>

#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {
namespace {

QRULES_AVX2_INLINE __m256i load_words(const int16_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
QRULES_AVX2_INLINE __m256i load_words(const int8_t* from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

template <typename Weight, int R>
QRULES_AVX2 void sum_rows(const int16_t* activations, const int64_t* starts, const Runs& runs, const Weight* panel,
                          int64_t panels, const TileTarget& target) {
  const int64_t pairs = runs.pairs();
  for (int64_t index = 0; index < panels; ++index, panel += runs.panel_weights) {
    __m256i low[R], high[R];
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) low[r] = high[r] = _mm256_setzero_si256();
    for (const Runs::Run& run : runs.runs) {
      const Weight* weights = panel + run.weights;
      const int16_t* row[R];
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) row[r] = activations + starts[r] + run.offset;
      for (int64_t p = 0; p < pairs; ++p) {
        const __m256i first = load_words(weights), second = load_words(weights + 16);
        weights += 32;
#pragma GCC unroll 6
        for (int r = 0; r < R; ++r) {
          int32_t pair;
          std::memcpy(&pair, row[r] + 2 * p, sizeof(pair));
          const __m256i x = _mm256_set1_epi32(pair);
          low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(x, first));
          high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(x, second));
        }
      }
    }
    store_tile<R>(target, index, low, high);
  }
}

template <typename T>
QRULES_AVX2 void widen_as(const T* from, int32_t zero_point, int64_t count, int16_t* to) {
  const __m256i shift = _mm256_set1_epi16(static_cast<int16_t>(zero_point));
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    const __m256i wide = std::is_signed_v<T> ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_sub_epi16(wide, shift));
  }
  for (; i < count; ++i) to[i] = static_cast<int16_t>(from[i] - zero_point);
}

}  // namespace

Runs Runs::of(const std::vector<int64_t>& offsets, int64_t length) {
  Runs runs;
  runs.length = length;
  for (const int64_t offset : offsets) {
    runs.runs.push_back({offset, runs.panel_weights});
    runs.panel_weights += runs.pairs() * 2 * kTileChannels;
  }
  return runs;
}

Runs Runs::part(const std::vector<size_t>& indexes, int64_t first, int64_t end) const {
  Runs part;
  part.length = end - first;
  part.panel_weights = panel_weights;
  for (const size_t i : indexes) part.runs.push_back({runs[i].offset + first, runs[i].weights + first * kTileChannels});
  return part;
}

template <typename Weight>
void pack_panels(const int8_t* weights, int64_t channels, const Runs& runs, Weight* panels) {
  const int64_t count = static_cast<int64_t>(runs.runs.size());
  for (int64_t first = 0; first < channels; first += kTileChannels) {
    for (int64_t run = 0; run < count; ++run) {
      for (int64_t p = 0; p < runs.pairs(); ++p) {
        for (int64_t c = 0; c < kTileChannels; ++c) {
          for (int64_t k = 2 * p; k < 2 * p + 2; ++k) {
            const bool there = first + c < channels && k < runs.length;
            const int weight = there ? weights[((first + c) * count + run) * runs.length + k] : 0;
            *panels++ = static_cast<Weight>(weight);
          }
        }
      }
    }
  }
}

template <typename Weight>
void sum_tile(int64_t rows, const int16_t* activations, const int64_t* starts, const Runs& runs, const Weight* panel,
              int64_t panels, const TileTarget& target) {
  for_rows(rows, [&](auto r) { sum_rows<Weight, r()>(activations, starts, runs, panel, panels, target); });
}

template void pack_panels(const int8_t*, int64_t, const Runs&, int8_t*);
template void pack_panels(const int8_t*, int64_t, const Runs&, int16_t*);
template void sum_tile(int64_t, const int16_t*, const int64_t*, const Runs&, const int8_t*, int64_t, const TileTarget&);
template void sum_tile(int64_t, const int16_t*, const int64_t*, const Runs&, const int16_t*, int64_t,
                       const TileTarget&);

void widen(const void* from, bool is_signed, int32_t zero_point, int64_t count, int16_t* to) {
  if (is_signed)
    widen_as(static_cast<const int8_t*>(from), zero_point, count, to);
  else
    widen_as(static_cast<const uint8_t*>(from), zero_point, count, to);
}

}  // namespace qrules::avx2

#endif
