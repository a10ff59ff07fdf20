// The least and the largest of some values, from which scales and zero points are computed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <qrules/lowerings/elements.h>

namespace qrules::decomposed {

// NaN wins, as in torch.aminmax.
struct Extremes {
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();

  void add(float value) {
    low = value < low || value != value ? value : low;
    high = value > high || value != value ? value : high;
  }
  void add(const Extremes& others) {
    low = others.low < low || others.low != others.low ? others.low : low;
    high = others.high > high || others.high != others.high ? others.high : high;
  }
  // Values that follow each other, with AVX2 where the CPU has it.
  void add_row(const float* values, int64_t count);
  // The same of other types, `step` apart.
  template <typename T>
  void add_row(const T* values, int64_t step, int64_t count) {
    if constexpr (std::is_same_v<T, float>) {
      if (step == 1) return add_row(values, count);
    }
    std::array<float, 256> wide;
    for (int64_t first = 0; first < count; first += static_cast<int64_t>(wide.size())) {
      const int64_t size = std::min(count - first, static_cast<int64_t>(wide.size()));
      for (int64_t i = 0; i < size; ++i)
        wide[static_cast<size_t>(i)] = static_cast<float>(elements::widen(values[(first + i) * step]));
      add_row(wide.data(), size);
    }
  }
  // With zero among the values.
  float low_or_zero() const { return low > 0 ? 0.0f : low; }
  float high_or_zero() const { return high < 0 ? 0.0f : high; }
};

}  // namespace qrules::decomposed
