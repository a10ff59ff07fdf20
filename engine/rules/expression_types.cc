#include <qrules/rules/expression_types.h>

namespace qrules {
namespace {

using Type = ExpressionType;

}  // namespace

bool is_number(ExpressionType type) { return type == Type::number || type == Type::integer || type == Type::size; }

bool fits(ExpressionType wanted, ExpressionType given) {
  if (wanted == given || wanted == Type::any || given == Type::any || given == Type::none) return true;
  if (wanted == Type::number) return is_number(given);
  if (wanted == Type::integer || wanted == Type::size) return is_number(given);
  return false;
}

ExpressionType type_of_literal(const Argument& literal) {
  if (literal.is_none()) return Type::none;
  if (literal.get_if<bool>()) return Type::boolean;
  if (literal.get_if<int64_t>()) return Type::integer;
  if (literal.get_if<double>()) return Type::number;
  if (literal.get_if<std::string>()) return Type::text;
  if (literal.get_if<DType>()) return Type::dtype;
  if (literal.get_if<Keyword>()) return Type::keyword;
  return Type::any;
}

void add_type_advice(const Expression& value, ExpressionType wanted, Diagnostic& diagnostic) {
  const std::string written(value.span.text());
  const std::string* text = value.kind == ExpressionKind::literal ? value.literal.get_if<std::string>() : nullptr;
  if (wanted == Type::dtype && text && parse_dtype(*text)) {
    diagnostic = std::move(diagnostic).fix("dtypes are written without quotes", value.span, *text);
  } else if (wanted == Type::dtype && value.type == Type::node) {
    diagnostic = std::move(diagnostic).fix("the dtype of a node", value.span, "dtype(" + written + ")");
  } else if (wanted == Type::dtype) {
    diagnostic = std::move(diagnostic).help("dtypes are written f32, bf16, u8, s8, s32, ...");
  } else if (wanted == Type::boolean && is_number(value.type)) {
    diagnostic = std::move(diagnostic).propose("compare it with a number", value.span, written + " == 1");
  } else if (wanted == Type::boolean) {
    diagnostic = std::move(diagnostic).help("write a comparison, or a predicate such as `constant(%x)`");
  } else if (wanted == Type::list && value.kind == ExpressionKind::literal) {
    diagnostic = std::move(diagnostic).fix("a list of one", value.span, "[" + written + "]");
  } else if (wanted == Type::list && is_number(value.type)) {
    diagnostic =
        std::move(diagnostic).help("lists are `[1, 2]`, `shape(%x)`, and names that are bound inside `[each ...]`");
  } else if (wanted == Type::number && value.type == Type::node) {
    diagnostic =
        std::move(diagnostic).propose("the single element of a constant", value.span, "scalar(" + written + ")");
  } else if (wanted == Type::node) {
    diagnostic = std::move(diagnostic)
                     .help("a node is what a name stands for that the pattern binds where an operator takes a tensor");
  } else {
    diagnostic = std::move(diagnostic).help("`rulecheck functions` lists what functions take and give");
  }
}

}  // namespace qrules
