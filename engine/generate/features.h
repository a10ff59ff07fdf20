// What a pattern certainly has, and all that it may have: tells most pairs of rules apart without comparing them.
#pragma once

#include <cstddef>
#include <vector>

#include <qrules/rules/rule.h>

namespace qrules::generate {

// Operators and scalar literals as hashes, sorted, each once.
struct Features {
  std::vector<size_t> required;  // in every match, at a place that the pattern names
  std::vector<size_t> possible;  // all that the pattern mentions, and the defaults of what it does not mention
  bool any_operator = false;     // operators by regular expression: `possible` does not list them
};

// A rule can only take every match of another one (`covers`) when all that it requires is possible for the other.
Features features_of(const Rule& rule);
bool may_cover(const Features& general, const Features& special);

}  // namespace qrules::generate
