#include <qrules/rules/scope.h>

#include <algorithm>
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

void RuleContext::add_unbound(const std::string& name, const Span& span) {
  failed = true;
  // With mistakes in the pattern, the name may be one that it should have bound.
  if (guessing || !unbound_names.insert(name).second) return;
  std::vector<std::string> known;
  for (const auto& [candidate, id] : names) {
    if (candidate.find('@') == std::string::npos) known.push_back(candidate);  // a macro's own names are nobody else's
  }
  Diagnostic diagnostic = Diagnostic(kUnboundName, span, "nothing binds this name").with("name", name);
  if (!diagnostic.suggest(name, known, span, "%")) {
    std::string list;
    for (const std::string& other : known) list += (list.empty() ? "%" : ", %") + other;
    diagnostic.helps.push_back(
        {list.empty() ? "`match` binds no name" : "the names that are bound here are " + list, {}, {}});
  }
  diagnostics.add(std::move(diagnostic));
}

bool RuleContext::is_broken(const void* declaration, bool broken_by_form, const Span& use) {
  if (!broken) return broken_by_form;
  const auto found = broken->find(declaration);
  if (found == broken->end()) return broken_by_form;
  failed = true;
  constexpr size_t kSaidElsewhere = static_cast<size_t>(-1);
  if (found->second == kSaidElsewhere) return true;
  Diagnostic& diagnostic = diagnostics[found->second];
  const bool shown = std::any_of(diagnostic.labels.begin(), diagnostic.labels.end(),
                                 [](const Label& label) { return label.text == "used here"; });
  if (!shown) diagnostic.labels.push_back({use, "used here"});
  return true;
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

Diagnostic unknown_word(const RuleContext& context, const std::string& word, const Span& span) {
  Diagnostic diagnostic = Diagnostic(kUnknownWord, span).with("word", word);
  if (context.names.count(word)) return std::move(diagnostic).fix("a value is written with a % sign", span, "%" + word);
  if (word.find('.') != std::string::npos) {
    if (context.operators.find(word) || !context.operators.overloads(word).empty())
      return std::move(diagnostic).propose("an operator is called", span, word + "(...)");
    return std::move(diagnostic).help("text is written in double quotes, an operator is called with `(...)`");
  }
  static const std::map<std::string, std::string, std::less<>> kOtherNames{{"int", "s32"},
                                                                           {"i8", "s8"},
                                                                           {"i16", "s16"},
                                                                           {"i32", "s32"},
                                                                           {"i64", "s64"},
                                                                           {"float", "f32"},
                                                                           {"half", "f16"},
                                                                           {"double", "f64"},
                                                                           {"fp32", "f32"},
                                                                           {"fp16", "f16"},
                                                                           {"fp64", "f64"},
                                                                           {"bfloat", "bf16"},
                                                                           {"byte", "u8"},
                                                                           {"char", "s8"},
                                                                           {"long", "s64"},
                                                                           {"none", "None"},
                                                                           {"null", "None"},
                                                                           {"nullptr", "None"},
                                                                           {"nil", "None"},
                                                                           {"TRUE", "true"},
                                                                           {"FALSE", "false"},
                                                                           {"NHWC", "channels_last"},
                                                                           {"nhwc", "channels_last"},
                                                                           {"NCHW", "contiguous_format"}};
  if (const auto other = kOtherNames.find(word); other != kOtherNames.end())
    return std::move(diagnostic).fix("it is written `" + other->second + "`", span, other->second);
  static const std::vector<std::string> kWords{"f32",
                                               "f16",
                                               "bf16",
                                               "f64",
                                               "u8",
                                               "s8",
                                               "s16",
                                               "s32",
                                               "s64",
                                               "true",
                                               "false",
                                               "None",
                                               "channels_last",
                                               "channels_last_3d",
                                               "contiguous_format",
                                               "preserve_format",
                                               "strided"};
  if (word.size() > 1 && diagnostic.suggest(word, kWords, span)) return diagnostic;
  std::vector<std::string> names;
  for (const auto& [name, slot] : context.names) names.push_back(name);
  if (word.size() > 2 && diagnostic.suggest(word, names, span, "%")) {
    diagnostic.helps.back().applicable = false;
    return diagnostic;
  }
  if (context.functions.find(word)) return std::move(diagnostic).propose("a function is called", span, word + "(...)");
  return std::move(diagnostic).propose("a value is written with a % sign", span, "%" + word);
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
