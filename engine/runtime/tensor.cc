#include <qrules/runtime/tensor.h>

#include <qrules/support/aligned.h>

namespace qrules {
namespace {

std::vector<int64_t> strides_in_order(const std::vector<int64_t>& sizes, const std::vector<size_t>& innermost_first) {
  std::vector<int64_t> strides(sizes.size(), 1);
  int64_t step = 1;
  for (size_t dimension : innermost_first) {
    strides[dimension] = step;
    step *= sizes[dimension] > 0 ? sizes[dimension] : 1;
  }
  return strides;
}

}  // namespace

int64_t TensorLayout::element_count() const {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

bool TensorLayout::is_contiguous() const { return same_elements(*this, contiguous(dtype, sizes)); }

bool TensorLayout::is_channels_last() const {
  return sizes.size() >= 3 && sizes.size() <= 5 && same_elements(*this, channels_last(dtype, sizes));
}

size_t TensorLayout::byte_extent() const {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return static_cast<size_t>(last + 1) * size_of(dtype);
}

TensorLayout TensorLayout::contiguous(DType dtype, std::vector<int64_t> sizes) {
  std::vector<size_t> order;
  for (size_t i = sizes.size(); i-- > 0;) order.push_back(i);
  std::vector<int64_t> strides = strides_in_order(sizes, order);
  return {dtype, std::move(sizes), std::move(strides)};
}

TensorLayout TensorLayout::channels_last(DType dtype, std::vector<int64_t> sizes) {
  if (sizes.size() < 3) return contiguous(dtype, std::move(sizes));
  std::vector<size_t> order{1};
  for (size_t i = sizes.size(); i-- > 2;) order.push_back(i);
  order.push_back(0);
  std::vector<int64_t> strides = strides_in_order(sizes, order);
  return {dtype, std::move(sizes), std::move(strides)};
}

bool same_elements(const TensorLayout& a, const TensorLayout& b) {
  if (a.dtype != b.dtype || a.sizes != b.sizes || a.strides.size() != b.strides.size()) return false;
  if (a.element_count() == 0) return true;
  for (size_t i = 0; i < a.sizes.size(); ++i) {
    if (a.sizes[i] != 1 && a.strides[i] != b.strides[i]) return false;
  }
  return true;
}

HostTensor HostTensor::allocate(TensorLayout layout) {
  HostTensor tensor;
  tensor.data = allocate_aligned(layout.byte_extent());
  tensor.layout = std::move(layout);
  return tensor;
}

}  // namespace qrules
