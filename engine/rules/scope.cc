#include <qrules/rules/scope.h>

#include <limits>

#include <qrules/rules/diagnostics.h>

namespace qrules {

SlotId RuleContext::add_slot(std::string slot_name, ExpressionType type, const Span& span) {
  Slot slot;
  slot.name = slot_name;
  slot.type = type;
  slot.span = span;
  rule.slots.push_back(std::move(slot));
  const SlotId id = static_cast<SlotId>(rule.slots.size() - 1);
  names.emplace(std::move(slot_name), id);
  return id;
}

Diagnostic RuleContext::unbound(const std::string& name, const Span& span) const {
  std::vector<std::string> known;
  for (const auto& [candidate, id] : names) {
    if (candidate.find('@') == std::string::npos) known.push_back(candidate);  // a macro's own names are nobody else's
  }
  Diagnostic diagnostic = Diagnostic(kUnboundName, span).with("name", name);
  diagnostic.suggest(name, known, span, "%");
  return diagnostic;
}

ExpressionType type_of(const Parameter& parameter) {
  if (parameter.optional && parameter.kind != ParameterKind::tensor) return ExpressionType::any;
  switch (parameter.kind) {
    case ParameterKind::tensor: return ExpressionType::node;
    case ParameterKind::scalar:
    case ParameterKind::real: return ExpressionType::number;
    case ParameterKind::integer: return ExpressionType::integer;
    case ParameterKind::boolean: return ExpressionType::boolean;
    case ParameterKind::text: return ExpressionType::text;
    case ParameterKind::dtype: return ExpressionType::dtype;
    case ParameterKind::keyword: return ExpressionType::keyword;
    case ParameterKind::tensor_list:
    case ParameterKind::integer_list:
    case ParameterKind::real_list:
    case ParameterKind::boolean_list: return ExpressionType::list;
    case ParameterKind::qparam:
    case ParameterKind::any: return ExpressionType::any;
  }
  return ExpressionType::any;
}

std::string counted_arguments(size_t count) {
  return std::to_string(count) + (count == 1 ? " argument" : " arguments");
}

std::optional<Argument> literal_word(std::string_view word) {
  if (word == "None") return Argument();
  if (word == "true" || word == "True") return Argument(true);
  if (word == "false" || word == "False") return Argument(false);
  if (word == "inf") return Argument(std::numeric_limits<double>::infinity());
  if (word == "nan") return Argument(std::numeric_limits<double>::quiet_NaN());
  if (auto dtype = parse_dtype(word)) return Argument(*dtype);
  static constexpr std::string_view kKeywords[] = {
      "channels_last", "channels_last_3d", "contiguous_format", "preserve_format", "strided", "sparse_coo", "cpu"};
  for (std::string_view keyword : kKeywords) {
    if (word == keyword) return Argument(Keyword{std::string(word)});
  }
  return std::nullopt;
}

}  // namespace qrules
