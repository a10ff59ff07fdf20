// The channels of a result as kernels lay them in vectors and share them out among tasks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <qrules/lowerings/avx512/requantization.h>

namespace qrules::avx512 {

// What each element of a kernel's vectors of sums begins with and becomes.
struct OrderedChannels {
  std::vector<int32_t> start;  // takes out the zero point
  std::vector<float> factor, offset;

  // `order` has the channel of each element, -1 where there is none. Weights are s8, [channels][products]; their sums
  // are kept beside the packed weights, so that a plan cache has them.
  static OrderedChannels of(PrepareContext& context, const Requantization& requantization,
                            const std::vector<int64_t>& order, const int8_t* weights, int64_t products,
                            int32_t zero_point);
};

// Whether the last of some stretches of channels, which have the members `first` and `width`, has channels in common
// with the one before.
template <typename Stretch>
bool reaches_back(const std::vector<Stretch>& stretches) {
  return stretches.size() > 1 && stretches.back().first < (stretches.end() - 2)->first + (stretches.end() - 2)->width;
}

// Stretches of channels shared out among tasks. A last one that reaches back, and so has channels in common with the
// one before, belongs to the same task.
struct Parts {
  int64_t stretches = 0, separable = 0, count = 1;

  template <typename Stretch>
  static Parts of(const std::vector<Stretch>& stretches, int64_t wanted) {
    const auto size = static_cast<int64_t>(stretches.size());
    const int64_t separable = size - (reaches_back(stretches) ? 1 : 0);
    return {size, separable, std::clamp<int64_t>(wanted, 1, separable)};
  }
  int64_t first(int64_t part) const { return part * separable / count; }
  int64_t end(int64_t part) const { return part + 1 == count ? stretches : first(part + 1); }
};

}  // namespace qrules::avx512
