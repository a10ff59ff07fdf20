// What stands where in rule files: filled while they are loaded, for tools that answer questions about a place.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <qrules/rules/declarations.h>
#include <qrules/rules/scope.h>

namespace qrules {

enum class MentionKind : uint8_t {
  op,          // an operator or packet, in a pattern, a rewrite or a class
  macro,       // a use
  predicate,   // a use
  function,    // a use of a registered function
  class_name,  // @class
  value,       // %x of a rule, or a macro's own
  parameter,   // of a macro or predicate, in its body
  argument,    // the name of a named argument
  phase,
  rule,
  import
};

// One name in a text of a rule file. Places are those of the texts that were loaded.
struct Mention {
  MentionKind kind = MentionKind::op;
  Span span;         // with the sign (%, @) where there is one
  std::string name;  // without it
  Span definition;   // no file: none in rule files (operators, functions, imports)
  std::string rule;  // base name of the rule in whose texts it stands; empty outside rules
  std::string type;  // value: "node", "number", "list of node", ...; empty when the rule did not compile so far
  // value, argument: the parameter it stands for ("Tensor self of aten.relu.default") or the pattern that it names;
  // import: the path of the file.
  std::string role;
  std::vector<std::string> arguments;  // macro, predicate: of the use, as written
};

struct IndexedFile {
  std::shared_ptr<const RuleFile> file;
  Scope scope;  // its own declarations and those of its imports; points into the files of the index
};

// Filled by load_rules (LoadOptions::index), also when the rules are wrong: as far as they could be read.
struct RuleIndex {
  std::map<std::string, IndexedFile> files;  // by the name of the source
  std::vector<Phase> phases;
  std::vector<Span> phase_spans;
  std::vector<std::string> paths;  // of all files that were asked for, also of those that cannot be read
  std::vector<Mention> mentions;

  // The shortest mention around a byte of a file (its end included); null when there is none.
  const Mention* at(const std::string& file, size_t offset) const;
};

// "Tensor self", "int[2] stride=[1, 1]", "Tensor? bias": a parameter as a person reads it.
std::string describe(const Parameter& parameter);
// "aten.relu.default(Tensor self) -> Tensor".
std::string describe(const std::string& op, const Signature& signature);

// The texts of one instance of a rule, templates filled in.
struct RuleTexts {
  MappedText match, members, where, rewrite, counter_when;
};

// Adds what a file declares (imports, classes, macros, predicates, names of rules).
void index_declarations(const RuleFile& file, const Scope& scope, const OperatorTable& operators, RuleIndex& index);
// Adds the names in a rule's texts. `context.rule` is compiled as far as it could be.
void index_rule(const RuleContext& context, const RuleTexts& texts, RuleIndex& index);

}  // namespace qrules
