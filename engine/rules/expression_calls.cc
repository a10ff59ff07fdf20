// Calls of registered functions in expressions: which function it is, and which parameter each argument belongs to.

#include <algorithm>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/expression_compiler.h>
#include <qrules/rules/expression_types.h>
#include <qrules/rules/resolve.h>

namespace qrules {

Expression ExpressionCompiler::call(const syntax::Expression& given, const Environment& environment) {
  if (given.text == "bound") {
    if (given.operands.size() != 1 || given.operands[0]->kind != syntax::Expression::Kind::name) {
      fail(Diagnostic(kArgumentCount, given.span)
               .with("name", "bound")
               .with("expected", "one name %x")
               .with("count", static_cast<int64_t>(given.operands.size()))
               .help("it is used as `bound(%x)`"));
    }
    Expression result = slot(*given.operands[0], given.operands[0]->text);
    result.kind = ExpressionKind::bound;
    result.type = ExpressionType::boolean;
    result.span = given.span;
    return result;
  }
  if (auto predicate = context_.scope.predicates.find(given.text); predicate != context_.scope.predicates.end()) {
    return expand(given, *predicate->second, environment);
  }
  const Function* function = context_.functions.find(given.text);
  if (!function) unknown(given);
  if (function->makes_values && !in_rewrite_)
    fail(Diagnostic(kMakesValues, given.text_span)
             .with("name", given.text)
             .help("compare shapes, dtypes and arguments of what is matched instead"));
  Expression result;
  result.span = given.span;
  result.kind = ExpressionKind::call;
  result.function = function;
  result.type = function->result;
  result.operands = arguments(given, *function, environment);
  if (function->name == "arg") check_argument_name(result);
  return result;
}

// The name in `arg(%call, "name")` is a parameter of an operator that the pattern lets the call be.
void ExpressionCompiler::check_argument_name(const Expression& call) {
  if (call.operands.size() < 2 || call.operands[0].kind != ExpressionKind::slot) return;
  const std::string* wanted = call.operands[1].literal.get_if<std::string>();
  const PatternId pattern = context_.rule.slots[call.operands[0].slot].pattern;
  if (!wanted || pattern == kNoPattern) return;
  std::vector<OpId> ops;
  bool known = true;
  collect_ops(pattern, ops, known);
  std::vector<std::string> parameters;
  for (const OpId op : ops) {
    const Signature* signature = context_.operators.signature(op);
    if (!signature || signature->find(*wanted)) return;
    for (const Parameter& parameter : signature->parameters) parameters.push_back(parameter.name);
  }
  if (!known || ops.empty()) return;
  Diagnostic diagnostic = Diagnostic(kUnknownPatternParameter, call.operands[1].span)
                              .with("op", context_.operators.name(ops[0]))
                              .with("parameter", *wanted);
  if (const auto near = did_you_mean(*wanted, parameters)) {
    diagnostic = std::move(diagnostic).fix("did you mean `" + *near + "`?", call.operands[1].span, "\"" + *near + "\"");
  } else {
    diagnostic.helps.push_back(
        {signature_text(context_.operators.name(ops[0]), *context_.operators.signature(ops[0])), {}, {}});
  }
  fail(std::move(diagnostic));
}

void ExpressionCompiler::collect_ops(PatternId id, std::vector<OpId>& ops, bool& known) const {
  const Pattern& pattern = context_.rule.patterns[id];
  ops.insert(ops.end(), pattern.operators.ops.begin(), pattern.operators.ops.end());
  if (pattern.kind == PatternKind::alternative) {
    for (PatternId child : pattern.children) collect_ops(child, ops, known);
  } else if (pattern.kind != PatternKind::call || !pattern.operators.regexes.empty()) {
    known = false;
  }
}

std::vector<Expression> ExpressionCompiler::arguments(const syntax::Expression& given, const Function& function,
                                                      const Environment& environment) {
  const std::vector<FunctionParameter>& parameters = function.parameters;
  const size_t fixed = function.variadic ? parameters.size() - 1 : parameters.size();
  std::vector<std::optional<Expression>> values(parameters.size());
  std::vector<Expression> rest;
  const auto wrong_count = [&]() {
    size_t least = 0;
    for (size_t i = 0; i < fixed; ++i) least += parameters[i].has_default ? 0 : 1;
    std::string expected = std::to_string(least);
    if (function.variadic)
      expected += " or more arguments";
    else if (least != fixed)
      expected += " to " + std::to_string(fixed) + " arguments";
    else
      expected = counted_arguments(least);
    std::string use;
    for (const FunctionParameter& parameter : parameters)
      use += (use.empty() ? "" : ", ") + parameter.name + (parameter.has_default ? "=..." : "");
    fail(Diagnostic(kArgumentCount, given.span)
             .with("name", function.name)
             .with("expected", std::move(expected))
             .with("count", static_cast<int64_t>(given.operands.size()))
             .help("it is used as `" + function.name + "(" + use + (function.variadic ? ", ..." : "") +
                   ")`: " + function.doc));
  };
  for (size_t i = 0; i < given.operands.size(); ++i) {
    size_t index = i;
    if (!given.argument_names[i].empty()) {
      index = 0;
      while (index < fixed && parameters[index].name != given.argument_names[i]) ++index;
      if (index == fixed) {
        std::vector<std::string> known;
        for (const FunctionParameter& parameter : parameters) known.push_back(parameter.name);
        Diagnostic diagnostic = Diagnostic(kUnknownPatternParameter, given.argument_name_spans[i])
                                    .with("op", function.name)
                                    .with("parameter", given.argument_names[i]);
        if (!diagnostic.suggest(given.argument_names[i], known, given.argument_name_spans[i])) {
          std::string list;
          for (const std::string& parameter : known) list += (list.empty() ? "" : ", ") + parameter;
          diagnostic.helps.push_back({"its parameters are " + list, {}, {}});
        }
        fail(std::move(diagnostic));
      }
    }
    if (index >= parameters.size() && !function.variadic) wrong_count();
    const size_t parameter = std::min(index, parameters.size() - 1);
    Expression value = expression(*given.operands[i], environment);
    want(value, parameters[parameter].type, "`" + function.name + "`'s `" + parameters[parameter].name + "`");
    if (function.variadic && index >= fixed)
      rest.push_back(std::move(value));
    else
      values[index] = std::move(value);
  }
  std::vector<Expression> result;
  for (size_t i = 0; i < fixed; ++i) {
    if (!values[i]) {
      if (!parameters[i].has_default) wrong_count();
      values[i].emplace();
      values[i]->literal = parameters[i].default_value;
      values[i]->type = type_of_literal(parameters[i].default_value);
      values[i]->span = given.span;
    }
    result.push_back(std::move(*values[i]));
  }
  for (Expression& value : rest) result.push_back(std::move(value));
  return result;
}

void ExpressionCompiler::unknown(const syntax::Expression& given) {
  std::vector<std::string> known;
  for (const Function* function : context_.functions.all()) known.push_back(function->name);
  for (const auto& [predicate, declaration] : context_.scope.predicates) known.push_back(predicate);
  known.insert(known.end(), {"bound", "all", "any"});
  if (context_.scope.names_missing) throw Failed();
  Diagnostic diagnostic = Diagnostic(kUnknownFunction, given.text_span).with("name", given.text);
  static const std::map<std::string, std::string, std::less<>> other_names{{"num_users", "users"},
                                                                           {"num_uses", "users"},
                                                                           {"uses", "users"},
                                                                           {"use_count", "users"},
                                                                           {"ndim", "rank"},
                                                                           {"dim", "rank"},
                                                                           {"dims", "rank"},
                                                                           {"type", "dtype"},
                                                                           {"sizes", "shape"},
                                                                           {"is_constant", "constant"},
                                                                           {"is_const", "constant"},
                                                                           {"const", "constant"},
                                                                           {"num_elements", "numel"},
                                                                           {"attr", "arg"},
                                                                           {"argument", "arg"},
                                                                           {"equal", "same"},
                                                                           {"almost_equal", "close"},
                                                                           {"allclose", "close"},
                                                                           {"length", "len"},
                                                                           {"is_input", "input"},
                                                                           {"is_output", "output"},
                                                                           {"value", "scalar"},
                                                                           {"item", "scalar"},
                                                                           {"is_scalar", "number"},
                                                                           {"to", "cast"},
                                                                           {"permute", "transpose"}};
  if (const auto other = other_names.find(given.text);
      other != other_names.end() && context_.functions.find(other->second)) {
    diagnostic = std::move(diagnostic).fix("it is called `" + other->second + "`", given.text_span, other->second);
  } else if (context_.scope.macros.count(given.text)) {
    diagnostic = std::move(diagnostic)
                     .label(context_.scope.macros.find(given.text)->second->span, "a macro")
                     .help("macros stand for patterns, in `match` only; write the call that it stands for");
  } else if (given.text.find('.') != std::string::npos) {
    diagnostic =
        std::move(diagnostic)
            .help(in_rewrite_
                      ? "calls of operators do not nest: give the call a line of its own, `%t = " + given.text +
                            "(...)`"
                      : "operators are called in `match` and `rewrite`; a condition asks about what is matched");
  } else if (!diagnostic.suggest(given.text, known, given.text_span)) {
    diagnostic = std::move(diagnostic).help("`rulecheck functions` lists them; `predicates:` defines one of your own");
  }
  fail(std::move(diagnostic));
}

}  // namespace qrules
