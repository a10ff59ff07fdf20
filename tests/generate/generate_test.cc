// Graphs made from rules: every shipped rule has them, and they are what they claim.

#include <set>

#include <qrules/generate/generate.h>
#include <qrules/graph/text.h>
#include <qrules/graph/verify.h>

#include "../rules/rule_helpers.h"

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

TEST_CASE("Every shipped rule has graphs that it matches", "[generate][shipped]") {
  for (const Rule& rule : shipped().rules) {
    Generator generator(shipped(), {{&rule}});
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      INFO(rule.name << " seed " << seed);
      auto generated = generator.generate(seed);
      if (!generated) {
        FAIL_CHECK(generator.failure().reason);
        continue;
      }
      const std::string text = print(generated->graph, {true, false, 1 << 20});
      INFO(text);
      const Diagnostics wrong = verify(generated->graph);
      if (!wrong.empty()) FAIL_CHECK(render_text(wrong));
      auto again = parse_graph("graph", text, shipped().operators);
      if (!again.ok()) {
        FAIL_CHECK(render_text(again.diagnostics()));
        continue;
      }
      const Automaton automaton = Automaton::compile(shipped(), {&rule});
      Automaton::Session session(automaton, *again);
      CHECK(session.match(again->find(generated->roots[0])).has_value());
    }
  }
}

TEST_CASE("A seed gives the same graph each time, and other seeds others", "[generate]") {
  std::set<std::string> texts;
  for (const Rule& rule : shipped().rules) {
    if (rule.base_name != "qlinear-prepack") continue;
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      auto a = Generator(shipped(), {{&rule}}).generate(seed);
      auto b = Generator(shipped(), {{&rule}}).generate(seed);
      REQUIRE((a && b));
      CHECK(print(a->graph) == print(b->graph));
      texts.insert(print(a->graph));
    }
  }
  CHECK(texts.size() == 10);
}

}  // namespace
}  // namespace qrules
