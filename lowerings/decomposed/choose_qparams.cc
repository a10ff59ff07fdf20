// Scales and zero points of dynamic quantization: for a tensor, and for each token (all dimensions but the last).

#include <cmath>

#include <qrules/lowerings/decomposed/blocks_of_work.h>
#include <qrules/lowerings/decomposed/extremes.h>
#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

template <typename F>
std::unique_ptr<Kernel> with_input(DType dtype, F&& make) {
  std::unique_ptr<Kernel> kernel;
  visit_float(dtype, [&](auto tag) {
    if constexpr (!std::is_same_v<typename decltype(tag)::type, double>) kernel = make(tag);
  });
  return kernel;
}

std::optional<Diagnostic> check_input(PrepareContext& context) {
  const DType dtype = context.input(0).dtype;
  if (dtype != DType::f32 && dtype != DType::bf16 && dtype != DType::f16)
    return refuse_dtype(context, "the value", dtype, "f32, bf16 or f16");
  if (context.output_count() != 2) return refuse_size(context, "the results are a scale and a zero point");
  return std::nullopt;
}

// The zero point is computed in s32 and wraps there; an infinite or NaN extreme gets what torch computes for an
// infinite one.
int64_t affine_zero_point(float low, float scale, int64_t quant_min, int64_t quant_max) {
  const auto distance = static_cast<uint32_t>(truncate_to_s32(round_half_even(low / scale)));
  const auto zero_point = static_cast<int32_t>(static_cast<uint32_t>(quant_min) - distance);
  return std::clamp<int64_t>(zero_point, quant_min, quant_max);
}

template <typename In>
Extremes extremes_of(const StridedLoop<1>& loop, const In* from) {
  constexpr int64_t kParallelBlock = 1 << 17;  // elements
  Extremes extremes;
  if (!loop.is_flat()) {
    loop.run(
        [&](const auto& at, int64_t count, const auto& steps) { extremes.add_row(from + at[0], steps[0], count); });
    return extremes;
  }
  in_blocks(loop.row_size() / kParallelBlock, loop.row_size(), [&](int64_t begin, int64_t end) {
    Extremes of_block;
    of_block.add_row(from + begin, 1, end - begin);
#pragma omp critical
    extremes.add(of_block);
  });
  return extremes;
}

template <bool kSymmetric>
Prepared choose_for_tensor(PrepareContext& context) {
  if (auto refusal = check_input(context)) return *refusal;
  const TensorLayout& in = context.input(0);
  if (in.element_count() == 0) return refuse_size(context, "a tensor without elements has no range");
  const auto quant_min = number_argument(context, "quant_min"), quant_max = number_argument(context, "quant_max");
  const auto eps = number_argument(context, "eps");
  if (!quant_min) return quant_min.diagnostics();
  if (!quant_max) return quant_max.diagnostics();
  if (!eps) return eps.diagnostics();
  if (quant_min->operand || quant_max->operand || quant_min->value >= quant_max->value) {
    return refuse_argument(context, "quant_min", "must be a number below quant_max");
  }
  const auto lowest_value = static_cast<int64_t>(quant_min->value),
             highest_value = static_cast<int64_t>(quant_max->value);
  const Argument* target = context.node().argument("dtype");
  const DType* target_dtype = target ? target->get_if<DType>() : nullptr;
  const int64_t middle = target_dtype && *target_dtype == DType::u8 ? 128 : 0;
  const StridedLoop<1> loop(in.sizes, {in.strides});
  const DType scale_dtype = context.output(0).dtype, zero_point_dtype = context.output(1).dtype;
  return with_input(in.dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    return make_kernel("ref", [=, eps = *eps](const KernelArguments& arguments) {
      const auto* from = static_cast<const In*>(arguments.inputs[0]);
      const Extremes extremes = extremes_of(loop, from);
      // Arithmetic before the comparison with eps has the input's precision.
      const float low = extremes.low_or_zero(), high = extremes.high_or_zero();
      const auto least = static_cast<float>(eps.read(arguments));
      const auto range = static_cast<float>(highest_value - lowest_value);
      float scale;
      int64_t zero_point;
      if constexpr (kSymmetric) {
        const float magnitude = -low > high || low != low ? -low : high;
        scale = rounded_to<In>(magnitude / (range / 2));
        scale = scale < least ? least : scale;
        zero_point = middle;
      } else {
        scale = rounded_to<In>(rounded_to<In>(high - low) / range);
        scale = scale < least ? least : scale;
        zero_point = affine_zero_point(low, scale, lowest_value, highest_value);
      }
      store(arguments.outputs[0], scale_dtype, 0, scale);
      store(arguments.outputs[1], zero_point_dtype, 0, zero_point);
    });
  });
}

