// Tensors at run time, without LibTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <qrules/graph/constant.h>
#include <qrules/graph/dtype.h>

namespace qrules {

// Shape and layout of a tensor in memory: sizes and strides in elements, all static.
struct TensorLayout {
  DType dtype = DType::f32;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;

  int64_t element_count() const;
  bool is_contiguous() const;
  bool is_channels_last() const;  // rank 3 (NLC), 4 (NHWC) or 5; size-1 dimensions do not matter
  size_t byte_extent() const;     // bytes from the first to past the last element
  static TensorLayout contiguous(DType dtype, std::vector<int64_t> sizes);
  static TensorLayout channels_last(DType dtype, std::vector<int64_t> sizes);
  friend bool operator==(const TensorLayout&, const TensorLayout&) = default;
};

// The same elements at the same places: equal but for strides of dimensions of size 1, which nothing steps over.
bool same_elements(const TensorLayout& a, const TensorLayout& b);

// A tensor that owns or shares its bytes.
struct HostTensor {
  TensorLayout layout;
  std::shared_ptr<void> data;  // aligned to 64 bytes when made by `allocate`

  static HostTensor allocate(TensorLayout layout);
};

}  // namespace qrules
