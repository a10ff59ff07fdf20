// From pattern syntax to the patterns of a rule: macros expanded, operators resolved, names bound to slots.
//
// A statement's name stands for its pattern wherever it is used, so the statements of a rule become one graph of
// patterns: the same PatternId where the same statement is meant. Macro parameters stand for the patterns given,
// compiled in the scope of the use; other names inside a macro get a suffix and are its own.

#include <algorithm>
#include <cctype>
#include <set>

#include <qrules/rules/certain.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/resolve.h>
#include <qrules/rules/scope.h>

namespace qrules {
namespace {

struct Failed {};  // reported; the statement is given up

// Names visible while a pattern is compiled: the rule's, or a macro's.
struct Environment {
  const Environment* caller = nullptr;  // of a macro
  std::map<std::string, syntax::PatternPtr> parameters;
  std::string suffix;  // of the macro's own names
  size_t depth = 0;
};

// Where a pattern stands.
struct Place {
  const Parameter* parameter = nullptr;  // null: a statement
  bool node_required = true;
  bool element = false;  // of the list that the parameter takes
  bool in_each = false;
  bool in_branch = false;  // may be left out of a match
  bool in_repetition = false;
};

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

class PatternCompiler {
 public:
  explicit PatternCompiler(RuleContext& context) : context_(context), rule_(context.rule) {}

  void compile(const MappedText& text) {
    const size_t errors = context_.diagnostics.size();
    text_span_ = text.span();
    if (!compile_statements(text) || context_.diagnostics.size() > errors) guess_names(text);
  }

  void compile_macro_body(const MacroDeclaration& macro, const syntax::Pattern& body) {
    const Environment caller;
    Environment inner;
    inner.caller = &caller;
    inner.depth = 1;
    inner.suffix = "@" + macro.name;
    const auto anything = std::make_shared<syntax::Pattern>();
    for (const std::string& parameter : macro.parameters) inner.parameters[parameter] = anything;
    attempt([&] { pattern(body, inner, Place()); });
  }

 private:
  // False when a part of it was given up.
  bool compile_statements(const MappedText& text) {
    const size_t errors = context_.diagnostics.size();
    statements_ = syntax::parse_match(text, context_.diagnostics);
    if (context_.diagnostics.size() > errors) return false;
    if (statements_.empty()) {
      context_.diagnostics.add(Diagnostic(kPatternSyntax, text.span())
                                   .with("expected", "a pattern")
                                   .with("found", "nothing")
                                   .help("a pattern is written as the graph prints: `%y = aten.relu.default(%x)`"));
      return false;
    }
    for (size_t i = 0; i < statements_.size(); ++i) {
      const syntax::Statement& statement = statements_[i];
      if (statement.name.empty()) continue;
      auto [found, added] = definitions_.emplace(statement.name, i);
      if (!added) {
        context_.diagnostics.add(Diagnostic(kNameDefinedTwice, statement.name_span)
                                     .with("name", statement.name)
                                     .label(statements_[found->second].name_span, "first defined here")
                                     .help("give one of the two another name"));
        return false;
      }
      if (statement.pattern->kind == syntax::Pattern::Kind::name) {
        context_.diagnostics.add(Diagnostic(kNotAPattern, statement.pattern->span)
                                     .with("name", statement.name)
                                     .with("other", statement.pattern->text)
                                     .help("use `%" + statement.pattern->text + "` where `%" + statement.name +
                                           "` stands, or write the call that `%" + statement.name + "` is"));
        return false;
      }
    }
    compiled_.assign(statements_.size(), kNoPattern);
    expanding_.assign(statements_.size(), false);
    given_up_.assign(statements_.size(), false);
    bool whole = attempt([&] {
      rule_.root = statement(statements_.size() - 1, Place());
      check_root(rule_.root, statements_.back());
    });
    for (size_t i = statements_.size() - 1; i-- > 0;) {
      if (compiled_[i] != kNoPattern || given_up_[i]) continue;
      whole = attempt([&] { rule_.extra_roots.push_back(statement(i, Place())); }) && whole;
    }
    return whole && attempt([&] {
             drop_reached_roots();
             check_group();
             check_connected();
           });
  }

  // A group's members are looked for among users, so nothing else may need to be found.
  void check_group() {
    if (rule_.patterns[rule_.root].kind != PatternKind::siblings || rule_.extra_roots.empty()) return;
    fail(Diagnostic(kSiblingsPlace, rule_.patterns[rule_.extra_roots.front()].span)
             .with("why", "this statement is not reached from the group")
             .help("use its value in the group's pattern, or ask about it in `members` or `where`"));
  }

