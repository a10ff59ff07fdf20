#include <qrules/lowerings/weight_only_call.h>

#include <algorithm>
#include <array>

#include <qrules/lowerings/elements.h>

namespace qrules {

using int8::is_real;
using int8::refuse;

namespace {

// Rows of the last dimension as those of a matrix. The layout is dense, or one of a matrix.
TensorLayout as_matrix(const TensorLayout& layout) {
  if (layout.sizes.size() == 2) return layout;
  const int64_t last = layout.sizes.back();
  int64_t rows = 1;
  for (size_t d = 0; d + 1 < layout.sizes.size(); ++d) rows *= layout.sizes[d];
  return TensorLayout::contiguous(layout.dtype, {rows, last});
}

}  // namespace

Result<WeightOnlyCall> WeightOnlyCall::read(PrepareContext& context) {
  const bool is_aten = context.node().op_name() == "aten._weight_int8pack_mm.default";
  const auto x = context.operand_of(is_aten ? "self" : "x"), weight = context.operand_of(is_aten ? "mat2" : "weight"),
             scales = context.operand_of("scales");
  if (!x || !weight || !scales) return refuse("activation, weight and scales are tensors");
  WeightOnlyCall call;
  call.x_operand = *x;
  call.weight_operand = *weight;
  call.scales_operand = *scales;
  call.x = context.input(*x);
  call.scales = context.input(*scales);
  TensorLayout& out = context.output(0);
  const TensorLayout matrix = context.input(*weight);
  if (call.x.sizes.empty() || matrix.sizes.size() != 2 || matrix.sizes[1] != call.x.sizes.back())
    return refuse("rows of the activation and of the weight have as many elements");
  // Of a matrix any strides will do.
  if (call.x.sizes.size() != 2) context.require_layout(*x, TensorLayout::contiguous(call.x.dtype, call.x.sizes));
  call.x = as_matrix(call.x);
  out = TensorLayout::contiguous(out.dtype, out.sizes);
  call.out_dtype = out.dtype;
  call.other_operand = context.operand_of("other");
  if (call.other_operand) {
    const TensorLayout other = context.input(*call.other_operand);
    if (other.sizes != out.sizes) return refuse("the addend is as large as the result");
    if (!is_real(other.dtype)) return refuse("the addend is f32 or bf16");
    call.other_dtype = other.dtype;
    context.require_layout(*call.other_operand, TensorLayout::contiguous(other.dtype, other.sizes));
  }
  if (!is_real(call.x.dtype) && call.x.dtype != DType::f16) return refuse("the activation is f32, bf16 or f16");
  if (matrix.dtype != DType::s8) return refuse("the weight is s8");
  if (call.scales.sizes.size() != 1 || call.scales.sizes[0] != matrix.sizes[0] || !is_floating(call.scales.dtype))
    return refuse("there is a scale for each row of the weight");
  call.rows = call.x.sizes[0];
  call.size = call.x.sizes[1];
  call.columns = matrix.sizes[0];
  context.require_layout(*weight, TensorLayout::contiguous(matrix.dtype, matrix.sizes));
  return call;
}

void WeightOnlyCall::store_sums(const KernelArguments& arguments, int64_t row, int64_t row_count, int64_t column,
                                int64_t column_count, const float* sums, int64_t step) const {
  // Along rows, as results lie; some columns at once, in loops that vectorize.
  constexpr int64_t kLine = 64;
  std::array<float, kLine> scale, line;
  for (int64_t first = 0; first < column_count; first += kLine) {
    const auto count = static_cast<size_t>(std::min(column_count - first, kLine));
    for (size_t c = 0; c < count; ++c)
      scale[c] = elements::load<float>(arguments.inputs[scales_operand], scales.dtype,
                                       (column + first + static_cast<int64_t>(c)) * scales.strides[0]);
    for (int64_t r = 0; r < row_count; ++r) {
      const int64_t at = (row + r) * columns + column + first;
      const float* from = sums + r * step + first;
      for (size_t c = 0; c < count; ++c) line[c] = from[c] * scale[c];
      if (other_operand) {
        elements::visit_float(other_dtype, [&](auto tag) {
          const auto* other = static_cast<const typename decltype(tag)::type*>(arguments.inputs[*other_operand]) + at;
          for (size_t c = 0; c < count; ++c) line[c] += elements::convert<float>(other[c]);
        });
      }
      elements::visit_float(out_dtype, [&](auto tag) {
        using Out = typename decltype(tag)::type;
        auto* to = static_cast<Out*>(arguments.outputs[0]) + at;
        for (size_t c = 0; c < count; ++c) to[c] = elements::convert<Out>(line[c]);
      });
    }
  }
}

}  // namespace qrules
