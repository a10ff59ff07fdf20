// Exact sums of products of 8-bit integers on CPUs without VNNI.
//
// AVX2 has an instruction that multiplies u8 by s8, but it adds pairs of products in 16 bits and saturates: 255 * 127 +
// 255 * 127 is not 64,770 there but 32,767. The instruction for s16 adds its pairs in 32 bits, so activations are
// widened to s16 first, with their zero point subtracted on the way: padding is then zero, s8 and u8 are alike, and no
// compensation is needed. byte_products.h keeps the other one exact, which is faster where it can be done.
//
// A tile is up to 6 rows of activations by 16 output channels, kept in 12 registers. A row is a set of runs: stretches
// of consecutive activations at the same offsets from the row's start in every row (the taps of a convolution; a linear
// has one run). Weights lie in panels of 16 channels: [run][pair of activations][channel][2], as s8 that are
// widened as they are read, or, where many rows read them, as s16.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include <qrules/lowerings/avx2/tile_bytes.h>

namespace qrules::avx2 {

inline constexpr int64_t kTileRows = 6;
inline constexpr int64_t kTileChannels = 16;

// The stretches of activations that every row reads.
struct Runs {
  struct Run {
    int64_t offset = 0;   // of its activations, from the row's start, in elements
    int64_t weights = 0;  // of its weights, from a panel's start, in weights
  };
  std::vector<Run> runs;
  int64_t length = 0;         // of each, in elements
  int64_t panel_weights = 0;  // of a panel, also where these are part of the runs that were packed

  // Runs at these offsets, whose weights lie behind each other.
  static Runs of(const std::vector<int64_t>& offsets, int64_t length);
  // Elements from `first` to `end` of the runs with the given indexes. `first` is even; of bytes, both are multiples
  // of four.
  Runs part(const std::vector<size_t>& indexes, int64_t first, int64_t end) const;

  int64_t pairs() const { return (length + 1) / 2; }
  int64_t fours() const { return static_cast<int64_t>(runs.size()) * length / 4; }
};

// Packs s8 weights [channels][run][element], row-major, into panels; channels are filled up to a multiple of 16 with
// zeros, and runs of odd length with a zero behind. `panels` has room for ceil(channels / 16) * panel_weights elements.
template <typename Weight>
void pack_panels(const int8_t* weights, int64_t channels, const Runs& runs, Weight* panels);

// Calls call(std::integral_constant<int, rows>()), for 1 to 6 rows: tiles of each height are functions of their own.
template <typename Call>
void for_rows(int64_t rows, const Call& call) {
  switch (rows) {
    case 1: return call(std::integral_constant<int, 1>());
    case 2: return call(std::integral_constant<int, 2>());
    case 3: return call(std::integral_constant<int, 3>());
    case 4: return call(std::integral_constant<int, 4>());
    case 5: return call(std::integral_constant<int, 5>());
    default: return call(std::integral_constant<int, 6>());
  }
}

// Where the sums of a tile by one panel go, those by the next panel 16 channels or `rows` * 16 sums further.
struct TileTarget {
  int32_t* sums = nullptr;           // [row][16]; used when `bytes` is null
  const TileBytes* bytes = nullptr;  // null: they are wanted as they are
};

#if defined(__x86_64__)
// For the panel with the given index.
template <int R>
QRULES_AVX2_INLINE void store_tile(const TileTarget& target, int64_t panel, const __m256i* low, const __m256i* high) {
  alignas(32) int32_t kept[R * kTileChannels];
  int32_t* sums = target.bytes ? kept : target.sums + panel * R * kTileChannels;
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + r * kTileChannels), low[r]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + r * kTileChannels + 8), high[r]);
  }
  if (!target.bytes) return;
  if (target.bytes->other)
    store_bytes<R, true>(*target.bytes, panel * kTileChannels, sums);
  else
    store_bytes<R, false>(*target.bytes, panel * kTileChannels, sums);
}
#endif

// The sums of `rows` <= 6 rows, which begin at the offsets `starts`, by `panels` panels, which lie behind each other. A
// run of odd length reads one element behind it, whose weight is zero.
template <typename Weight>
void sum_tile(int64_t rows, const int16_t* activations, const int64_t* starts, const Runs& runs, const Weight* panel,
              int64_t panels, const TileTarget& target);

// to[i] = from[i] - zero_point. `from` is u8, or s8 when `is_signed`.
void widen(const void* from, bool is_signed, int32_t zero_point, int64_t count, int16_t* to);

}  // namespace qrules::avx2
