// Near misses: for each rule that came close at a node, where it was refused and what was seen there.

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;

struct Miss {
  std::string rule, refused, reason, place, node;
  bool structural = false;
  size_t passed = 0, total = 0;
};

std::vector<Miss> misses(const RuleSet& rules, Graph& graph, const std::string& root) {
  const Automaton automaton = Automaton::compile(rules, 0);
  Automaton::Session session(automaton, graph);
  std::vector<Miss> result;
  for (const NearMiss& miss : session.explain(testing::node_of(graph, root))) {
    const auto position = miss.span.file->position(miss.span.begin);
    CHECK(miss.root == graph.find(root));
    result.push_back({miss.rule->name, std::string(miss.refused), miss.reason,
                      std::to_string(position.line) + ":" + std::to_string(position.column),
                      miss.node ? miss.node->name() : "", miss.structural, miss.tests_passed, miss.tests_total});
  }
  // Explaining changes nothing for matching afterwards.
  for (Node* node : graph.nodes())
    CHECK(session.all_matches(node).size() == Automaton::Session(automaton, graph).all_matches(node).size());
  return result;
}

const char* const kGraph = R"(graph(%x: f32[2,3]) {
  %k = constant "k" : f32[2,3] {1}
  %a: f32[2,3] = aten.relu.default(%x)
  %b: f32[2,3] = aten.neg.default(%a)
  %c: f32[2,3] = aten.tanh.default(%a)
  %n: f32[2,3] = aten.neg.default(%k)
  %y: f32[3,2] = aten.transpose.int(%a, 0, 1)
  return (%y, %b, %c, %n)
})";

TEST_CASE("A rule refused by its pattern names the call that was wanted and what is there", "[match][explain]") {
  Graph graph = graph_of(kGraph);
  const RuleSet rules = testing::one_rule("%y = aten.transpose.int(aten.sigmoid.default(%x), 0, 1)");
  const std::vector<Miss> found = misses(rules, graph, "y");
  REQUIRE(found.size() == 1);
  CHECK(found[0].rule == "r");
  CHECK(found[0].structural);
  CHECK(found[0].refused == "aten.sigmoid.default(%x)");
  CHECK(found[0].reason == "%a is `aten.relu.default`, not `aten.sigmoid.default`");
  CHECK(found[0].node == "a");
  CHECK(found[0].place == "8:31");
  CHECK(found[0].passed >= 1);
  CHECK(found[0].passed < found[0].total);
}

TEST_CASE("Inputs, constants and arguments are told apart", "[match][explain]") {
  Graph graph = graph_of(kGraph);
  const auto reason = [&](const std::string& match, const std::string& root) {
    const std::vector<Miss> found = misses(testing::one_rule(match), graph, root);
    REQUIRE(found.size() == 1);
    CHECK(found[0].structural);
    return found[0].refused + ": " + found[0].reason;
  };
  CHECK(reason("%y = aten.relu.default(aten.neg.default(%x))", "a") ==
        "aten.neg.default(%x): %x is an input, not `aten.neg.default`");
  CHECK(reason("%y = aten.neg.default(aten.relu.default(%x))", "n") ==
        "aten.relu.default(%x): %k is a constant, not `aten.relu.default`");
  CHECK(reason("%y = aten.transpose.int(%x, 0, 2)", "y") == "2: `dim1` of %y is 1, the rule wants 2");
  CHECK(reason("%y = aten.transpose.int(%x, %d, %d)", "y") ==
        "%d: `dim1` of %y is 1, the rule wants the same as `dim0` of %y, 0");
}

TEST_CASE("A rule refused by a condition gives the condition and the values", "[match][explain]") {
  Graph graph = graph_of(kGraph);
  const RuleSet rules = testing::one_rule("%r = aten.relu.default(%x)\n%y = aten.transpose.int(%r, 0, 1)",
                                          "rank(%x) == 2\nusers(%r) == 1");
  const std::vector<Miss> found = misses(rules, graph, "y");
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].structural);
  CHECK(found[0].refused == "users(%r) == 1");
  CHECK(found[0].reason == "%a has 3 users, the other users are %b, %c, the rule wants 1");
  CHECK(found[0].place == "12:7");
  CHECK(found[0].node == "a");
  CHECK(found[0].passed == found[0].total - 1);
}

