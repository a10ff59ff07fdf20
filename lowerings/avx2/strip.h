// The part of an image that some rows of the result need, with its padding written out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <qrules/lowerings/avx2/window.h>

namespace qrules::avx2 {

// Rows of a strip lie behind each other, each with `width` positions of all channels. With windows of one row the strip
// has one row for each row of the result, so that a stride does not widen what is not read.
struct Strip {
  int64_t width = 0, row_elements = 0;
  int64_t row_step = 1;  // rows of the strip between two rows of the result

  static Strip of(const Window& window);
  // Rows that `count` rows of the result need, and elements with the one behind the last that runs of odd length read.
  int64_t rows(const Window& window, int64_t count) const;
  int64_t elements(const Window& window, int64_t count) const { return rows(window, count) * row_elements + 2; }
  // Where the windows of the positions of `count` rows of the result begin, in elements.
  std::vector<int64_t> starts(const Window& window, int64_t count) const;
  // Writes the strip of `image`, u8 or s8, for the rows first .. first + count of the result, from start to end, by
  // to.copy(activations, count) and to.pad(count), which writes padding.
  template <typename Form>
  void fill(const Window& window, const void* image, int64_t first, int64_t count, Form& to) const;
};

// Rows of the result that one task computes, so that its strip stays in the second-level cache.
int64_t rows_of_a_strip(const Window& window, const Strip& strip);

// The strips of an image, of at most that many rows: where each begins, and behind the last the number of rows. There
// are some more where that lets each of `threads` compute as many rows.
std::vector<int64_t> cut_into_strips(const Window& window, const Strip& strip, int threads);

template <typename Form>
void Strip::fill(const Window& window, const void* image, int64_t first, int64_t count, Form& to) const {
  const Axis &rows_axis = window.rows, &columns = window.columns;
  const int64_t channels = window.in_channels, total = rows(window, count);
  const int64_t before = std::min(columns.padding, width);
  const int64_t inside = std::max<int64_t>(0, std::min(columns.in, width - before));
  for (int64_t i = 0; i < total; ++i) {
    const int64_t y = rows_axis.kernel == 1 ? (first + i) * rows_axis.stride - rows_axis.padding
                                            : first * rows_axis.stride - rows_axis.padding + i;
    if (y < 0 || y >= rows_axis.in) {
      to.pad(row_elements);
      continue;
    }
    to.pad(before * channels);
    to.copy(static_cast<const char*>(image) + y * columns.in * channels, inside * channels);
    to.pad((width - before - inside) * channels);
  }
  to.pad(2);
}

}  // namespace qrules::avx2
