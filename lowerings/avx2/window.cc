#include <qrules/lowerings/avx2/window.h>

namespace qrules::avx2 {

Taps Axis::taps_inside(int64_t position) const {
  const auto is_inside = [&](int64_t tap) {
    const int64_t at = position * stride - padding + tap * dilation;
    return at >= 0 && at < in;
  };
  Taps taps{0, kernel};
  while (taps.first < taps.end && !is_inside(taps.first)) ++taps.first;
  while (taps.first < taps.end && !is_inside(taps.end - 1)) --taps.end;
  return taps;
}

Result<Window> read_window(const PrepareContext& context, const TensorLayout& x,
                           const std::vector<int64_t>& weight_sizes, const TensorLayout& result) {
  const size_t rank = x.sizes.size();
  if ((rank != 3 && rank != 4) || weight_sizes.size() != rank) return int8::refuse("x and weight have rank 3 or 4");
  Window window;
  window.batch = x.sizes[0];
  window.groups = context.integers("groups").at(0);
  window.in_channels = x.sizes[1];
  window.out_channels = weight_sizes[0];
  const auto numbers = [&](const char* parameter) {
    std::vector<int64_t> values = context.integers(parameter);
    if (values.size() == 1) values.resize(rank - 2, values[0]);
    return values;
  };
  const auto stride = numbers("stride"), padding = numbers("padding"), dilation = numbers("dilation");
  for (size_t i = 0; i < rank - 2; ++i) {
    // What is behind follows from the result's size: what is not there is zero.
    Axis& axis = i + 3 == rank ? window.columns : window.rows;
    axis = {x.sizes[2 + i], result.sizes[2 + i], weight_sizes[2 + i], stride.at(i), padding.at(i), dilation.at(i)};
  }
  return window;
}

std::vector<int8_t> order_by_runs(const int8_t* weights, int64_t channels, const Window& window, int64_t run) {
  const int64_t rows = window.rows.kernel, columns = window.columns.kernel, inner = window.inner();
  std::vector<int8_t> ordered(static_cast<size_t>(channels * rows * run));
  for (int64_t n = 0; n < channels; ++n) {
    for (int64_t c = 0; c < inner; ++c) {
      for (int64_t y = 0; y < rows; ++y) {
        for (int64_t x = 0; x < columns; ++x)
          ordered[static_cast<size_t>((n * rows + y) * run + x * inner + c)] = *weights++;
      }
    }
  }
  return ordered;
}

}  // namespace qrules::avx2
