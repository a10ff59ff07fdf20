// See checks.h.

#include <rulecheck/checks.h>

#include <algorithm>
#include <map>

#include <rulecheck/diagnostics.h>

namespace qrules::tools {
namespace {

void check_names(const Rule& rule, Diagnostics& found) {
  for (const auto& [name, span] : rule.unused_names) {
    found.add(Diagnostic(kUnusedName, span)
                  .with("name", name)
                  .with("rule", rule.base_name)
                  .fix("say that this is meant; `_` alone would match None as well", span, "%_" + name));
  }
}

void check_tests(const Rule& rule, const std::vector<RuleTest>& tests, Diagnostics& found) {
  const auto fires = [](const RuleTest& test) { return test.fires.value_or(0) > 0; };
  if (std::none_of(tests.begin(), tests.end(), fires))
    found.add(Diagnostic(kNoFiringTest, rule.span)
                  .with("rule", rule.base_name)
                  .help("add the smallest graph that it is for, with `expect: {fires: 1, numerics: true}`"));
  if (!tests.empty() && std::all_of(tests.begin(), tests.end(), fires))
    found.add(Diagnostic(kNoRefusedTest, rule.span)
                  .with("rule", rule.base_name)
                  .help("add a graph that nearly matches, with `expect: {fires: 0, because: \"...\"}`"));
  for (const RuleTest& test : tests) {
    if (!fires(test) && test.because.empty())
      found.add(Diagnostic(kNoReason, test.span)
                    .with("test", test.name)
                    .with("rule", rule.base_name)
                    .help("add `because` with the line of `where` that refuses this graph, or `match`"));
  }
}

}  // namespace

bool chosen(const Rule& rule, const std::string& filter) {
  return filter.empty() || rule.base_name.find(filter) != std::string::npos;
}

Diagnostics check_rules(const RuleSet& rules, const std::string& filter) {
  Diagnostics found;
  // The instances of a rule; tests are kept on one of them.
  std::map<std::string, std::vector<const Rule*>> by_name;
  for (const Rule& rule : rules.rules) {
    if (chosen(rule, filter)) by_name[rule.base_name].push_back(&rule);
  }
  for (const auto& [name, instances] : by_name) {
    std::vector<RuleTest> tests;
    for (const Rule* instance : instances) {
      check_names(*instance, found);
      tests.insert(tests.end(), instance->tests.begin(), instance->tests.end());
    }
    check_tests(*instances.front(), tests, found);
  }
  found.append(check_conditions(rules, filter));
  found.append(check_alternatives(rules, filter));
  found.append(check_rewrites(rules, filter));
  std::vector<Diagnostic> ordered = found.list();
  std::stable_sort(ordered.begin(), ordered.end(), [](const Diagnostic& a, const Diagnostic& b) {
    const Span& x = a.labels.front().span;
    const Span& y = b.labels.front().span;
    if (!x || !y) return !!x > !!y;
    return x.file->name() != y.file->name() ? x.file->name() < y.file->name() : x.begin < y.begin;
  });
  Diagnostics result;
  for (Diagnostic& diagnostic : ordered) result.add(std::move(diagnostic));
  return result;
}

}  // namespace qrules::tools
