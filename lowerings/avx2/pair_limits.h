// How large pairs of neighbouring activations may be, so that what they add to a sum stays in 16 bits
// (byte_products.h). The weights decide: those of a layer are known before it runs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qrules::avx2 {

// The two forms of products of u8 by s8: u8 activations as they are, or s8 activations less 128 by weights plus 128.
enum class Bytes : uint8_t { raw, centred };

inline constexpr int kCentre = 128;

// The largest size of one activation. No limit of a pair is less, none is more than twice that.
template <Bytes kBytes>
constexpr int kLargest = kBytes == Bytes::raw ? 255 : kCentre;

// The limit of a pair of activations (a, b) that meets two weights: of a + b when raw, of |a| + |b| when centred.
template <Bytes kBytes>
int pair_limit(int first, int second);

// The limits of all pairs of a position. They come again after `period` activations, a multiple of the channels of a
// position and of 32, so that vectors of them lie in one piece.
struct PairLimits {
  const int16_t* limits = nullptr;
  int64_t period = 0;

  static int64_t period_of(int64_t channels);
  static size_t bytes(int64_t channels) { return static_cast<size_t>(period_of(channels)) / 2 * sizeof(int16_t); }
};

// Writes the limits of positions of `channels` channels, a multiple of four, in groups of `inner` that `outer` output
// channels read. `weights` are rows of `row` elements for the output channels of all groups: the channels of a group
// once for each tap.
template <Bytes kBytes>
void find_pair_limits(const int8_t* weights, int64_t channels, int64_t inner, int64_t outer, int64_t row,
                      int16_t* limits);

}  // namespace qrules::avx2
