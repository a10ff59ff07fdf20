// Typed expressions of conditions and rewrites, after macros and templates are gone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <qrules/graph/argument.h>
#include <qrules/rules/functions.h>
#include <qrules/support/source.h>

namespace qrules {

// Index of a name that a rule binds; indexes Bindings.
using SlotId = uint32_t;

enum class ExpressionKind : uint8_t {
  literal,  // `literal`
  slot,     // the value bound to `slot`
  bound,    // whether `slot` is bound
  list,     // operands are the elements
  call,     // `function`(operands)
  negate,
  logical_not,
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
  logical_and,
  logical_or,
  conditional,  // operands: value if true, condition, value if false
  for_all,
  for_any,  // operands: body, then the lists; `loop_slots` are bound to their elements in step
};

struct Expression {
  ExpressionKind kind = ExpressionKind::literal;
  ExpressionType type = ExpressionType::any;
  Span span;  // as written, for diagnostics and explanations
  Argument literal;
  SlotId slot = 0;
  const Function* function = nullptr;  // owned by the FunctionRegistry that the rules were loaded with
  std::vector<Expression> operands;
  std::vector<SlotId> loop_slots;
};

// One line of `where`.
struct Condition {
  Expression expression;
  std::string text;           // as the author wrote it, on one line
  std::vector<SlotId> slots;  // what must be bound before it can be evaluated (sorted, without loop slots)
  int cost = 0;               // sum of its functions' costs
};

}  // namespace qrules
