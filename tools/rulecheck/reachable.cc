// Rules that never fire: see checks.h.

#include <qrules/generate/overlap.h>
#include <rulecheck/checks.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {

Diagnostics check_reachable(const RuleSet& rules, const std::string& filter) {
  Diagnostics found;
  for (const auto& [first, second] : unreachable_rules(rules).pairs) {
    if (!chosen(*second, filter)) continue;
    Diagnostic diagnostic =
        Diagnostic(kUnreachable, second->span).with("rule", second->name).with("first", first->name);
    if (first->span) diagnostic.labels.push_back({first->span, "this one is tried first"});
    found.add(std::move(diagnostic));
  }
  return found;
}

}  // namespace qrules::tools
