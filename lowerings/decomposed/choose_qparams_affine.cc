// torchao's choose_qparams_affine: scales and zero points of blocks of any sizes.

#include <qrules/lowerings/decomposed/blocks.h>
#include <qrules/lowerings/decomposed/extremes.h>

namespace qrules::decomposed {
namespace {

enum class Mapping { symmetric, symmetric_no_clipping, asymmetric };

std::optional<Mapping> mapping_of(const PrepareContext& context) {
  const Argument* argument = context.node().argument("mapping_type");
  const std::string* name = argument ? argument->get_if<std::string>() : nullptr;
  if (!name) return std::nullopt;
  if (*name == "SYMMETRIC") return Mapping::symmetric;
  if (*name == "SYMMETRIC_NO_CLIPPING_ERR") return Mapping::symmetric_no_clipping;
  if (*name == "ASYMMETRIC") return Mapping::asymmetric;
  return std::nullopt;
}

struct Range {
  float low = 0, high = 0, least_scale = 0;
  // The zero point of a symmetric mapping.
  float middle() const { return static_cast<float>(static_cast<int64_t>((high + low + 1) / 2)); }
};

// Bounds of the target dtype where none are given; the least scale is the smallest normal number of the value's type.
Result<Range> range_of(const PrepareContext& context) {
  const Argument* target = context.node().argument("target_dtype");
  const DType* dtype = target ? target->get_if<DType>() : nullptr;
  if (!dtype || !visit_quantized(*dtype, [](auto) {}))
    return refuse_argument(context, "target_dtype", "must be u8, s8, u16, s16 or s32");
  Range range{static_cast<float>(lowest(*dtype)), static_cast<float>(highest(*dtype)),
              context.input(0).dtype == DType::f16 ? 0x1p-14f : std::numeric_limits<float>::min()};
  for (auto [parameter, value] :
       {std::pair{"quant_min", &range.low}, {"quant_max", &range.high}, {"eps", &range.least_scale}}) {
    const Argument* argument = context.node().argument(parameter);
    if (!argument || argument->is_none()) continue;
    const auto number = argument->number();
    if (!number) return refuse_argument(context, parameter, "must be a number");
    *value = static_cast<float>(*number);
  }
  if (range.low >= range.high) return refuse_argument(context, "quant_min", "must be below quant_max");
  return range;
}

// Every step is rounded to the value's type, as tensors of it are.
template <typename In>
std::pair<float, float> parameters_of(const Extremes& extremes, Mapping mapping, const Range& range) {
  const auto rounded = [](float value) { return rounded_to<In>(value); };
  const auto at_least = [least = rounded(range.least_scale)](float scale) { return scale < least ? least : scale; };
  const float low = extremes.low_or_zero(), high = extremes.high_or_zero();
  if (mapping == Mapping::symmetric) {
    const float magnitude = -low > high || low != low ? -low : high;
    return {at_least(rounded(magnitude / ((range.high - range.low) / 2))), range.middle()};
  }
  if (mapping == Mapping::symmetric_no_clipping) {
    const float below = rounded(low / range.low), above = rounded(high / range.high);
    return {at_least(below > above ? below : above), range.middle()};
  }
  const float scale = at_least(rounded(rounded(high - low) / (range.high - range.low)));
  float zero_point = rounded(range.low - round_half_even(rounded(low / scale)));
  zero_point = zero_point < range.low ? range.low : zero_point;
  zero_point = zero_point > range.high ? range.high : zero_point;
  return {scale, zero_point};
}

Prepared choose(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  if (in.dtype != DType::f32 && in.dtype != DType::bf16 && in.dtype != DType::f16)
    return refuse_dtype(context, "the value", in.dtype, "f32, bf16 or f16");
  if (context.output_count() != 2) return refuse_size(context, "the results are a scale and a zero point");
  const auto mapping = mapping_of(context);
  if (!mapping)
    return refuse_argument(context, "mapping_type", "must be SYMMETRIC, SYMMETRIC_NO_CLIPPING_ERR or ASYMMETRIC");
  const auto range = range_of(context);
  if (!range) return range.diagnostics();
  auto blocks = blocks_of(context);
  if (!blocks) return blocks.diagnostics();
  if (in.element_count() == 0) return refuse_size(context, "a block without elements has no range");
  TensorLayout &scales = context.output(0), &zero_points = context.output(1);
  for (TensorLayout* result : {&scales, &zero_points}) {
    if (result->element_count() != blocks->count())
      return refuse_size(context, "the results must have one element for each block");
    result->strides = contiguous_strides(result->sizes);
  }
  // Blocks outside, the elements of one inside.
  std::vector<int64_t> block_strides(in.strides.size());
  for (size_t d = 0; d < in.strides.size(); ++d) block_strides[d] = in.strides[d] * blocks->block[d];
  const StridedLoop<2> outer(blocks->counts, {contiguous_strides(blocks->counts), block_strides});
  const StridedLoop<1> inner(blocks->block, {in.strides});
  const DType scale_dtype = scales.dtype, zero_point_dtype = zero_points.dtype;
  std::unique_ptr<Kernel> kernel;
  visit_float(in.dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<In, double>) {
      kernel = make_kernel("ref", [=, mapping = *mapping, range = *range](const KernelArguments& arguments) {
        outer.run([&](const auto& at, int64_t count, const auto& steps) {
          for (int64_t i = 0; i < count; ++i) {
            const auto* block = static_cast<const In*>(arguments.inputs[0]) + at[1] + i * steps[1];
            Extremes extremes;
            inner.run([&](const auto& place, int64_t length, const auto& step) {
              extremes.add_row(block + place[0], step[0], length);
            });
            const auto [scale, zero_point] = parameters_of<In>(extremes, mapping, range);
            store(arguments.outputs[0], scale_dtype, at[0] + i * steps[0], scale);
            store(arguments.outputs[1], zero_point_dtype, at[0] + i * steps[0], zero_point);
          }
        });
      });
    }
  });
  return kernel;
}

}  // namespace

void add_choose_qparams_affine(HandlerRegistry& registry) {
  registry.add("torchao.choose_qparams_affine.default",
               std::make_shared<FunctionHandler>("decomposed.choose_qparams_affine", choose));
}

}  // namespace qrules::decomposed
