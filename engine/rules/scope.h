// What the names of macros, predicates and classes mean in one file.
#pragma once

#include <map>
#include <string>

#include <qrules/rules/declarations.h>

namespace qrules {

struct Scope {
  std::map<std::string, const MacroDeclaration*, std::less<>> macros;
  std::map<std::string, const PredicateDeclaration*, std::less<>> predicates;
  std::map<std::string, const ClassDeclaration*, std::less<>> classes;
};

// One instance of a rule while it is compiled: what the compilers of its three texts share.
struct RuleContext {
  const Scope& scope;
  OperatorTable& operators;
  const FunctionRegistry& functions;
  const LoadLimits& limits;
  Diagnostics& diagnostics;
  Rule& rule;
  std::map<std::string, SlotId, std::less<>> names;  // of the rule itself, not of macros

  SlotId add_slot(std::string name, ExpressionType type, const Span& span);
  // The error for a name that is not bound here (QR0202), with the nearest of those that are.
  Diagnostic unbound(const std::string& name, const Span& span) const;
};

// Fills rule.patterns, root, extra_roots and the slots that `match` binds.
void compile_pattern(RuleContext& context, const MappedText& text);
// Fills rule.conditions.
void compile_conditions(RuleContext& context, const MappedText& text);
// Fills rule.member_conditions: names stand for the values of one sibling.
void compile_member_conditions(RuleContext& context, const MappedText& text);
// One condition outside `where` (a counter's `when`).
std::optional<Condition> compile_condition(RuleContext& context, const MappedText& text);
// Fills rule.rewrite, replaced and the slots that `rewrite` makes.
void compile_rewrite(RuleContext& context, const MappedText& text);

// An expression with its names resolved and types checked; nothing when it is wrong (reported). `in_rewrite`: functions
// that make values are allowed.
std::optional<Expression> compile_expression(RuleContext& context, const syntax::Expression& expression,
                                             bool in_rewrite);

// A bare word as a literal: dtype, true, false, None, inf, nan, memory format or layout.
std::optional<Argument> literal_word(std::string_view word);
// "1 argument", "2 arguments".
std::string counted_arguments(size_t count);
// The type of what a parameter of this kind is bound to.
ExpressionType type_of(const Parameter& parameter);

}  // namespace qrules