  // False when something was given up; it is reported where it was found.
  template <typename Step>
  bool attempt(const Step& step) {
    try {
      step();
      return true;
    } catch (const Failed&) {
      context_.failed = true;
      return false;
    }
  }

  // So that conditions and the rewrite can be looked at without the pattern.
  void guess_names(const MappedText& text) {
    context_.guessing = true;
    context_.failed = true;
    // All words: one may lack its %.
    const std::string& words = text.text();
    const auto is_word = [&](size_t i) {
      return i < words.size() && (std::isalnum(static_cast<unsigned char>(words[i])) || words[i] == '_');
    };
    for (size_t i = 0; i < words.size(); ++i) {
      if (!is_word(i)) continue;
      size_t end = i;
      while (is_word(end)) ++end;
      const std::string name = words.substr(i, end - i);
      if (!context_.names.count(name)) context_.add_slot(name, ExpressionType::any, text.span(i, end));
      i = end;
    }
    for (Slot& slot : rule_.slots) {
      slot.type = ExpressionType::any;
      slot.is_list = false;
    }
  }

  [[noreturn]] void fail(Diagnostic diagnostic) {
    context_.diagnostics.add(std::move(diagnostic));
    throw Failed();
  }

  PatternId add(Pattern pattern) {
    if (rule_.patterns.size() >= context_.limits.expanded_pattern_nodes) {
      fail(Diagnostic(kLimitExceeded, pattern.span)
               .with("what", "the number of pattern nodes of a rule (macros expanded)")
               .with("limit", static_cast<int64_t>(context_.limits.expanded_pattern_nodes)));
    }
    rule_.patterns.push_back(std::move(pattern));
    return static_cast<PatternId>(rule_.patterns.size() - 1);
  }

  PatternId statement(size_t index, const Place& place) {
    const syntax::Statement& given = statements_[index];
    if (compiled_[index] != kNoPattern) {
      check_scope(given, place);
      return compiled_[index];
    }
    if (given_up_[index]) throw Failed();
    if (expanding_[index]) {
      fail(Diagnostic(kPatternSyntax, given.name_span)
               .with("expected", "an acyclic pattern")
               .with("found", "`%" + given.name + "`, which is defined by itself")
               .help("an operand is defined before its user; one of these names is another value"));
    }
    expanding_[index] = true;
    Environment environment;
    PatternId id = kNoPattern;
    try {
      id = pattern(*given.pattern, environment, place);
    } catch (const Failed&) {
      given_up_[index] = true;
      throw;
    }
    if (!given.name.empty()) {
      // The name of a group stands for its members.
      Place named = place;
      const PatternId whole = id;
      if (rule_.patterns[id].kind == PatternKind::siblings) {
        named.in_each = true;
        id = rule_.patterns[id].children[0];
      }
      const SlotId slot = slot_for(given.name, given.name, ExpressionType::node, given.name_span, named);
      rule_.patterns[id].slots.push_back(slot);
      const PatternKind kind = rule_.patterns[id].kind;
      if (kind == PatternKind::call || kind == PatternKind::alternative) rule_.slots[slot].pattern = id;
      id = whole;
    }
    compiled_[index] = id;
    return id;
  }

  // A statement used inside `[each ...]` stands for several values, elsewhere for one.
  void check_scope(const syntax::Statement& given, const Place& place) {
    if (given.name.empty()) return;
    const Slot& slot = rule_.slots[context_.names.find(given.name)->second];
    if (slot.is_list == binds_list(given.name, place)) return;
    fail(Diagnostic(kInsideAndOutsideEach, given.name_span)
             .with("name", given.name)
             .help("give the values inside `[each ...]` a name of their own"));
  }

  bool binds_list(const std::string& key, const Place& place) const { return place.in_each && !shared_.count(key); }

  // The slot of a name; `key` is unique in the rule, `shown` what people see.
  SlotId slot_for(const std::string& key, const std::string& shown, ExpressionType type, const Span& span,
                  const Place& place) {
    if (place.in_repetition) fail(Diagnostic(kNameInRepetition, span).with("name", shown).fix("free it", span, "_"));
    auto found = context_.names.find(key);
    if (found == context_.names.end()) {
      const SlotId slot = context_.add_slot(key, type, span);
      rule_.slots[slot].is_list = binds_list(key, place);
      rule_.slots[slot].may_be_unbound = place.in_branch;
      return slot;
    }
    Slot& slot = rule_.slots[found->second];
    if (slot.type != type) slot.type = ExpressionType::any;
    if (!place.in_branch) slot.may_be_unbound = false;
    if (slot.is_list != binds_list(key, place)) {
      fail(Diagnostic(kInsideAndOutsideEach, span)
               .with("name", shown)
               .label(slot.span, "first used here")
               .help("give the values inside `[each ...]` a name of their own"));
    }
    return found->second;
  }

