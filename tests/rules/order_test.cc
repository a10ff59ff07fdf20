// The order in which the rules of a phase are tried.

#include "rule_helpers.h"

namespace qrules {
namespace {

std::string rule(const std::string& name, const std::string& keys = {}, size_t depth = 1) {
  std::string pattern = "%x";
  for (size_t i = 0; i < depth; ++i) pattern = "aten.relu.default(" + pattern + ")";
  return testing::rule_text(name, "%y = " + pattern, "", "%y = %x", keys);
}

std::string order(const std::string& rules) {
  const RuleSet set = testing::rules_of(testing::rule_file("rules:\n" + rules));
  std::string names;
  for (const Rule& one : set.rules) names += (names.empty() ? "" : " ") + one.name;
  return names;
}

TEST_CASE("File order, unless a rule has more pattern nodes, more benefit, or says so", "[rules][order]") {
  CHECK(order(rule("a") + rule("b") + rule("c")) == "a b c");
  CHECK(order(rule("a") + rule("b", "", 2) + rule("c", "", 3)) == "c b a");
  CHECK(order(rule("a", "", 3) + rule("b", "    benefit: 1\n") + rule("c", "    benefit: -1\n", 4)) == "b a c");
  CHECK(order(rule("a") + rule("b", "    before: [a]\n")) == "b a");
  CHECK(order(rule("a", "    after: [b]\n", 3) + rule("b", "    benefit: -5\n")) == "b a");
  CHECK(order(rule("a", "    after: b\n") + rule("b")) == "b a");
}

TEST_CASE("Only what is said is moved", "[rules][order]") {
  CHECK(order(rule("a") + rule("b") + rule("c", "    before: [b]\n") + rule("d")) == "a c b d");
  CHECK(order(rule("a", "    after: [d]\n") + rule("b") + rule("c") + rule("d")) == "b c d a");
  CHECK(order(rule("a", "    after: [b]\n") + rule("b", "    after: [c]\n") + rule("c", "    after: [d]\n") +
              rule("d")) == "d c b a");
}

TEST_CASE("Phases come one after the other", "[rules][order]") {
  const RuleSet set = testing::rules_of("qrules: 1\nphases: [{name: early}, {name: main}]\nrules:\n" +
                                        rule("a", "    benefit: 9\n") + [] {
                                          std::string early = rule("b");
                                          return early.replace(early.find("phase: main"), 11, "phase: early");
                                        }());
  REQUIRE(set.rules.size() == 2);
  CHECK(set.rules[0].name == "b");
  CHECK(set.rules[0].phase == 0);
  CHECK(set.rules[1].phase == 1);
}

TEST_CASE("A rule of another phase, or none, cannot be named", "[rules][order]") {
  const auto error = [](const std::string& rules) {
    return testing::load_error(testing::rule_file("rules:\n" + rules));
  };
  CHECK(error(rule("a", "    before: [zzz]\n")) == "QR0403 7:14 no rule `zzz` in phase `main`");
  const std::string other =
      "qrules: 1\nphases: [{name: early}, {name: main}]\nrules:\n" + rule("a", "    before: [b]\n") + [] {
        std::string early = rule("b");
        return early.replace(early.find("phase: main"), 11, "phase: early");
      }();
  CHECK(testing::load_error(other) == "QR0403 7:14 no rule `b` in phase `main`");
}

TEST_CASE("Contradictions name the rules that contradict each other", "[rules][order]") {
  const auto error = [](const std::string& rules) {
    return testing::load_error(testing::rule_file("rules:\n" + rules));
  };
  const std::string two = error(rule("a", "    before: [b]\n") + rule("b", "    before: [a]\n"));
  CHECK(two.rfind("QR0404", 0) == 0);
  CHECK(two.find("a before b before a") != std::string::npos);
  const std::string three = error(rule("x") + rule("a", "    before: [b]\n") + rule("b", "    before: [c]\n") +
                                  rule("c", "    before: [a]\n") + rule("z", "    after: [a]\n"));
  CHECK(three.rfind("QR0404", 0) == 0);
  for (const char* name : {"a before b", "b before c", "c before a"}) CHECK(three.find(name) != std::string::npos);
  CHECK(three.find("z") == std::string::npos);
  const std::string itself = error(rule("a", "    before: [a]\n"));
  CHECK(itself.find("a before a") != std::string::npos);
}

TEST_CASE("The first rule in order is the one that matches", "[rules][order]") {
  const RuleSet set = testing::rules_of(
      testing::rule_file("rules:\n" + rule("small") + rule("large", "", 2) + rule("forced", "    before: [large]\n")));
  auto graph = parse_graph(
      "g", "graph(%p: f32[2]) {\n  %a = aten.relu.default(%p)\n  %y = aten.relu.default(%a)\n  return (%y)\n}");
  REQUIRE(graph.ok());
  const Automaton automaton = Automaton::compile(set, 0);
  Automaton::Session session(automaton, *graph);
  const auto first = session.match(graph->find("y"));
  REQUIRE(first.has_value());
  CHECK(first->rule->name == "small");
  // Refused matches are passed over in the same order.
  const auto second = session.match(graph->find("y"), [](const Match& match) { return match.rule->name != "small"; });
  REQUIRE(second.has_value());
  CHECK(second->rule->name == "forced");
}

}  // namespace
}  // namespace qrules
