// From pattern syntax to the patterns of a rule: macros expanded, operators resolved, names bound to slots. Shared by
// compile_pattern.cc and the pattern_*.cc files.
//
// A statement's name stands for its pattern wherever it is used, so the statements of a rule become one graph of
// patterns: the same PatternId where the same statement is meant. Macro parameters stand for the patterns given,
// compiled in the scope of the use; other names inside a macro get a suffix and are its own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <qrules/rules/scope.h>

namespace qrules {

class PatternCompiler {
 public:
  explicit PatternCompiler(RuleContext& context) : context_(context), rule_(context.rule) {}

  void compile(const MappedText& text);
  void compile_macro_body(const MacroDeclaration& macro, const syntax::Pattern& body);

 private:
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

  // --- pattern_statements.cc
  bool compile_statements(const MappedText& text);
  void guess_names(const MappedText& text);
  PatternId statement(size_t index, const Place& place);
  void check_scope(const syntax::Statement& given, const Place& place);
  bool binds_list(const std::string& key, const Place& place) const { return place.in_each && !shared_.count(key); }
  // The slot of a name; `key` is unique in the rule, `shown` what people see.
  SlotId slot_for(const std::string& key, const std::string& shown, ExpressionType type, const Span& span,
                  const Place& place);

  // --- compile_pattern.cc
  [[noreturn]] void fail(Diagnostic diagnostic);
  PatternId add(Pattern pattern);
  PatternId pattern(const syntax::Pattern& given, const Environment& environment, const Place& place);
  PatternId literal_pattern(const Argument& literal, const Span& span);
  PatternId value(const syntax::Pattern& given, const Environment& environment, const Place& place);
  PatternId list(const syntax::Pattern& given, const Environment& environment, const Place& place);
  PatternId siblings(const syntax::Pattern& given, const Environment& environment, const Place& place);
  PatternId chain(const syntax::Pattern& given, const Environment& environment, const Place& place);
  PatternId call(const syntax::Pattern& given, const Environment& environment, const Place& place);
  // A name that every branch binds is bound whichever is taken.
  void settle_branches(const Pattern& alternative);
  bool always_binds(PatternId id, SlotId slot) const;
  bool is_commutative(const Pattern& call) const;

  // --- pattern_macros.cc
  PatternId macro(const syntax::Pattern& given, const Environment& environment, const Place& place);
  [[noreturn]] void unknown_macro(const syntax::Pattern& given);
  void blame_use(const syntax::Pattern& given, size_t before);

  // --- pattern_roots.cc
  void check_root(PatternId id, const syntax::Statement& statement);
  void check_extra_root(PatternId id, const Span& span);
  void check_group();
  // Orders the extra roots so that each shares a bound name with what comes before it.
  void check_connected();
  void drop_reached_roots();
  void reach(PatternId id, std::set<PatternId>& reached) const;
  [[noreturn]] void not_connected(PatternId id);
  void suggest_connection(PatternId id, Diagnostic& diagnostic);

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

}  // namespace qrules
