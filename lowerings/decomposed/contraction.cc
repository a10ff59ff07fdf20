// Reading the operands that qlinear and qconv share.

#include <qrules/lowerings/decomposed/contraction.h>

namespace qrules::decomposed {
namespace {

Status read_weight_scale(PrepareContext& context, int64_t channels, Contraction& contraction) {
  auto operand = tensor_argument(context, "weight_scale");
  if (!operand) return operand.diagnostics();
  contraction.weight_scale = *operand;
  const TensorLayout& layout = context.input(*operand);
  if (layout.dtype != DType::f32) return refuse_dtype(context, "`weight_scale`", layout.dtype, "f32");
  const int64_t count = layout.element_count();
  if (count != 1 && count != channels)
    return refuse_size(context, "`weight_scale` must have one element, or one for each output channel");
  if (count == channels && count != 1) {
    // A channel dimension among sizes of 1 is fine.
    for (size_t d = 0; d < layout.sizes.size(); ++d) {
      if (layout.sizes[d] == channels)
        contraction.weight_scale_step = layout.strides[d];
      else if (layout.sizes[d] != 1)
        return refuse_size(context, "`weight_scale` must be a vector");
    }
  }
  return Done{};
}

// Takes `x_scale` for scales of rows when it has x's sizes with a last one of 1, and more than one element.
void read_row_scale(const PrepareContext& context, Contraction& contraction) {
  const auto operand = context.operand_of("x_scale");
  if (!operand) return;
  const TensorLayout& layout = context.input(*operand);
  std::vector<int64_t> wanted = context.input(contraction.x).sizes;
  if (wanted.empty() || layout.element_count() == 1) return;
  wanted.back() = 1;
  if (layout.sizes != wanted || !visit_float(layout.dtype, [](auto) {})) return;
  contraction.row_scale = *operand;
  contraction.row_scale_dtype = layout.dtype;
}

Status read_bias(PrepareContext& context, int64_t channels, Contraction& contraction) {
  contraction.bias = context.operand_of("bias");
  if (!contraction.bias) return Done{};
  const TensorLayout& layout = context.input(*contraction.bias);
  if (!visit_float(layout.dtype, [](auto) {}))
    return refuse_dtype(context, "the bias", layout.dtype, "f32, f64, bf16 or f16");
  if (layout.sizes != std::vector<int64_t>{channels})
    return refuse_size(context, "the bias must be a vector with one element for each output channel");
  contraction.bias_dtype = layout.dtype;
  contraction.bias_step = layout.strides[0];
  return Done{};
}

Status read_other(PrepareContext& context, Contraction& contraction) {
  if (!context.node().argument("other")) return Done{};
  auto operand = tensor_argument(context, "other");
  if (!operand) return operand.diagnostics();
  contraction.other = *operand;
  const TensorLayout& layout = context.input(*operand);
  contraction.other_dtype = layout.dtype;
  if (layout.dtype != DType::u8 && layout.dtype != DType::s8 && layout.dtype != DType::f32 &&
      layout.dtype != DType::bf16 && layout.dtype != DType::f8e4m3) {
    return refuse_dtype(context, "`other`", layout.dtype, "u8, s8, f8e4m3, f32 or bf16");
  }
  auto scale = number_argument(context, "other_scale"), zero_point = number_argument(context, "other_zero_point");
  if (!scale) return scale.diagnostics();
  if (!zero_point) return zero_point.diagnostics();
  contraction.other_scale = *scale;
  contraction.other_zero_point = *zero_point;
  const Argument* binary = context.node().argument("binary");
  const std::string* text = binary ? binary->get_if<std::string>() : nullptr;
  if (text && *text == "add")
    contraction.binary = Binary::add;
  else if (text && *text == "sub")
    contraction.binary = Binary::sub;
  else if (text && *text == "mul")
    contraction.binary = Binary::mul;
  else
    return refuse_argument(context, "binary", "must be \"add\", \"sub\" or \"mul\"");

  const std::vector<int64_t>& sizes = context.output(0).sizes;
  bool fits = layout.sizes.size() <= sizes.size();
  for (size_t d = 0; fits && d < layout.sizes.size(); ++d) {
    const int64_t size = layout.sizes[d];
    fits = size == 1 || size == sizes[sizes.size() - layout.sizes.size() + d];
  }
  if (!fits) return refuse_size(context, "`other` does not broadcast to the result");
  contraction.other_strides = broadcast_strides(layout, sizes);
  return Done{};
}

}  // namespace

Result<Contraction> Contraction::prepare(PrepareContext& context, int64_t channels, bool may_scale_rows) {
  Contraction contraction;
  auto x = tensor_argument(context, "x"), weight = tensor_argument(context, "weight");
  if (!x) return x.diagnostics();
  if (!weight) return weight.diagnostics();
  contraction.x = *x;
  contraction.weight = *weight;
  const DType x_dtype = context.input(*x).dtype, weight_dtype = context.input(*weight).dtype;
  if (x_dtype != DType::u8 && x_dtype != DType::s8 && x_dtype != DType::f8e4m3)
    return refuse_dtype(context, "the activation", x_dtype, "u8, s8 or f8e4m3");
  const DType wanted = x_dtype == DType::f8e4m3 ? DType::f8e4m3 : DType::s8;
  if (weight_dtype != wanted) return refuse_dtype(context, "the weight", weight_dtype, std::string(name(wanted)));
  contraction.x_dtype = x_dtype;
  if (may_scale_rows) read_row_scale(context, contraction);
  if (!contraction.row_scale) {
    auto scale = number_argument(context, "x_scale");
    if (!scale) return scale.diagnostics();
    contraction.x_scale = *scale;
  }
  auto zero_point = number_argument(context, "x_zero_point");
  if (!zero_point) return zero_point.diagnostics();
  contraction.x_zero_point = *zero_point;
  if (auto status = read_weight_scale(context, channels, contraction); !status) return status.diagnostics();
  if (auto status = read_bias(context, channels, contraction); !status) return status.diagnostics();
  contraction.other_strides.assign(context.output(0).sizes.size(), 0);
  if (auto status = read_other(context, contraction); !status) return status.diagnostics();
  auto epilogue = Epilogue::prepare(context);
  if (!epilogue) return epilogue.diagnostics();
  contraction.epilogue = *epilogue;
  return contraction;
}

ContractionRun::ContractionRun(const Contraction& contraction, const KernelArguments& arguments)
    : contraction_(contraction),
      x_scale_(contraction.row_scale ? 1.0 : contraction.x_scale.read(arguments)),
      row_scale_(contraction.row_scale ? arguments.inputs[*contraction.row_scale] : nullptr),
      zero_point_(truncate_to_s64(contraction.x_zero_point.read(arguments))),
      weight_scale_(static_cast<const float*>(arguments.inputs[contraction.weight_scale])),
      bias_(contraction.bias ? arguments.inputs[*contraction.bias] : nullptr),
      other_(contraction.other ? arguments.inputs[*contraction.other] : nullptr),
      epilogue_(contraction.epilogue, arguments) {
  if (!other_) return;
  other_scale_ = contraction.other_scale.read(arguments);
  other_zero_point_ = contraction.other_zero_point.read(arguments);
}

void note_reference(PrepareContext& context, const Contraction& contraction) {
  context.note(contraction.x_dtype == DType::f8e4m3 ? "exact reference kernel: slow; there is no fast one for f8e4m3"
                                                    : "exact reference kernel: slow");
}

bool ContractionRun::fits_s32(int64_t products) const {
  const int64_t low = contraction_.x_dtype == DType::s8 ? -128 : 0;
  return products <= kMaxProductsInS32 && zero_point_ >= low && zero_point_ <= low + 255;
}

}  // namespace qrules::decomposed
