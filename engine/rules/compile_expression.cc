// From expression syntax to typed expressions: names to slots, predicates expanded, functions looked up, types checked.

#include <algorithm>
#include <set>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/resolve.h>
#include <qrules/rules/scope.h>

namespace qrules {
namespace {

using Type = ExpressionType;

struct Failed {};

// Parameters of the predicate that is being expanded.
struct Environment {
  const Environment* caller = nullptr;
  std::map<std::string, syntax::ExpressionPtr> parameters;
  size_t depth = 0;
};

bool is_number(Type type) { return type == Type::number || type == Type::integer || type == Type::size; }

bool fits(Type wanted, Type given) {
  if (wanted == given || wanted == Type::any || given == Type::any || given == Type::none) return true;
  if (wanted == Type::number) return is_number(given);
  if (wanted == Type::integer || wanted == Type::size) return is_number(given);
  return false;
}

Type type_of_literal(const Argument& literal) {
  if (literal.is_none()) return Type::none;
  if (literal.get_if<bool>()) return Type::boolean;
  if (literal.get_if<int64_t>()) return Type::integer;
  if (literal.get_if<double>()) return Type::number;
  if (literal.get_if<std::string>()) return Type::text;
  if (literal.get_if<DType>()) return Type::dtype;
  if (literal.get_if<Keyword>()) return Type::keyword;
  return Type::any;
}

class ExpressionCompiler {
 public:
  ExpressionCompiler(RuleContext& context, bool in_rewrite) : context_(context), in_rewrite_(in_rewrite) {}

  std::optional<Expression> compile(const syntax::Expression& given) {
    try {
      return expression(given, Environment());
    } catch (const Failed&) {
      context_.failed = true;
      return std::nullopt;
    }
  }

  void compile_body(const PredicateDeclaration& predicate) {
    const Environment caller;
    Environment inner;
    inner.caller = &caller;
    inner.depth = 1;
    const auto any_value = std::make_shared<syntax::Expression>();
    any_value->kind = syntax::Expression::Kind::name;
    any_value->text = kAnyValue;
    context_.add_slot(kAnyValue, Type::any, predicate.span);
    for (const std::string& parameter : predicate.parameters) inner.parameters[parameter] = any_value;
    try {
      expression(*predicate.body, inner);
    } catch (const Failed&) {
      context_.failed = true;
    }
  }

 private:
  // No name of a text.
  static constexpr const char* kAnyValue = "@";

  [[noreturn]] void fail(Diagnostic diagnostic) {
    context_.diagnostics.add(std::move(diagnostic));
    throw Failed();
  }
  void want(const Expression& value, Type wanted, const std::string& what) {
    if (fits(wanted, value.type)) return;
    mismatch(value, value.span, wanted, what);
  }

  [[noreturn]] void mismatch(const Expression& value, const Span& span, Type wanted, const std::string& what) {
    Diagnostic diagnostic = Diagnostic(kTypeMismatch, span, "this is " + std::string(name(value.type)))
                                .with("what", what)
                                .with("expected", std::string(name(wanted)))
                                .with("found", std::string(name(value.type)));
    add_advice(value, wanted, diagnostic);
    fail(std::move(diagnostic));
  }

  static void add_advice(const Expression& value, Type wanted, Diagnostic& diagnostic) {
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
      diagnostic =
          std::move(diagnostic)
              .help("a node is what a name stands for that the pattern binds where an operator takes a tensor");
    } else {
      diagnostic = std::move(diagnostic).help("`rulecheck functions` lists what functions take and give");
    }
  }

