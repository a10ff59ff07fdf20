// quantized_decomposed.dequantize_per_tensor, _per_channel and _per_token.

#include <qrules/lowerings/decomposed/affine.h>

namespace qrules::decomposed {
namespace {

// (x - zero_point) * scale; a result of bf16 or f16 is rounded after each step, as tensors of that type are.
template <typename Out, typename In, typename F>
Out dequantize_value(In x, F zero_point, F scale) {
  if constexpr (std::is_same_v<Out, F>) {
    const F difference = static_cast<F>(x) - zero_point;
    return difference * scale;
  } else {
    const F difference = rounded_to<Out>(rounded_to<Out>(static_cast<F>(x)) - zero_point);
    return convert<Out>(difference * scale);
  }
}

// Dtypes of the stored integers and of the result.
std::optional<Diagnostic> check_dtypes(PrepareContext& context) {
  const DType in = context.input(0).dtype, out = context.output(0).dtype;
  if (!visit_quantized(in, [](auto) {})) return refuse_dtype(context, "the value", in, "u8, s8, u16, s16 or s32");
  if (!visit_float(out, [](auto) {})) return refuse_dtype(context, "the result", out, "f32, f64, bf16 or f16");
  return std::nullopt;
}

template <typename F>
std::unique_ptr<Kernel> with_dtypes(DType in, DType out, F&& make) {
  std::unique_ptr<Kernel> kernel;
  visit_quantized(in, [&](auto in_tag) { visit_float(out, [&](auto out_tag) { kernel = make(in_tag, out_tag); }); });
  return kernel;
}

Prepared dequantize_per_tensor(PrepareContext& context) {
  if (auto refusal = check_dtypes(context)) return *refusal;
  auto scale = number_argument(context, "scale"), zero_point = number_argument(context, "zero_point");
  if (!scale) return scale.diagnostics();
  if (!zero_point) return zero_point.diagnostics();
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  adopt_layout(out, in);
  const StridedLoop<2> loop(out.sizes, {out.strides, in.strides});
  return with_dtypes(in.dtype, out.dtype, [&](auto in_tag, auto out_tag) {
    using In = typename decltype(in_tag)::type;
    using Out = typename decltype(out_tag)::type;
    using F = Wide<Out>;
    return make_kernel(loop.is_flat() ? "ref:flat" : "ref:strided",
                       [loop, scale = *scale, zero_point = *zero_point](const KernelArguments& arguments) {
                         const auto factor = static_cast<F>(scale.read(arguments)),
                                    offset = static_cast<F>(zero_point.read(arguments));
                         loop.run([&](const auto& at, int64_t count, const auto& steps) {
                           const auto* from = static_cast<const In*>(arguments.inputs[0]) + at[1];
                           auto* to = static_cast<Out*>(arguments.outputs[0]) + at[0];
                           if (steps[0] == 1 && steps[1] == 1) {
                             for (int64_t i = 0; i < count; ++i) to[i] = dequantize_value<Out>(from[i], offset, factor);
                           } else {
                             for (int64_t i = 0; i < count; ++i)
                               to[i * steps[0]] = dequantize_value<Out>(from[i * steps[1]], offset, factor);
                           }
                         });
                       });
  });
}

// An integer difference has the type both promote to and wraps in it: s8 minus s8 is s8 in torch.
int64_t wrapped(int64_t value, DType dtype) {
  int64_t result = value;
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) result = static_cast<int64_t>(static_cast<T>(value));
  });
  return result;
}

Prepared dequantize_along(PrepareContext& context, Result<AffineOperands> found) {
  if (!found) return found.diagnostics();
  if (auto refusal = check_dtypes(context)) return *refusal;
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  adopt_layout(out, in);
  const StridedLoop<4> loop(out.sizes, {out.strides, in.strides, found->scale_strides, found->zero_point_strides});
  const DType difference_dtype = promote(in.dtype, found->zero_point_dtype);
  const auto make = [&](auto float_tag) {
    using F = typename decltype(float_tag)::type;
    return with_dtypes(in.dtype, out.dtype, [&](auto in_tag, auto out_tag) {
      using In = typename decltype(in_tag)::type;
      using Out = typename decltype(out_tag)::type;
      return make_kernel("ref", [loop, affine = *found, difference_dtype](const KernelArguments& arguments) {
        const auto* from = static_cast<const In*>(arguments.inputs[0]);
        const auto* scales = static_cast<const F*>(arguments.inputs[affine.scales]);
        const void* zero_points = affine.zero_points ? arguments.inputs[*affine.zero_points] : nullptr;
        auto* to = static_cast<Out*>(arguments.outputs[0]);
        loop.run([&](const auto& at, int64_t count, const auto& steps) {
          for (int64_t i = 0; i < count; ++i) {
            const In x = from[at[1] + i * steps[1]];
            F difference;
            if (!zero_points) {
              difference = static_cast<F>(x);
            } else if (affine.zero_point_dtype == DType::f32) {
              const float offset = static_cast<const float*>(zero_points)[at[3] + i * steps[3]];
              difference = static_cast<F>(static_cast<float>(x) - offset);
            } else {
              const auto offset = load<int64_t>(zero_points, affine.zero_point_dtype, at[3] + i * steps[3]);
              difference = static_cast<F>(wrapped(static_cast<int64_t>(x) - offset, difference_dtype));
            }
            to[at[0] + i * steps[0]] = convert<Out>(difference * scales[at[2] + i * steps[2]]);
          }
        });
      });
    });
  };
  return found->scale_dtype == DType::f64 ? make(Tag<double>{}) : make(Tag<float>{});
}

Prepared dequantize_per_channel(PrepareContext& context) {
  return dequantize_along(context, per_channel_operands(context));
}
Prepared dequantize_per_token(PrepareContext& context) {
  return dequantize_along(context, per_token_operands(context));
}

}  // namespace

void add_dequantize(HandlerRegistry& registry) {
  add_affine(registry, "dequantize", dequantize_per_tensor, dequantize_per_channel, dequantize_per_token);
}

}  // namespace qrules::decomposed
