// Patterns after expansion: what the matcher compiles. Macros, packets and templates are gone; a rule's patterns
// form a DAG in one array.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <qrules/graph/operators.h>
#include <qrules/rules/expression.h>

namespace qrules {

using PatternId = uint32_t;
inline constexpr PatternId kNoPattern = UINT32_MAX;

enum class PatternKind : uint8_t {
  any,      // `_`: everything, also None
  value,    // `%x`: a node where the parameter takes tensors, else any argument but None unless `optional`
  literal,  // equal argument
  call,
  list,         // a list argument with exactly these elements: `children`
  each,         // a list argument, one or more elements, each matched by children[0] in its own scope
  alternative,  // one of `children`, tried in order
  optional,     // children[0] is a call; or what its first argument pattern matches
  repeat,       // a chain of at least `minimum` calls of children[0] through their first argument pattern
  siblings,     // the root only: two or more calls that each match children[0] and agree in `shared`
};

// An operator set: sorted ids, and regular expressions (re2, full match) for operators that no signature file declares,
// checked once for each operator of a graph.
struct OperatorSet {
  std::vector<OpId> ops;
  std::vector<std::string> regexes;
  std::string text;  // as written: "aten.add.Tensor", "@view"
};

struct PatternArgument {
  uint32_t parameter = 0;  // index into the node's arguments
  PatternId pattern = kNoPattern;
};

struct Pattern {
  PatternKind kind = PatternKind::any;
  Span span;
  // Names bound to the value this matches (usually none or one). An `each` scope binds lists outside it.
  std::vector<SlotId> slots;

  // value
  bool optional = false;       // `%b?`: None is fine
  bool node_required = false;  // bound for a tensor parameter

  // literal
  Argument literal;

  // call
  OperatorSet operators;
  std::vector<PatternArgument> arguments;  // in the order written; arguments[0] is the one chains go through
  std::vector<std::pair<uint32_t, Argument>> defaults;  // parameters that were not named: must equal this
  bool commutative = false;                             // arguments 0 and 1 of the signature in either order

  // list, each, alternative, optional, repeat
  std::vector<PatternId> children;
  uint32_t minimum = 0;  // repeat

  // siblings. The names that all members have in common; all others below bind lists, as in `each`. `shared[0]` is
  // bound to a node in every match: members are found among what is computed from it.
  std::vector<SlotId> shared;
};

}  // namespace qrules
