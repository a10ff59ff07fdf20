// onednn.linear_fp16: sums in double, rounded once to f32.

#include <qrules/lowerings/decomposed/epilogue.h>

namespace qrules::decomposed {
namespace {

Prepared linear_fp16(PrepareContext& context) {
  auto x_operand = tensor_argument(context, "x"), weight_operand = tensor_argument(context, "weight");
  if (!x_operand) return x_operand.diagnostics();
  if (!weight_operand) return weight_operand.diagnostics();
  const auto bias = context.operand_of("bias");
  const TensorLayout x = context.input(*x_operand), weight = context.input(*weight_operand);
  if (x.dtype != DType::f32 || x.sizes.empty()) return refuse_dtype(context, "the activation", x.dtype, "f32");
  if (weight.dtype != DType::f16 || weight.sizes.size() != 2)
    return refuse_dtype(context, "the weight", weight.dtype, "f16");
  if (bias && (context.input(*bias).dtype != DType::f32 || context.input(*bias).sizes.size() != 1))
    return refuse_dtype(context, "the bias", context.input(*bias).dtype, "f32");
  const auto post_op = parse_post_op(*context.node().argument("post_op")->get_if<std::string>());
  if (!post_op || post_op_arguments(*post_op) != 0) return refuse_argument(context, "post_op", "takes no numbers here");
  const TensorLayout out = context.output(0);
  const auto leading = [](const std::vector<int64_t>& list) {
    return std::vector<int64_t>(list.begin(), list.end() - 1);
  };
  const StridedLoop<2> rows(leading(out.sizes), {leading(out.strides), leading(x.strides)});
  const int64_t bias_step = bias ? context.input(*bias).strides[0] : 0;
  context.note("exact reference kernel: slow");
  return make_kernel(
      "ref", [=, x_index = *x_operand, weight_index = *weight_operand](const KernelArguments& arguments) {
        const auto* weights = static_cast<const uint16_t*>(arguments.inputs[weight_index]);
        rows.run([&](const auto& at, int64_t count, const auto& steps) {
          for (int64_t m = 0; m < count; ++m) {
            const float* row = static_cast<const float*>(arguments.inputs[x_index]) + at[1] + m * steps[1];
            float* result = static_cast<float*>(arguments.outputs[0]) + at[0] + m * steps[0];
            for (int64_t n = 0; n < weight.sizes[0]; ++n) {
              double sum = 0;
              for (int64_t k = 0; k < weight.sizes[1]; ++k) {
                sum += static_cast<double>(row[k * x.strides.back()]) *
                       static_cast<double>(widen_f16(weights[n * weight.strides[0] + k * weight.strides[1]]));
              }
              if (bias) sum += static_cast<double>(static_cast<const float*>(arguments.inputs[*bias])[n * bias_step]);
              result[n * out.strides.back()] = static_cast<float>(apply(*post_op, 0, 0, sum));
            }
          }
        });
      });
}

}  // namespace

void add_linear_fp16(HandlerRegistry& registry) {
  registry.add("onednn.linear_fp16.default", std::make_shared<FunctionHandler>("decomposed.linear_fp16", linear_fp16));
}

}  // namespace qrules::decomposed
