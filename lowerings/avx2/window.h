// The geometry of a convolution over channels-last images; a linear is one of 1x1 windows over a column of rows.
#pragma once

#include <cstdint>
#include <vector>

#include <qrules/lowerings/int8_call.h>

namespace qrules::avx2 {

// Some neighbouring taps of a kernel.
struct Taps {
  int64_t first = 0, end = 0;
  bool operator==(const Taps&) const = default;
};

// One direction of an image.
struct Axis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, padding = 0, dilation = 1;

  // The taps with which the output at a position reads the image; it reads padding with the others.
  Taps taps_inside(int64_t position) const;

  // Positions of the input that `count` outputs read, padding included.
  int64_t reach(int64_t count) const { return (count - 1) * stride + (kernel - 1) * dilation + 1; }
};

// Calls call(begin, end, taps) for stretches of outputs that need the same taps, from `first` on and counted from it:
// all of the kernel's, or with `skips_padding` those inside the image.
template <typename Call>
void for_equal_taps(const Axis& axis, bool skips_padding, int64_t first, int64_t count, const Call& call) {
  const auto taps_of = [&](int64_t i) { return skips_padding ? axis.taps_inside(first + i) : Taps{0, axis.kernel}; };
  for (int64_t begin = 0, end = 0; begin < count; begin = end) {
    const Taps taps = taps_of(begin);
    for (end = begin + 1; end < count && taps_of(end) == taps;) ++end;
    call(begin, end, taps);
  }
}

struct Window {
  int64_t batch = 1, groups = 1;
  int64_t in_channels = 0, out_channels = 0;  // of all groups
  Axis rows, columns;
  int64_t inner() const { return in_channels / groups; }   // input channels of a group
  int64_t outer() const { return out_channels / groups; }  // output channels of a group
  int64_t products() const { return inner() * rows.kernel * columns.kernel; }
  bool is_depthwise() const { return groups == in_channels && groups == out_channels && groups > 1; }
};

// The window of a convolution of rank 3 or 4. Error: other ranks.
Result<Window> read_window(const PrepareContext& context, const TensorLayout& x,
                           const std::vector<int64_t>& weight_sizes, const TensorLayout& result);

// Weights of `channels` channels, from [channel][input channel][kernel row][kernel column] to [channel][kernel
// row][run]: a run has the columns' input channels one behind another, and zeros up to `run` elements.
std::vector<int8_t> order_by_runs(const int8_t* weights, int64_t channels, const Window& window, int64_t run);

}  // namespace qrules::avx2
