// vector.weight_only_linear, and aten._weight_int8pack_mm where the activation's last size is no multiple of 16: ATen's
// kernels give wrong numbers there. The sums are f32; scaled once and rounded once, as ATen does.

#include <qrules/lowerings/decomposed/handler.h>
#include <qrules/lowerings/weight_only_call.h>

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
  auto call = WeightOnlyCall::read(context);
  if (!call.ok()) return call.diagnostics();
  if (context.node().op_name().starts_with("aten.") && call->size % kWholeBlocks == 0)
    return refuse_size(context, "whole blocks of 16 are faster elsewhere");
  const int64_t rows = call->rows, size = call->size, columns = call->columns;
  context.request_scratch(static_cast<size_t>(rows * size) * sizeof(float));
  return make_kernel("simd", [rows, size, columns, call = *call](const KernelArguments& arguments) {
    auto* wide = static_cast<float*>(arguments.scratch);
    visit_float(call.x.dtype, [&](auto tag) {
      const auto* from = static_cast<const typename decltype(tag)::type*>(arguments.inputs[call.x_operand]);
      for (int64_t m = 0; m < rows; ++m) {
        for (int64_t k = 0; k < size; ++k)
          wide[m * size + k] = static_cast<float>(widen(from[m * call.x.strides[0] + k * call.x.strides[1]]));
      }
    });
    const auto* weights = static_cast<const int8_t*>(arguments.inputs[call.weight_operand]);
#pragma omp parallel for schedule(static) if (rows * columns * size > (1 << 15))
    for (int64_t n = 0; n < columns; ++n) {
      for (int64_t m = 0; m < rows; ++m) {
        const float sum = product(wide + m * size, weights + n * size, size);
        call.store_sums(arguments, m, 1, n, 1, &sum, 1);
      }
    }
  });
}

}  // namespace

void add_weight_int8pack(HandlerRegistry& registry) {
  const auto handler = std::make_shared<FunctionHandler>("decomposed.weight_int8pack_mm", weight_int8pack);
  for (const char* op : {"aten._weight_int8pack_mm.default", "vector.weight_only_linear.default"})
    registry.add(op, handler);
}

}  // namespace qrules::decomposed
