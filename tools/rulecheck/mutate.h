// Would the tests of a rule notice if a part of it were missing or wrong?
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <qrules/rewrite/rewrite.h>

namespace qrules::tools {

// A change of one rule, made in all instances of its `foreach`.
struct Mutant {
  std::string rule;  // base name
  std::string what;  // "without `rank(%x) == 4`"
  Span span;         // of what is changed
  std::function<void(Rule&)> change;
  bool of_pattern = false;  // made only in instances whose pattern has the same form
};

// Each condition, and each part of a condition joined by `and`, left out and turned round; each literal of the pattern
// made free; each way of an alternative, optional call and optional operand taken away; each default that the pattern
// asks for given up.
std::vector<Mutant> mutants_of(const RuleSet& rules, const std::string& base_name);

struct MutantOutcome {
  Mutant mutant;
  bool killed = false;
  std::string by;  // name of the test that fails
};

// Runs the tests of the mutant's rule until one fails. The rule set is copied.
MutantOutcome run_mutant(const RuleSet& rules, Mutant mutant);

}  // namespace qrules::tools
