#include <qrules/lowerings/weight_int8pack_call.h>

#include <algorithm>
#include <array>

#include <qrules/lowerings/elements.h>

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

void WeightInt8PackCall::store_sums(const KernelArguments& arguments, int64_t row, int64_t row_count, int64_t column,
                                    int64_t column_count, const float* sums, int64_t step) const {
  elements::visit_float(out.dtype, [&](auto tag) {
    using Out = typename decltype(tag)::type;
    auto* to = static_cast<Out*>(arguments.outputs[0]) + row * out.strides[0] + column * out.strides[1];
    // Along rows, as results lie; the scales of some columns at once.
    std::array<float, 64> scale;
    for (int64_t first = 0; first < column_count; first += static_cast<int64_t>(scale.size())) {
      const int64_t count = std::min(column_count - first, static_cast<int64_t>(scale.size()));
      for (int64_t c = 0; c < count; ++c)
        scale[static_cast<size_t>(c)] = elements::load<float>(arguments.inputs[scales_operand], scales.dtype,
                                                              (column + first + c) * scales.strides[0]);
      for (int64_t r = 0; r < row_count; ++r) {
        for (int64_t c = 0; c < count; ++c)
          to[r * out.strides[0] + (first + c) * out.strides[1]] =
              elements::convert<Out>(sums[r * step + first + c] * scale[static_cast<size_t>(c)]);
      }
    }
  });
}

}  // namespace qrules