// One token: every operation is rounded to the input's type, as tensors of it are.
template <typename In>
std::pair<float, int64_t> asymmetric_token(const Extremes& extremes) {
  const auto rounded = [](float value) { return rounded_to<In>(value); };
  const float low = extremes.low_or_zero(), high = extremes.high_or_zero();
  constexpr float kLeast = std::numeric_limits<float>::epsilon();
  float scale = rounded(rounded(high - low) / 255.0f);
  scale = scale < kLeast ? kLeast : scale;
  const float descaled_low = rounded(low / scale), descaled_high = rounded(high / scale);
  const float error = rounded(rounded(descaled_low - 128.0f) + rounded(descaled_high + 127.0f));
  float zero_point = error > 0 ? rounded(-128.0f - descaled_low) : rounded(127.0f - descaled_high);
  zero_point = zero_point < -128.0f ? -128.0f : zero_point;
  zero_point = zero_point > 127.0f ? 127.0f : zero_point;
  return {scale, truncate_to_s64(round_half_even(zero_point))};
}

template <typename In>
std::pair<float, int64_t> symmetric_token(const Extremes& extremes) {
  const float magnitude = -extremes.low > extremes.high || extremes.low != extremes.low ? -extremes.low : extremes.high;
  // bf16 stays bf16; f16 would overflow and goes on as f32.
  using Scale = std::conditional_t<std::is_same_v<In, Bf16>, Bf16, float>;
  const auto least = rounded_to<Scale>(1e-5f);
  return {rounded_to<Scale>((magnitude < least ? least : magnitude) / 127.0f), 0};
}

template <bool kSymmetric>
Prepared choose_for_tokens(PrepareContext& context) {
  if (auto refusal = check_input(context)) return *refusal;
  const TensorLayout& in = context.input(0);
  if (in.sizes.empty()) return refuse_rank(context, "the value", 0, "at least one dimension");
  if (in.sizes.back() == 0) return refuse_size(context, "a token without elements has no range");
  const Argument* target = context.node().argument("dtype");
  const DType* target_dtype = target ? target->get_if<DType>() : nullptr;
  if (kSymmetric && (!target_dtype || *target_dtype != DType::s8))
    return refuse_argument(context, "dtype", "must be s8");
  const auto tokens = [](const std::vector<int64_t>& list) {
    return std::vector<int64_t>(list.begin(), list.end() - 1);
  };
  const TensorLayout &scales = context.output(0), &zero_points = context.output(1);
  if (scales.sizes.size() != in.sizes.size() || zero_points.sizes.size() != in.sizes.size()) {
    return refuse_size(context, "the results must have the value's rank");
  }
  const StridedLoop<3> loop(tokens(in.sizes),
                            {tokens(scales.strides), tokens(zero_points.strides), tokens(in.strides)});
  const int64_t size = in.sizes.back(), step = in.strides.back();
  const DType scale_dtype = scales.dtype, zero_point_dtype = zero_points.dtype;
  return with_input(in.dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    return make_kernel("ref", [=](const KernelArguments& arguments) {
      loop.run([&](const auto& at, int64_t count, const auto& steps) {
        for (int64_t i = 0; i < count; ++i) {
          const auto* from = static_cast<const In*>(arguments.inputs[0]) + at[2] + i * steps[2];
          Extremes extremes;
          extremes.add_row(from, step, size);
          const auto [scale, zero_point] = kSymmetric ? symmetric_token<In>(extremes) : asymmetric_token<In>(extremes);
          store(arguments.outputs[0], scale_dtype, at[0] + i * steps[0], scale);
          store(arguments.outputs[1], zero_point_dtype, at[1] + i * steps[1], zero_point);
        }
      });
    });
  });
}

}  // namespace

void add_choose_qparams(HandlerRegistry& registry) {
  const std::string ns = "quantized_decomposed.";
  registry.add(ns + "choose_qparams.tensor",
               std::make_shared<FunctionHandler>("decomposed.choose_qparams", choose_for_tensor<false>));
  registry.add(ns + "choose_qparams_symmetric.tensor",
               std::make_shared<FunctionHandler>("decomposed.choose_qparams_symmetric", choose_for_tensor<true>));
  const auto asymmetric =
      std::make_shared<FunctionHandler>("decomposed.choose_qparams_per_token_asymmetric", choose_for_tokens<false>);
  registry.add(ns + "choose_qparams_per_token_asymmetric.default", asymmetric);
  registry.add(ns + "_choose_qparams_per_token_asymmetric_impl.default", asymmetric);
  registry.add(ns + "choose_qparams_per_token.default",
               std::make_shared<FunctionHandler>("decomposed.choose_qparams_per_token", choose_for_tokens<true>));
}

}  // namespace qrules::decomposed
