// Positional, keyword and defaulted arguments become one thing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <qrules/graph/graph.h>

namespace qrules {

// Arguments in the signature's order with defaults filled in. Coerces what the operator definition coerces: a lone
// integer for an integer list, an integer for a real. Errors: too many, unknown keyword, given twice, missing, wrong
// kind (QR05xx, without a place; the caller adds one). An operator without a signature takes everything as it is.
Result<std::vector<Argument>> normalise_arguments(const OperatorTable& operators, OpId op,
                                                  std::vector<Argument> positional,
                                                  std::vector<std::pair<std::string, Argument>> keywords);

}  // namespace qrules
