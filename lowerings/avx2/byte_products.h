// Exact sums of products of u8 activations whose zero point is 0, on CPUs without VNNI, at the speed of saturating ones.
//
// The instruction that multiplies u8 by s8 adds pairs of products in 16 bits. What a pair (a, b) gives stays in them,
// whatever the weights, while a + b is at most 256: -128 * 256 is the least number of 16 bits, 127 * 256 is below the
// largest. Behind a relu, where most activations are far below their largest, some pairs in a thousand are above. Of
// those a half stays in place and the rest becomes a product of its own: an extra, kept for the tile's rows that read
// it and added behind the tile's other products. Data with many such pairs costs time, at most as much again; no data
// costs exactness.
//
// Tiles and runs are those of products.h. Weights lie in panels of 16 channels: [run][four activations][channel][4].
#pragma once

#include <qrules/lowerings/avx2/products.h>

namespace qrules::avx2 {

// Four activations of each row of a tile that are added once more.
struct Extra {
  int64_t weights = 0;        // bytes from the panel's start
  uint32_t rows[kTileRows]{};  // four u8 each; 0: nothing
};

// As pack_panels, for runs of whole fours. A panel takes Runs::panel_bytes().
void pack_byte_panels(const int8_t* weights, int64_t channels, const Runs& runs, int8_t* panels);

// Copies `count` activations, a multiple of 4, halving pairs above 256. `rest` gets the other halves and `marks` a 1
// for each four that has one; where there is none, `marks` is 0 and `rest` not written. Returns whether there was one.
bool halve_pairs(const uint8_t* from, int64_t count, uint8_t* to, uint8_t* rest, uint8_t* marks);

// The extras of a tile whose rows begin at the offsets `starts` in the arrays that halve_pairs wrote: at most one for
// each four of its runs. `marks` can be read 16 bytes behind a run's last. Returns how many there are.
int64_t find_extras(int64_t rows, const int64_t* starts, const Runs& runs, const uint8_t* rest, const uint8_t* marks,
                    Extra* extras);

// sums[r * 16 + c] for `rows` <= 6 rows that begin at the offsets `starts` in `activations`.
void sum_byte_tile(int64_t rows, const uint8_t* activations, const int64_t* starts, const Runs& runs,
                   const int8_t* panel, const Extra* extras, int64_t extra_count, int32_t* sums);

}  // namespace qrules::avx2
