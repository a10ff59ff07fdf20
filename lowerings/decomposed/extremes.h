// The least and the largest of some values, from which scales and zero points are computed.
#pragma once

#include <limits>

namespace qrules::decomposed {

// NaN wins, as in torch.aminmax.
struct Extremes {
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();

  void add(float value) {
    low = value < low || value != value ? value : low;
    high = value > high || value != value ? value : high;
  }
  // With zero among the values.
  float low_or_zero() const { return low > 0 ? 0.0f : low; }
  float high_or_zero() const { return high < 0 ? 0.0f : high; }
};

}  // namespace qrules::decomposed
