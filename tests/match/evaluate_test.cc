// Expressions on a match: arithmetic, comparisons, three-valued logic, and the reasons of refusals.

#include <qrules/match/evaluate.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;

const char* const kGraph = R"(graph(%x: f32[2,s0], %z: f32[2,s0]) {
  %u = "my.op"(%x)
  %a: f32[2,s0] = aten.relu.default(%x)
  %b: f32[2,s0] = aten.neg.default(%a)
  %c: f32[2,s0] = aten.tanh.default(%a)
  %y: f32[2,s0] = aten.add.Tensor(%a, %u, alpha=3)
  return (%y, %b, %c)
})";

const char* const kMatch = "%y = aten.add.Tensor(%a, %u, alpha=%k) | aten.mul.Tensor(%a, %m)";

// Whether a condition holds on %y, and why not.
struct Seen {
  bool matched = false;
  bool holds = false;
  std::string reason;
};

Seen seen(const std::string& condition, const std::string& head = {}) {
  Graph graph = graph_of(kGraph);
  const RuleSet rules = testing::one_rule(kMatch, condition, "%y = aten.tanh.default(%y)", head);
  const RuleSet free_rules = testing::one_rule(kMatch);
  const Automaton automaton = Automaton::compile(free_rules, 0);
  const auto match = Automaton::Session(automaton, graph).match(graph.find("y"));
  REQUIRE(match.has_value());
  Bindings bindings = match->bindings;
  bindings.resize(rules.rules[0].slots.size());  // names of loops
  const FunctionContext context{graph, match->root, nullptr, &match->nodes};
  const Verdict verdict = check(rules.rules[0].conditions.at(0), rules.rules[0], bindings, context, true);
  // The condition decides the match in the same way.
  const Automaton conditional = Automaton::compile(rules, 0);
  CHECK(Automaton::Session(conditional, graph).match(graph.find("y")).has_value() == verdict.holds);
  CHECK(check(rules.rules[0].conditions[0], rules.rules[0], bindings, context, false).reason.empty());
  return {true, verdict.holds, verdict.reason};
}

TEST_CASE("Conditions that hold", "[match][evaluate]") {
  for (const char* condition : {"1 + 2 * 3 == 7",
                                "(1 + 2) * 3 == 9",
                                "7 // 2 == 3",
                                "-7 // 2 == -4",
                                "-7 % 3 == 2",
                                "7 / 2 == 3.5",
                                "1 == 1.0",
                                "-(2) == -2",
                                "2.5 // 1 == 2",
                                "5.5 % 2 == 1.5",
                                "1 < 2",
                                "2 <= 2",
                                "3 > 2",
                                "2 >= 2",
                                "1 != 2",
                                "\"a\" == \"a\"",
                                "f32 != u8",
                                "dtype(%a) in [u8, f32]",
                                "dtype(%a) not in [u8, s8]",
                                "[1, 2] == [1, 2]",
                                "[1] + [2] == [1, 2]",
                                "not false",
                                "true and true",
                                "false or true",
                                "%k == 3",
                                "%k * 2 == 6",
                                "(1 if %k == 3 else 2) == 1",
                                "len([1] if true else [1, 2]) == 1",
                                "shape(%a) == shape(%y)",
                                "size(%a, 1) * 2 == numel(%a)",
                                "size(%a, 1) - size(%a, 1) == 0",
                                "size(%a, 1) // 1 == size(%a, 1)",
                                "prod(shape(%a)) == numel(%y)",
                                "all(%n > 0 for %n in [1, 2, 3])",
                                "any(%n > 2 for %n in [1, 2, 3])",
                                "all(%n == %o for %n, %o in [1, 2], [1, 2])",
                                "all(false for %n in [])",
                                "not any(true for %n in [])",
                                "bound(%k)",
                                "not bound(%m)",
                                "users(%a) == 3",
                                "op(%y) == \"aten.add.Tensor\"",
                                "not not true"}) {
    INFO(condition);
    const Seen result = seen(condition);
    CHECK(result.holds);
    CHECK(result.reason.empty());
  }
}

