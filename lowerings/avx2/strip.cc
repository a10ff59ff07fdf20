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

std::vector<int64_t> cut_into_strips(const Window& window, const Strip& strip, int threads) {
  const int64_t out = window.rows.out, most = rows_of_a_strip(window, strip), least = (out + most - 1) / most;
  std::vector<int64_t> begins;
  if (window.columns.out == 1) {
    // Rows of a linear come in whole tiles.
    for (int64_t i = 0; i < least; ++i) begins.push_back(i * most);
    begins.push_back(out);
    return begins;
  }
  const auto cut = [&](int64_t strips) {
    begins.clear();
    for (int64_t i = 0; i <= strips; ++i) begins.push_back(i * out / strips);
  };
  // Whether no thread has a twentieth more rows than its share. Neighbouring strips are on one thread.
  const auto is_even = [&](int64_t strips) {
    const int64_t tasks = window.batch * strips;
    if (tasks % threads != 0) return false;
    int64_t longest = 0;
    for (int64_t t = 0; t < threads; ++t) {
      int64_t rows = 0;
      for (int64_t task = t * tasks / threads; task < (t + 1) * tasks / threads; ++task)
        rows += begins[static_cast<size_t>(task % strips + 1)] - begins[static_cast<size_t>(task % strips)];
      longest = std::max(longest, rows);
    }
    return longest * threads * 20 <= window.batch * out * 21;
  };
  for (int64_t strips = least; strips <= std::min(out, least + threads); ++strips) {
    cut(strips);
    if (is_even(strips)) return begins;
  }
  cut(least);
  return begins;
}

}  // namespace qrules::avx2

#endif
