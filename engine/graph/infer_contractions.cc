// Types of matrix products, convolutions and pooling.

#include <algorithm>

#include "infer_call.h"

namespace qrules::infer {
namespace {

void require_equal(const Call& call, Dim a, Dim b, const char* what) {
  if (differ(a, b)) {
    refuse(std::string(what) + " differ: " + call.dims().print(a) + " and " + call.dims().print(b));
  }
}

// A bias has the dtype of the input.
void require_bias(const Call& call, DType dtype) {
  const TensorType* bias = call.optional_tensor("bias");
  if (bias && bias->dtype != dtype) refuse("input and bias have different dtypes");
}

ValueType linear(const Call& call) {
  const TensorType& input = call.tensor("input");
  const TensorType& weight = call.tensor("weight");
  if (input.rank() < 1 || weight.rank() < 1 || weight.rank() > 2)
    refuse("linear takes an input of rank 1 or more and a weight of rank 1 or 2");
  require_equal(call, input.sizes.back(), weight.sizes.back(), "the input's last size and the weight's");
  if (input.dtype != weight.dtype) refuse("input and weight have different dtypes");
  require_bias(call, input.dtype);
  std::vector<Dim> sizes = input.sizes;
  sizes.pop_back();
  if (weight.rank() == 2) sizes.push_back(weight.sizes[0]);
  return ValueType::tensor({input.dtype, std::move(sizes), {}});
}

ValueType product_of(const Call& call, const TensorType& a, const TensorType& b, size_t rank) {
  if (a.rank() != rank || b.rank() != rank) refuse("both operands must have rank " + std::to_string(rank));
  if (a.dtype != b.dtype) refuse("the operands have different dtypes");
  require_equal(call, a.sizes[rank - 1], b.sizes[rank - 2], "the inner sizes");
  std::vector<Dim> sizes = a.sizes;
  sizes[rank - 1] = b.sizes[rank - 1];
  return ValueType::tensor({a.dtype, std::move(sizes), {}});
}

ValueType mm(const Call& call) { return product_of(call, call.tensor("self"), call.tensor("mat2"), 2); }
ValueType bmm(const Call& call) { return product_of(call, call.tensor("self"), call.tensor("mat2"), 3); }
ValueType addmm(const Call& call) { return product_of(call, call.tensor("mat1"), call.tensor("mat2"), 2); }

ValueType weight_int8pack_mm(const Call& call) {
  const TensorType& self = call.tensor("self");
  const TensorType& weight = call.tensor("mat2");
  const TensorType& scales = call.tensor("scales");
  if (self.rank() != 2 || weight.rank() != 2) refuse("both operands must have rank 2");
  if (weight.dtype != DType::s8 || !is_floating(self.dtype) || scales.dtype != self.dtype)
    refuse("the weight must be s8, the scales of the activation's floating-point type");
  require_equal(call, self.sizes[1], weight.sizes[1], "the inner sizes");
  return ValueType::tensor({self.dtype, {self.sizes[0], weight.sizes[0]}, {}});
}

ValueType weight_int4pack_mm(const Call& call) {
  const TensorType& self = call.tensor("self");
  const TensorType& weight = call.tensor("mat2");
  if (self.rank() != 2 || weight.rank() != 2) refuse("both operands must have rank 2");
  if (weight.dtype != DType::u8 || !is_floating(self.dtype))
    refuse("the weight must be u8, two integers in each element, the activation of a floating-point type");
  const int64_t group = call.integer("qGroupSize");
  if (group != 32 && group != 64 && group != 128 && group != 256) refuse("a group has 32, 64, 128 or 256 elements");
  return ValueType::tensor({self.dtype, {self.sizes[0], weight.sizes[0]}, {}});
}

ValueType int_mm(const Call& call) {
  const TensorType& a = call.tensor("self");
  const TensorType& b = call.tensor("mat2");
  if (a.rank() != 2 || b.rank() != 2) refuse("both operands must have rank 2");
  require_equal(call, a.sizes[1], b.sizes[0], "the inner sizes");
  return ValueType::tensor({DType::s32, {a.sizes[0], b.sizes[1]}, {}});
}

ValueType matmul(const Call& call) {
  const TensorType& a = call.tensor("self");
  const TensorType& b = call.tensor("other");
  if (a.rank() == 0 || b.rank() == 0) refuse("matmul takes tensors of rank 1 or more");
  std::vector<Dim> left = a.sizes, right = b.sizes;
  if (left.size() == 1) left.insert(left.begin(), Dim(1));
  if (right.size() == 1) right.push_back(1);
  require_equal(call, left.back(), right[right.size() - 2], "the inner sizes");
  std::vector<Dim> sizes = broadcast(call.dims(), {left.begin(), left.end() - 2}, {right.begin(), right.end() - 2});
  if (a.rank() > 1) sizes.push_back(left[left.size() - 2]);
  if (b.rank() > 1) sizes.push_back(right.back());
  return ValueType::tensor({promote(a.dtype, b.dtype), std::move(sizes), {}});
}

ValueType convolve(const Call& call, size_t spatial, bool transposed, const std::vector<int64_t>& padding) {
  const TensorType& input = call.tensor("input");
  const TensorType& weight = call.tensor("weight");
  if (weight.rank() != spatial + 2) refuse("the weight must have rank " + std::to_string(spatial + 2));
  const bool batched = input.rank() == spatial + 2;
  if (!batched && input.rank() != spatial + 1)
    refuse("the input must have rank " + std::to_string(spatial + 1) + " or " + std::to_string(spatial + 2));
  require_bias(call, input.dtype);
  if (transposed) throw UnknownOperand{};
  const auto stride = call.integers("stride", spatial), dilation = call.integers("dilation", spatial);
  const size_t channel = batched ? 1 : 0;
  if (call.integer("groups") < 1) refuse("groups must be positive");
  require_equal(call, input.sizes[channel], call.dims().multiply(weight.sizes[1], call.integer("groups")),
                "the input's channels and groups times the weight's");
  std::vector<Dim> sizes(input.sizes.begin(), input.sizes.begin() + static_cast<std::ptrdiff_t>(channel));
  sizes.push_back(weight.sizes[0]);
  for (size_t i = 0; i < spatial; ++i) {
    if (!weight.sizes[2 + i].is_static()) throw UnknownOperand{};
    sizes.push_back(window_positions(call.dims(), input.sizes[channel + 1 + i], weight.sizes[2 + i].value(), stride[i],
                                     padding[i], dilation[i], false));
  }
  return ValueType::tensor({input.dtype, std::move(sizes), {}});
}

ValueType convolution(const Call& call) {
  const TensorType& weight = call.tensor("weight");
  if (weight.rank() < 3) refuse("the weight must have rank 3 or more");
  const size_t spatial = weight.rank() - 2;
  return convolve(call, spatial, call.boolean("transposed"), call.integers("padding", spatial));
}

template <size_t spatial>
ValueType conv(const Call& call) {
  return convolve(call, spatial, false, call.integers("padding", spatial));
}

std::vector<Dim> pooled(const Call& call) {
  const TensorType& self = call.tensor("self");
  if (self.rank() != 3 && self.rank() != 4) refuse("the input must have rank 3 or 4");
  const auto kernel = call.integers("kernel_size", 2), padding = call.integers("padding", 2);
  const auto stride = call.list("stride").empty() ? kernel : call.integers("stride", 2);
  const std::vector<int64_t> dilation =
      call.argument("dilation").is_none() ? std::vector<int64_t>{1, 1} : call.integers("dilation", 2);
  for (size_t i = 0; i < 2; ++i) {
    if (padding[i] < 0 || padding[i] > kernel[i] / 2) refuse("the padding is at most half the window");
  }
  std::vector<Dim> sizes = self.sizes;
  for (size_t i = 0; i < 2; ++i) {
    Dim& size = sizes[self.rank() - 2 + i];
    size =
        window_positions(call.dims(), size, kernel[i], stride[i], padding[i], dilation[i], call.boolean("ceil_mode"));
  }
  return sizes;
}

ValueType pool(const Call& call) { return ValueType::tensor({call.tensor("self").dtype, pooled(call), {}}); }

ValueType pool_with_indices(const Call& call) {
  const std::vector<Dim> sizes = pooled(call);
  return ValueType::tuple({{call.tensor("self").dtype, sizes, {}}, {DType::s64, sizes, {}}});
}

ValueType adaptive_pool(const Call& call) {
  const TensorType& self = call.tensor("self");
  const auto size = call.integers("output_size", 2);
  if (self.rank() != 3 && self.rank() != 4) refuse("the input must have rank 3 or 4");
  if (size[0] < 0 || size[1] < 0) refuse("a size is not negative");
  std::vector<Dim> sizes = self.sizes;
  sizes[self.rank() - 2] = size[0];
  sizes[self.rank() - 1] = size[1];
  return ValueType::tensor({self.dtype, std::move(sizes), {}});
}

}  // namespace

void add_contraction_rules(Table& table) {
  table["aten.linear.default"] = linear;
  table["aten.mm.default"] = mm;
  table["aten.bmm.default"] = bmm;
  table["aten.addmm.default"] = addmm;
  table["aten.matmul.default"] = matmul;
  table["aten._int_mm.default"] = int_mm;
  table["aten._weight_int8pack_mm.default"] = weight_int8pack_mm;
  table["aten._weight_int4pack_mm_for_cpu.default"] = weight_int4pack_mm;
  table["aten.convolution.default"] = convolution;
  table["aten.conv1d.default"] = conv<1>;
  table["aten.conv2d.default"] = conv<2>;
  table["aten.conv3d.default"] = conv<3>;
  table["aten.max_pool2d.default"] = pool;
  table["aten.avg_pool2d.default"] = pool;
  table["aten.max_pool2d_with_indices.default"] = pool_with_indices;
  table["aten.adaptive_avg_pool2d.default"] = adaptive_pool;
  table["aten._adaptive_avg_pool2d.default"] = adaptive_pool;
}

}  // namespace qrules::infer
