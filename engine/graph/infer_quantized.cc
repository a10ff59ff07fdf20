// Types of quantize, dequantize, and what chooses their parameters.

#include <qrules/graph/float8.h>

#include "infer_call.h"

namespace qrules::infer {
namespace {

ValueType quantize(const Call& call) {
  const TensorType& input = call.tensor("input");
  if (!is_floating(input.dtype))
    refuse("the value to quantize must be floating point, got " + std::string(name(input.dtype)));
  return tensor(call.dtype("dtype"), input.sizes);
}

ValueType dequantize(const Call& call) {
  const TensorType& input = call.tensor("input");
  if (auto stored = call.optional_dtype("dtype"); stored && *stored != input.dtype) {
    refuse("the value to dequantize is " + std::string(name(input.dtype)) + ", not " + std::string(name(*stored)));
  }
  DType result = call.optional_dtype("out_dtype").value_or(DType::f32);
  if (auto output = call.optional_dtype("output_dtype")) result = *output;
  return tensor(result, input.sizes);
}

// torchao's operators between floating point and f8; the scale is a tensor that broadcasts to the value.
void require_float8(DType dtype, const char* what) {
  if (!is_float8(dtype)) refuse(std::string(what) + " must be f8e4m3 or f8e5m2, got " + std::string(name(dtype)));
}

void check_float8_scale(const Call& call, const TensorType& value) {
  const TensorType& scale = call.tensor("scale");
  if (scale.dtype != DType::f32) refuse("the scale must be f32, got " + std::string(name(scale.dtype)));
  if (scale.rank() > value.rank()) refuse("the scale has more dimensions than the value");
}

ValueType quantize_float8_tensor(const Call& call) {
  const TensorType& value = call.tensor("tensor");
  if (!is_floating(value.dtype))
    refuse("the value to quantize must be floating point, got " + std::string(name(value.dtype)));
  check_float8_scale(call, value);
  const DType dtype = call.dtype("float8_dtype");
  require_float8(dtype, "float8_dtype");
  return tensor(dtype, value.sizes);
}

ValueType dequantize_float8_tensor(const Call& call) {
  const TensorType& value = call.tensor("tensor");
  require_float8(value.dtype, "the value to dequantize");
  check_float8_scale(call, value);
  const DType dtype = call.dtype("output_dtype");
  if (!is_floating(dtype)) refuse("output_dtype must be floating point, got " + std::string(name(dtype)));
  return tensor(dtype, value.sizes);
}

// onednn.quantize_float8 and onednn.dequantize_float8.
void check_float8_range(const Call& call, DType dtype) {
  require_float8(dtype, "dtype");
  const int64_t largest = largest_float8(dtype);
  if (call.integer("zero_point") != 0 || call.integer("quant_min") != -largest || call.integer("quant_max") != largest)
    refuse("f8 has zero point 0 and its whole finite range");
}

ValueType quantize_float8(const Call& call) {
  check_float8_range(call, call.dtype("dtype"));
  return quantize(call);
}

ValueType dequantize_float8(const Call& call) {
  check_float8_range(call, call.dtype("dtype"));
  const TensorType& input = call.tensor("input");
  if (input.dtype != call.dtype("dtype"))
    refuse("the value to dequantize is " + std::string(name(input.dtype)) + ", not " +
           std::string(name(call.dtype("dtype"))));
  return tensor(DType::f32, input.sizes);
}

ValueType choose_qparams(const Call& call) {
  call.tensor("input");
  return ValueType::tuple({{DType::f64, {1}, {}}, {DType::s64, {1}, {}}});
}

ValueType choose_qparams_per_token(const Call& call) {
  std::vector<Dim> sizes = call.tensor("input").sizes;
  if (!sizes.empty()) sizes.back() = 1;
  return ValueType::tuple({{DType::f64, sizes, {}}, {DType::s64, sizes, {}}});
}

ValueType cast_no_fuse(const Call& call) { return tensor(call.dtype("dtype"), call.tensor("input").sizes); }

}  // namespace

void add_quantized_rules(Table& table) {
  const std::string ns = "quantized_decomposed.";
  for (const char* op :
       {"quantize_per_tensor.default", "quantize_per_tensor.tensor", "quantize_per_tensor.tensor2",
        "quantize_per_channel.default", "quantize_per_token.default", "quantize_per_channel_group.default"}) {
    table[ns + op] = quantize;
  }
  for (const char* op :
       {"dequantize_per_tensor.default", "dequantize_per_tensor.tensor", "dequantize_per_tensor.tensor2",
        "dequantize_per_channel.default", "dequantize_per_token.default", "dequantize_per_channel_group.default"}) {
    table[ns + op] = dequantize;
  }
  table[ns + "choose_qparams.tensor"] = choose_qparams;
  table[ns + "choose_qparams_symmetric.tensor"] = choose_qparams;
  table[ns + "choose_qparams_per_token.default"] = choose_qparams_per_token;
  table[ns + "choose_qparams_per_token_asymmetric.default"] = choose_qparams_per_token;
  table[ns + "convert_element_type.no_fuse"] = cast_no_fuse;
  table["torchao.quantize_affine_float8_non_decomposed.default"] = quantize_float8_tensor;
  table["torchao.dequantize_affine_float8_non_decomposed.default"] = dequantize_float8_tensor;
  table["onednn.quantize_float8.default"] = quantize_float8;
  table["onednn.dequantize_float8.default"] = dequantize_float8;
}

}  // namespace qrules::infer
