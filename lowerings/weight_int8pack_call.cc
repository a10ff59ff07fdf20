#include <qrules/lowerings/weight_int8pack_call.h>

namespace qrules {

using int8::refuse;

Result<WeightInt8PackCall> WeightInt8PackCall::read(PrepareContext& context) {
  const auto x = context.operand_of("self"), weight = context.operand_of("mat2"), scales = context.operand_of("scales");
  if (!x || !weight || !scales) return refuse("activation, weight and scales are tensors");
  WeightInt8PackCall call{*x, *weight, *scales, context.input(*x), context.input(*scales), context.output(0), 0, 0, 0};
  const TensorLayout matrix = context.input(*weight);
  if (call.x.sizes.size() != 2 || matrix.sizes.size() != 2 || matrix.sizes[1] != call.x.sizes[1])
    return refuse("activation and weight are matrices with as many columns");
  if (call.x.dtype != DType::f32 && call.x.dtype != DType::bf16 && call.x.dtype != DType::f16)
    return refuse("the activation is f32, bf16 or f16");
  if (matrix.dtype != DType::s8) return refuse("the weight is s8");
  if (call.scales.sizes.size() != 1 || call.scales.sizes[0] != matrix.sizes[0] || !is_floating(call.scales.dtype))
    return refuse("there is a scale for each row of the weight");
  call.rows = call.x.sizes[0];
  call.size = call.x.sizes[1];
  call.columns = matrix.sizes[0];
  context.require_layout(*weight, TensorLayout::contiguous(matrix.dtype, matrix.sizes));
  return call;
}

}  // namespace qrules
