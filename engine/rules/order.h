// The order in which the rules of a phase are tried.
#pragma once

#include <vector>

#include <qrules/rules/rule.h>

namespace qrules {

struct OrderReference {
  size_t rule = 0;    // index into the rules
  std::string other;  // base name of the rule before or after which it stands
  Span span;
  bool before = true;
};

// Sorts rules by phase, then before/after, then higher benefit, then more pattern nodes, then file order (a stable
// topological order). Unknown names are ignored. Errors: cycles (QR0404).
void order_rules(std::vector<Rule>& rules, const std::vector<OrderReference>& references, Diagnostics& diagnostics);

}  // namespace qrules
