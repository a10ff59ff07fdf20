// Functions of conditions: what each gives for a graph, or the reason in words why there is no answer.

#include <set>

#include <qrules/match/evaluate.h>
#include <qrules/match/functions.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;

const char* const kGraph = R"(graph(%x: f32[2,3,s0], %m: f32[8*s0,4], %q: u8[1,3,4,4]) {
  %w = constant "w" : s8[2,3,3,5] {0}
  %k = constant "k" : f32[3] {1, 1, 1}
  %d = constant "d" : s64[2] {1, 2}
  %one = constant "one" : f32[1] {2.5}
  %seven = constant "seven" : s32[] {7}
  %a: f32[2,3,s0] = aten.relu.default(%x)
  %b: f32[2,3,s0] = aten.neg.default(%a)
  %c: f32[2,3,s0] = aten.add.Tensor(%a, %b, alpha=2)
  %e: f32[3] = aten.relu.default(%k)
  %f: f32[] = aten.relu.default(%one)
  %s: f32[2,3,s0] = aten.tanh.default(%c)
  %y: f32[2,3,s0] = aten.mul.Tensor(%s, %e)
  return (%y, %b)
})";

// The value of an expression whose names are values of the graph, printed; "unknown: why" when there is none.
std::string value_of(const std::string& expression, const std::string& graph_text = kGraph) {
  Graph graph = graph_of(graph_text);
  // A rule that binds the names: a list of everything that the expression mentions.
  std::set<std::string> names;
  for (size_t at = expression.find('%'); at != std::string::npos; at = expression.find('%', at + 1)) {
    size_t end = at + 1;
    while (end < expression.size() &&
           (std::isalnum(static_cast<unsigned char>(expression[end])) || expression[end] == '_'))
      ++end;
    if (end > at + 1) names.insert(expression.substr(at + 1, end - at - 1));
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "%" : ", %") + name;
  const RuleSet rules =
      testing::one_rule("%root = aten.cat.default([" + list + "], ...)",
                        "arg(%root, \"tensors\") == (" + expression + ")", "%root = aten.tanh.default(%root)");
  const Rule& rule = rules.rules[0];
  Bindings bindings(rule.slots.size());
  for (size_t i = 0; i < rule.slots.size(); ++i) {
    if (Node* node = graph.find(rule.slots[i].name)) bindings[i] = {true, Argument(node)};
  }
  const Expression& compared = rule.conditions[0].expression;
  const Evaluated value = evaluate(compared.operands[1], bindings, FunctionContext{graph, nullptr, nullptr});
  if (const Unknown* unknown = std::get_if<Unknown>(&value)) return "unknown: " + unknown->reason;
  return print(std::get<Argument>(value), graph.dims());
}

struct Row {
  const char* expression;
  const char* value;
};

TEST_CASE("Functions of types", "[match][functions]") {
  const Row rows[] = {
      {"dtype(%q)", "u8"},
      {"rank(%x)", "3"},
      {"rank(%f)", "0"},
      {"shape(%q)", "[1, 3, 4, 4]"},
      {"leading(%q)", "[1, 3, 4]"},
      {"leading(%f)", "unknown: %f has no sizes"},
      {"size(%x, 1)", "3"},
      {"size(%x, -2)", "3"},
      {"size(%x, -1)", "size(s0)"},
      {"size(%x, 3)", "unknown: %x has rank 3 and no size 3"},
      {"size(%x, -4)", "unknown: %x has rank 3 and no size -4"},
      {"numel(%q)", "48"},
      {"numel(%f)", "1"},
      {"numel(%x)", "size(6*s0)"},
      {"broadcasts(%e, %w)", "false"},
      {"broadcasts(%k, %e)", "true"},
      {"broadcasts(%one, %c)", "true"},
      {"broadcasts(%c, %one)", "false"},
      {"same_padding(%w, [1, 1])", "[1, 2]"},
      {"same_padding(%w, [2])", "[2, 4]"},
      {"same_padding(%m, [1])", "unknown: a convolution's weight and dilation are wanted"},
  };
  for (const Row& row : rows) {
    INFO(row.expression);
    CHECK(value_of(row.expression) == row.value);
  }
  const std::string untyped = "graph(%x: f32[2]) {\n  %u = \"my.op\"(%x)\n  return (%u)\n}";
  for (const char* expression : {"dtype(%u)", "rank(%u)", "shape(%u)", "size(%u, 0)", "numel(%u)", "leading(%u)",
                                 "broadcasts(%u, %x)", "broadcasts(%x, %u)"}) {
    INFO(expression);
    CHECK(value_of(expression, untyped) == "unknown: the type of %u is not known");
  }
}

