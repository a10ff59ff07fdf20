// Evaluating expressions on a match.
#pragma once

#include <qrules/match/bindings.h>
#include <qrules/rules/expression.h>

namespace qrules {

Evaluated evaluate(const Expression& expression, const Bindings& bindings, const FunctionContext& context);

struct Verdict {
  bool holds = false;
  std::string
      reason;  // when it does not: the values seen, in words ("users(%c) is 2: %relu, %add"), or why it is unknown
};
// `explain`: whether to build the reason.
Verdict check(const Condition& condition, const Rule& rule, const Bindings& bindings, const FunctionContext& context,
              bool explain);

}  // namespace qrules
