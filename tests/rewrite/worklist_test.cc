// Which nodes are visited again: enough for a true fixpoint, and no more than a few for each firing.

#include <qrules/graph/verify.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rewrite/worklist.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;
using testing::node_of;
using testing::rule_file;
using testing::rule_text;

std::string drained(Worklist& worklist) {
  std::string names;
  while (Node* node = worklist.pop()) names += (names.empty() ? "" : " ") + node->name();
  return names;
}

// x -> a -> b -> c -> d, and e beside b.
Graph ladder() {
  return graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %b: f32[2] = aten.relu.default(%a)\n  %e: f32[2] = "
      "aten.neg.default(%a)\n  %c: f32[2] = aten.relu.default(%b)\n  %d: f32[2] = aten.relu.default(%c)\n  return (%d, "
      "%e)\n}");
}

TEST_CASE("Every call once, in the order of the graph", "[rewrite][worklist]") {
  Graph graph = ladder();
  Worklist worklist(graph, {1, false, [](OpId) { return false; }});
  worklist.push_all();
  worklist.push_all();
  CHECK(drained(worklist) == "a b e c d");
  CHECK(worklist.pop() == nullptr);
}

TEST_CASE("A change is seen as many levels up as the rules look down", "[rewrite][worklist]") {
  for (size_t depth : {1, 2}) {
    Graph graph = ladder();
    Worklist worklist(graph, {depth, false, [](OpId) { return false; }});
    worklist.users_changed(*node_of(graph, "a"));
    worklist.settle();
    const std::string names = drained(worklist);
    INFO(names);
    for (const char* name : {"a", "b", "e"}) CHECK(names.find(name) != std::string::npos);
    CHECK((names.find("c") != std::string::npos || depth == 1));
  }
}

TEST_CASE("Chains without bound do not count as levels", "[rewrite][worklist]") {
  Graph graph = ladder();
  const OpId relu = graph.operators().intern("aten.relu.default");
  Worklist worklist(graph, {1, false, [&](OpId op) { return op == relu; }});
  worklist.users_changed(*node_of(graph, "a"));
  worklist.settle();
  CHECK(drained(worklist).find("d") != std::string::npos);
}

TEST_CASE("Erased nodes are not visited, forgotten changes not either", "[rewrite][worklist]") {
  Graph graph = ladder();
  Worklist worklist(graph, {1, false, [](OpId) { return false; }});
  worklist.push_all();
  graph.set_outputs({Argument(graph.find("d"))});
  graph.erase(graph.find("e"));
  CHECK(drained(worklist) == "a b c d");
  worklist.forget();
  worklist.settle();
  CHECK(worklist.pop() == nullptr);
}

// After a fixpoint no rule matches anywhere, whatever the order in which places were visited.
TEST_CASE("A fixpoint is one", "[rewrite][worklist]") {
  const std::string rules =
      rule_text("shift", "%y = aten.neg.default(aten.relu.default(%x)*)",
                "not op(%x) == \"aten.neg.default\" if is_node(%x) and not input(%x) and not constant(%x) else true",
                "%t = aten.abs.default(%x)\n%y = aten.relu.default(%t)") +
      rule_text("merge", "%y = aten.relu.default(aten.relu.default(%x))", "", "%y = aten.relu.default(%x)") +
      rule_text("beside", "%o = aten.tanh.default(%x)\n%y = aten.abs.default(%x)", "",
                "%y = aten.sigmoid.default(%x)") +
      rule_text("sum", "%y = aten.add.Tensor(aten.relu.default(%x), %z)", "users(%y) == 1",
                "%y = aten.mul.Tensor(%x, %z)");
  const char* const kinds[] = {"aten.neg.default(%A)", "aten.relu.default(%A)", "aten.tanh.default(%A)",
                               "aten.add.Tensor(%A, %B)", "aten.relu.default(%B)"};
  size_t fired = 0;
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    uint32_t state = seed * 2654435761u;
    const auto below = [&](uint32_t limit) {
      state = state * 1664525u + 1013904223u;
      return (state >> 16) % limit;
    };
    std::string text = "graph(%v0: f32[2], %v1: f32[2]) {\n";
    for (uint32_t i = 2; i < 40; ++i) {
      std::string call = kinds[below(5)];
      for (const char* hole : {"%A", "%B"}) {
        const size_t at = call.find(hole);
        if (at != std::string::npos) call.replace(at, 2, "%v" + std::to_string(i - 1 - below(std::min(i, 4u))));
      }
      text += "  %v" + std::to_string(i) + ": f32[2] = " + call + "\n";
    }
    Graph graph = graph_of(text + "  return (%v39, %v38, %v30)\n}");
    const Rewriter rewriter(testing::rules_of(rule_file("rules:\n" + rules)));
    RewriteOptions options;
    options.verify_each = true;
    auto report = rewriter.apply(graph, options);
    if (!report.ok()) FAIL(render_text(report.diagnostics()) << print(graph));
    for (const auto& [rule, count] : report->rules_fired) fired += static_cast<size_t>(count);
    Automaton::Session session(rewriter.automaton(0), graph);
    for (Node* node : graph.nodes()) {
      const auto match = session.match(node);
      if (match)
        FAIL("seed " << seed << ": " << match->rule->name << " still matches at %" << node->name() << "\n"
                     << print(graph));
    }
  }
  CHECK(fired > 200);
}

TEST_CASE("Visits stay proportional to the graph", "[rewrite][worklist]") {
  const Rewriter rewriter(testing::rules_of(
      rule_file("rules:\n" + rule_text("double", "%y = aten.neg.default(aten.neg.default(%x))", "", "%y = %x") +
                rule_text("fuse", "%y = aten.relu.default(aten.abs.default(%x))", "", "%y = aten.tanh.default(%x)"))));
  // A long line, and many users of one value.
  for (const bool wide : {false, true}) {
    for (const size_t size : {1'000u, 100'000u}) {
      Graph graph;
      OperatorTable& operators = graph.operators();
      const OpId neg = operators.intern("aten.neg.default"), relu = operators.intern("aten.relu.default"),
                 abs = operators.intern("aten.abs.default");
      const ValueType type = graph_of("graph(%x: f32[2]) {\n  return (%x)\n}").find("x")->type();
      Node* input = graph.add_placeholder("x", type);
      Node* value = input;
      std::vector<Argument> results;
      for (size_t i = 0; i < size; i += 5) {
        Node* from = wide ? input : value;
        Node* first = graph.add_call(neg, {Argument(from)}, type);
        Node* second = graph.add_call(neg, {Argument(first)}, type);
        Node* third = graph.add_call(abs, {Argument(second)}, type);
        Node* fourth = graph.add_call(relu, {Argument(third)}, type);
        value = graph.add_call(graph.operators().intern("aten.exp.default"), {Argument(fourth)}, type);
        if (wide) results.emplace_back(value);
      }
      if (!wide) results.emplace_back(value);
      graph.set_outputs(std::move(results));
      RewriteOptions options;
      options.keep_firings = false;
      auto report = rewriter.apply(graph, options);
      REQUIRE(report.ok());
      INFO((wide ? "wide " : "long ") << size << " nodes, " << report->nodes_visited << " visits");
      CHECK(report->rules_fired.at("double") == static_cast<int64_t>(size / 5));
      CHECK(report->rules_fired.at("fuse") == static_cast<int64_t>(size / 5));
      CHECK(report->nodes_visited < 20 * size);
      CHECK_FALSE(verify(graph).has_errors());
    }
  }
}

}  // namespace
}  // namespace qrules
