// aten._weight_int8pack_mm where the activation's last size is no multiple of 16: ATen's kernels give wrong numbers
// there. The sums are f32; scaled once and rounded once, as ATen does.

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

// ATen's kernels take these.
constexpr int64_t kWholeBlocks = 16;

float product(const float* x, const int8_t* weight, int64_t size) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t k = 0; k < size; ++k) sum += x[k] * static_cast<float>(weight[k]);
  return sum;
}

Prepared weight_int8pack(PrepareContext& context) {
  auto x_operand = tensor_argument(context, "self"), weight_operand = tensor_argument(context, "mat2");
  auto scales_operand = tensor_argument(context, "scales");
  if (!x_operand) return x_operand.diagnostics();
  if (!weight_operand) return weight_operand.diagnostics();
  if (!scales_operand) return scales_operand.diagnostics();
  TensorLayout x = context.input(*x_operand), weight = context.input(*weight_operand);
  const TensorLayout scales = context.input(*scales_operand), out = context.output(0);
  if (x.sizes.size() != 2) return refuse_rank(context, "the activation", x.sizes.size(), "two dimensions");
  if (x.sizes[1] % kWholeBlocks == 0) return refuse_size(context, "whole blocks of 16 are faster elsewhere");
  const bool real = visit_float(x.dtype, [](auto) {}) && x.dtype != DType::f64;
  if (!real) return refuse_dtype(context, "the activation", x.dtype, "f32, bf16 or f16");
  if (weight.dtype != DType::s8 || weight.sizes.size() != 2 || weight.sizes[1] != x.sizes[1])
    return refuse_dtype(context, "the weight", weight.dtype, "s8 with as many columns as the activation");
  if (scales.sizes.size() != 1 || scales.sizes[0] != weight.sizes[0])
    return refuse_rank(context, "the scales", scales.sizes.size(), "one scale for each row of the weight");
  weight.strides = contiguous_strides(weight.sizes);
  context.require_layout(*weight_operand, weight);
  const int64_t rows = x.sizes[0], size = x.sizes[1], columns = weight.sizes[0];
  context.request_scratch(static_cast<size_t>(rows * size) * sizeof(float));
  return make_kernel("simd", [=, x_index = *x_operand, weight_index = *weight_operand,
                              scales_index = *scales_operand](const KernelArguments& arguments) {
    auto* wide = static_cast<float*>(arguments.scratch);
    visit_float(x.dtype, [&](auto tag) {
      const auto* from = static_cast<const typename decltype(tag)::type*>(arguments.inputs[x_index]);
      for (int64_t m = 0; m < rows; ++m) {
        for (int64_t k = 0; k < size; ++k)
          wide[m * size + k] = static_cast<float>(widen(from[m * x.strides[0] + k * x.strides[1]]));
      }
    });
    const auto* weights = static_cast<const int8_t*>(arguments.inputs[weight_index]);
#pragma omp parallel for schedule(static) if (rows * columns * size > (1 << 15))
    for (int64_t n = 0; n < columns; ++n) {
      const auto scale = load<float>(arguments.inputs[scales_index], scales.dtype, n * scales.strides[0]);
      for (int64_t m = 0; m < rows; ++m) {
        store(arguments.outputs[0], out.dtype, m * out.strides[0] + n * out.strides[1],
              product(wide + m * size, weights + n * size, size) * scale);
      }
    }
  });
}

}  // namespace

void add_weight_int8pack(HandlerRegistry& registry) {
  registry.add("aten._weight_int8pack_mm.default",
               std::make_shared<FunctionHandler>("decomposed.weight_int8pack_mm", weight_int8pack));
}

}  // namespace qrules::decomposed
