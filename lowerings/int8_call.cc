#include <qrules/lowerings/int8_call.h>

#include <utility>

#include <qrules/lowerings/elements.h>

namespace qrules::int8 {
namespace {

std::optional<double> number_of(const Node& node, std::string_view parameter) {
  const Argument* argument = node.argument(parameter);
  return argument ? argument->number() : std::nullopt;
}

// What scales and biases are read from.
bool can_load(DType dtype) { return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16; }

// A tensor of one number.
bool is_single(const PrepareContext& context, std::optional<size_t> operand) {
  if (!operand) return false;
  const TensorLayout& layout = context.input(*operand);
  const DType dtype = layout.dtype;
  return layout.element_count() == 1 &&
         (can_load(dtype) || dtype == DType::s64 || dtype == DType::s32 || dtype == DType::s8 || dtype == DType::u8);
}

// Scales for the rows of x, in a type that a post-op reads.
bool scales_rows(const PrepareContext& context, size_t scale, size_t x) {
  const TensorLayout& layout = context.input(scale);
  std::vector<int64_t> wanted = context.input(x).sizes;
  if (wanted.empty() || layout.element_count() == 1) return false;
  wanted.back() = 1;
  return layout.sizes == wanted && is_real(layout.dtype);
}

}  // namespace

const void* dense_constant(PrepareContext& context, size_t operand) {
  if (!context.constant_data(operand)) return nullptr;
  context.require_layout(operand, TensorLayout::contiguous(context.input(operand).dtype, context.input(operand).sizes));
  return context.constant_data(operand);
}

Status read_output(PrepareContext& context, Int8Call& call) {
  const Node& node = context.node();
  const auto out_scale = number_of(node, "out_scale"), out_zero_point = number_of(node, "out_zero_point");
  if (!out_scale || !out_zero_point) return refuse("the result's scale or zero point is known only at run time");
  call.out_scale = static_cast<float>(*out_scale);
  call.out_zero_point = static_cast<int32_t>(*out_zero_point);
  call.out_dtype = *node.argument("out_dtype")->get_if<DType>();
  call.post_op = *node.argument("post_op")->get_if<std::string>();
  for (const Argument& value : *node.argument("post_op_args")->list())
    call.post_op_args.push_back(static_cast<float>(value.number().value_or(0)));
  if (call.out_dtype != DType::u8 && call.out_dtype != DType::s8 && call.out_dtype != DType::f32 &&
      call.out_dtype != DType::bf16)
    return refuse("the result is u8, s8, f32 or bf16");
  return Done{};
}

Result<Int8Call> read_call(PrepareContext& context, int64_t channels, bool dynamic) {
  const Node& node = context.node();
  Int8Call call;
  const auto x = context.operand_of("x"), weight = context.operand_of("weight"),
             weight_scale = context.operand_of("weight_scale");
  if (!x || !weight || !weight_scale) return refuse("x, weight and weight_scale are tensors");
  call.x = *x;
  call.weight = *weight;
  call.bias = context.operand_of("bias");
  call.other = context.operand_of("other");
  const auto scale = number_of(node, "x_scale"), zero_point = number_of(node, "x_zero_point");
  if (!scale) call.x_scale_operand = context.operand_of("x_scale");
  if (!zero_point) call.x_zero_point_operand = context.operand_of("x_zero_point");
  if (dynamic && call.x_scale_operand && scales_rows(context, *call.x_scale_operand, call.x)) {
    if (!zero_point) return refuse("the zero point of rows with scales of their own is known only at run time");
    call.row_scale_operand = std::exchange(call.x_scale_operand, std::nullopt);
  }
  const bool known = (scale || call.row_scale_operand) && zero_point;
  if (!known && !(dynamic && is_single(context, call.x_scale_operand) &&
                  (zero_point || is_single(context, call.x_zero_point_operand)))) {
    return refuse("the activation's scale or zero point is known only at run time");
  }
  call.x_scale = scale ? static_cast<float>(*scale) : 1.0f;
  call.x_zero_point = zero_point ? static_cast<int32_t>(*zero_point) : 0;
  if (auto status = read_output(context, call); !status.ok()) return status.diagnostics();
  if (call.other) {
    const auto other_scale = number_of(node, "other_scale"), other_zero_point = number_of(node, "other_zero_point");
    if (!other_scale || !other_zero_point) return refuse("the addend's scale or zero point is known only at run time");
    call.other_scale = static_cast<float>(*other_scale);
    call.other_zero_point = static_cast<int32_t>(*other_zero_point);
    call.binary = *node.argument("binary")->get_if<std::string>();
  }
  const DType x_dtype = context.input(call.x).dtype;
  if (x_dtype != DType::u8 && x_dtype != DType::s8) return refuse("the activation is u8 or s8");
  if (context.input(call.weight).dtype != DType::s8 || !dense_constant(context, call.weight))
    return refuse("the weight is s8 and known before the run");
  const TensorLayout& scales = context.input(*weight_scale);
  const void* scale_data = dense_constant(context, *weight_scale);
  const int64_t count = scales.element_count();
  if (!scale_data || !can_load(scales.dtype) || (count != 1 && count != channels))
    return refuse("the weight's scales are known before the run, one or one for each channel");
  for (int64_t i = 0; i < count; ++i)
    call.scales.push_back((call.reads_qparams() ? 1.0f : call.x_scale) *
                          elements::load<float>(scale_data, scales.dtype, i));
  if (call.bias) {
    const TensorLayout& bias = context.input(*call.bias);
    const void* bias_data = dense_constant(context, *call.bias);
    if (!bias_data || !can_load(bias.dtype) || bias.element_count() != channels)
      return refuse("the bias is known before the run, one element for each channel");
    for (int64_t i = 0; i < channels; ++i) call.bias_values.push_back(elements::load<float>(bias_data, bias.dtype, i));
  }
  return call;
}

}  // namespace qrules::int8
