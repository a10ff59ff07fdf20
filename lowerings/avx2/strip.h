// The part of an image that some rows of the result need, widened to s16 with its padding written out.
#pragma once

#include <cstdint>

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
  // Writes the strip for the rows first .. first + count of the result.
  void fill(const Window& window, const void* image, bool is_signed, int32_t zero_point, int64_t first, int64_t count,
            int16_t* to) const;
};

// Rows of the result that one task computes, so that its strip stays in the second-level cache.
int64_t rows_of_a_strip(const Window& window, const Strip& strip);

}  // namespace qrules::avx2
