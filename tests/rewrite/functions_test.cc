// Functions of rewrites: each on constants given as text, its result or the reason in words why it refuses.

#include <set>

#include <qrules/match/evaluate.h>
#include <qrules/rewrite/functions.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;

const char* const kConstants = R"(
  %m = constant "m" : f32[2,3] {1, 2, 3, 4, 5, 6}
  %v = constant "v" : f32[3] {10, 20, 30}
  %r = constant "r" : f32[1] {2.5}
  %i = constant "i" : s8[2,2] {1, 2, 3, -4}
  %j = constant "j" : s64[2] {100, 7}
  %u = constant "u" : u8[2] {250, 10}
  %d = constant "d" : f64[2] {0.1, 1e+300}
  %z = constant "z" : f32[2] {0, 4}
  %h = constant "h" : f32[2]
)";

// The value of an expression of a rewrite, as "dtype[sizes] {elements}"; "refused: why" when there is none.
std::string value_of(const std::string& expression) {
  Graph graph = graph_of("graph(%x: f32[2]) {" + std::string(kConstants) +
                         "  %y: f32[2] = aten.relu.default(%x)\n  return (%y, %m, %v, %r, %i, %j, %u, %d, %z, %h)\n}");
  const RuleSet rules = testing::one_rule(
      "%k = aten.cat.default([%m, %v, %r, %i, %j, %u, %d, %z, %h, %x], ...)\n%y = aten.relu.default(%x)", {},
      "%t = " + expression + "\n%y = %x");
  const Rule& rule = rules.rules[0];
  Bindings bindings(rule.slots.size());
  for (size_t i = 0; i < rule.slots.size(); ++i) {
    if (Node* node = graph.find(rule.slots[i].name)) bindings[i] = {true, Argument(node)};
  }
  const size_t before = graph.size();
  Node* root = graph.find("y");
  const Evaluated value = evaluate(rule.rewrite[0].expression, bindings, FunctionContext{graph, root, root});
  if (const Unknown* unknown = std::get_if<Unknown>(&value)) {
    CHECK(graph.size() == before);
    return "refused: " + unknown->reason;
  }
  Node* node = std::get<Argument>(value).node();
  REQUIRE(node);
  CHECK(node->before(*root));
  // "10.0" is written "10" here.
  std::string line = print(*node);
  for (const char* whole : {".0,", ".0}"}) {
    for (size_t at = line.find(whole); at != std::string::npos; at = line.find(whole)) line.erase(at, 2);
  }
  return line.substr(line.find(" : ") + 3);
}

struct Row {
  const char* expression;
  const char* value;
};

template <size_t N>
void check_rows(const Row (&rows)[N]) {
  for (const Row& row : rows) {
    INFO(row.expression);
    CHECK(value_of(row.expression) == row.value);
  }
}

TEST_CASE("Functions that move elements", "[rewrite][functions]") {
  const Row rows[] = {
      {"transpose(%m, [1, 0])", "f32[3,2] {1, 4, 2, 5, 3, 6}"},
      {"transpose(%m, [-1, 0])", "f32[3,2] {1, 4, 2, 5, 3, 6}"},
      {"transpose(%m, [0, 1])", "f32[2,3] {1, 2, 3, 4, 5, 6}"},
      {"reshape(%m, [6])", "f32[6] {1, 2, 3, 4, 5, 6}"},
      {"reshape(%m, [3, -1])", "f32[3,2] {1, 2, 3, 4, 5, 6}"},
      {"broadcast(%v, [2, 3])", "f32[2,3] {10, 20, 30, 10, 20, 30}"},
      {"broadcast(%r, [2])", "f32[2] {2.5}"},
      {"slice(%m, 1, 1, 3)", "f32[2,2] {2, 3, 5, 6}"},
      {"slice(%m, 0, -1, 99)", "f32[1,3] {4, 5, 6}"},
      {"concat([%v, %r], 0)", "f32[4] {10, 20, 30, 2.5}"},
      {"concat([%m, %m], 1)", "f32[2,6] {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}"},
      {"concat([%m, %m], -2)", "f32[4,3] {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}"},
  };
  check_rows(rows);
}

