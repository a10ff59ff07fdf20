// Rules that never fire: see checks.h.

#include <qrules/generate/overlap.h>
#include <rulecheck/checks.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {

Diagnostics check_reachable(const RuleSet& rules, const std::string& filter) {
  Diagnostics found;
  const Unreachable unreachable = unreachable_rules(rules);
  for (const auto& [first, second] : unreachable.pairs) {
    if (!chosen(*second, filter)) continue;
    Diagnostic diagnostic =
        Diagnostic(kUnreachable, second->span).with("rule", second->name).with("first", first->name);
    if (first->span) diagnostic.labels.push_back({first->span, "this one is tried first"});
    if (!unreachable.complete && second == unreachable.pairs.back().second)
      diagnostic.notes.push_back("these are many: whether more rules are unreachable was not looked at");
    found.add(std::move(diagnostic));
  }
  return found;
}

}  // namespace qrules::tools
