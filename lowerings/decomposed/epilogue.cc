// Reading the epilogue of a call.

#include <qrules/lowerings/decomposed/epilogue.h>

#include <array>

namespace qrules::decomposed {
namespace {

// In the order of PostOp.
constexpr std::array<std::string_view, 11> kPostOps = {
    "none", "relu", "hardtanh", "hardswish", "silu", "gelu", "gelu_tanh", "sigmoid", "tanh", "elu", "leaky_relu"};

}  // namespace

std::optional<PostOp> parse_post_op(std::string_view text) {
  for (size_t i = 0; i < kPostOps.size(); ++i) {
    if (kPostOps[i] == text) return static_cast<PostOp>(i);
  }
  return std::nullopt;
}

size_t post_op_arguments(PostOp op) {
  switch (op) {
    case PostOp::hardtanh: return 2;
    case PostOp::elu:
    case PostOp::leaky_relu: return 1;
    default: return 0;
  }
}

Result<Epilogue> Epilogue::prepare(PrepareContext& context) {
  Epilogue epilogue;
  auto scale = number_argument(context, "out_scale"), zero_point = number_argument(context, "out_zero_point");
  if (!scale) return scale.diagnostics();
  if (!zero_point) return zero_point.diagnostics();
  epilogue.out_scale = *scale;
  epilogue.out_zero_point = *zero_point;
  epilogue.out_dtype = context.output(0).dtype;
  const DType out = epilogue.out_dtype;
  if (out != DType::f32 && out != DType::bf16 && out != DType::u8 && out != DType::s8 && out != DType::f8e4m3) {
    return refuse_dtype(context, "the result", out, "f32, bf16, u8, s8 or f8e4m3");
  }
  const Argument* text = context.node().argument("post_op");
  const std::string* name = text ? text->get_if<std::string>() : nullptr;
  const auto op = name ? parse_post_op(*name) : std::nullopt;
  if (!op) return refuse_argument(context, "post_op", "is no post-op of docs/operators.md");
  epilogue.post_op = *op;
  const Argument* argument = context.node().argument("post_op_args");
  const Argument::List* list = argument ? argument->list() : nullptr;
  const size_t count = list ? list->size() : 0;
  if (count != post_op_arguments(*op)) {
    return refuse_argument(context, "post_op_args", "must have " + std::to_string(post_op_arguments(*op)) + " numbers");
  }
  for (size_t i = 0; i < count; ++i) {
    const auto number = (*list)[i].number();
    if (!number) return refuse_argument(context, "post_op_args", "must be numbers");
    (i == 0 ? epilogue.a : epilogue.b) = *number;
  }
  return epilogue;
}

}  // namespace qrules::decomposed