TEST_CASE("Functions that compute", "[rewrite][functions]") {
  const Row rows[] = {
      {"fill(f32, [2, 2], 1.5)", "f32[2,2] {1.5}"},
      {"fill(s8, [2], -128)", "s8[2] {-128}"},
      {"fill(f32, [], 3)", "f32[] {3}"},
      {"cast(%i, f32)", "f32[2,2] {1, 2, 3, -4}"},
      {"cast(%m, s8)", "s8[2,3] {1, 2, 3, 4, 5, 6}"},
      {"add(%m, %v)", "f32[2,3] {11, 22, 33, 14, 25, 36}"},
      {"add(%j, 1)", "s64[2] {101, 8}"},
      {"add(1, %v)", "f32[3] {11, 21, 31}"},
      {"subtract(%v, %r)", "f32[3] {7.5, 17.5, 27.5}"},
      {"subtract(1, %r)", "f32[1] {-1.5}"},
      {"multiply(%i, 2)", "s8[2,2] {2, 4, 6, -8}"},
      {"multiply(%m, 0.5)", "f32[2,3] {0.5, 1, 1.5, 2, 2.5, 3}"},
      {"divide(%v, %r)", "f32[3] {4, 8, 12}"},
      {"divide(5, %r)", "f32[1] {2}"},
      {"divide(%r, %z)", "f32[2] {inf, 0.625}"},
      {"negate(%i)", "s8[2,2] {-1, -2, -3, 4}"},
      {"negate(%v)", "f32[3] {-10, -20, -30}"},
      {"sqrt(%z)", "f32[2] {0, 2}"},
      {"reciprocal(%r)", "f32[1] {0.4}"},
      {"sum_over(%m, [0])", "f32[3] {5, 7, 9}"},
      {"sum_over(%m, [1])", "f32[2] {6, 15}"},
      {"sum_over(%m, [-1, 0])", "f32[] {21}"},
      {"sum_over(%i, [1])", "s64[2] {3, -1}"},
  };
  check_rows(rows);
}

TEST_CASE("Casting to its own type gives the constant itself", "[rewrite][functions]") {
  CHECK(value_of("cast(%v, f32)") == "f32[3] {10, 20, 30}");
}

TEST_CASE("A refusal says why, and leaves nothing behind", "[rewrite][functions]") {
  const Row rows[] = {
      {"cast(%x, f32)", "refused: "},
      {"cast(%h, f64)", "refused: "},
      {"cast(%r, s8)", "refused: element 0 of `r` is no value of s8"},
      {"cast(%u, s8)", "refused: element 0 of `u` is no value of s8"},
      {"transpose(%m, [0])", "refused: "},
      {"transpose(%m, [0, 0])", "refused: "},
      {"reshape(%m, [5])", "refused: "},
      {"reshape(%m, [-1, -1])", "refused: "},
      {"broadcast(%v, [2])", "refused: "},
      {"slice(%m, 2, 0, 1)", "refused: "},
      {"concat([%m, %v], 0)", "refused: "},
      {"concat([%v, %j], 0)", "refused: "},
      {"concat([], 0)", "refused: "},
      {"concat([%v, %v], 1)", "refused: "},
      {"fill(u8, [1], 256)", "refused: a result is outside the range of u8"},
      {"fill(u8, [1], 1.5)", "refused: a result is outside the range of u8"},
      {"fill(f32, [-1], 1)", "refused: a size is negative"},
      {"fill(f32, [4000000000, 4000000000], 1)", "refused: the result is too large"},
      {"add(%m, %j)", "refused: the sizes of the operands do not broadcast"},
      {"add(%u, %u)", "refused: a result is outside the range of u8"},
      {"add(%i, 0.5)", "refused: a real number beside integers; cast the constant first"},
      {"add(1, 2)", "refused: both operands are numbers; write the arithmetic with + - * /"},
      {"divide(%i, %i)", "refused: division needs reals; cast the constants first"},
      {"negate(%u)", "refused: a result is outside the range of u8"},
      {"sqrt(%i)", "refused: `i` has no real elements; cast it first"},
      {"reciprocal(%i)", "refused: `i` has no real elements; cast it first"},
      {"sum_over(%m, [2])", "refused: there is no dimension 2"},
      {"sum_over(%x, [0])", "refused: "},
  };
  for (const Row& row : rows) {
    INFO(row.expression);
    const std::string found = value_of(row.expression);
    // Where the words are not given any will do, but not none.
    if (std::string(row.value) == "refused: ") {
      CHECK(found.rfind("refused: ", 0) == 0);
      CHECK(found.size() > 20);
    } else {
      CHECK(found == row.value);
    }
  }
}

// The graph after one rule has been applied by hand at the first root that matches.
std::string rewritten(const std::string& match, const std::string& rewrite, const std::string& graph_text) {
  Graph graph = graph_of(graph_text);
  const RuleSet rules = testing::one_rule(match, {}, rewrite);
  const Automaton automaton = Automaton::compile(rules, 0);
  Automaton::Session session(automaton, graph);
  for (Node* node : graph.nodes()) {
    const auto found = session.match(node);
    if (!found) continue;
    const Rule& rule = rules.rules[0];
    Bindings bindings = found->bindings;
    bindings.resize(rule.slots.size());
    const Evaluated value = evaluate(rule.rewrite[0].expression, bindings, FunctionContext{graph, node, node});
    if (const Unknown* unknown = std::get_if<Unknown>(&value)) return "refused: " + unknown->reason;
    return print(std::get<Argument>(value), graph.dims()) + "\n" + print(graph);
  }
  return "no match";
}