TEST_CASE("Functions of nodes and their users", "[match][functions]") {
  const Row rows[] = {
      {"users(%a)", "2"},
      {"users(%b)", "2"},  // the output is one
      {"users(%m)", "0"},
      {"users_besides(%a, %b)", "1"},
      {"users_besides(%a, %b, %c)", "0"},
      {"users_besides(%a)", "2"},
      {"op(%c)", "\"aten.add.Tensor\""},
      {"op(%x)", "unknown: it is no call"},
      {"arg(%c, \"alpha\")", "2"},
      {"arg(%c, \"beta\")", "unknown: `aten.add.Tensor` has no parameter `beta`"},
      {"arg(%x, \"alpha\")", "unknown: it is no call"},
      {"input(%x)", "true"},
      {"input(%a)", "false"},
      {"input(%k)", "false"},
      {"output(%b)", "true"},
      {"output(%a)", "false"},
      {"same(%a, %a)", "true"},
      {"same(%a, %b)", "false"},
      {"same(%a, 3)", "false"},
      {"depends(%y, %x)", "true"},
      {"depends(%y, %k)", "true"},
      {"depends(%b, %c)", "false"},
      {"depends(%a, %a)", "true"},
      {"depends(%e, %x)", "false"},
      {"single_use(%s, %c)", "true"},
      {"single_use(%s, %a)", "false"},
      {"bound(%a)", "true"},
  };
  for (const Row& row : rows) {
    INFO(row.expression);
    CHECK(value_of(row.expression) == row.value);
  }
}

TEST_CASE("A chain that does not lead there has no answer", "[match][functions]") {
  const std::string text =
      "graph(%x: f32[2], %z: f32[2]) {\n  %a = aten.relu.default(%x)\n  %y = aten.add.Tensor(%a, %z)\n  return (%y)\n}";
  CHECK(value_of("single_use(%y, %x)", text) == "true");
  CHECK(value_of("single_use(%y, %z)", text) == "unknown: no chain of first operands leads to %z");
}

TEST_CASE("Functions of constants, numbers and lists", "[match][functions]") {
  const Row rows[] = {
      {"constant(%w)", "true"},
      {"constant(%x)", "false"},
      {"constant(3)", "false"},
      {"all_zero(%w)", "true"},
      {"all_zero(%d)", "false"},
      {"all_zero(%x)", "unknown: %x is no constant"},
      {"all_equal(%k)", "true"},
      {"all_equal(%d)", "false"},
      {"scalar(%one)", "2.5"},
      {"scalar(%seven)", "7"},
      {"scalar(4)", "4"},
      {"scalar(%d)", "unknown: %d has more than one element"},
      {"scalar(%a)", "unknown: %a is no constant"},
      {"number(2)", "true"},
      {"number(%a)", "false"},
      {"number(true)", "false"},
      {"number(None)", "false"},
      {"is_node(%a)", "true"},
      {"is_node(1)", "false"},
      {"is_none(None)", "true"},
      {"is_none(%a)", "false"},
      {"close(1.0, 1.000001)", "true"},
      {"close(1.0, 1.1)", "false"},
      {"close(1.0, 1.1, rel=0.2)", "true"},
      {"close(0, 0.0)", "true"},
      {"close(%a, %a)", "true"},
      {"close(%a, 1)", "unknown: it is no number here"},
      {"qmin(u8)", "0"},
      {"qmax(u8)", "255"},
      {"qmin(s8)", "-128"},
      {"qmax(s8)", "127"},
      {"qmin(f8e4m3)", "-448"},
      {"qmax(f8e5m2)", "57344"},
      {"qmax(f32)", "unknown: it is no integer type"},
      {"len([1, 2, 3])", "3"},
      {"len([])", "0"},
      {"abs(-3)", "3"},
      {"abs(-2.5)", "2.5"},
      {"min(3, 1, 2)", "1"},
      {"max(3, 1.5)", "3"},
      {"min([4, 2])", "2"},
      {"max([])", "unknown: the list is empty"},
      {"prod([2, 3, 4])", "24"},
      {"prod([])", "1"},
      {"prod(shape(%x))", "size(6*s0)"},
      {"prod([1, -2])", "unknown: an element is no size"},
  };
  for (const Row& row : rows) {
    INFO(row.expression);
    CHECK(value_of(row.expression) == row.value);
  }
}

TEST_CASE("A constant whose elements are not known answers nothing about them", "[match][functions]") {
  const std::string text =
      "graph(%x: f32[2]) {\n  %h = constant \"h\" : f32[2]\n  %y = aten.add.Tensor(%x, %h)\n  return (%y)\n}";
  CHECK(value_of("constant(%h)", text) == "false");
  for (const char* expression : {"all_zero(%h)", "all_equal(%h)", "scalar(%h)"}) {
    INFO(expression);
    CHECK(value_of(expression, text) == "unknown: the elements of %h are not known");
  }
}

TEST_CASE("Every function of conditions has a sentence of documentation and is covered here", "[match][functions]") {
  FunctionRegistry registry;
  add_match_functions(registry);
  std::set<std::string> names;
  for (const Function* function : registry.all()) {
    INFO(function->name);
    CHECK(!function->doc.empty());
    CHECK(function->doc.back() == '.');
    CHECK_FALSE(function->makes_values);
    names.insert(function->name);
  }
  const std::set<std::string> covered = {
      "abs",    "all_equal",    "all_zero", "arg",     "broadcasts", "close", "constant", "depends",
      "dtype",  "input",        "is_node",  "is_none", "leading",    "len",   "max",      "min",
      "number", "numel",        "op",       "output",  "prod",       "qmax",  "qmin",     "rank",
      "same",   "same_padding", "scalar",   "shape",   "single_use", "size",  "users",    "users_besides"};
  CHECK(names == covered);
}

}  // namespace
}  // namespace qrules
