// Products of f32 matrices by tiles of rows and sixteen columns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace qrules::avx2 {

inline constexpr int64_t kFloatTileRows = 6;
inline constexpr int64_t kPanelColumns = 16;

// Columns of a matrix of `depth` rows, by panels: [panel][row][16], zeros behind the last column. Element (k, n) is at
// from[k * row_step + n * column_step]; `read` makes a float of it.
template <typename T, typename Read>
void pack_float_panels(const T* from, int64_t row_step, int64_t column_step, int64_t depth, int64_t columns,
                       float* panels, const Read& read) {
  for (int64_t first = 0; first < columns; first += kPanelColumns) {
    const int64_t count = std::min(kPanelColumns, columns - first);
    const T* corner = from + first * column_step;
    float* panel = panels + first * depth;
    if (count < kPanelColumns) std::memset(panel, 0, static_cast<size_t>(depth * kPanelColumns) * sizeof(float));
    if (column_step == 1) {
      for (int64_t k = 0; k < depth; ++k) {
        for (int64_t n = 0; n < count; ++n) panel[k * kPanelColumns + n] = read(corner[k * row_step + n]);
      }
      continue;
    }
    // Columns lie far apart: each is read along.
    for (int64_t n = 0; n < count; ++n) {
      for (int64_t k = 0; k < depth; ++k) panel[k * kPanelColumns + n] = read(corner[n * column_step + k * row_step]);
    }
  }
}

// to[r * to_step + n] = sum over k of rows[r * row_step + k] * panel[k * 16 + n], for `count` <= 6 rows and 16 columns.
void multiply_tile(int64_t count, const float* rows, int64_t row_step, const float* panel, int64_t depth, float* to,
                   int64_t to_step);

}  // namespace qrules::avx2
