// Exact sums of products of 8-bit integers on CPUs without VNNI, at the speed of saturating ones.
//
// The instruction that multiplies u8 by s8 adds pairs of products in 16 bits. Two ways keep what it gives in them:
//   raw: the u8 are activations. Whatever the weights, a pair (a, b) of activations is safe when a + b <= 256:
//     -128 * 256 is the least number of 16 bits, 127 * 256 below the largest;
//   centred: the s8 are activations less 128, a pair of them is safe when |a| + |b| <= 128, and the u8 are weights
//     plus 128.
// Weights that are smaller, or of two signs, allow for more: each pair of channels has a limit of its own, which the
// weights that it meets decide. Behind a relu, where most activations are far below the largest, few raw pairs are
// above their limit; around a zero point near 128 few centred ones are. Of a pair that is above a half stays in place
// and the rest becomes a product of its own, an extra: those of a tile's rows are added behind its other products, one
// of each row at once. A tile with many extras is computed in 16 bits, as those of products.h are. So data may cost
// some time; none costs exactness.
//
// Tiles and runs are those of products.h, the runs' lengths and offsets multiples of four. Weights lie in panels of 16
// channels: [run][four activations][channel][4], and behind them an s32 for each channel, the sum of its weights: a
// zero point is taken away by it. s8 activations become u8 by adding 128 to them and to their zero point.
#pragma once

#include <qrules/lowerings/avx2/pair_limits.h>
#include <qrules/lowerings/avx2/products.h>

namespace qrules::avx2 {

// Four activations of each row of a tile that are added once more, each by weights of its own.
struct Extra {
  int32_t weights[kTileRows];  // bytes from the panel's start
  uint32_t fours[kTileRows];   // 0: nothing
};

inline int64_t byte_panel_bytes(const Runs& runs) {
  return runs.panel_weights + kTileChannels * static_cast<int64_t>(sizeof(int32_t));
}

// As pack_panels. A panel takes byte_panel_bytes().
template <Bytes kBytes>
void pack_byte_panels(const int8_t* weights, int64_t channels, const Runs& runs, int8_t* panels);

// Copies `count` activations, a multiple of 4 that begins with a position: to `whole` as they are, to `kept` with pairs
// above their limits halved. `marks` gets a 1 for each four that has one, else a 0. `flip` has the lowest bit of s8
// activations' difference to u8 in each byte: 0x80, or 0 for u8. Returns whether there was one.
template <Bytes kBytes>
bool halve_pairs(const uint8_t* from, int64_t count, uint8_t flip, const PairLimits& limits, uint8_t* whole,
                 uint8_t* kept, uint8_t* marks);

// Marks are read so many at once.
inline constexpr int64_t kMarksAtOnce = 32;

// Activations as halve_pairs wrote them.
struct ByteRows {
  const uint8_t *whole = nullptr, *kept = nullptr, *marks = nullptr;
};

// The extras of a tile whose rows begin at the offsets `starts`: returns how many there are, or a number above `most`
// when there are more. `extras` has room for most + 1; `marks` can be read kMarksAtOnce behind a run's last.
int64_t find_extras(int64_t rows, const int64_t* starts, const Runs& runs, const ByteRows& from, int64_t most,
                    Extra* extras);

// Sums of the centred activations of the rows of a tile, which begin at the offsets `starts` in `whole`.
void sum_centred_rows(int64_t rows, const int64_t* starts, const Runs& runs, const uint8_t* whole, int32_t* row_sums);

// What a tile's rows add to its products.
struct ByteTile {
  const Extra* extras = nullptr;
  int64_t extra_count = 0;
  int32_t weight_factor = 0;          // of the sums of the channels' weights: 0 or 128, less the zero point
  const int32_t* row_sums = nullptr;  // centred: of each row's activations
};

// The sums of `rows` <= 6 rows, which begin at the offsets `starts`, by `panels` panels, which lie behind each other.
// Of whole activations in 16 bits, and of kept ones with their extras.
template <Bytes kBytes>
void sum_byte_tile_in_words(int64_t rows, const uint8_t* whole, const int64_t* starts, const Runs& runs,
                            const int8_t* panel, int64_t panels, const ByteTile& tile, const TileTarget& target);
template <Bytes kBytes>
void sum_byte_tile(int64_t rows, const uint8_t* kept, const int64_t* starts, const Runs& runs, const int8_t* panel,
                   int64_t panels, const ByteTile& tile, const TileTarget& target);

}  // namespace qrules::avx2
