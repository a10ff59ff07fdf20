// torchao's quantize_affine and dequantize_affine: quantization whose scales and zero points belong to blocks of any
// sizes. The arithmetic has the type that value and scale promote to, rounded after each step.

#include <qrules/lowerings/decomposed/blocks.h>
#include <qrules/lowerings/decomposed/quantize.h>

namespace qrules::decomposed {
namespace {

struct BlockParameters {
  Blocks blocks;
  size_t scale = 0;
  std::optional<size_t> zero_point;  // none stands for zero
  DType zero_point_dtype = DType::s32;
};

// An operand with one element for each block, whatever its sizes; it comes row-major.
std::optional<Diagnostic> require_block_parameter(PrepareContext& context, const Blocks& blocks, size_t operand,
                                                  const std::string& name) {
  TensorLayout layout = context.input(operand);
  if (layout.element_count() != blocks.count())
    return refuse_size(context, "`" + name + "` must have one element for each block");
  layout.strides = contiguous_strides(layout.sizes);
  context.require_layout(operand, std::move(layout));
  return std::nullopt;
}

Result<BlockParameters> block_parameters(PrepareContext& context) {
  BlockParameters found;
  auto blocks = blocks_of(context);
  if (!blocks) return blocks.diagnostics();
  found.blocks = std::move(*blocks);
  auto scale = tensor_argument(context, "scale");
  if (!scale) return scale.diagnostics();
  found.scale = *scale;
  if (auto refusal = require_block_parameter(context, found.blocks, found.scale, "scale")) return *refusal;
  found.zero_point = context.operand_of("zero_point");
  if (!found.zero_point || context.input(*found.zero_point).element_count() == 0) {
    found.zero_point = std::nullopt;
    return found;
  }
  found.zero_point_dtype = context.input(*found.zero_point).dtype;
  if (!is_integral(found.zero_point_dtype))
    return refuse_dtype(context, "`zero_point`", found.zero_point_dtype, "integers");
  if (auto refusal = require_block_parameter(context, found.blocks, *found.zero_point, "zero_point")) return *refusal;
  return found;
}

// What arithmetic between tensors of these two floating-point types gives.
template <typename A, typename B>
using Promoted = std::conditional_t<std::is_same_v<A, B>, A, float>;

// Calls f with the types of a value and its scale, each f32, bf16 or f16.
template <typename F>
bool visit_floats(DType value, DType scale, F&& f) {
  bool called = false;
  visit_float(value, [&](auto value_tag) {
    visit_float(scale, [&](auto scale_tag) {
      using A = typename decltype(value_tag)::type;
      using B = typename decltype(scale_tag)::type;
      if constexpr (!std::is_same_v<A, double> && !std::is_same_v<B, double>) {
        f(value_tag, scale_tag);
        called = true;
      }
    });
  });
  return called;
}

// A bound, which may be absent: then the dtype's own. Error: a bound that the dtype does not have.
Result<float> bound(const PrepareContext& context, const char* parameter, DType dtype, double extreme) {
  const Argument* argument = context.node().argument(parameter);
  if (!argument || argument->is_none()) return static_cast<float>(extreme);
  auto number = number_argument(context, parameter);
  if (!number) return number.diagnostics();
  const bool inside = !number->operand && number->value >= static_cast<double>(lowest(dtype)) &&
                      number->value <= static_cast<double>(highest(dtype));
  if (!inside) return refuse_argument(context, parameter, "is no number in the dtype's range");
  return static_cast<float>(number->value);
}

// A kernel that calls function(In, Scale, zero point) -> Out for each element, with the parameters of its block.
template <typename In, typename Scale, typename Out, typename F>
std::unique_ptr<Kernel> elementwise(PrepareContext& context, const BlockParameters& parameters, F function) {
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  adopt_layout(out, in);
  const Blocks& blocks = parameters.blocks;
  const StridedLoop<3> loop(blocks.sizes(),
                            {blocks.split(out.strides), blocks.split(in.strides), blocks.parameter_strides()});
  return make_kernel("ref", [loop, function, at_scale = parameters.scale, at_zero_point = parameters.zero_point,
                             dtype = parameters.zero_point_dtype](const KernelArguments& arguments) {
    const auto* scales = static_cast<const Scale*>(arguments.inputs[at_scale]);
    const void* zero_points = at_zero_point ? arguments.inputs[*at_zero_point] : nullptr;
    loop.run([&](const auto& at, int64_t count, const auto& steps) {
      const auto* from = static_cast<const In*>(arguments.inputs[0]) + at[1];
      auto* to = static_cast<Out*>(arguments.outputs[0]) + at[0];
      for (int64_t i = 0; i < count; ++i) {
        const int64_t parameter = at[2] + i * steps[2];
        const float zero_point = zero_points ? load<float>(zero_points, dtype, parameter) : 0.0f;
        to[i * steps[0]] = function(from[i * steps[1]], scales[parameter], zero_point);
      }
    });
  });
}

template <typename Step, typename Out, typename In, typename Scale>
Out quantize_value(In x, Scale scale, float zero_point, float low, float high) {
  const float inverse = rounded_to<Scale>(1.0f / widen(scale));
  const float scaled = rounded_to<Step>(widen(x) * inverse);
  return clamp_to_integer<Out>(rounded_to<Step>(round_half_even(scaled) + zero_point), low, high);
}

template <typename Step, typename Out, typename In, typename Scale>
Out dequantize_value(In x, Scale scale, float zero_point) {
  const float difference = rounded_to<Out>(rounded_to<Out>(static_cast<float>(x)) - rounded_to<Out>(zero_point));
  return convert<Out>(rounded_to<Step>(difference * widen(scale)));
}

Prepared quantize(PrepareContext& context) {
  auto parameters = block_parameters(context);
  if (!parameters) return parameters.diagnostics();
  const DType in = context.input(0).dtype, out = context.output(0).dtype;
  if (!visit_quantized(out, [](auto) {})) return refuse_dtype(context, "the result", out, "u8, s8, u16, s16 or s32");
  const auto low = bound(context, "quant_min", out, static_cast<double>(lowest(out)));
  const auto high = bound(context, "quant_max", out, static_cast<double>(highest(out)));
  if (!low) return low.diagnostics();
  if (!high) return high.diagnostics();
  std::unique_ptr<Kernel> kernel;
  const bool known = visit_floats(in, context.input(parameters->scale).dtype, [&](auto in_tag, auto scale_tag) {
    using In = typename decltype(in_tag)::type;
    using Scale = typename decltype(scale_tag)::type;
    visit_quantized(out, [&](auto out_tag) {
      using Out = typename decltype(out_tag)::type;
      kernel = elementwise<In, Scale, Out>(
          context, *parameters, [low = *low, high = *high](In x, Scale scale, float zero_point) {
            return quantize_value<Promoted<In, Scale>, Out>(x, scale, zero_point, low, high);
          });
    });
  });
  if (!known) return refuse_dtype(context, "the value or `scale`", in, "f32, bf16 or f16");
  return kernel;
}

Prepared dequantize(PrepareContext& context) {
  auto parameters = block_parameters(context);
  if (!parameters) return parameters.diagnostics();
  const DType in = context.input(0).dtype, out = context.output(0).dtype;
  if (!visit_quantized(in, [](auto) {})) return refuse_dtype(context, "the value", in, "u8, s8, u16, s16 or s32");
  std::unique_ptr<Kernel> kernel;
  const bool known = visit_floats(out, context.input(parameters->scale).dtype, [&](auto out_tag, auto scale_tag) {
    using Out = typename decltype(out_tag)::type;
    using Scale = typename decltype(scale_tag)::type;
    visit_quantized(in, [&](auto in_tag) {
      using In = typename decltype(in_tag)::type;
      kernel = elementwise<In, Scale, Out>(context, *parameters, [](In x, Scale scale, float zero_point) {
        return dequantize_value<Promoted<Out, Scale>, Out>(x, scale, zero_point);
      });
    });
  });
  if (!known) return refuse_dtype(context, "the result or `scale`", out, "f32, bf16 or f16");
  return kernel;
}

}  // namespace

void add_block_affine(HandlerRegistry& registry) {
  registry.add("torchao.quantize_affine.default",
               std::make_shared<FunctionHandler>("decomposed.quantize_affine", quantize));
  registry.add("torchao.dequantize_affine.default",
               std::make_shared<FunctionHandler>("decomposed.dequantize_affine", dequantize));
}

}  // namespace qrules::decomposed