  Expression expression(const syntax::Expression& given, const Environment& environment) {
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

  Expression slot(const syntax::Expression& given, const std::string& slot_name) {
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

  Expression word(const syntax::Expression& given, const Environment& environment) {
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

  Expression operation(const syntax::Expression& given, const Environment& environment) {
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
          add_advice(right, left.type, diagnostic);
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

  Expression call(const syntax::Expression& given, const Environment& environment) {
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
      result.type = Type::boolean;
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
  void check_argument_name(const Expression& call) {
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
      diagnostic =
          std::move(diagnostic).fix("did you mean `" + *near + "`?", call.operands[1].span, "\"" + *near + "\"");
    } else {
      diagnostic.helps.push_back(
          {signature_text(context_.operators.name(ops[0]), *context_.operators.signature(ops[0])), {}, {}});
    }
    fail(std::move(diagnostic));
  }

  void collect_ops(PatternId id, std::vector<OpId>& ops, bool& known) const {
    const Pattern& pattern = context_.rule.patterns[id];
    ops.insert(ops.end(), pattern.operators.ops.begin(), pattern.operators.ops.end());
    if (pattern.kind == PatternKind::alternative) {
      for (PatternId child : pattern.children) collect_ops(child, ops, known);
    } else if (pattern.kind != PatternKind::call || !pattern.operators.regexes.empty()) {
      known = false;
    }
  }

  Diagnostic unknown_word(const syntax::Expression& given, const Environment& environment) const {
    if (environment.caller) {
      std::vector<std::string> parameters;
      for (const auto& [parameter, value] : environment.parameters) parameters.push_back(parameter);
      Diagnostic diagnostic = Diagnostic(kUnknownWord, given.span).with("word", given.text);
      if (given.text.size() > 1 && diagnostic.suggest(given.text, parameters, given.span)) return diagnostic;
    }
    return qrules::unknown_word(context_, given.text, given.span);
  }

  [[noreturn]] void unknown(const syntax::Expression& given) {
    std::vector<std::string> known;
    for (const Function* function : context_.functions.all()) known.push_back(function->name);
    for (const auto& [predicate, declaration] : context_.scope.predicates) known.push_back(predicate);
    known.insert(known.end(), {"bound", "all", "any"});
    if (context_.scope.names_missing) throw Failed();
    Diagnostic diagnostic = Diagnostic(kUnknownFunction, given.text_span).with("name", given.text);
    static const std::map<std::string, std::string, std::less<>> kOtherNames{{"num_users", "users"},
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
    if (const auto other = kOtherNames.find(given.text);
        other != kOtherNames.end() && context_.functions.find(other->second)) {
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
      diagnostic =
          std::move(diagnostic).help("`rulecheck functions` lists them; `predicates:` defines one of your own");
    }
    fail(std::move(diagnostic));
  }

  std::vector<Expression> arguments(const syntax::Expression& given, const Function& function,
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

  Expression expand(const syntax::Expression& given, const PredicateDeclaration& predicate,
                    const Environment& environment) {
    if (context_.is_broken(&predicate, predicate.broken, given.text_span)) throw Failed();
    if (environment.depth >= context_.limits.macro_depth) {
      fail(Diagnostic(kPredicateDepth, given.text_span)
               .with("name", given.text)
               .with("limit", static_cast<int64_t>(context_.limits.macro_depth))
               .label(predicate.span, "the predicate")
               .help("say what it is by functions and other predicates"));
    }
    if (given.operands.size() != predicate.parameters.size()) {
      fail(Diagnostic(kArgumentCount, given.span)
               .with("name", predicate.name)
               .with("expected", counted_arguments(predicate.parameters.size()))
               .with("count", static_cast<int64_t>(given.operands.size()))
               .label(predicate.span, "defined here")
               .help("it is used as `" + std::string(predicate.span.text()) + "`"));
    }
    if (!predicate.body) throw Failed();  // its own error is reported
    Environment inner;
    inner.caller = &environment;
    inner.depth = environment.depth + 1;
    for (size_t i = 0; i < predicate.parameters.size(); ++i)
      inner.parameters[predicate.parameters[i]] = given.operands[i];
    // A wrong type inside is the fault of the use as often as of the definition; both places are shown.
    const size_t before = context_.diagnostics.size();
    try {
      return expression(*predicate.body, inner);
    } catch (const Failed&) {
      if (context_.diagnostics.size() > before && environment.depth == 0) blame_use(given, before);
      throw;
    }
  }

  void blame_use(const syntax::Expression& given, size_t before) {
    Diagnostics rewritten;
    for (size_t i = 0; i < context_.diagnostics.size(); ++i) {
      Diagnostic diagnostic = context_.diagnostics.list()[i];
      if (i >= before) {
        // What the author wrote comes first; an argument of the use stands there already.
        Label definition = diagnostic.labels.front();
        const bool in_use = definition.span.file == given.span.file && definition.span.begin >= given.span.begin &&
                            definition.span.end <= given.span.end;
        if (in_use) {
          rewritten.add(std::move(diagnostic));
          continue;
        }
        diagnostic.labels.front() = {given.span, "in this use"};
        definition.text = definition.text.empty() ? "here in the predicate" : definition.text;
        diagnostic.labels.push_back(std::move(definition));
      }
      rewritten.add(std::move(diagnostic));
    }
    context_.diagnostics = std::move(rewritten);
  }

  Expression loop(const syntax::Expression& given, const Environment& environment) {
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

  Type element_type(const Expression& list) const {
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

  RuleContext& context_;
  bool in_rewrite_;
};

void collect(const Expression& expression, std::set<SlotId>& slots, std::set<SlotId>& loops, int& cost) {
  if (expression.kind == ExpressionKind::slot || expression.kind == ExpressionKind::bound)
    slots.insert(expression.slot);
  if (expression.function) cost += expression.function->cost;
  loops.insert(expression.loop_slots.begin(), expression.loop_slots.end());
  for (const Expression& operand : expression.operands) collect(operand, slots, loops, cost);
}

std::optional<Condition> condition(RuleContext& context, const syntax::ConditionLine& line) {
  auto compiled = compile_expression(context, *line.expression, false);
  if (!compiled) return std::nullopt;
  if (compiled->type != Type::boolean && compiled->type != Type::any) {
    const std::string written(compiled->span.text());
    Diagnostic diagnostic = Diagnostic(kNotACondition, compiled->span).with("found", std::string(name(compiled->type)));
    if (is_number(compiled->type))
      diagnostic = std::move(diagnostic).propose("compare it", compiled->span, written + " == 1");
    else if (compiled->type == Type::node)
      diagnostic =
          std::move(diagnostic)
              .help("ask something about it, like `constant(" + written + ")` or `rank(" + written + ") == 2`");
    else if (compiled->type == Type::dtype)
      diagnostic = std::move(diagnostic).propose("compare it", compiled->span, written + " == f32");
    else
      diagnostic = std::move(diagnostic).help("write a comparison, or a predicate such as `constant(%x)`");
    context.diagnostics.add(std::move(diagnostic));
    context.failed = true;
    return std::nullopt;
  }
  Condition result;
  result.text = line.text;
  std::set<SlotId> slots, loops;
  collect(*compiled, slots, loops, result.cost);
  for (SlotId slot : slots) {
    if (!loops.count(slot)) result.slots.push_back(slot);
  }
  result.expression = std::move(*compiled);
  return result;
}

}  // namespace

std::optional<Expression> compile_expression(RuleContext& context, const syntax::Expression& expression,
                                             bool in_rewrite) {
  return ExpressionCompiler(context, in_rewrite).compile(expression);
}

void compile_predicate_body(RuleContext& context, const PredicateDeclaration& predicate) {
  ExpressionCompiler(context, true).compile_body(predicate);
}

void compile_conditions(RuleContext& context, const MappedText& text) {
  for (const syntax::ConditionLine& line : syntax::parse_conditions(text, context.diagnostics)) {
    if (auto compiled = condition(context, line)) context.rule.conditions.push_back(std::move(*compiled));
  }
}

void compile_member_conditions(RuleContext& context, const MappedText& text) {
  if (text.empty() || context.rule.root == kNoPattern) return;
  if (context.rule.patterns[context.rule.root].kind != PatternKind::siblings) {
    context.diagnostics.add(Diagnostic(kMembersWithoutSiblings, text.span())
                                .help("move the conditions to `where`, or match `siblings(%x) op(%x, ...)`"));
    return;
  }
  std::vector<SlotId> lists;
  for (SlotId slot = 0; slot < context.rule.slots.size(); ++slot) {
    if (!context.rule.slots[slot].is_list) continue;
    lists.push_back(slot);
    context.rule.slots[slot].is_list = false;
  }
  for (const syntax::ConditionLine& line : syntax::parse_conditions(text, context.diagnostics)) {
    if (auto compiled = condition(context, line)) context.rule.member_conditions.push_back(std::move(*compiled));
  }
  for (SlotId slot : lists) context.rule.slots[slot].is_list = true;
}

std::optional<Condition> compile_condition(RuleContext& context, const MappedText& text) {
  std::vector<syntax::ConditionLine> lines = syntax::parse_conditions(text, context.diagnostics);
  if (lines.size() > 1) {
    context.diagnostics.add(Diagnostic(kExpressionSyntax, lines[1].expression->span, "join them with `and`")
                                .with("expected", "one condition")
                                .with("found", "another")
                                .help("join them with `and`"));
  }
  if (lines.size() != 1) return std::nullopt;
  return condition(context, lines[0]);
}

}  // namespace qrules
