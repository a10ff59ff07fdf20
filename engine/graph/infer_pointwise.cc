// Types of elementwise operators, casts, softmax, normalisation and reductions.

#include <algorithm>

#include "infer_call.h"

namespace qrules::infer {
namespace {

ValueType like_self(const Call& call) {
  const TensorType& self = call.tensor("self");
  return ValueType::tensor({self.dtype, self.sizes, {}});
}

// Functions that turn integers into floats.
ValueType float_of_self(const Call& call) {
  const TensorType& self = call.tensor("self");
  return ValueType::tensor({is_floating(self.dtype) ? self.dtype : DType::f32, self.sizes, {}});
}

// PyTorch's promotion: a tensor of rank 0 (and a number) only counts through its category (bool < integer < float).
int category(DType dtype) { return dtype == DType::boolean ? 0 : is_integral(dtype) ? 1 : is_floating(dtype) ? 2 : 3; }

DType promote_tensors(const TensorType& a, const TensorType& b) {
  const bool a_counts = a.rank() > 0, b_counts = b.rank() > 0;
  if (a_counts == b_counts) return promote(a.dtype, b.dtype);
  const DType full = a_counts ? a.dtype : b.dtype, weak = a_counts ? b.dtype : a.dtype;
  return category(weak) > category(full) ? promote(full, weak) : full;
}

DType promote_number(DType tensor, const Argument& number) {
  if (number.get_if<double>() && category(tensor) < 2) return DType::f32;
  if (number.get_if<int64_t>() && category(tensor) < 1) return DType::s64;
  return tensor;
}

// Bounds count as operands do.
ValueType clamped(const Call& call) {
  const TensorType& self = call.tensor("self");
  DType dtype = self.dtype;
  for (const char* bound : {"min", "max"}) dtype = promote_number(dtype, call.argument(bound));
  return ValueType::tensor({dtype, self.sizes, {}});
}

ValueType binary(const Call& call) {
  const TensorType& self = call.tensor("self");
  const Argument& other = call.argument("other");
  if (!other.node()) return ValueType::tensor({promote_number(self.dtype, other), self.sizes, {}});
  const TensorType& right = call.tensor("other");
  return ValueType::tensor({promote_tensors(self, right), broadcast(call.dims(), self.sizes, right.sizes), {}});
}

ValueType true_divide(const Call& call) {
  ValueType result = binary(call);
  if (category(result.tensors[0].dtype) < 2) result.tensors[0].dtype = DType::f32;
  return result;
}

ValueType to_dtype(const Call& call) {
  const TensorType& self = call.tensor("self");
  return ValueType::tensor({call.optional_dtype("dtype").value_or(self.dtype), self.sizes, {}});
}

ValueType convert_element_type(const Call& call) {
  return ValueType::tensor({call.dtype("dtype"), call.tensor("a").sizes, {}});
}

ValueType softmax(const Call& call) {
  const TensorType& self = call.tensor("self");
  call.dimension("dim", self.rank());
  DType dtype = call.optional_dtype("dtype").value_or(is_floating(self.dtype) ? self.dtype : DType::f32);
  if (call.boolean("half_to_float")) dtype = DType::f32;
  return ValueType::tensor({dtype, self.sizes, {}});
}

ValueType like_input(const Call& call) {
  const TensorType& input = call.tensor("input");
  return ValueType::tensor({input.dtype, input.sizes, {}});
}

void require_floating_input(const Call& call) {
  const DType dtype = call.tensor("input").dtype;
  if (!is_floating(dtype)) refuse("the input must be floating, got " + std::string(name(dtype)));
}

ValueType layer_norm(const Call& call) {
  require_floating_input(call);
  return like_input(call);
}

ValueType native_layer_norm(const Call& call) {
  require_floating_input(call);
  const TensorType& input = call.tensor("input");
  const size_t normalised = std::min(call.list("normalized_shape").size(), input.rank());
  std::vector<Dim> statistics = input.sizes;
  std::fill(statistics.end() - static_cast<std::ptrdiff_t>(normalised), statistics.end(), Dim(1));
  return ValueType::tuple(
      {{input.dtype, input.sizes, {}}, {input.dtype, statistics, {}}, {input.dtype, statistics, {}}});
}

// Sizes of a reduction over `dim` (all dimensions when it is None or empty), with or without `keepdim`.
std::vector<Dim> reduced_sizes(const Call& call) {
  const TensorType& self = call.tensor("self");
  const Argument& dims = call.argument("dim");
  std::vector<bool> reduced(self.rank(), dims.is_none() || (dims.list() && dims.list()->empty()));
  if (!dims.is_none()) {
    for (int64_t dim : call.integers("dim")) {
      const size_t index = Call::wrap(dim, self.rank());
      if (self.rank() > 0) reduced[index] = true;
    }
  }
  std::vector<Dim> sizes;
  for (size_t i = 0; i < self.rank(); ++i) {
    if (!reduced[i]) {
      sizes.push_back(self.sizes[i]);
    } else if (call.boolean("keepdim")) {
      sizes.push_back(1);
    }
  }
  return sizes;
}

ValueType mean_dim(const Call& call) {
  const DType dtype = call.optional_dtype("dtype").value_or(call.tensor("self").dtype);
  if (category(dtype) < 2) refuse("a mean is floating, got " + std::string(name(dtype)));
  return ValueType::tensor({dtype, reduced_sizes(call), {}});
}

ValueType sum_dims(const Call& call) {
  const DType own = call.tensor("self").dtype;
  const DType dtype = call.optional_dtype("dtype").value_or(category(own) < 2 ? DType::s64 : own);
  return ValueType::tensor({dtype, reduced_sizes(call), {}});
}

// Sizes and a value, whose kind gives the dtype when none is asked for.
ValueType full(const Call& call) {
  std::vector<Dim> sizes;
  for (const Argument& size : call.list("size")) {
    if (const Dim* dim = size.get_if<Dim>()) {
      sizes.push_back(*dim);
    } else if (const int64_t* number = size.get_if<int64_t>(); number && *number >= 0) {
      sizes.emplace_back(*number);
    } else {
      refuse("a size is a number that is not negative");
    }
  }
  const Argument& value = call.argument("fill_value");
  const DType kind = value.get_if<bool>() ? DType::boolean : value.get_if<int64_t>() ? DType::s64 : DType::f32;
  return ValueType::tensor({call.optional_dtype("dtype").value_or(kind), std::move(sizes), {}});
}

ValueType getitem(const Call& call) {
  Node* values = call.argument("values").node();
  if (!values) refuse("getitem takes a tuple");
  if (values->type().kind == ValueType::Kind::unknown) throw UnknownOperand{};
  if (values->type().kind != ValueType::Kind::tuple) refuse("getitem takes a tuple, got a tensor");
  const int64_t index = call.integer("index");
  const int64_t count = static_cast<int64_t>(values->type().tensors.size());
  if (index < -count || index >= count)
    refuse("index " + std::to_string(index) + " is outside a tuple of " + std::to_string(count));
  return ValueType::tensor(values->type().tensors[static_cast<size_t>(index < 0 ? index + count : index)]);
}

}  // namespace

void add_pointwise_rules(Table& table) {
  for (const char* op :
       {"relu", "hardtanh", "hardswish", "silu", "gelu", "elu", "leaky_relu", "relu6", "neg", "abs", "hardsigmoid"}) {
    table["aten." + std::string(op) + ".default"] = like_self;
  }
  table["aten.dropout.default"] = like_input;
  for (const char* op : {"clamp", "clamp_min", "clamp_max"}) table["aten." + std::string(op) + ".default"] = clamped;
  for (const char* op : {"sigmoid", "tanh", "erf", "exp", "sqrt", "rsqrt", "reciprocal", "log"}) {
    table["aten." + std::string(op) + ".default"] = float_of_self;
  }
  for (const char* op : {"add.Tensor", "add.Scalar", "sub.Tensor", "sub.Scalar", "mul.Tensor", "mul.Scalar",
                         "maximum.default", "minimum.default"}) {
    table["aten." + std::string(op)] = binary;
  }
  for (const char* op : {"div.Tensor", "div.Scalar"}) table["aten." + std::string(op)] = true_divide;
  for (const char* op : {"to.dtype", "_to_copy.default"}) table["aten." + std::string(op)] = to_dtype;
  table["prims.convert_element_type.default"] = convert_element_type;
  table["aten.softmax.int"] = softmax;
  table["aten._softmax.default"] = softmax;
  table["aten.layer_norm.default"] = layer_norm;
  table["aten.native_layer_norm.default"] = native_layer_norm;
  table["aten.mean.dim"] = mean_dim;
  table["aten.sum.dim_IntList"] = sum_dims;
  table["aten.full.default"] = full;
  table["_operator.getitem"] = getitem;
}

}  // namespace qrules::infer
