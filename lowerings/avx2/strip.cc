#include <qrules/lowerings/avx2/strip.h>

#include <algorithm>
#include <cstring>

#include <qrules/lowerings/avx2/products.h>

#if defined(__x86_64__)

namespace qrules::avx2 {

Strip Strip::of(const Window& window) {
  Strip strip;
  strip.width = window.columns.reach(window.columns.out);
  strip.row_elements = strip.width * window.in_channels;
  strip.row_step = window.rows.kernel == 1 ? 1 : window.rows.stride;
  return strip;
}

int64_t Strip::rows(const Window& window, int64_t count) const {
  return window.rows.kernel == 1 ? count : window.rows.reach(count);
}

void Strip::fill(const Window& window, const void* image, bool is_signed, int32_t zero_point, int64_t first,
                 int64_t count, int16_t* to) const {
  const Axis &rows_axis = window.rows, &columns = window.columns;
  const int64_t channels = window.in_channels, total = rows(window, count);
  const int64_t before = std::min(columns.padding, width);
  const int64_t inside = std::max<int64_t>(0, std::min(columns.in, width - before));
  for (int64_t i = 0; i < total; ++i, to += row_elements) {
    const int64_t y = rows_axis.kernel == 1 ? (first + i) * rows_axis.stride - rows_axis.padding
                                            : first * rows_axis.stride - rows_axis.padding + i;
    if (y < 0 || y >= rows_axis.in) {
      std::memset(to, 0, static_cast<size_t>(row_elements) * sizeof(int16_t));
      continue;
    }
    std::memset(to, 0, static_cast<size_t>(before * channels) * sizeof(int16_t));
    widen(static_cast<const char*>(image) + y * columns.in * channels, is_signed, zero_point, inside * channels,
          to + before * channels);
    std::memset(to + (before + inside) * channels, 0,
                static_cast<size_t>((width - before - inside) * channels) * sizeof(int16_t));
  }
  to[0] = to[1] = 0;
}

int64_t rows_of_a_strip(const Window& window, const Strip& strip) {
  constexpr int64_t kBudget = 48 * 1024;  // elements
  const int64_t halo = (window.rows.kernel - 1) * window.rows.dilation;
  const int64_t rows = kBudget / std::max<int64_t>(1, strip.row_elements);
  const int64_t most = std::min(window.rows.out, std::max<int64_t>(1, (rows - halo) / strip.row_step));
  // Strips of nearly equal heights: a last one of few rows would leave a thread without work.
  const int64_t strips = (window.rows.out + most - 1) / most;
  int64_t count = (window.rows.out + strips - 1) / strips;
  // Rows of a linear come in whole tiles.
  if (window.columns.out == 1) count = std::min(window.rows.out, (count + kTileRows - 1) / kTileRows * kTileRows);
  return count;
}

}  // namespace qrules::avx2

#endif