// An unknown value is neither true nor false: it decides nothing, and the other operand may.
TEST_CASE("Logic has three values", "[match][evaluate]") {
  const std::string unknown = "rank(%u) == 2";  // the type of %u is not recorded
  const std::string why = "the type of %u is not known";
  struct Row {
    std::string condition;
    bool holds;
    std::string reason;
  };
  const Row rows[] = {
      {unknown, false, why},
      {"not " + unknown, false, why},
      {"rank(%u) != 2", false, why},
      {unknown + " or true", true, ""},
      {"true or " + unknown, true, ""},
      {unknown + " and true", false, why},
      {"true and " + unknown, false, why},
      {"not (" + unknown + " and false)", true, ""},
      {"not (false and " + unknown + ")", true, ""},
      {"not (" + unknown + " or false)", false, why},
      {"true if " + unknown + " else true", false, why},
      {"true if true else " + unknown, true, ""},
      {"any(rank(%n) == 2 for %n in [%u, %a])", true, ""},
      {"all(rank(%n) == 2 for %n in [%a, %u])", false, why},
      {"not all(rank(%n) == 3 for %n in [%u, %a])", true, ""},
      {"dtype(%u) in [f32]", false, why},
      {"users(%m) == 1", false, "%m is not bound in this match"},
      {"1 / 0 == 1", false, "division by zero"},
      {"1 // 0 == 1", false, "division by zero"},
      {"1 % 0 == 1", false, "division by zero"},
      {"9223372036854775807 + 1 > 0", false, "a number is out of range"},
      {"size(%a, 1) > 1", false, "the order of size(s0) and 1 is not known"},
      {"all(%n == %o for %n, %o in [1, 2], [1])", false, "the lists differ in length"},
      {"arg(%y, \"alpha\")", false, "%k"},
  };
  for (const Row& row : rows) {
    INFO(row.condition);
    const Seen result = seen(row.condition);
    CHECK(result.holds == row.holds);
    if (row.reason != "%k")
      CHECK(result.reason == row.reason);
    else
      CHECK_FALSE(result.reason.empty());
  }
}

TEST_CASE("Refusals say what was seen", "[match][evaluate]") {
  const std::pair<const char*, const char*> rows[] = {
      {"users(%a) == 1", "%a has 3 users, the other users are %b, %c, the rule wants 1"},
      {"users(%u) == 2", "%u has 1 user, %y, the rule wants 2"},
      {"users_besides(%a, %y) == 0", "%a has 2 other users, %b, %c, the rule wants 0"},
      {"dtype(%a) == u8", "%a is f32, the rule wants u8"},
      {"dtype(%a) in [u8, s8]", "%a is f32, the rule wants one of [u8, s8]"},
      {"rank(%a) == 3", "%a has rank 2, the rule wants 3"},
      {"shape(%a) == [1]", "%a has the sizes [2, size(s0)], the rule wants [1]"},
      {"size(%a, 0) == 3", "size 0 of %a is 2, the rule wants 3"},
      {"op(%y) == \"aten.mul.Tensor\"", "%y is a call of \"aten.add.Tensor\", the rule wants \"aten.mul.Tensor\""},
      {"%k == 1", "%k is 3, the rule wants 1"},
      {"%k > 4 and rank(%a) == 7", "%k is 3, the rule wants more than 4"},
      {"rank(%a) == 2 and %k > 4", "%k is 3, the rule wants more than 4"},
      {"rank(%a) == 1 or %k > 4", "%a has rank 2, the rule wants 1; %k is 3, the rule wants more than 4"},
      {"output(%a)", "%a is not a result of the graph"},
      {"not bound(%k)", "%k is bound"},
      {"bound(%m)", "%m is not bound"},
      {"all(%n > 1 for %n in [2, 1])", "element 1: %n is 1, the rule wants more than 1"},
      {"broadcasts(%a, %u)", "the type of %u is not known"},
      {"same(%a, %y)", "%a and %y are not the same node"},
      {"1 == 2", "`1 == 2` does not hold"},
      {"close(%k, 4)", "%k (3) and 4 differ by more than 1e-05 of the larger"},
  };
  for (const auto& [condition, reason] : rows) {
    INFO(condition);
    const Seen result = seen(condition);
    CHECK_FALSE(result.holds);
    CHECK(result.reason == reason);
  }
}

TEST_CASE("Predicates are expanded where they are used", "[match][evaluate]") {
  const std::string head =
      "predicates:\n  - {name: \"same_type(a, b)\", is: dtype(a) == dtype(b)}\n  - {name: square(a), is: "
      "\"same_type(a, a) and rank(a) == 2\"}\n  - {name: cube(a), is: \"rank(a) == 3\"}\n";
  CHECK(seen("square(%a) and same_type(%a, %a)", head).holds);
  CHECK_FALSE(seen("square(%a) and same_type(%a, %u)", head).holds);
  CHECK(seen("square(%a)", head).holds);
  CHECK(seen("not cube(%a)", head).holds);
  const Seen refused = seen("cube(%a)", head);
  CHECK_FALSE(refused.holds);
  CHECK(refused.reason == "%a has rank 2, the rule wants 3");
}

}  // namespace
}  // namespace qrules
