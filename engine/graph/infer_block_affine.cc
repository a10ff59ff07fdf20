// Types of torchao's affine operators, whose scales and zero points belong to blocks.

#include "infer_call.h"

namespace qrules::infer {
namespace {

// Blocks along each dimension of the value; -1 is a whole dimension.
std::vector<Dim> count_blocks(const Call& call, const TensorType& value) {
  const std::vector<Argument> lengths = call.list("block_size");
  if (lengths.size() != value.rank()) refuse("block_size needs one number for each dimension of the value");
  std::vector<Dim> counts;
  for (size_t d = 0; d < lengths.size(); ++d) {
    const Dim size = value.sizes[d];
    const auto number = lengths[d].integer();
    const Dim* symbol = lengths[d].get_if<Dim>();
    if (!number && !symbol) refuse("block_size must hold sizes");
    const Dim length = number ? Dim(*number) : *symbol;
    if (number == -1 || length == size) {
      counts.push_back(Dim(1));
    } else if (number == 1) {
      counts.push_back(size);
    } else if (number && *number > 0 && size.is_static() && size.value() % *number == 0) {
      counts.push_back(Dim(size.value() / *number));
    } else {
      refuse("block_size does not divide the value's sizes");
    }
  }
  return counts;
}

ValueType quantize_affine(const Call& call) {
  const TensorType& input = call.tensor("input");
  if (!is_floating(input.dtype))
    refuse("the value to quantize must be floating point, got " + std::string(name(input.dtype)));
  count_blocks(call, input);
  return tensor(call.dtype("output_dtype"), input.sizes);
}

ValueType dequantize_affine(const Call& call) {
  const TensorType& input = call.tensor("input");
  if (const DType stored = call.dtype("input_dtype"); stored != input.dtype) {
    refuse("the value to dequantize is " + std::string(name(input.dtype)) + ", not " + std::string(name(stored)));
  }
  count_blocks(call, input);
  return tensor(call.dtype("output_dtype"), input.sizes);
}

// Without keepdim, the dimensions that lie in one block are gone.
ValueType choose_qparams_affine(const Call& call) {
  const TensorType& input = call.tensor("input");
  const std::vector<Dim> counts = count_blocks(call, input);
  const std::vector<Argument> lengths = call.list("block_size");
  const bool keep = call.boolean("keepdim");
  std::vector<Dim> sizes;
  for (size_t d = 0; d < counts.size(); ++d) {
    if (keep || counts[d] != Dim(1) || lengths[d].integer() == 1) sizes.push_back(counts[d]);
  }
  const DType scale = call.optional_dtype("scale_dtype").value_or(input.dtype);
  const DType default_zero_point = call.text("mapping_type") == "ASYMMETRIC" ? DType::s32 : input.dtype;
  const DType zero_point = call.optional_dtype("zero_point_dtype").value_or(default_zero_point);
  return ValueType::tuple({{scale, sizes, {}}, {zero_point, sizes, {}}});
}

}  // namespace

void add_block_affine_rules(Table& table) {
  table["torchao.quantize_affine.default"] = quantize_affine;
  table["torchao.dequantize_affine.default"] = dequantize_affine;
  table["torchao.choose_qparams_affine.default"] = choose_qparams_affine;
}

}  // namespace qrules::infer
