// What the preparation of reference kernels shares.

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {

Prepared FunctionHandler::prepare(PrepareContext& context) const {
  for (size_t i = 0; i < context.input_count(); ++i) {
    const size_t rank = context.input(i).sizes.size();
    if (rank > kMaxRank) return refuse_rank(context, "an operand", rank, "64 dimensions at the most");
  }
  return function_(context);
}

Result<Number> number_argument(const PrepareContext& context, std::string_view parameter) {
  if (const auto operand = context.operand_of(parameter)) {
    const TensorLayout& layout = context.input(*operand);
    if (layout.element_count() != 1)
      return refuse_argument(context, std::string(parameter), "must be a number or have one element");
    if (!visit(layout.dtype, [](auto) {}))
      return refuse_dtype(context, "`" + std::string(parameter) + "`", layout.dtype, "real numbers");
    return Number{0, operand, layout.dtype};
  }
  const Argument* argument = context.node().argument(parameter);
  const auto value = argument ? argument->number() : std::nullopt;
  if (!value) return refuse_argument(context, std::string(parameter), "must be a number or have one element");
  return Number{*value, std::nullopt, DType::f64};
}

Result<size_t> tensor_argument(const PrepareContext& context, std::string_view parameter) {
  if (const auto operand = context.operand_of(parameter)) return *operand;
  return refuse_argument(context, std::string(parameter), "must be a tensor");
}

Diagnostic refuse_dtype(const PrepareContext& context, std::string what, DType dtype, std::string wanted) {
  return Diagnostic(kReferenceDType)
      .with("op", context.node().op_name())
      .with("what", std::move(what))
      .with("dtype", std::string(name(dtype)))
      .with("wanted", std::move(wanted));
}

Diagnostic refuse_rank(const PrepareContext& context, std::string what, size_t rank, std::string wanted) {
  return Diagnostic(kReferenceRank)
      .with("op", context.node().op_name())
      .with("what", std::move(what))
      .with("rank", static_cast<int64_t>(rank))
      .with("wanted", std::move(wanted));
}

Diagnostic refuse_size(const PrepareContext& context, std::string why) {
  return Diagnostic(kReferenceSize).with("op", context.node().op_name()).with("why", std::move(why));
}

Diagnostic refuse_argument(const PrepareContext& context, std::string parameter, std::string why) {
  return Diagnostic(kReferenceArgument)
      .with("op", context.node().op_name())
      .with("parameter", std::move(parameter))
      .with("why", std::move(why));
}

std::optional<size_t> wrap_dimension(int64_t dim, size_t rank) {
  const auto count = static_cast<int64_t>(rank);
  if (dim < 0) dim += count;
  if (dim < 0 || dim >= count) return std::nullopt;
  return static_cast<size_t>(dim);
}

}  // namespace qrules::decomposed
