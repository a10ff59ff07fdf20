#include <qrules/lowerings/layer_norm_call.h>

#include <qrules/lowerings/int8_call.h>

namespace qrules {

using int8::is_real;
using int8::refuse;

Result<LayerNormCall> LayerNormCall::read(PrepareContext& context) {
  LayerNormCall call;
  const auto x = context.operand_of("x");
  if (!x) return refuse("x is a tensor");
  call.x = *x;
  call.weight = context.operand_of("weight");
  call.bias = context.operand_of("bias");
  const std::vector<int64_t> sizes = context.input(*x).sizes;
  if (sizes.empty()) return refuse("x has a dimension");
  call.dtype = context.input(*x).dtype;
  call.size = sizes.back();
  call.rows = call.size > 0 ? context.input(*x).element_count() / call.size : 0;
  if (!is_real(call.dtype)) return refuse("x is f32 or bf16");
  for (const auto& [operand, dtype] :
       {std::pair{call.weight, &call.weight_dtype}, std::pair{call.bias, &call.bias_dtype}}) {
    if (!operand) continue;
    const TensorLayout& layout = context.input(*operand);
    *dtype = layout.dtype;
    if (!is_real(layout.dtype)) return refuse("weight and bias are f32 or bf16");
    if (layout.sizes != std::vector<int64_t>{call.size})
      return refuse("weight and bias have an element for each of a row");
    context.require_layout(*operand, TensorLayout::contiguous(layout.dtype, layout.sizes));
  }
  context.require_layout(*x, TensorLayout::contiguous(call.dtype, sizes));
  call.eps = context.node().argument("eps")->number().value_or(0);
  call.centered = *context.node().argument("centered")->get_if<bool>();
  return call;
}

}  // namespace qrules
