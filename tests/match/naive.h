// A matcher that is easy to believe: one rule at a time, straight over its patterns. The automaton is compared with it.
#pragma once

#include <vector>

#include <qrules/match/bindings.h>

namespace qrules::testing {

// Every match of the rule with this root whose conditions hold, in the order of docs/rule-language.md: choices in the
// order of the pattern's text, a pattern before what it contains.
std::vector<Match> naive_matches(const Rule& rule, Graph& graph, Node* root);

}  // namespace qrules::testing