TEST_CASE("replay copies a chain onto another value", "[rewrite][functions]") {
  const std::string graph =
      "graph(%x: f32[2], %z: f32[2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %b: f32[2] = aten.add.Tensor(%a, %z)\n "
      " %y: f32[2] = aten.tanh.default(%b)\n  return (%y)\n}";
  const std::string match = "%a = aten.relu.default(%x)\n%b = aten.add.Tensor(%a, %z)\n%y = aten.tanh.default(%b)";
  const std::string found = rewritten(match, "%t = replay(%b, %x, %z)\n%y = %t", graph);
  CHECK(found.find("= aten.relu.default(%z)") != std::string::npos);
  CHECK(found.find("aten.add.Tensor(%relu, %z)") != std::string::npos);
  CHECK(rewritten(match, "%t = replay(%b, %b, %z)\n%y = %t", graph).rfind("%z\n", 0) == 0);
  CHECK(rewritten(match, "%t = replay(%a, %y, %z)\n%y = %t", graph) ==
        "refused: `a` is not computed from `y` by a chain of calls");
}

TEST_CASE("duplicate_for_users gives a call for each user", "[rewrite][functions]") {
  const std::string graph =
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %b: f32[2] = aten.neg.default(%a)\n  %c: f32[2] = "
      "aten.abs.default(%a)\n  return (%b, %c)\n}";
  const std::string found = rewritten("%y = aten.relu.default(%x)", "%t = duplicate_for_users(%y)\n%y = %t", graph);
  CHECK(found.rfind("[%a, %a_1]\n", 0) == 0);
  CHECK(found.find("%a_1: f32[2] = aten.relu.default(%x)") != std::string::npos);
  const std::string random =
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.dropout.default(%x, 0.5, true)\n  %b: f32[2] = aten.neg.default(%a)\n  "
      "%c: f32[2] = aten.abs.default(%a)\n  return (%b, %c)\n}";
  const std::string refused =
      rewritten("%y = aten.dropout.default(%x, _, _)", "%t = duplicate_for_users(%y)\n%y = %t", random);
  CHECK(refused == "refused: `aten.dropout.default` may not be run twice");
  CHECK(rewritten("%y = aten.relu.default(%x)", "%t = duplicate_for_users(%x)\n%y = %t", graph) ==
        "refused: what is duplicated is not a call");
}

TEST_CASE("split gives slices as long as the parts", "[rewrite][functions]") {
  const std::string graph =
      "graph(%a: f32[2,1], %b: f32[2,3], %n: f32[2,k]) {\n  %y: f32[2,4] = aten.cat.default([%a, %b], 1)\n  %z: "
      "f32[2,k] "
      "= aten.neg.default(%n)\n  return (%y, %z)\n}";
  const std::string match = "%y = aten.cat.default([each %p], _)";
  const std::string found = rewritten(match, "%t = split(%y, %p, -1)\n%y = %t", graph);
  CHECK(found.rfind("[%slice, %slice_1]\n", 0) == 0);
  CHECK(found.find("%slice: f32[2,1] = aten.slice.Tensor(%y, 1, 0, 1)") != std::string::npos);
  CHECK(found.find("%slice_1: f32[2,3] = aten.slice.Tensor(%y, 1, 1, 4)") != std::string::npos);
  CHECK(rewritten(match, "%t = split(%y, %p, 2)\n%y = %t", graph) == "refused: `y` has no dimension 2");
  CHECK(rewritten(match, "%t = split(%y, %p, 0)\n%y = %t", graph) ==
        "refused: the parts have 4 of the 2 elements along the dimension that is split");
  CHECK(rewritten("%y = aten.neg.default(%x)", "%t = split(%y, [%x], 1)\n%y = %t", graph) ==
        "refused: the size of `n` along the dimension that is split is not known");
  CHECK(rewritten("%y = aten.neg.default(%x)", "%t = split(%y, [], 1)\n%y = %t", graph) ==
        "refused: `split` needs a list of values and a dimension");
}

TEST_CASE("Every function of rewrites is documented, makes values and is covered here", "[rewrite][functions]") {
  FunctionRegistry registry;
  add_rewrite_functions(registry);
  std::set<std::string> names;
  for (const Function* function : registry.all()) {
    INFO(function->name);
    CHECK(function->makes_values);
    CHECK_FALSE(function->doc.empty());
    names.insert(function->name);
  }
  CHECK(names == std::set<std::string>{"add", "broadcast", "cast", "concat", "divide", "duplicate_for_users", "fill",
                                       "multiply", "negate", "reciprocal", "replay", "reshape", "slice", "split",
                                       "sqrt", "subtract", "sum_over", "transpose"});
}

}  // namespace
}  // namespace qrules
