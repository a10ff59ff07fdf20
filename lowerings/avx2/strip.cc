#include <qrules/lowerings/avx2/strip.h>

#include <algorithm>

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

std::vector<int64_t> Strip::starts(const Window& window, int64_t count) const {
  std::vector<int64_t> starts;
  for (int64_t y = 0; y < count; ++y) {
    for (int64_t x = 0; x < window.columns.out; ++x)
      starts.push_back(y * row_step * row_elements + x * window.columns.stride * window.in_channels);
  }
  return starts;
}

int64_t rows_of_a_strip(const Window& window, const Strip& strip) {
  constexpr int64_t kBudget = int64_t{48} * 1024;  // elements
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
