// Each function of conditions says what it is, and what was seen when a condition with it does not hold; boolean ones
// have a sentence for either answer.

#include <map>
#include <set>

#include <qrules/match/evaluate.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;

const char* const kGraph = R"(graph(%x: f32[2,3]) {
  %k = constant "k" : f32[3] {0, 5, 1}
  %n = constant "n" : f32[3] {0}
  %w = constant "w" : f32[2,2,3,3] {1}
  %a: f32[2,3] = aten.relu.default(%x)
  %b: f32[2,3] = aten.neg.default(%a)
  %c: f32[2,3] = aten.tanh.default(%a)
  %e: f32[2,3] = aten.exp.default(%b)
  %f: f32[3] = aten.neg.default(%n)
  %v: f32[2,2,3,3] = aten.neg.default(%w)
  %g: f32[3] = aten.neg.default(%k)
  %j: f32[2,3] = aten.cat.default([%a, %x, %k, %n, %w, %e, %b])
  %l: f32[2,3] = aten.linear.default(%j, %x)
  %y: u8[2,3] = quantized_decomposed.quantize_per_tensor.default(%l, 0.25, 3, 0, 255, u8)
  return (%y, %c, %f, %v, %g)
})";

const char* const kMatch =
    "%j = aten.cat.default([%a, %x, %k, %n, %w, %e, %b])\n%l = aten.linear.default(%j, _, %o?)\n"
    "%y = quantized_decomposed.quantize_per_tensor.default(%l, %r, %i, _, _, %d)";

std::string refusal(const std::string& condition) {
  Graph graph = graph_of(kGraph);
  const RuleSet rules = testing::one_rule(kMatch, condition, "%y = aten.tanh.default(%y)");
  const Automaton automaton = Automaton::compile(rules, 0);
  Automaton::Session session(automaton, graph);
  const std::vector<NearMiss> found = session.explain(graph.find("y"));
  if (found.empty()) return "it matches";
  REQUIRE_FALSE(found[0].structural);
  return found[0].reason;
}

struct Row {
  const char* function;
  const char* condition;
  const char* reason;
};

