// Why a condition does not hold, in words.
#pragma once

#include <string>

#include <qrules/match/bindings.h>
#include <qrules/rules/expression.h>

namespace qrules {

// The values seen and what was wanted: "%c has 2 users, the other user is %cat; the rule wants 1". Of several
// conditions joined by `and` the first that does not hold; of several joined by `or` all.
std::string why_not(const Expression& expression, const Rule& rule, const Bindings& bindings,
                    const FunctionContext& context);

}  // namespace qrules
