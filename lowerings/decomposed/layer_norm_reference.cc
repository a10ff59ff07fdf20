// vector.layer_norm with sums in double.

#include <cmath>

#include <qrules/lowerings/decomposed/epilogue.h>
#include <qrules/lowerings/layer_norm_call.h>

namespace qrules::decomposed {
namespace {

Prepared layer_norm(PrepareContext& context) {
  const auto call = LayerNormCall::read(context);
  if (!call.ok()) return call.diagnostics();
  auto epilogue = Epilogue::prepare(context);
  if (!epilogue) return epilogue.diagnostics();
  TensorLayout& out = context.output(0);
  out = TensorLayout::contiguous(out.dtype, out.sizes);
  return make_kernel("ref", [call = *call, epilogue = *epilogue](const KernelArguments& arguments) {
    const EpilogueRun run(epilogue, arguments);
    const auto value = [&](size_t operand, DType dtype, int64_t at) {
      return load<double>(arguments.inputs[operand], dtype, at);
    };
    const auto count = static_cast<double>(call.size);
    for (int64_t row = 0; row < call.rows; ++row) {
      const int64_t first = row * call.size;
      double mean = 0, square = 0;
      for (int64_t i = 0; call.centered && i < call.size; ++i) mean += value(call.x, call.dtype, first + i) / count;
      for (int64_t i = 0; i < call.size; ++i) {
        const double distance = value(call.x, call.dtype, first + i) - mean;
        square += distance * distance / count;
      }
      const double factor = 1 / std::sqrt(square + call.eps);
      for (int64_t i = 0; i < call.size; ++i) {
        double v = (value(call.x, call.dtype, first + i) - mean) * factor;
        if (call.weight) v *= value(*call.weight, call.weight_dtype, i);
        if (call.bias) v += value(*call.bias, call.bias_dtype, i);
        run.store_at(first + i, v);
      }
    }
  });
}

}  // namespace

void add_layer_norm(HandlerRegistry& registry) {
  registry.add("vector.layer_norm.default", std::make_shared<FunctionHandler>("decomposed.layer_norm", layer_norm));
}

}  // namespace qrules::decomposed
