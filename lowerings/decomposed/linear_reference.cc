// onednn.qlinear and onednn.qlinear_binary: exact sums, then the epilogue.

#include <qrules/lowerings/decomposed/contraction.h>

namespace qrules::decomposed {
namespace {

struct Matrix {
  int64_t inner = 0, channels = 0;
  int64_t x_step = 0, weight_step = 0, weight_row = 0;
  int64_t out_step = 0, other_step = 0;
};

template <typename Sum, typename X, typename W>
Sum dot(const X* x, int64_t x_step, const W* weight, int64_t weight_step, int64_t count, Sum zero_point) {
  Sum sum = 0;
  const auto product = [zero_point](X a, W b) {
    return (static_cast<Sum>(widen(a)) - zero_point) * static_cast<Sum>(widen(b));
  };
  if (x_step == 1 && weight_step == 1) {
    for (int64_t k = 0; k < count; ++k) sum += product(x[k], weight[k]);
  } else {
    for (int64_t k = 0; k < count; ++k) sum += product(x[k * x_step], weight[k * weight_step]);
  }
  return sum;
}

template <typename Sum, typename X, typename W>
void multiply(const Matrix& matrix, const StridedLoop<4>& rows, const Contraction& contraction,
              const ContractionRun& run, const KernelArguments& arguments) {
  const auto* weight = static_cast<const W*>(arguments.inputs[contraction.weight]);
  const auto zero_point = static_cast<Sum>(run.zero_point());
  rows.run([&](const auto& at, int64_t count, const auto& steps) {
    for (int64_t m = 0; m < count; ++m) {
      const X* x = static_cast<const X*>(arguments.inputs[contraction.x]) + at[1] + m * steps[1];
      for (int64_t n = 0; n < matrix.channels; ++n) {
        const Sum sum =
            dot<Sum>(x, matrix.x_step, weight + n * matrix.weight_row, matrix.weight_step, matrix.inner, zero_point);
        run.store_at(at[0] + m * steps[0] + n * matrix.out_step, at[2] + m * steps[2] + n * matrix.other_step, n, sum,
                     at[3] + m * steps[3]);
      }
    }
  });
}

Prepared qlinear(PrepareContext& context) {
  auto x_operand = tensor_argument(context, "x"), weight_operand = tensor_argument(context, "weight");
  if (!x_operand) return x_operand.diagnostics();
  if (!weight_operand) return weight_operand.diagnostics();
  const TensorLayout &x = context.input(*x_operand), &weight = context.input(*weight_operand);
  const TensorLayout& out = context.output(0);
  if (x.sizes.empty()) return refuse_rank(context, "the activation", 0, "at least one dimension");
  if (weight.sizes.size() != 2) return refuse_rank(context, "the weight", weight.sizes.size(), "two dimensions");
  std::vector<int64_t> wanted = x.sizes;
  wanted.back() = weight.sizes[0];
  if (x.sizes.back() != weight.sizes[1] || out.sizes != wanted)
    return refuse_size(context, "activation, weight and result do not fit each other");
  auto contraction = Contraction::prepare(context, weight.sizes[0], true);
  if (!contraction) return contraction.diagnostics();

  const Matrix matrix{x.sizes.back(),
                      weight.sizes[0],
                      x.strides.back(),
                      weight.strides[1],
                      weight.strides[0],
                      out.strides.back(),
                      contraction->other_strides.back()};
  const auto leading = [](const std::vector<int64_t>& list) {
    return std::vector<int64_t>(list.begin(), list.end() - 1);
  };
  std::vector<int64_t> scale_strides(out.sizes.size(), 0);
  if (contraction->row_scale) scale_strides = context.input(*contraction->row_scale).strides;
  const StridedLoop<4> rows(leading(out.sizes), {leading(out.strides), leading(x.strides),
                                                 leading(contraction->other_strides), leading(scale_strides)});
  note_reference(context, *contraction);
  return make_kernel("ref", [matrix, rows, contraction = *contraction](const KernelArguments& arguments) {
    const ContractionRun run(contraction, arguments);
    with_types(contraction, run, matrix.inner, [&]<typename Sum, typename X, typename W>(Tag<Sum>, Tag<X>, Tag<W>) {
      multiply<Sum, X, W>(matrix, rows, contraction, run, arguments);
    });
  });
}

}  // namespace

void add_linear(HandlerRegistry& registry) {
  registry.add("onednn.qlinear.default", std::make_shared<FunctionHandler>("decomposed.qlinear", qlinear));
  registry.add("onednn.qlinear_binary.default",
               std::make_shared<FunctionHandler>("decomposed.qlinear_binary", qlinear));
}

}  // namespace qrules::decomposed
