// quantized_decomposed.quantize_per_tensor, _per_channel and _per_token.

#include <qrules/lowerings/decomposed/blocks_of_work.h>
#include <qrules/lowerings/decomposed/affine.h>
#include <qrules/lowerings/decomposed/quantize.h>
#include <qrules/lowerings/decomposed/quantize_dense.h>

namespace qrules::decomposed {
namespace {

constexpr int64_t kParallelBlock = 1 << 14;

template <typename F, typename In, typename Out>
void quantize_row(const In* in, int64_t in_step, Out* out, int64_t out_step, int64_t count, F inverse_scale,
                  F zero_point, F low, F high) {
  if constexpr (std::is_same_v<F, float> && std::is_same_v<In, float> && sizeof(Out) == 1) {
    if (in_step == 1 && out_step == 1) {
      in_blocks((count + kParallelBlock - 1) / kParallelBlock, count, [&](int64_t begin, int64_t end) {
        quantize_dense(in + begin, out + begin, end - begin, inverse_scale, zero_point, low, high);
      });
      return;
    }
  }
  if (in_step == 1 && out_step == 1) {
    for (int64_t i = 0; i < count; ++i) {
      out[i] = quantize_value<Out>(static_cast<F>(widen(in[i])), inverse_scale, zero_point, low, high);
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    out[i * out_step] =
        quantize_value<Out>(static_cast<F>(widen(in[i * in_step])), inverse_scale, zero_point, low, high);
  }
}

// The bounds, and the dtypes of input and result.
struct Range {
  Number low, high;
};

Result<Range> check_range(PrepareContext& context) {
  const DType in = context.input(0).dtype, out = context.output(0).dtype;
  if (in != DType::f32 && in != DType::bf16 && in != DType::f16)
    return refuse_dtype(context, "the value", in, "f32, bf16 or f16");
  if (!visit_quantized(out, [](auto) {})) return refuse_dtype(context, "the result", out, "u8, s8, u16, s16 or s32");
  auto low = number_argument(context, "quant_min"), high = number_argument(context, "quant_max");
  if (!low) return low.diagnostics();
  if (!high) return high.diagnostics();
  if (!low->operand && low->value < static_cast<double>(lowest(out)))
    return refuse_argument(context, "quant_min", "is below the dtype's range");
  if (!high->operand && high->value > static_cast<double>(highest(out)))
    return refuse_argument(context, "quant_max", "is above the dtype's range");
  return Range{*low, *high};
}

template <typename F>
std::unique_ptr<Kernel> with_dtypes(DType in, DType out, F&& make) {
  std::unique_ptr<Kernel> kernel;
  visit_float(in, [&](auto in_tag) {
    if constexpr (!std::is_same_v<typename decltype(in_tag)::type, double>) {
      visit_quantized(out, [&](auto out_tag) { kernel = make(in_tag, out_tag); });
    }
  });
  return kernel;
}

Prepared quantize_per_tensor(PrepareContext& context) {
  auto range = check_range(context);
  if (!range) return range.diagnostics();
  auto scale = number_argument(context, "scale"), zero_point = number_argument(context, "zero_point");
  if (!scale) return scale.diagnostics();
  if (!zero_point) return zero_point.diagnostics();
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  if (auto images = quantize_images(context, *scale, *zero_point, range->low, range->high)) return images;
  adopt_layout(out, in);
  const StridedLoop<2> loop(out.sizes, {out.strides, in.strides});
  return with_dtypes(in.dtype, out.dtype, [&](auto in_tag, auto out_tag) {
    using In = typename decltype(in_tag)::type;
    using Out = typename decltype(out_tag)::type;
    return make_kernel(loop.is_flat() ? "ref:flat" : "ref:strided", [loop, scale = *scale, zero_point = *zero_point,
                                                                     range = *range](const KernelArguments& arguments) {
      // The scale is inverted in double and rounded once.
      const auto inverse = static_cast<float>(1.0 / scale.read(arguments));
      const auto offset = static_cast<float>(zero_point.read(arguments));
      const auto low = static_cast<float>(range.low.read(arguments)),
                 high = static_cast<float>(range.high.read(arguments));
      const auto* from = static_cast<const In*>(arguments.inputs[0]);
      auto* to = static_cast<Out*>(arguments.outputs[0]);
      loop.run([&](const auto& at, int64_t count, const auto& steps) {
        quantize_row<float>(from + at[1], steps[1], to + at[0], steps[0], count, inverse, offset, low, high);
      });
    });
  });
}

// Scales of f64 make the arithmetic f64, as type promotion of tensors does.
template <bool kRoundLast>
Prepared quantize_along(PrepareContext& context, Result<AffineOperands> found) {
  if (!found) return found.diagnostics();
  if (!found->zero_points) return refuse_argument(context, "zero_points", "must be a tensor");
  auto range = check_range(context);
  if (!range) return range.diagnostics();
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  adopt_layout(out, in);
  const StridedLoop<4> loop(out.sizes, {out.strides, in.strides, found->scale_strides, found->zero_point_strides});
  const auto make = [&](auto float_tag) {
    using F = typename decltype(float_tag)::type;
    return with_dtypes(in.dtype, out.dtype, [&](auto in_tag, auto out_tag) {
      using In = typename decltype(in_tag)::type;
      using Out = typename decltype(out_tag)::type;
      return make_kernel("ref", [loop, affine = *found, range = *range](const KernelArguments& arguments) {
        const auto low = static_cast<F>(range.low.read(arguments)), high = static_cast<F>(range.high.read(arguments));
        const auto* from = static_cast<const In*>(arguments.inputs[0]);
        const auto* scales = static_cast<const F*>(arguments.inputs[affine.scales]);
        const void* zero_points = arguments.inputs[*affine.zero_points];
        auto* to = static_cast<Out*>(arguments.outputs[0]);
        loop.run([&](const auto& at, int64_t count, const auto& steps) {
          if (!kRoundLast && steps[2] == 0 && steps[3] == 0) {
            const auto offset = load<F>(zero_points, affine.zero_point_dtype, at[3]);
            quantize_row<F>(from + at[1], steps[1], to + at[0], steps[0], count, F{1} / scales[at[2]], offset, low,
                            high);
            return;
          }
          for (int64_t i = 0; i < count; ++i) {
            const auto x = static_cast<F>(widen(from[at[1] + i * steps[1]]));
            const F inverse = F{1} / scales[at[2] + i * steps[2]];
            const auto offset = load<F>(zero_points, affine.zero_point_dtype, at[3] + i * steps[3]);
            to[at[0] + i * steps[0]] = kRoundLast ? quantize_value_rounding_last<Out>(x, inverse, offset, low, high)
                                                  : quantize_value<Out>(x, inverse, offset, low, high);
          }
        });
      });
    });
  };
  return found->scale_dtype == DType::f64 ? make(Tag<double>{}) : make(Tag<float>{});
}

Prepared quantize_per_channel(PrepareContext& context) {
  return quantize_along<false>(context, per_channel_operands(context));
}
Prepared quantize_per_token(PrepareContext& context) {
  return quantize_along<true>(context, per_token_operands(context));
}

}  // namespace

void add_quantize(HandlerRegistry& registry) {
  add_affine(registry, "quantize", quantize_per_tensor, quantize_per_channel, quantize_per_token);
}

}  // namespace qrules::decomposed
