// A rule file as it declares things, before templates, macros and names are resolved.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <qrules/rules/load.h>
#include <qrules/rules/mapped_text.h>
#include <qrules/rules/rule.h>
#include <qrules/rules/syntax.h>
#include <qrules/rules/yaml_tree.h>

namespace qrules {

struct MacroDeclaration {
  std::string name;
  std::vector<std::string> parameters;
  std::string doc;
  Span span;
  std::vector<syntax::PatternPtr> alternatives;
  bool broken = false;  // something is wrong with it, and said: uses are silent
};

struct PredicateDeclaration {
  std::string name;
  std::vector<std::string> parameters;
  std::string doc;
  Span span;
  syntax::ExpressionPtr body;
  bool broken = false;
};

struct ClassDeclaration {
  std::string name;
  std::string doc;
  Span span;
  std::vector<MappedText> entries;
  bool broken = false;
};

// One name of `foreach` with its elements; an element that is a map has its values under their keys, else under "".
struct ForeachVariable {
  std::string name;
  Span span;
  std::vector<std::map<std::string, MappedText>> elements;
  std::vector<Span> element_spans;
};

struct NamedReference {
  std::string name;
  Span span;
};

struct RuleDeclaration {
  MappedText name;
  std::string doc;
  NamedReference phase;
  int benefit = 0;
  std::vector<NamedReference> before, after;
  std::vector<ForeachVariable> foreach_variables;
  MappedText match, members, where, rewrite;
  std::optional<MappedText> counter, counter_when;
  std::vector<std::string> covers;
  std::vector<RuleTest> tests;
  bool complete = true;  // all that it needs is there
  bool broken = false;   // something is wrong with it, and said
};

struct OperatorDeclaration {
  std::string name;
  std::string schema;
  Span span;
};

struct RuleFile {
  SourcePtr source;
  std::vector<NamedReference> imports;
  std::vector<OperatorDeclaration> operators;
  std::vector<ClassDeclaration> classes;
  std::vector<MacroDeclaration> macros;
  std::vector<PredicateDeclaration> predicates;
  std::vector<RuleDeclaration> rules;
  std::vector<Phase> phases;
  std::vector<Span> phase_spans;
  // Declarations that could not be read: a name that is not known may be one of theirs.
  bool names_missing = false;
  bool phases_missing = false;
  bool rules_missing = false;
};

// Reads the keys of a file. Everything wrong in it is added to `diagnostics`; what could be read is returned.
RuleFile read_declarations(const SourcePtr& source, const YamlNode& root, Diagnostics& diagnostics);

}  // namespace qrules
