// What the names of macros, predicates and classes mean in one file.
#pragma once

#include <map>
#include <set>
#include <string>

#include <qrules/rules/declarations.h>

namespace qrules {

struct Scope {
  std::map<std::string, const MacroDeclaration*, std::less<>> macros;
  std::map<std::string, const PredicateDeclaration*, std::less<>> predicates;
  std::map<std::string, const ClassDeclaration*, std::less<>> classes;
  // A declaration or an import could not be read: a name that is not known may be one of theirs.
  bool names_missing = false;
};

// Declarations in which something is wrong, with the place of its diagnostic: said once, not again for each use.
using BrokenDeclarations = std::map<const void*, size_t>;

// One instance of a rule while it is compiled: what the compilers of its three texts share.
struct RuleContext {
  const Scope& scope;
  OperatorTable& operators;
  const FunctionRegistry& functions;
  const LoadLimits& limits;
  Diagnostics& diagnostics;
  Rule& rule;
  std::map<std::string, SlotId, std::less<>> names;  // of the rule itself, not of macros
  BrokenDeclarations* broken = nullptr;
  // The pattern has mistakes: its names are known, what they stand for is not, and is not asked.
  bool guessing = false;
  // Something could not be compiled, whether it was said here or elsewhere.
  bool failed = false;
  std::set<std::string> unbound_names{};  // reported

  SlotId add_slot(std::string name, ExpressionType type, const Span& span);
  // Reports a name that is not bound here (QR0202) with the nearest of those that are, once for each name.
  void add_unbound(const std::string& name, const Span& span);
  // True for a declaration in which something is wrong; its diagnostic gets the place of the use.
  bool is_broken(const void* declaration, bool broken_by_form, const Span& use);
};

// Checks the bodies of a file's macros and predicates and the operators of its classes for themselves, whether rules
// use them or not, and remembers the broken ones. Unused parameters are warnings (QR0125).
void check_declarations(const RuleFile& file, const Scope& scope, OperatorTable& operators,
                        const FunctionRegistry& functions, const LoadLimits& limits, BrokenDeclarations& broken,
                        Diagnostics& diagnostics);

// Fills rule.patterns, root, extra_roots and the slots that `match` binds. When something is wrong, context.guessing is
// set and the names of the text are slots of any type.
void compile_pattern(RuleContext& context, const MappedText& text);
// One body of a macro for itself: its parameters match anything.
void compile_macro_body(RuleContext& context, const MacroDeclaration& macro, const syntax::Pattern& body);
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
// The body of a predicate for itself: its parameters are values of any type.
void compile_predicate_body(RuleContext& context, const PredicateDeclaration& predicate);

// A bare word as a literal: dtype, true, false, None, inf, nan, memory format or layout.
std::optional<Argument> literal_word(std::string_view word);
// The error for a bare word that is no literal (QR0116), with what was likely meant.
Diagnostic unknown_word(const RuleContext& context, const std::string& word, const Span& span);
// "1 argument", "2 arguments".
std::string counted_arguments(size_t count);
// The type of what a parameter of this kind is bound to.
ExpressionType type_of(const Parameter& parameter);

}  // namespace qrules
