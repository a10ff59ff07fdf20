// Types of the int8 operators: docs/operators.md.

#include <qrules/graph/float8.h>

#include "infer_int8.h"

namespace qrules::infer {
void require_int8(const TensorType& type, const char* what) {
  if (type.dtype != DType::u8 && type.dtype != DType::s8) {
    refuse(std::string(what) + " must be u8 or s8, got " + std::string(name(type.dtype)));
  }
}

void require_sums_fit(Dim products) {
  if (products.is_static() && products.value() > 33'025) refuse("more than 33,025 products overflow the accumulator");
}

void check_one_element(const Call& call, std::string_view parameter) {
  const Argument& argument = call.argument(parameter);
  if (parameter.ends_with("zero_point") && argument.number() && !argument.integer())
    refuse("`" + std::string(parameter) + "` must be an integer");
  const TensorType* type = argument.node() ? call.optional_tensor(parameter) : nullptr;
  if (!type) return;
  for (Dim size : type->sizes) {
    if (size != Dim(1)) refuse("`" + std::string(parameter) + "` must be a number or have one element");
  }
}

DType check_epilogue(const Call& call, DType operand) {
  const DType result = call.dtype("out_dtype");
  const bool float8 = operand == DType::f8e4m3;
  if (result == DType::f32 || result == DType::bf16) {
    const Argument& scale = call.argument("out_scale");
    const Argument& zero_point = call.argument("out_zero_point");
    if (scale.node() || zero_point.node() || scale.number() != 1.0 || zero_point.number() != 0.0) {
      refuse("a floating-point result needs out_scale 1 and out_zero_point 0");
    }
  } else if (float8) {
    if (result != DType::f8e4m3)
      refuse("out_dtype of an f8 operator must be f32, bf16 or f8e4m3, got " + std::string(name(result)));
    if (call.argument("out_zero_point").number() != 0.0) refuse("f8 has no zero point");
  } else if (result != DType::u8 && result != DType::s8) {
    refuse("out_dtype must be f32, bf16, u8 or s8, got " + std::string(name(result)));
  }
  check_one_element(call, "out_scale");
  check_one_element(call, "out_zero_point");
  const std::string post_op = call.text("post_op");
  const size_t scalars = call.list("post_op_args").size();
  size_t wanted = 0;
  if (post_op == "hardtanh") {
    wanted = 2;
  } else if (post_op == "elu" || post_op == "leaky_relu") {
    wanted = 1;
  } else {
    static constexpr std::string_view kPlain[] = {"none", "relu",      "hardswish", "silu",
                                                  "gelu", "gelu_tanh", "sigmoid",   "tanh"};
    bool known = false;
    for (std::string_view plain : kPlain) known = known || post_op == plain;
    if (!known) refuse("unknown post_op \"" + post_op + "\"");
  }
  if (scalars != wanted) refuse("post_op \"" + post_op + "\" takes " + std::to_string(wanted) + " numbers");
  if (post_op == "hardtanh") {
    const std::vector<Argument> bounds = call.list("post_op_args");
    const auto low = bounds[0].number(), high = bounds[1].number();
    if (!low || !high || !(*low <= *high)) refuse("hardtanh needs two numbers, the lower first");
  }
  return result;
}

namespace {

// Whether `x_scale` is a tensor with one element for each row of x: x's sizes with a last one of 1.
bool scales_rows(const Call& call) {
  const TensorType* scale = call.argument("x_scale").node() ? call.optional_tensor("x_scale") : nullptr;
  if (!scale || scale->sizes.empty()) return false;
  std::vector<Dim> wanted = call.tensor("x").sizes;
  if (wanted.empty()) return false;
  wanted.back() = Dim(1);
  return scale->sizes == wanted;
}

void check_quantized_operands(const Call& call, Dim channels, bool may_scale_rows) {
  const TensorType& x = call.tensor("x");
  const TensorType& weight = call.tensor("weight");
  if (x.dtype == DType::f8e4m3) {
    if (weight.dtype != DType::f8e4m3)
      refuse("the weight of an f8e4m3 activation must be f8e4m3, got " + std::string(name(weight.dtype)));
    if (call.argument("x_zero_point").number() != 0.0) refuse("f8 has no zero point");
  } else {
    require_int8(x, "the activation");
    if (weight.dtype != DType::s8) refuse("the weight must be s8, got " + std::string(name(weight.dtype)));
  }
  if (!may_scale_rows || !scales_rows(call)) check_one_element(call, "x_scale");
  check_one_element(call, "x_zero_point");
  const TensorType& scale = call.tensor("weight_scale");
  if (scale.dtype != DType::f32) refuse("weight_scale must be f32, got " + std::string(name(scale.dtype)));
  const Dim scales = product(call.dims(), scale.sizes);
  if (scales != Dim(1) && scales != channels)
    refuse("weight_scale must have one element, or one for each output channel");
  if (const TensorType* bias = call.optional_tensor("bias")) {
    if (!is_floating(bias->dtype)) refuse("the bias must be floating point");
    if (bias->rank() != 1 || bias->sizes[0] != channels)
      refuse("the bias must be a vector with one element for each output channel");
  }
}

void check_other(const Call& call, const std::vector<Dim>& result, bool may_broadcast) {
  const TensorType& other = call.tensor("other");
  const bool scaled = other.dtype == DType::u8 || other.dtype == DType::s8 || other.dtype == DType::f8e4m3;
  if (!scaled && other.dtype != DType::f32 && other.dtype != DType::bf16) {
    refuse("other must be u8, s8, f8e4m3, f32 or bf16, got " + std::string(name(other.dtype)));
  }
  if (other.dtype == DType::f8e4m3 && call.argument("other_zero_point").number() != 0.0) refuse("f8 has no zero point");
  if (!scaled && (call.argument("other_scale").number() != 1.0 || call.argument("other_zero_point").number() != 0.0)) {
    refuse("a floating-point other has scale 1 and zero point 0");
  }
  check_one_element(call, "other_scale");
  check_one_element(call, "other_zero_point");
  if (other.sizes != result && !(may_broadcast && broadcast(call.dims(), other.sizes, result) == result)) {
    refuse("other must have the sizes of the result");
  }
  const std::string binary = call.text("binary");
  if (binary != "add" && binary != "sub" && binary != "mul") refuse("unknown binary \"" + binary + "\"");
}

std::vector<Dim> linear_sizes(const Call& call) {
  const TensorType& x = call.tensor("x");
  const TensorType& weight = call.tensor("weight");
  if (x.rank() < 1) refuse("the activation must have at least one dimension");
  if (weight.rank() != 2) refuse("the weight must have two dimensions");
  if (x.sizes.back() != weight.sizes[1]) refuse("the activation's last size and the weight's second differ");
  // The s32 accumulator holds 65,793 products of 255 and -128 at the most.
  if (x.dtype != DType::f8e4m3 && weight.sizes[1].is_static() && weight.sizes[1].value() > 65'793)
    refuse("more than 65,793 products overflow the accumulator");
  check_quantized_operands(call, weight.sizes[0], true);
  std::vector<Dim> sizes = x.sizes;
  sizes.back() = weight.sizes[0];
  return sizes;
}

ValueType qlinear(const Call& call) {
  std::vector<Dim> sizes = linear_sizes(call);
  return tensor(check_epilogue(call, call.tensor("x").dtype), std::move(sizes));
}

ValueType linear_fp16(const Call& call) {
  const TensorType& x = call.tensor("x");
  const TensorType& weight = call.tensor("weight");
  if (x.dtype != DType::f32) refuse("the activation must be f32");
  if (weight.dtype != DType::f16 || weight.rank() != 2) refuse("the weight must be f16 of two dimensions");
  if (x.rank() < 1 || x.sizes.back() != weight.sizes[1])
    refuse("the activation's last size and the weight's second differ");
  std::vector<Dim> sizes = x.sizes;
  sizes.back() = weight.sizes[0];
  return tensor(DType::f32, std::move(sizes));
}

ValueType qlinear_binary(const Call& call) {
  std::vector<Dim> sizes = linear_sizes(call);
  check_other(call, sizes, true);
  return tensor(check_epilogue(call, call.tensor("x").dtype), std::move(sizes));
}

std::vector<Dim> conv_sizes(const Call& call) {
  const TensorType& x = call.tensor("x");
  const TensorType& weight = call.tensor("weight");
  if (x.rank() != 3 && x.rank() != 4) refuse("the activation must have rank 3 or 4, got " + std::to_string(x.rank()));
  if (weight.rank() != x.rank()) refuse("activation and weight have different ranks");
  const size_t spatial = x.rank() - 2;
  const int64_t groups = call.integer("groups");
  if (groups < 1) refuse("groups must be positive");
  if (x.sizes[1] != call.dims().multiply(weight.sizes[1], groups))
    refuse("the activation's channels are not groups times the weight's");
  if (weight.sizes[0].is_static() && weight.sizes[0].value() % groups != 0)
    refuse("output channels are no multiple of groups");
  check_quantized_operands(call, weight.sizes[0], false);
  const auto stride = call.integers("stride", spatial), dilation = call.integers("dilation", spatial);
  // In front of every dimension, then, where it differs, behind every dimension.
  std::vector<int64_t> padding = call.integers("padding", call.list("padding").size() == 2 * spatial ? 0 : spatial);
  for (int64_t amount : padding) {
    if (amount < 0 || amount > INT32_MAX) refuse("padding is not negative, nor larger than 32 bits hold");
  }
  if (padding.size() == spatial) padding.insert(padding.end(), padding.begin(), padding.end());
  std::vector<Dim> sizes = {x.sizes[0], weight.sizes[0]};
  for (size_t i = 0; i < spatial; ++i) {
    const Dim kernel = weight.sizes[2 + i];
    if (!kernel.is_static()) throw UnknownOperand{};
    const Dim padded = call.dims().add(x.sizes[2 + i], Dim(padding[i] + padding[spatial + i]));
    sizes.push_back(window_positions(call.dims(), padded, kernel.value(), stride[i], 0, dilation[i], false));
  }
  return sizes;
}

ValueType qconv(const Call& call) {
  std::vector<Dim> sizes = conv_sizes(call);
  return tensor(check_epilogue(call, call.tensor("x").dtype), std::move(sizes));
}

ValueType qconv_binary(const Call& call) {
  std::vector<Dim> sizes = conv_sizes(call);
  check_other(call, sizes, false);
  return tensor(check_epilogue(call, call.tensor("x").dtype), std::move(sizes));
}

ValueType qmaxpool2d(const Call& call) {
  const TensorType& x = call.tensor("x");
  require_int8(x, "the activation");
  if (x.rank() != 3 && x.rank() != 4) refuse("the activation must have rank 3 or 4");
  const auto kernel = call.integers("kernel_size", 2), padding = call.integers("padding", 2),
             dilation = call.integers("dilation", 2);
  const auto stride = call.list("stride").empty() ? kernel : call.integers("stride", 2);
  std::vector<Dim> sizes = x.sizes;
  for (size_t i = 0; i < 2; ++i) {
    if (2 * padding[i] > kernel[i]) refuse("padding is more than half of the window");
    Dim& size = sizes[x.rank() - 2 + i];
    size =
        window_positions(call.dims(), size, kernel[i], stride[i], padding[i], dilation[i], call.boolean("ceil_mode"));
  }
  return tensor(x.dtype, std::move(sizes));
}

ValueType qavgpool2d(const Call& call) {
  const TensorType& x = call.tensor("x");
  require_int8(x, "the activation");
  if (x.rank() != 3 && x.rank() != 4) refuse("the activation must have rank 3 or 4");
  const auto kernel = call.integers("kernel_size", 2), padding = call.integers("padding", 2);
  const auto stride = call.list("stride").empty() ? kernel : call.integers("stride", 2);
  const Argument& divisor = call.argument("divisor_override");
  if (!divisor.is_none() && call.integer("divisor_override") == 0) refuse("the divisor is 0");
  std::vector<Dim> sizes = x.sizes;
  for (size_t i = 0; i < 2; ++i) {
    if (padding[i] < 0 || 2 * padding[i] > kernel[i]) refuse("padding is more than half of the window");
    Dim& size = sizes[x.rank() - 2 + i];
    size = window_positions(call.dims(), size, kernel[i], stride[i], padding[i], 1, call.boolean("ceil_mode"));
  }
  return tensor(x.dtype, std::move(sizes));
}

ValueType qadaptive_avgpool2d(const Call& call) {
  const TensorType& x = call.tensor("x");
  require_int8(x, "the activation");
  if (x.rank() != 3 && x.rank() != 4) refuse("the activation must have rank 3 or 4");
  const auto size = call.integers("output_size", 2);
  if (size[0] < 0 || size[1] < 0) refuse("a size is not negative");
  std::vector<Dim> sizes = x.sizes;
  sizes[x.rank() - 2] = size[0];
  sizes[x.rank() - 1] = size[1];
  return tensor(x.dtype, std::move(sizes));
}

ValueType qmatmul(const Call& call) {
  const TensorType& a = call.tensor("a");
  const TensorType& b = call.tensor("b");
  require_int8(a, "a");
  require_int8(b, "b");
  if (a.rank() < 2 || b.rank() < 2) refuse("a and b must have two dimensions or more");
  const Dim inner = a.sizes.back();
  if (differ(inner, b.sizes[b.rank() - 2])) refuse("the inner sizes differ");
  require_sums_fit(inner);
  for (const char* parameter : {"a_scale", "a_zero_point", "b_scale", "b_zero_point"})
    check_one_element(call, parameter);
  std::vector<Dim> sizes =
      broadcast(call.dims(), {a.sizes.begin(), a.sizes.end() - 2}, {b.sizes.begin(), b.sizes.end() - 2});
  sizes.push_back(a.sizes[a.rank() - 2]);
  sizes.push_back(b.sizes.back());
  return tensor(check_epilogue(call, a.dtype), std::move(sizes));
}

ValueType qembedding_bag(const Call& call) {
  const TensorType& weight = call.tensor("weight");
  const TensorType& indices = call.tensor("indices");
  const TensorType& offsets = call.tensor("offsets");
  require_int8(weight, "the table");
  if (weight.rank() != 2) refuse("the table must have two dimensions");
  check_one_element(call, "weight_scale");
  check_one_element(call, "weight_zero_point");
  for (const TensorType* type : {&indices, &offsets}) {
    if (type->dtype != DType::s32 && type->dtype != DType::s64) refuse("indices and offsets must be s32 or s64");
    if (type->rank() != 1) refuse("indices and offsets must be vectors");
  }
  const int64_t mode = call.integer("mode");
  if (mode < 0 || mode > 2) refuse("the mode is 0 (sum), 1 (mean) or 2 (max)");
  Dim bags = offsets.sizes[0];
  if (call.boolean("include_last_offset")) {
    if (bags == Dim(0)) refuse("the last offset is missing");
    bags = call.dims().subtract(bags, Dim(1));
  }
  return tensor(check_epilogue(call, weight.dtype), {bags, weight.sizes[1]});
}

ValueType qcat(const Call& call) {
  const auto types = call.tensors("tensors");
  if (types.empty()) refuse("nothing to concatenate");
  std::vector<Dim> sizes = types[0]->sizes;
  const size_t axis = call.dimension("dim", sizes.size());
  for (const TensorType* type : types) {
    if (!is_float8(type->dtype)) require_int8(*type, "every tensor");
  }
  for (size_t i = 1; i < types.size(); ++i) {
    if (types[i]->dtype != types[0]->dtype) refuse("the tensors have different dtypes");
    if (types[i]->rank() != sizes.size()) refuse("the tensors have different ranks");
    for (size_t d = 0; d < sizes.size(); ++d) {
      if (d == axis) {
        sizes[d] = call.dims().add(sizes[d], types[i]->sizes[d]);
      } else if (types[i]->sizes[d] != sizes[d]) {
        refuse("sizes differ in dimension " + std::to_string(d));
      }
    }
  }
  return tensor(types[0]->dtype, std::move(sizes));
}

ValueType qreshape(const Call& call) {
  const TensorType& x = call.tensor("x");
  if (!is_float8(x.dtype)) require_int8(x, "the tensor");
  return tensor(x.dtype, resolve_shape(call.dims(), x.sizes, call.list("shape")));
}

}  // namespace

void add_int8_rules(Table& table) {
  table["onednn.qlinear.default"] = qlinear;
  table["onednn.qlinear_binary.default"] = qlinear_binary;
  table["onednn.linear_fp16.default"] = linear_fp16;
  table["onednn.qconv.default"] = qconv;
  table["onednn.qconv_binary.default"] = qconv_binary;
  table["onednn.qmaxpool2d.default"] = qmaxpool2d;
  table["onednn.qavgpool2d.default"] = qavgpool2d;
  table["onednn.qadaptive_avgpool2d.default"] = qadaptive_avgpool2d;
  table["onednn.qmatmul.default"] = qmatmul;
  table["onednn.qembedding_bag.default"] = qembedding_bag;
  table["onednn.qcat.default"] = qcat;
  table["onednn.qreshape.default"] = qreshape;
}

}  // namespace qrules::infer
