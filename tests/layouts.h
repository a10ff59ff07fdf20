// Where the elements of a layout are.
#pragma once

#include <vector>

#include <qrules/runtime/tensor.h>

namespace qrules::testing {

// Offsets of all elements in row-major order, in elements.
inline std::vector<int64_t> element_offsets(const TensorLayout& layout) {
  std::vector<int64_t> list{0};
  for (size_t d = 0; d < layout.sizes.size(); ++d) {
    std::vector<int64_t> longer;
    for (int64_t base : list) {
      for (int64_t i = 0; i < layout.sizes[d]; ++i) longer.push_back(base + i * layout.strides[d]);
    }
    list = std::move(longer);
  }
  return list;
}

}  // namespace qrules::testing