const Row kRows[] = {
    {"dtype", "dtype(%a) == u8", "%a is f32, the rule wants u8"},
    {"rank", "rank(%a) in [3, 4]", "%a has rank 2, the rule wants one of [3, 4]"},
    {"shape", "shape(%a) == [2]", "%a has the sizes [2, 3], the rule wants [2]"},
    {"leading", "leading(%a) == [3]", "%a has the leading sizes [2], the rule wants [3]"},
    {"size", "size(%a, 1) == 4", "size 1 of %a is 3, the rule wants 4"},
    {"numel", "numel(%a) > 6", "%a has 6 elements, the rule wants more than 6"},
    {"users", "users(%a) == 1", "%a has 3 users, the other users are %b, %c, the rule wants 1"},
    {"users_besides", "users_besides(%a, %j) == 0", "%a has 2 other users, %b, %c, the rule wants 0"},
    {"op", "op(%a) == \"aten.neg.default\"",
     "%a is a call of \"aten.relu.default\", the rule wants \"aten.neg.default\""},
    {"input", "input(%a)", "%a is not an input of the graph"},
    {"input", "not input(%x)", "%x is an input of the graph"},
    {"output", "output(%a)", "%a is not a result of the graph"},
    {"output", "not output(%y)", "%y is a result of the graph"},
    {"same", "same(%a, %x)", "%a and %x are not the same node"},
    {"same", "not same(%a, %a)", "both are %a"},
    {"depends", "depends(%x, %a)", "%x is not computed from %a"},
    {"depends", "not depends(%a, %x)", "%a is computed from %x"},
    {"single_use", "single_use(%e, %a)", "%b has 2 users, the other user is %e"},
    {"single_use", "not single_use(%e, %e)", "no value between %e and %e has another user"},
    {"broadcasts", "broadcasts(%w, %a)", "%w does not broadcast to %a"},
    {"broadcasts", "not broadcasts(%k, %a)", "%k broadcasts to %a"},
    {"same_padding", "same_padding(%w, [1, 1]) == [0, 0]",
     "the padding that keeps the size is [1, 1], the rule wants [0, 0]"},
    {"constant", "constant(%x)", "%x is no constant with known elements"},
    {"constant", "not constant(%k)", "%k is a constant"},
    {"all_zero", "all_zero(%k)", "element 1 of %k is 5"},
    {"all_zero", "not all_zero(%n)", "every element of %n is zero"},
    {"all_equal", "all_equal(%k)", "elements of %k differ: the first is 0"},
    {"all_equal", "not all_equal(%n)", "all elements of %n are the same"},
    {"scalar", "scalar(%i) == 4", "the element of %i (3) is 3, the rule wants 4"},
    {"number", "number(%x)", "%x is no number"},
    {"number", "not number(%i)", "%i (3) is a number"},
    {"is_node", "is_node(%i)", "%i (3) is no value of the graph"},
    {"is_node", "not is_node(%x)", "%x is a value of the graph"},
    {"is_none", "is_none(%x)", "%x is not None"},
    {"is_none", "not is_none(%o)", "%o (None) is None"},
    {"close", "close(%i, %r)", "%i (3) and %r (0.25) differ by more than 1e-05 of the larger"},
    {"close", "not close(%i, 3)", "%i (3) and 3 are equal within 1e-05 of the larger"},
    {"qmin", "qmin(%d) == -128", "qmin(%d (u8)) is 0, the rule wants -128"},
    {"qmax", "qmax(%d) == 127", "qmax(%d (u8)) is 255, the rule wants 127"},
    {"len", "len(shape(%a)) == 3", "the length of [2, 3] is 2, the rule wants 3"},
    {"abs", "abs(%i) == 4", "abs(%i (3)) is 3, the rule wants 4"},
    {"min", "min(%i, 5) == 4", "the least is 3, the rule wants 4"},
    {"max", "max(%i, 5) == 4", "the largest is 5, the rule wants 4"},
    {"prod", "prod(shape(%a)) == 4", "the product of [2, 3] is 6, the rule wants 4"},
};

TEST_CASE("Each function says what was seen", "[match][refusals]") {
  for (const Row& row : kRows) {
    INFO(row.condition);
    const std::string reason = refusal(row.condition);
    INFO(reason);
    CHECK(reason.find(row.reason) == 0);
  }
}

TEST_CASE("No function of conditions is without a sentence and an example", "[match][refusals]") {
  std::map<std::string, int> examples;
  for (const Row& row : kRows) ++examples[row.function];
  ++examples["arg"];  // below
  const FunctionRegistry registry = FunctionRegistry::builtin();
  for (const Function* function : registry.all()) {
    if (function->makes_values) continue;
    INFO(function->name);
    CHECK(function->doc.ends_with("."));
    CHECK_FALSE(function->refusal.empty());
    const bool boolean = function->result == ExpressionType::boolean;
    CHECK(function->contrary.empty() == !boolean);
    CHECK(examples[function->name] == (boolean ? 2 : 1));
  }
}

TEST_CASE("An argument is named by its parameter", "[match][refusals]") {
  Graph graph = graph_of("graph(%x: f32[2]) {\n  %y: f32[2] = aten.add.Tensor(%x, %x, alpha=3)\n  return (%y)\n}");
  const RuleSet rules =
      testing::one_rule("%y = aten.add.Tensor(...)", "arg(%y, \"alpha\") == 1", "%y = aten.tanh.default(%y)");
  const Automaton automaton = Automaton::compile(rules, 0);
  const std::vector<NearMiss> found = Automaton::Session(automaton, graph).explain(graph.find("y"));
  REQUIRE(found.size() == 1);
  CHECK(found[0].reason == "\"alpha\" of %y is 3, the rule wants 1");
}

}  // namespace
}  // namespace qrules
