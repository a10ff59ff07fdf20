// The rules that are shipped: they load without a word, and each is documented and tested in both directions.

#include <algorithm>
#include <set>

#include "rule_helpers.h"

namespace qrules {
namespace {

const RuleSet& shipped() {
  static const RuleSet rules = [] {
    auto loaded = load_rules({std::string(QRULES_SOURCE_DIR) + "/rules"});
    if (!loaded) FAIL(render_text(loaded.diagnostics()));
    return std::move(loaded).value();
  }();
  return rules;
}

TEST_CASE("The shipped rules load without a diagnostic", "[rules][shipped]") {
  CHECK(shipped().warnings.empty());
  CHECK(shipped().rules.size() >= 10);
  CHECK(shipped().phases.size() >= 3);
  for (const Phase& phase : shipped().phases) {
    INFO(phase.name);
    CHECK_FALSE(phase.doc.empty());
  }
}

TEST_CASE("Every shipped rule has words and tests that fire and that are refused", "[rules][shipped]") {
  std::set<std::string> seen;
  for (const Rule& rule : shipped().rules) {
    if (!seen.insert(rule.base_name).second) continue;  // another instance of a template
    // Tests are kept with one instance.
    std::vector<RuleTest> tests;
    for (const Rule& other : shipped().rules) {
      if (other.base_name == rule.base_name) tests.insert(tests.end(), other.tests.begin(), other.tests.end());
    }
    INFO(rule.base_name);
    CHECK_FALSE(rule.doc.empty());
    CHECK(std::any_of(tests.begin(), tests.end(), [](const RuleTest& test) { return test.fires.value_or(0) > 0; }));
    CHECK(std::any_of(tests.begin(), tests.end(), [](const RuleTest& test) { return test.fires == 0; }));
    for (const RuleTest& test : tests) {
      INFO(test.name);
      CHECK_FALSE(test.name.empty());
      if (test.fires == 0) CHECK_FALSE(test.because.empty());
      const auto graph = parse_graph(test.graph);
      if (!graph.ok()) FAIL_CHECK(render_text(graph.diagnostics()));
    }
  }
}

}  // namespace
}  // namespace qrules
