// From expression syntax to typed expressions: one function for each form of expression, with its types checked.

#include <algorithm>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/expression_compiler.h>
#include <qrules/rules/expression_types.h>

namespace qrules {
namespace {

using Type = ExpressionType;

}  // namespace

std::optional<Expression> ExpressionCompiler::compile(const syntax::Expression& given) {
  try {
    return expression(given, Environment());
  } catch (const Failed&) {
    context_.failed = true;
    return std::nullopt;
  }
}

void ExpressionCompiler::fail(Diagnostic diagnostic) {
  context_.diagnostics.add(std::move(diagnostic));
  throw Failed();
}

void ExpressionCompiler::want(const Expression& value, ExpressionType wanted, const std::string& what) {
  if (fits(wanted, value.type)) return;
  mismatch(value, value.span, wanted, what);
}

void ExpressionCompiler::mismatch(const Expression& value, const Span& span, ExpressionType wanted,
                                  const std::string& what) {
  Diagnostic diagnostic = Diagnostic(kTypeMismatch, span, "this is " + std::string(name(value.type)))
                              .with("what", what)
                              .with("expected", std::string(name(wanted)))
                              .with("found", std::string(name(value.type)));
  add_type_advice(value, wanted, diagnostic);
  fail(std::move(diagnostic));
}

Expression ExpressionCompiler::expression(const syntax::Expression& given, const Environment& environment) {
  using Kind = syntax::Expression::Kind;
  Expression result;
  result.span = given.span;
  switch (given.kind) {
    case Kind::literal:
      result.literal = given.literal;
      result.type = type_of_literal(given.literal);
      return result;
    case Kind::name: return slot(given, given.text);
    case Kind::word: return word(given, environment);
    case Kind::list:
      result.kind = ExpressionKind::list;
      result.type = Type::list;
      for (const auto& element : given.operands) result.operands.push_back(expression(*element, environment));
      return result;
    case Kind::call: return call(given, environment);
    case Kind::unary:
    case Kind::binary: return operation(given, environment);
    case Kind::conditional: {
      result.kind = ExpressionKind::conditional;
      for (const auto& operand : given.operands) result.operands.push_back(expression(*operand, environment));
      want(result.operands[1], Type::boolean, "the condition after `if`");
      result.type = result.operands[0].type == result.operands[2].type ? result.operands[0].type : Type::any;
      return result;
    }
    case Kind::loop: return loop(given, environment);
  }
  return result;
}

Expression ExpressionCompiler::slot(const syntax::Expression& given, const std::string& slot_name) {
  Expression result;
  result.span = given.span;
  result.kind = ExpressionKind::slot;
  auto found = context_.names.find(slot_name);
  if (found == context_.names.end()) {
    context_.add_unbound(slot_name, given.span);
    throw Failed();
  }
  result.slot = found->second;
  const Slot& bound = context_.rule.slots[result.slot];
  result.type = bound.is_list ? Type::list : bound.type;
  return result;
}

Expression ExpressionCompiler::word(const syntax::Expression& given, const Environment& environment) {
  if (auto parameter = environment.parameters.find(given.text);
      environment.caller && parameter != environment.parameters.end()) {
    return expression(*parameter->second, *environment.caller);
  }
  auto literal = literal_word(given.text);
  if (!literal) {
    fail(unknown_word(given, environment));
  }
  Expression result;
  result.span = given.span;
  result.literal = *literal;
  result.type = type_of_literal(*literal);
  return result;
}

Diagnostic ExpressionCompiler::unknown_word(const syntax::Expression& given, const Environment& environment) const {
  if (environment.caller) {
    std::vector<std::string> parameters;
    for (const auto& [parameter, value] : environment.parameters) parameters.push_back(parameter);
    Diagnostic diagnostic = Diagnostic(kUnknownWord, given.span).with("word", given.text);
    if (given.text.size() > 1 && diagnostic.suggest(given.text, parameters, given.span)) return diagnostic;
  }
  return qrules::unknown_word(context_, given.text, given.span);
}

Expression ExpressionCompiler::operation(const syntax::Expression& given, const Environment& environment) {
  Expression result;
  result.span = given.span;
  result.kind = given.operation;
  for (const auto& operand : given.operands) result.operands.push_back(expression(*operand, environment));
  Expression& left = result.operands[0];
  switch (given.operation) {
    case ExpressionKind::logical_not:
    case ExpressionKind::logical_and:
    case ExpressionKind::logical_or:
      for (const Expression& operand : result.operands) {
        want(operand, Type::boolean,
             given.operation == ExpressionKind::logical_not   ? "`not`"
             : given.operation == ExpressionKind::logical_and ? "`and`"
                                                              : "`or`");
      }
      result.type = Type::boolean;
      return result;
    case ExpressionKind::equal:
    case ExpressionKind::not_equal: {
      const Expression& right = result.operands[1];
      if (!fits(left.type, right.type) && !fits(right.type, left.type)) {
        Diagnostic diagnostic = Diagnostic(kTypeMismatch, given.span)
                                    .with("what", "a comparison with " + std::string(name(left.type)))
                                    .with("expected", std::string(name(left.type)))
                                    .with("found", std::string(name(right.type)))
                                    .label(left.span, std::string(name(left.type)))
                                    .label(right.span, std::string(name(right.type)));
        add_type_advice(right, left.type, diagnostic);
        fail(std::move(diagnostic));
      }
      result.type = Type::boolean;
      return result;
    }
    case ExpressionKind::in:
    case ExpressionKind::not_in: {
      want(result.operands[1], Type::list, "`in`");
      const Expression& list = result.operands[1];
      for (const Expression& element : list.operands) {
        if (list.kind == ExpressionKind::list && !fits(left.type, element.type) && !fits(element.type, left.type)) {
          mismatch(element, element.span, left.type, "`in` after " + std::string(name(left.type)));
        }
      }
      result.type = Type::boolean;
      return result;
    }
    case ExpressionKind::less:
    case ExpressionKind::less_equal:
    case ExpressionKind::greater:
    case ExpressionKind::greater_equal:
      for (const Expression& operand : result.operands) want(operand, Type::number, "an order");
      result.type = Type::boolean;
      return result;
    default: break;
  }
  // Arithmetic. `+` also joins lists.
  if (given.operation == ExpressionKind::add && (left.type == Type::list || result.operands[1].type == Type::list)) {
    for (const Expression& operand : result.operands) want(operand, Type::list, "`+` with a list");
    result.type = Type::list;
    return result;
  }
  bool integral = given.operation != ExpressionKind::divide;
  bool size = false;
  for (const Expression& operand : result.operands) {
    want(operand, Type::number, "arithmetic");
    integral = integral && (operand.type == Type::integer || operand.type == Type::size);
    size = size || operand.type == Type::size;
  }
  result.type = !integral ? Type::number : size ? Type::size : Type::integer;
  return result;
}

Expression ExpressionCompiler::loop(const syntax::Expression& given, const Environment& environment) {
  Expression result;
  result.span = given.span;
  result.kind = given.operation;
  result.type = Type::boolean;
  const size_t lists = given.operands.size() - 1;
  if (given.loop_names.size() != lists) {
    fail(Diagnostic(kLoopLists, given.span)
             .with("names", static_cast<int64_t>(given.loop_names.size()))
             .with("lists", static_cast<int64_t>(lists))
             .help("`all(... for %a, %b in %as, %bs)`: a name for each list"));
  }
  std::vector<Expression> list_values;
  for (size_t i = 0; i < lists; ++i) {
    list_values.push_back(expression(*given.operands[i + 1], environment));
    want(list_values.back(), Type::list, "a loop");
  }
  for (size_t i = 0; i < lists; ++i) {
    const auto& [loop_name, span] = given.loop_names[i];
    if (const auto taken = context_.names.find(loop_name); taken != context_.names.end())
      fail(Diagnostic(kShadowedName, span)
               .with("name", loop_name)
               .label(context_.rule.slots[taken->second].span, "bound here")
               .help("give the loop's name another one, like `%" + loop_name + "_i`"));
    result.loop_slots.push_back(context_.add_slot(loop_name, element_type(list_values[i]), span));
  }
  Expression body;
  bool failed = false;
  try {
    body = expression(*given.operands[0], environment);
    want(body, Type::boolean, "the body of a loop");
  } catch (const Failed&) {
    failed = true;
  }
  // The names end with the loop; their slots stay.
  for (const auto& [loop_name, span] : given.loop_names) context_.names.erase(loop_name);
  if (failed) throw Failed();
  result.operands.push_back(std::move(body));
  for (Expression& list : list_values) result.operands.push_back(std::move(list));
  return result;
}

ExpressionType ExpressionCompiler::element_type(const Expression& list) const {
  if (list.kind == ExpressionKind::slot && context_.rule.slots[list.slot].is_list)
    return context_.rule.slots[list.slot].type;
  if (list.kind == ExpressionKind::list && !list.operands.empty()) {
    const Type first = list.operands[0].type;
    const bool same =
        std::all_of(list.operands.begin(), list.operands.end(), [&](const Expression& e) { return e.type == first; });
    return same ? first : Type::any;
  }
  return Type::any;
}

std::optional<Expression> compile_expression(RuleContext& context, const syntax::Expression& expression,
                                             bool in_rewrite) {
  return ExpressionCompiler(context, in_rewrite).compile(expression);
}

}  // namespace qrules