TEST_CASE("The deepest refusal of several ways is told", "[match][explain]") {
  Graph graph = graph_of(
      "graph(%p: f32[2], %q: f32[2]) {\n  %a: f32[2] = aten.relu.default(%p)\n  %y: f32[2] = aten.add.Tensor(%q, %a)\n "
      " return (%y, %a)\n}");
  // The first order fails at once, the second at the condition.
  const RuleSet rules = testing::one_rule("%r = aten.relu.default(%x)\n%y = aten.add.Tensor(%r, %z)", "users(%r) == 1");
  const std::vector<Miss> found = misses(rules, graph, "y");
  REQUIRE(found.size() == 1);
  CHECK(found[0].refused == "users(%r) == 1");
  CHECK(found[0].reason == "%a has 2 users, the other user is the graph's output, the rule wants 1");
}

TEST_CASE("Rules that match, and rules of other roots, are no near misses", "[match][explain]") {
  Graph graph = graph_of(kGraph);
  const std::string text = testing::rule_file(
      "rules:\n" + testing::rule_text("hit", "%y = aten.transpose.int(%x, 0, 1)", "", "%y = aten.tanh.default(%y)") +
      testing::rule_text("other", "%y = aten.relu.default(%x)", "", "%y = aten.tanh.default(%y)") +
      testing::rule_text("close", "%y = aten.transpose.int(aten.neg.default(%x), 0, 1)", "",
                         "%y = aten.tanh.default(%y)"));
  const RuleSet rules = testing::rules_of(text);
  const std::vector<Miss> found = misses(rules, graph, "y");
  REQUIRE(found.size() == 1);
  CHECK(found[0].rule == "close");
  CHECK(misses(rules, graph, "c").empty());
}

TEST_CASE("Operators that the graph lacks are explained like others", "[match][explain]") {
  Graph graph = graph_of(kGraph);
  const RuleSet rules = testing::one_rule("%y = aten.neg.default(aten.sigmoid.default(%x))");
  const Automaton automaton = Automaton::compile(rules, 0);
  Automaton::Session session(automaton, graph);
  CHECK(session.all_matches(graph.find("b")).empty());
  CHECK(session.explain(graph.find("b")).size() == 1);
}

TEST_CASE("A group that is none says why", "[match][explain]") {
  Graph graph = graph_of(R"(graph(%x: f32[2,3], %z: f32[2,3], %k: f32[4,3]) {
  %w1 = constant "w1" : f32[2,3] {1}
  %w2 = constant "w2" : f32[4,3] {2}
  %a: f32[2,2] = aten.linear.default(%x, %w1)
  %b: f32[2,4] = aten.linear.default(%x, %w2)
  %c: f32[2,4] = aten.linear.default(%z, %w2)
  %d: f32[2,4] = aten.linear.default(%z, %k)
  %e: f32[2,4] = aten.linear.default(%b, %b)
  return (%a, %b, %c, %d, %e)
})");
  const RuleSet rules = testing::rules_of(testing::rule_file(
      "rules:\n  - name: r\n    doc: d\n    phase: main\n    match: |\n      %y = siblings(%x) "
      "aten.linear.default(%x, %w)\n    members: |\n      constant(%w)\n    where: |\n      len(%w) > 2\n    rewrite: "
      "|\n      %y = %y\n"));
  const auto one = [&](const std::string& root) {
    const std::vector<Miss> found = misses(rules, graph, root);
    REQUIRE(found.size() == 1);
    return found[0];
  };
  CHECK(one("a").refused == "len(%w) > 2");
  CHECK_FALSE(one("a").structural);
  CHECK(one("b").reason == "%a comes first in the group");
  CHECK(one("b").structural);
  CHECK(one("b").refused == "siblings(%x) aten.linear.default(%x, %w)");
  CHECK(one("c").reason == "%c is the only member of its group: %d is left out: %k is no constant with known elements");
  CHECK(one("c").refused == "constant(%w)");
  CHECK(one("d").reason == "%d is left out: %k is no constant with known elements");
  CHECK(one("e").reason == "%e is left out: %b is no constant with known elements");
}

}  // namespace
}  // namespace qrules
