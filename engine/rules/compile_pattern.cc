// From pattern syntax to the patterns of a rule: one function for each form that a pattern has.

#include <algorithm>

#include <qrules/rules/certain.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/pattern_compiler.h>
#include <qrules/rules/resolve.h>

namespace qrules {
namespace {

ExpressionType element_type_of(const Parameter& list) {
  switch (list.kind) {
    case ParameterKind::tensor_list: return ExpressionType::node;
    case ParameterKind::integer_list: return ExpressionType::integer;
    case ParameterKind::real_list: return ExpressionType::number;
    case ParameterKind::boolean_list: return ExpressionType::boolean;
    default: return ExpressionType::any;
  }
}

bool takes_list(ParameterKind kind) {
  return kind == ParameterKind::tensor_list || kind == ParameterKind::integer_list ||
         kind == ParameterKind::real_list || kind == ParameterKind::boolean_list || kind == ParameterKind::any;
}

const Parameter& any_parameter() {
  static const Parameter parameter;
  return parameter;
}

}  // namespace

void PatternCompiler::fail(Diagnostic diagnostic) {
  context_.diagnostics.add(std::move(diagnostic));
  throw Failed();
}

PatternId PatternCompiler::add(Pattern pattern) {
  if (rule_.patterns.size() >= context_.limits.expanded_pattern_nodes) {
    fail(Diagnostic(kLimitExceeded, pattern.span)
             .with("what", "the number of pattern nodes of a rule (macros expanded)")
             .with("limit", static_cast<int64_t>(context_.limits.expanded_pattern_nodes)));
  }
  rule_.patterns.push_back(std::move(pattern));
  return static_cast<PatternId>(rule_.patterns.size() - 1);
}

PatternId PatternCompiler::pattern(const syntax::Pattern& given, const Environment& environment, const Place& place) {
  using Kind = syntax::Pattern::Kind;
  switch (given.kind) {
    case Kind::any: {
      Pattern result;
      result.span = given.span;
      return add(std::move(result));
    }
    case Kind::name: return value(given, environment, place);
    case Kind::word: {
      auto literal = literal_word(given.text);
      if (!literal) fail(unknown_word(context_, given.text, given.span));
      return literal_pattern(*literal, given.span);
    }
    case Kind::literal: return literal_pattern(given.literal, given.span);
    case Kind::call: return call(given, environment, place);
    case Kind::list:
    case Kind::each: return list(given, environment, place);
    case Kind::alternative: {
      Pattern result;
      result.kind = PatternKind::alternative;
      result.span = given.span;
      Place inner = place;
      inner.in_branch = true;
      for (const syntax::PatternPtr& child : given.children)
        result.children.push_back(pattern(*child, environment, inner));
      settle_branches(result);
      return add(std::move(result));
    }
    case Kind::optional:
    case Kind::repeat: return chain(given, environment, place);
    case Kind::siblings: return siblings(given, environment, place);
  }
  fail(Diagnostic(kPatternSyntax, given.span).with("expected", "a pattern").with("found", "something else"));
}

PatternId PatternCompiler::literal_pattern(const Argument& literal, const Span& span) {
  Pattern result;
  result.kind = PatternKind::literal;
  result.literal = literal;
  result.span = span;
  return add(std::move(result));
}

PatternId PatternCompiler::value(const syntax::Pattern& given, const Environment& environment, const Place& place) {
  if (environment.caller) {
    auto parameter = environment.parameters.find(given.text);
    if (parameter != environment.parameters.end()) {
      const PatternId id = pattern(*parameter->second, *environment.caller, place);
      if (given.optional_name && rule_.patterns[id].kind == PatternKind::value) rule_.patterns[id].optional = true;
      return id;
    }
  } else if (auto definition = definitions_.find(given.text); definition != definitions_.end()) {
    return statement(definition->second, place);
  }
  Pattern result;
  result.kind = PatternKind::value;
  result.span = given.span;
  result.optional = given.optional_name;
  result.node_required = place.node_required && !given.optional_name;
  ExpressionType type = place.parameter ? type_of(*place.parameter) : ExpressionType::node;
  if (place.element && place.parameter) type = element_type_of(*place.parameter);
  result.slots.push_back(slot_for(given.text + environment.suffix, given.text, type, given.span, place));
  return add(std::move(result));
}

PatternId PatternCompiler::list(const syntax::Pattern& given, const Environment& environment, const Place& place) {
  if (place.parameter && !takes_list(place.parameter->kind)) {
    Diagnostic diagnostic = Diagnostic(kEachOutsideList, given.span).with("parameter", place.parameter->name);
    const bool lone = given.children.size() == 1;
    fail(lone ? std::move(diagnostic)
                    .fix("match the value itself", given.span, std::string(given.children[0]->span.text()))
              : std::move(diagnostic).help("match the value itself"));
  }
  Pattern result;
  result.span = given.span;
  Place inner = place;
  inner.element = true;
  inner.node_required = !place.parameter || place.parameter->kind == ParameterKind::tensor_list;
  if (given.kind == syntax::Pattern::Kind::each) {
    if (!shared_.empty())
      fail(Diagnostic(kSiblingsPlace, given.span)
               .with("why", "its pattern has lists of its own, `[each ...]`")
               .help("names inside a group are lists already; write the elements out"));
    result.kind = PatternKind::each;
    inner.in_each = true;
  } else {
    result.kind = PatternKind::list;
  }
  for (const syntax::PatternPtr& child : given.children) result.children.push_back(pattern(*child, environment, inner));
  return add(std::move(result));
}

PatternId PatternCompiler::siblings(const syntax::Pattern& given, const Environment& environment, const Place& place) {
  if (&given != statements_.back().pattern.get())
    fail(Diagnostic(kSiblingsPlace, given.span)
             .with("why", "it is not the whole last statement")
             .help("end `match` with `%y = siblings(%x) op(%x, ...)`"));
  for (const auto& [name, span] : given.shared) {
    if (!shared_.insert(name).second)
      fail(Diagnostic(kSiblingsNames, span)
               .with("name", name)
               .with("why", "it is named twice")
               .help("name each shared value once"));
  }
  Place inner = place;
  inner.in_each = true;
  Pattern result;
  result.kind = PatternKind::siblings;
  result.span = given.span;
  result.children.push_back(pattern(*given.children[0], environment, inner));
  const Certain certain = certain_below(rule_, result.children[0]);
  for (const auto& [name, span] : given.shared) {
    auto found = context_.names.find(name);
    if (found == context_.names.end())
      fail(Diagnostic(kSiblingsNames, span)
               .with("name", name)
               .with("why", "the pattern does not bind it")
               .help("use it in the group's pattern, or leave it out of the parentheses"));
    if (result.shared.empty() && !certain.slots.count(found->second))
      fail(Diagnostic(kSiblingsNames, span)
               .with("name", name)
               .with("why", "it comes first and is not a value of the graph in every match")
               .help("put first the tensor that all members read"));
    result.shared.push_back(found->second);
  }
  return add(std::move(result));
}

void PatternCompiler::settle_branches(const Pattern& alternative) {
  for (SlotId slot = 0; slot < rule_.slots.size(); ++slot) {
    if (!rule_.slots[slot].may_be_unbound) continue;
    const bool everywhere = std::all_of(alternative.children.begin(), alternative.children.end(),
                                        [&](PatternId child) { return always_binds(child, slot); });
    if (everywhere && !alternative.children.empty()) bound_in_alternative_.insert(slot);
  }
}

bool PatternCompiler::always_binds(PatternId id, SlotId slot) const {
  const Pattern& pattern = rule_.patterns[id];
  if (std::find(pattern.slots.begin(), pattern.slots.end(), slot) != pattern.slots.end()) return true;
  const auto child_binds = [&](PatternId child) { return always_binds(child, slot); };
  switch (pattern.kind) {
    case PatternKind::call:
      return std::any_of(pattern.arguments.begin(), pattern.arguments.end(),
                         [&](const PatternArgument& a) { return child_binds(a.pattern); });
    case PatternKind::list:
    case PatternKind::siblings:
    case PatternKind::each: return std::any_of(pattern.children.begin(), pattern.children.end(), child_binds);
    case PatternKind::alternative: return std::all_of(pattern.children.begin(), pattern.children.end(), child_binds);
    case PatternKind::optional:
    case PatternKind::repeat: {
      const Pattern& inner = rule_.patterns[pattern.children[0]];
      return inner.kind == PatternKind::call && !inner.arguments.empty() && child_binds(inner.arguments[0].pattern);
    }
    default: return false;
  }
}

PatternId PatternCompiler::chain(const syntax::Pattern& given, const Environment& environment, const Place& place) {
  const syntax::Pattern& inner = *given.children[0];
  const bool repeat = given.kind == syntax::Pattern::Kind::repeat;
  const std::string postfix = repeat ? (given.minimum ? "+" : "*") : "?";
  if (inner.kind != syntax::Pattern::Kind::call || inner.arguments.empty()) {
    const size_t length = given.span.end - given.span.begin;
    fail(Diagnostic(kNotAChain, given.span)
             .with("postfix", postfix)
             .fix("remove it", given.span.part(length - 1, 1), ""));
  }
  chain_through_ = &inner.arguments[0];
  Place within = place;
  within.in_branch = true;
  within.in_repetition = repeat;
  chain_place_ = place;
  const PatternId id = call(inner, environment, within);
  if (rule_.patterns[id].kind != PatternKind::call) {
    fail(Diagnostic(kNotAChain, given.span, "a macro or class with differing arguments cannot be repeated")
             .with("postfix", postfix)
             .help("write the calls out as alternatives with `|`"));
  }
  Pattern result;
  result.kind = repeat ? PatternKind::repeat : PatternKind::optional;
  result.minimum = given.minimum;
  result.span = given.span;
  result.children.push_back(id);
  return add(std::move(result));
}

PatternId PatternCompiler::call(const syntax::Pattern& given, const Environment& environment, const Place& place) {
  const syntax::PatternArgument* through = chain_through_;
  const Place through_place = chain_place_;
  chain_through_ = nullptr;
  if (!given.is_class && given.text.find('.') == std::string::npos) return macro(given, environment, place);
  if (given.is_class) {
    const auto found = context_.scope.classes.find(given.text);
    if (found == context_.scope.classes.end()
            ? context_.scope.names_missing
            : context_.is_broken(found->second, found->second->broken, given.callee_span))
      throw Failed();
  }
  auto resolved = resolve_call(context_, given);
  if (!resolved.ok()) fail(resolved.diagnostics().list().front());
  const auto& [all, groups] = *resolved;

  std::vector<PatternId> arguments;
  const Signature* signature =
      groups[0].operators.empty() ? nullptr : context_.operators.signature(groups[0].operators[0]);
  bool given_up = false;
  for (size_t i = 0; i < given.arguments.size(); ++i) {
    Place inner = &given.arguments[i] == through ? through_place : place;
    inner.parameter = signature ? &signature->parameters[groups[0].layout.parameters[i]] : &any_parameter();
    inner.element = false;
    inner.node_required = inner.parameter->kind == ParameterKind::tensor;
    // A mistake in one argument says nothing of the others.
    try {
      arguments.push_back(pattern(*given.arguments[i].value, environment, inner));
    } catch (const Failed&) {
      given_up = true;
    }
  }
  if (given_up) throw Failed();
  std::vector<PatternId> calls;
  for (const auto& [layout, ops] : groups) {
    Pattern result;
    result.kind = PatternKind::call;
    result.span = given.span;
    result.operators.text = all.text;
    result.operators.ops = ops;
    if (&layout == &groups.front().layout) result.operators.regexes = all.regexes;
    result.defaults = layout.defaults;
    for (size_t i = 0; i < arguments.size(); ++i) result.arguments.push_back({layout.parameters[i], arguments[i]});
    result.commutative = is_commutative(result);
    calls.push_back(add(std::move(result)));
  }
  if (calls.size() == 1) return calls[0];
  Pattern result;
  result.kind = PatternKind::alternative;
  result.span = given.span;
  result.children = std::move(calls);
  return add(std::move(result));
}

// Operands 0 and 1 may be exchanged when all else is as the operator's default says.
bool PatternCompiler::is_commutative(const Pattern& call) const {
  if (call.operators.ops.empty() || !call.operators.regexes.empty()) return false;
  for (OpId op : call.operators.ops) {
    if (!context_.operators.commutative(op)) return false;
    for (size_t i = 2; i < context_.operators.signature(op)->parameters.size(); ++i) {
      const Argument& wanted = context_.operators.signature(op)->parameters[i].default_value;
      const bool fixed =
          std::any_of(call.defaults.begin(), call.defaults.end(), [&](const auto& d) { return d.first == i; }) ||
          std::any_of(call.arguments.begin(), call.arguments.end(), [&](const PatternArgument& a) {
            const Pattern& given = rule_.patterns[a.pattern];
            return a.parameter == i && given.kind == PatternKind::literal && given.literal == wanted;
          });
      if (!fixed) return false;
    }
  }
  return true;
}

void compile_pattern(RuleContext& context, const MappedText& text) { PatternCompiler(context).compile(text); }

}  // namespace qrules
