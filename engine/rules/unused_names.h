// Names of a rule that nothing refers to.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <qrules/rules/declarations.h>

namespace qrules {

// Names that occur once in all texts of a rule, and that in its match. Those that begin with `_` say so themselves.
std::vector<std::pair<std::string, Span>> unused_names(const RuleDeclaration& rule);

}  // namespace qrules