  PatternId pattern(const syntax::Pattern& given, const Environment& environment, const Place& place) {
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

  PatternId literal_pattern(const Argument& literal, const Span& span) {
    Pattern result;
    result.kind = PatternKind::literal;
    result.literal = literal;
    result.span = span;
    return add(std::move(result));
  }

  PatternId value(const syntax::Pattern& given, const Environment& environment, const Place& place) {
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

  PatternId list(const syntax::Pattern& given, const Environment& environment, const Place& place) {
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
    for (const syntax::PatternPtr& child : given.children)
      result.children.push_back(pattern(*child, environment, inner));
    return add(std::move(result));
  }

  PatternId siblings(const syntax::Pattern& given, const Environment& environment, const Place& place) {
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

  // A name that every branch binds is bound whichever is taken.
  void settle_branches(const Pattern& alternative) {
    for (SlotId slot = 0; slot < rule_.slots.size(); ++slot) {
      if (!rule_.slots[slot].may_be_unbound) continue;
      const bool everywhere = std::all_of(alternative.children.begin(), alternative.children.end(),
                                          [&](PatternId child) { return always_binds(child, slot); });
      if (everywhere && !alternative.children.empty()) bound_in_alternative_.insert(slot);
    }
  }

  bool always_binds(PatternId id, SlotId slot) const {
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

  PatternId chain(const syntax::Pattern& given, const Environment& environment, const Place& place) {
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

  PatternId call(const syntax::Pattern& given, const Environment& environment, const Place& place) {
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

  static const Parameter& any_parameter() {
    static const Parameter parameter;
    return parameter;
  }

  // Operands 0 and 1 may be exchanged when all else is as the operator's default says.
  bool is_commutative(const Pattern& call) const {
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

  PatternId macro(const syntax::Pattern& given, const Environment& environment, const Place& place) {
    auto found = context_.scope.macros.find(given.text);
    if (found == context_.scope.macros.end()) unknown_macro(given);
    const MacroDeclaration& declared = *found->second;
    if (context_.is_broken(&declared, declared.broken, given.callee_span)) throw Failed();
    if (environment.depth >= context_.limits.macro_depth) {
      fail(Diagnostic(kMacroDepth, given.callee_span)
               .with("name", given.text)
               .with("limit", static_cast<int64_t>(context_.limits.macro_depth))
               .label(declared.span, "the macro")
               .help("a chain of any length is written `op(%x)*`"));
    }
    Environment inner;
    inner.caller = &environment;
    inner.depth = environment.depth + 1;
    inner.suffix = "@" + declared.name + "." + std::to_string(++macro_uses_);
    const auto wrong_count = [&](const Span& span) {
      fail(Diagnostic(kMacroArguments, span)
               .with("name", declared.name)
               .with("expected", counted_arguments(declared.parameters.size()))
               .with("count", static_cast<int64_t>(given.arguments.size()) + (given.open ? 1 : 0))
               .label(declared.span, "defined here")
               .help("it is used as `" + head_of(declared) + "`; `_` stands for what does not matter"));
    };
    if (given.open) wrong_count(given.open_span);
    for (size_t i = 0; i < given.arguments.size(); ++i) {
      const syntax::PatternArgument& argument = given.arguments[i];
      if (i >= declared.parameters.size()) wrong_count(argument.value->span);
      const std::string& parameter = argument.name.empty() ? declared.parameters[i] : argument.name;
      if (std::find(declared.parameters.begin(), declared.parameters.end(), parameter) == declared.parameters.end()) {
        Diagnostic diagnostic = Diagnostic(kUnknownPatternParameter, argument.name_span)
                                    .with("op", declared.name)
                                    .with("parameter", parameter)
                                    .label(declared.span, "defined here");
        if (!diagnostic.suggest(parameter, declared.parameters, argument.name_span))
          diagnostic.helps.push_back({"it is used as `" + head_of(declared) + "`", {}, {}});
        fail(std::move(diagnostic));
      }
      inner.parameters[parameter] = argument.value;
    }
    if (inner.parameters.size() != declared.parameters.size()) wrong_count(given.callee_span);
    Place within = place;
    within.in_branch = place.in_branch || declared.alternatives.size() > 1;
    std::vector<PatternId> children;
    const size_t before = context_.diagnostics.size();
    try {
      for (const syntax::PatternPtr& alternative : declared.alternatives)
        children.push_back(pattern(*alternative, inner, within));
    } catch (const Failed&) {
      if (environment.depth == 0) blame_use(given, before);
      throw;
    }
    if (children.size() == 1) return children[0];
    Pattern result;
    result.kind = PatternKind::alternative;
    result.span = given.span;
    result.children = std::move(children);
    settle_branches(result);
    return add(std::move(result));
  }

  static std::string head_of(const MacroDeclaration& macro) {
    std::string text = macro.name + "(";
    for (size_t i = 0; i < macro.parameters.size(); ++i) text += (i ? ", " : "") + macro.parameters[i];
    return text + ")";
  }

  [[noreturn]] void unknown_macro(const syntax::Pattern& given) {
    if (context_.scope.names_missing) throw Failed();
    std::vector<std::string> known;
    for (const auto& [name, declaration] : context_.scope.macros) known.push_back(name);
    Diagnostic diagnostic = Diagnostic(kUnknownMacro, given.callee_span).with("name", given.text);
    // The short name of an operator, or a function of conditions.
    std::string operator_name;
    for (const char* space : {"aten.", "quantized_decomposed.", "onednn.", "prims."}) {
      if (operator_name.empty() && !context_.operators.overloads(space + given.text).empty())
        operator_name = space + given.text;
    }
    if (!operator_name.empty()) {
      const std::vector<std::string> overloads = context_.operators.overloads(operator_name);
      const std::string full = overloads.size() == 1 ? overloads[0] : operator_name;
      diagnostic = std::move(diagnostic).fix("operators have their namespace before them", given.callee_span, full);
    } else if (context_.scope.classes.count(given.text)) {
      diagnostic = std::move(diagnostic).fix("a class is written with `@`", given.callee_span, "@" + given.text);
    } else if (!diagnostic.suggest(given.text, known, given.callee_span)) {
      std::string list;
      for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
      diagnostic.helps.push_back({known.empty()
                                      ? "no macro is defined here; an operator has a namespace, like aten.relu.default"
                                      : "the macros here are " + list,
                                  {},
                                  {}});
    }
    fail(std::move(diagnostic));
  }

  // What is wrong inside a macro's body with the arguments of this use: the use comes first.
  void blame_use(const syntax::Pattern& given, size_t before) {
    for (size_t i = before; i < context_.diagnostics.size(); ++i) {
      Diagnostic& diagnostic = context_.diagnostics[i];
      if (diagnostic.labels.empty()) continue;
      Label definition = diagnostic.labels.front();
      const bool in_use = definition.span.file == given.span.file && definition.span.begin >= given.span.begin &&
                          definition.span.end <= given.span.end;
      // Other statements of the same rule are no part of the macro.
      const bool in_rule = definition.span.file == text_span_.file && definition.span.begin >= text_span_.begin &&
                           definition.span.end <= text_span_.end;
      if (in_use || in_rule || diagnostic.labels.front().text == "in this use") continue;
      diagnostic.labels.front() = {given.span, "in this use"};
      if (definition.text.empty()) definition.text = "here in the macro";
      diagnostic.labels.push_back(std::move(definition));
    }
  }

  void check_root(PatternId id, const syntax::Statement& statement) {
    const Pattern& root = rule_.patterns[id];
    if (root.kind == PatternKind::alternative) {
      for (PatternId child : root.children) check_root(child, statement);
    } else if (root.kind == PatternKind::siblings) {
      check_root(root.children[0], statement);
    } else if (root.kind != PatternKind::call) {
      Diagnostic diagnostic(kRootNotACall, statement.pattern->span);
      const Span& span = statement.pattern->span;
      if (root.kind == PatternKind::optional || root.kind == PatternKind::repeat)
        diagnostic =
            std::move(diagnostic).propose("make the call required", span.part(span.end - span.begin - 1, 1), "");
      else
        diagnostic = std::move(diagnostic).help("end `match` with the call that the rewrite replaces");
      fail(std::move(diagnostic));
    }
  }

  void check_extra_root(PatternId id, const Span& span) {
    const Pattern& root = rule_.patterns[id];
    if (root.kind == PatternKind::alternative) {
      for (PatternId child : root.children) check_extra_root(child, span);
    } else if (root.kind != PatternKind::call) {
      fail(Diagnostic(kRootNotACall, span)
               .with("place", "a statement that no other one uses")
               .help(
                   "a statement of its own must be a call; use its value in another statement, or write the call out"));
    }
  }

  void reach(PatternId id, std::set<PatternId>& reached) const {
    if (!reached.insert(id).second) return;
    for (const PatternArgument& argument : rule_.patterns[id].arguments) reach(argument.pattern, reached);
    for (PatternId child : rule_.patterns[id].children) reach(child, reached);
  }

  // A statement that another unreached statement uses is part of that one.
  void drop_reached_roots() {
    std::vector<PatternId> kept;
    for (size_t i = 0; i < rule_.extra_roots.size(); ++i) {
      bool inner = false;
      for (size_t j = 0; j < rule_.extra_roots.size(); ++j) {
        std::set<PatternId> reached;
        if (i != j) reach(rule_.extra_roots[j], reached);
        inner = inner || reached.count(rule_.extra_roots[i]) > 0;
      }
      if (!inner) kept.push_back(rule_.extra_roots[i]);
    }
    rule_.extra_roots = std::move(kept);
  }

  [[noreturn]] void not_connected(PatternId id) {
    Diagnostic diagnostic(kNotConnected, rule_.patterns[id].span);
    suggest_connection(id, diagnostic);
    std::set<PatternId> rest, own;
    reach(rule_.root, rest);
    reach(id, own);
    for (SlotId slot = 0; slot < rule_.slots.size(); ++slot) {
      const auto names = [&](PatternId pattern) {
        const std::vector<SlotId>& slots = rule_.patterns[pattern].slots;
        return std::find(slots.begin(), slots.end(), slot) != slots.end();
      };
      if (!std::any_of(rest.begin(), rest.end(), names) || !std::any_of(own.begin(), own.end(), names)) continue;
      diagnostic.notes.push_back("`%" + rule_.slots[slot].name +
                                 "` ties nothing together: a shared name counts when every match binds it to a node");
    }
    fail(std::move(diagnostic));
  }

  // A name that stands once in the rest and nearly reads like this statement's.
  void suggest_connection(PatternId id, Diagnostic& diagnostic) {
    if (rule_.patterns[id].slots.empty()) {
      diagnostic.helps.push_back({"name the call and use the name in another statement, or remove it", {}, {}});
      return;
    }
    const std::string& own = rule_.slots[rule_.patterns[id].slots.front()].name;
    const Slot* nearest = nullptr;
    for (const Slot& slot : rule_.slots) {
      if (slot.name == own || slot.pattern != kNoPattern || slot.name.find('@') != std::string::npos) continue;
      if (slot.name.find(own) != std::string::npos || did_you_mean(slot.name, {own}))
        nearest = nearest ? nearest : &slot;
    }
    if (nearest) {
      diagnostic.labels.push_back({nearest->span, "`%" + nearest->name + "` is defined nowhere"});
      diagnostic = std::move(diagnostic).propose("did you mean `%" + own + "` there?", nearest->span, "%" + own);
    } else {
      diagnostic.helps.push_back({"use `%" + own + "` in another statement, or remove this one", {}, {}});
    }
  }

  // Orders the extra roots so that each shares a bound name with what comes before it.
  void check_connected() {
    for (SlotId slot : bound_in_alternative_) rule_.slots[slot].may_be_unbound = false;
    // Only what every match of both has ties them together.
    Certain bound = certain_below(rule_, rule_.root);
    std::vector<PatternId> ordered, left = rule_.extra_roots;
    while (!left.empty()) {
      auto next = std::find_if(left.begin(), left.end(),
                               [&](PatternId id) { return !certain_below(rule_, id).shared(bound).empty(); });
      if (next == left.end()) not_connected(left.front());
      check_extra_root(*next, rule_.patterns[*next].span);
      bound.add(certain_below(rule_, *next));
      ordered.push_back(*next);
      left.erase(next);
    }
    rule_.extra_roots = std::move(ordered);
  }

  RuleContext& context_;
  Rule& rule_;
  std::vector<syntax::Statement> statements_;
  std::map<std::string, size_t> definitions_;
  std::vector<PatternId> compiled_;
  std::vector<bool> expanding_;
  std::vector<bool> given_up_;  // reported
  Span text_span_;
  std::set<SlotId> bound_in_alternative_;
  std::set<std::string> shared_;  // by siblings; empty outside their pattern, which is the last thing compiled
  int macro_uses_ = 0;
  // Set for the call of a chain: its first argument stands where the chain stands.
  const syntax::PatternArgument* chain_through_ = nullptr;
  Place chain_place_;
};

}  // namespace

void compile_pattern(RuleContext& context, const MappedText& text) { PatternCompiler(context).compile(text); }

void compile_macro_body(RuleContext& context, const MacroDeclaration& macro, const syntax::Pattern& body) {
  PatternCompiler(context).compile_macro_body(macro, body);
}

}  // namespace qrules
