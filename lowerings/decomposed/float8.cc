// Quantize to f8 and back: torchao's operators, whose scale is a tensor, and onednn.quantize_float8, whose scale is a
// number. x over the scale, clamped to the finite values, is rounded once, by the conversion; nothing is added.

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

template <typename Out>
Out quantize_value(float x, float scale, float largest) {
  float value = x / scale;
  value = value < -largest ? -largest : value;
  value = value > largest ? largest : value;  // NaN passes both, as in torch
  return convert<Out>(value);
}

template <typename Out, typename In>
Out dequantize_value(In x, float scale) {
  return convert<Out>(widen(x) * scale);
}

// The scale of torchao's operators: f32, of one element, or of sizes that broadcast to the value's.
Result<std::vector<int64_t>> scale_strides(const PrepareContext& context, size_t operand) {
  const TensorLayout &value = context.input(0), &scale = context.input(operand);
  if (scale.dtype != DType::f32) return refuse_dtype(context, "`scale`", scale.dtype, "f32");
  if (scale.element_count() == 1) return std::vector<int64_t>(value.sizes.size(), 0);
  bool fits = scale.sizes.size() == value.sizes.size();
  for (size_t d = 0; fits && d < scale.sizes.size(); ++d) {
    fits = scale.sizes[d] == 1 || scale.sizes[d] == value.sizes[d];
  }
  if (!fits) return refuse_size(context, "`scale` must have one element, or the value's sizes with 1 for some of them");
  return broadcast_strides(scale, value.sizes);
}

// A kernel that calls function(In, scale) -> Out for each element; the scale is a number or operand.
template <typename In, typename Out, typename F>
Prepared elementwise(PrepareContext& context, F function) {
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  if (out.sizes != in.sizes) return refuse_size(context, "the result has the sizes of the value");
  adopt_layout(out, in);
  const auto operand = context.operand_of("scale");
  std::vector<int64_t> strides(in.sizes.size(), 0);
  float known = 1;
  if (operand) {
    auto found = scale_strides(context, *operand);
    if (!found) return found.diagnostics();
    strides = std::move(*found);
  } else {
    auto number = number_argument(context, "scale");
    if (!number) return number.diagnostics();
    known = static_cast<float>(number->value);
  }
  const StridedLoop<3> loop(out.sizes, {out.strides, in.strides, strides});
  return make_kernel("ref", [loop, operand, known, function](const KernelArguments& arguments) {
    const float* scales = operand ? static_cast<const float*>(arguments.inputs[*operand]) : &known;
    loop.run([&](const auto& at, int64_t count, const auto& steps) {
      const In* from = static_cast<const In*>(arguments.inputs[0]) + at[1];
      Out* to = static_cast<Out*>(arguments.outputs[0]) + at[0];
      const float* scale = scales + at[2];
      for (int64_t i = 0; i < count; ++i) to[i * steps[0]] = function(from[i * steps[1]], scale[i * steps[2]]);
    });
  });
}

Prepared quantize(PrepareContext& context) {
  const DType in = context.input(0).dtype, out = context.output(0).dtype;
  std::optional<Prepared> prepared;
  visit_float(in, [&](auto in_tag) {
    visit_float8(out, [&](auto out_tag) {
      using In = typename decltype(in_tag)::type;
      using Out = typename decltype(out_tag)::type;
      const auto largest = static_cast<float>(largest_float8(out));
      prepared = elementwise<In, Out>(
          context, [largest](In x, float scale) { return quantize_value<Out>(convert<float>(x), scale, largest); });
    });
  });
  if (prepared) return std::move(*prepared);
  if (!visit_float8(out, [](auto) {})) return refuse_dtype(context, "the result", out, "f8e4m3 or f8e5m2");
  return refuse_dtype(context, "the value", in, "f32, f64, bf16 or f16");
}

Prepared dequantize(PrepareContext& context) {
  const DType in = context.input(0).dtype, out = context.output(0).dtype;
  std::optional<Prepared> prepared;
  visit_float8(in, [&](auto in_tag) {
    visit_float(out, [&](auto out_tag) {
      using In = typename decltype(in_tag)::type;
      using Out = typename decltype(out_tag)::type;
      prepared = elementwise<In, Out>(context, [](In x, float scale) { return dequantize_value<Out>(x, scale); });
    });
  });
  if (prepared) return std::move(*prepared);
  if (!visit_float8(in, [](auto) {})) return refuse_dtype(context, "the value", in, "f8e4m3 or f8e5m2");
  return refuse_dtype(context, "the result", out, "f32, f64, bf16 or f16");
}

}  // namespace

void add_float8(HandlerRegistry& registry) {
  const auto to = std::make_shared<FunctionHandler>("decomposed.quantize", quantize);
  const auto from = std::make_shared<FunctionHandler>("decomposed.dequantize", dequantize);
  registry.add("torchao.quantize_affine_float8_non_decomposed.default", to);
  registry.add("onednn.quantize_float8.default", to);
  registry.add("torchao.dequantize_affine_float8_non_decomposed.default", from);
  registry.add("onednn.dequantize_float8.default", from);
}

}  // namespace qrules::decomposed
