// Products of f32 matrices by tiles of rows and sixteen columns.
#pragma once

#include <cstdint>

#include <qrules/lowerings/elements.h>

namespace qrules::avx2 {

inline constexpr int64_t kFloatTileRows = 6;
inline constexpr int64_t kPanelColumns = 16;

// Columns of a matrix of `depth` rows, by panels: [panel][row][16], zeros behind the last column. Element (k, n) is at
// from[k * row_step + n * column_step]; elements are float or Bf16.
template <typename T>
void pack_float_panels(const T* from, int64_t row_step, int64_t column_step, int64_t depth, int64_t columns,
                       float* panels);

// to[r * to_step + n] = sum over k of rows[r * row_step + k] * panel[k * 16 + n], for `count` <= 6 rows and 16 columns.
void multiply_tile(int64_t count, const float* rows, int64_t row_step, const float* panel, int64_t depth, float* to,
                   int64_t to_step);

}  // namespace qrules::avx2
