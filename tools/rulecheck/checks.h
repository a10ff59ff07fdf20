// What is suspicious in rules that load: missing tests, names that nothing uses.
#pragma once

#include <qrules/rules/rule.h>

namespace qrules::tools {

// Warnings QR0430 to QR0433 and those of the next three, in the order of the files; `filter` as in `chosen`.
Diagnostics check_rules(const RuleSet& rules, const std::string& filter);

// Warnings QR0440: rules that an earlier one leaves nothing.
Diagnostics check_reachable(const RuleSet& rules, const std::string& filter);

// Errors QR0450, warnings QR0451 and QR0452: conditions that contradict each other or the pattern, are always true, or
// follow from another. What cannot be decided is not reported; of a template, only what is so in every instance.
Diagnostics check_conditions(const RuleSet& rules, const std::string& filter);

// Warnings QR0453: alternatives that an earlier one of the same `|` or macro always takes.
Diagnostics check_alternatives(const RuleSet& rules, const std::string& filter);

// Errors QR0454: rewrites that were refused on each of a dozen graphs that their rule matches, of rules without a test
// in which they fire (the first 64 of them).
Diagnostics check_rewrites(const RuleSet& rules, const std::string& filter);

// True when `filter` is empty or occurs in the rule's name.
bool chosen(const Rule& rule, const std::string& filter);

}  // namespace qrules::tools
