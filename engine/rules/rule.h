// A rule set in memory: rules in the order they are tried, by phase.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <qrules/graph/operators.h>
#include <qrules/rules/pattern.h>

namespace qrules {

// A name that a rule's match (or rewrite) binds.
struct Slot {
  std::string name;  // without %; macro-local names carry a suffix such as "x@dequant.1"
  ExpressionType type = ExpressionType::any;
  Span span;                       // where it is first bound
  bool is_list = false;            // bound inside `each`, or by each of several siblings
  bool may_be_unbound = false;     // bound in only some branch
  PatternId pattern = kNoPattern;  // the call pattern it names, if any
};

// One line of `rewrite`.
struct RewriteStatement {
  enum class Kind : uint8_t { call, copy, expression };
  Kind kind = Kind::call;
  SlotId result = 0;  // a new slot, or a matched slot that is replaced
  Span span;
  OpId op = kNoOp;             // call
  std::optional<SlotId> like;  // call: takes arguments of the same names from this node; copy: the node copied
  // Parameter index (of op; for copy: resolved by name when applied) and value.
  struct Value {
    std::string parameter;
    Expression value;
  };
  std::vector<Value> values;  // positional ones have their parameter's name filled in
  Expression expression;      // expression
};

struct RuleCounter {
  std::string name;
  std::optional<Condition> when;  // evaluated on the match, before the rewrite
};

struct RuleTest {
  std::string name;
  Span span;
  Span graph;  // graph text inside the rule file
  std::optional<int> fires;
  bool numerics = false;
  std::string because;
  std::optional<Span> result;
  std::vector<std::string> with;  // other rules that take part
  Span because_span;
  std::vector<Span> with_spans;
};

struct Rule {
  std::string name;       // foreach instances: "name[f32]"
  std::string base_name;  // as in the file; reports use it
  std::string doc;
  Span span;           // of the name
  uint32_t phase = 0;  // index into RuleSet::phases
  int benefit = 0;
  std::vector<std::string> before, after;
  std::vector<Slot> slots;
  std::vector<Pattern> patterns;
  PatternId root = kNoPattern;
  std::vector<PatternId> extra_roots;
  std::vector<Condition> conditions;
  // Of a rule whose root is `siblings`: on one member, whose values the names have there. Who fails one is no sibling.
  std::vector<Condition> member_conditions;
  std::vector<RewriteStatement> rewrite;
  std::vector<SlotId> replaced;  // matched slots that the rewrite replaces, root first
  std::optional<RuleCounter> counter;
  std::vector<std::string> covers;
  std::vector<RuleTest> tests;  // kept on the first instance only
  // Names that `match` binds and no text of the rule uses again; on the first instance only.
  std::vector<std::pair<std::string, Span>> unused_names;
};

struct Phase {
  std::string name;
  std::string doc;
  bool fixpoint = true;           // else every node is visited once
  bool merge_duplicates = false;  // equal calls are merged before the phase
};

struct RuleSet {
  std::shared_ptr<OperatorTable> operators;
  std::shared_ptr<const FunctionRegistry> functions;
  std::vector<Phase> phases;
  // Rules in the order they are tried, for all phases: before/after, benefit, size, file order are already applied.
  std::vector<Rule> rules;
  Diagnostics warnings;
};

}  // namespace qrules
