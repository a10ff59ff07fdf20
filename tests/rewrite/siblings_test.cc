// Rules that match siblings: which calls make a group, what takes their place, and that every group is found.

#include <qrules/graph/verify.h>
#include <qrules/rewrite/rewrite.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;
using testing::node_of;
using testing::rule_file;
using testing::rule_text;

const std::string kJoin = rule_text("join", "%y = siblings(%x) aten.linear.default(%x, %w)", "",
                                    "%p = aten.linear.default(%x, concat(%w, 0))\n%y = split(%p, %y, -1)");
// Not of constants: where the operands come from decides where the product can stand.
const std::string kJoinValues = rule_text("join", "%y = siblings(%x) aten.mul.Tensor(%x, %b)", "",
                                          "%c = aten.cat.default(%b, 0)\n%p = aten.mul.Tensor(%x, %c)\n"
                                          "%y = split(%p, %y, 0)");

RewriteReport applied(const std::string& rules, Graph& graph) {
  const Rewriter rewriter(testing::rules_of(rule_file("rules:\n" + rules)));
  RewriteOptions options;
  options.verify_each = true;
  auto report = rewriter.apply(graph, options);
  if (!report) FAIL(render_text(report.diagnostics()) << print(graph));
  return std::move(*report);
}

size_t fired(const RewriteReport& report, const std::string& rule) {
  const auto found = report.rules_fired.find(rule);
  return found == report.rules_fired.end() ? 0 : found->second;
}

size_t calls_of(const Graph& graph, const std::string& op) {
  size_t count = 0;
  for (const Node* node : graph.nodes()) count += node->is_call() && node->op_name() == op ? 1 : 0;
  return count;
}

TEST_CASE("Siblings become one call, whoever else uses what they share", "[rewrite][siblings]") {
  Graph graph = graph_of(R"(graph(%x: f32[n,3], %z: f32[n,3]) {
  %w1 = constant "w1" : f32[2,3] {1}
  %w2 = constant "w2" : f32[4,3] {2}
  %w3 = constant "w3" : f32[1,3] {3}
  %y1: f32[n,2] = aten.linear.default(%x, %w1)
  %r: f32[n,3] = aten.relu.default(%x)
  %other: f32[n,2] = aten.linear.default(%z, %w1)
  %y2: f32[n,4] = aten.linear.default(%x, %w2)
  %y3: f32[n,1] = aten.linear.default(%x, %w3)
  return (%y3, %y1, %y2, %r, %other)
})");
  const RewriteReport report = applied(kJoin, graph);
  CHECK(fired(report, "join") == 1);
  CHECK(calls_of(graph, "aten.linear.default") == 2);
  CHECK(print(*node_of(graph, "y1")) == "%y1: f32[n,2] = aten.slice.Tensor(%linear, 1, 0, 2)");
  CHECK(print(*node_of(graph, "y2")) == "%y2: f32[n,4] = aten.slice.Tensor(%linear, 1, 2, 6)");
  CHECK(print(*node_of(graph, "y3")) == "%y3: f32[n,1] = aten.slice.Tensor(%linear, 1, 6, 7)");
  CHECK(print(*node_of(graph, "linear")) == "%linear: f32[n,7] = aten.linear.default(%x, %w1_concat)");
  const Provenance* provenance = node_of(graph, "linear")->provenance();
  REQUIRE(provenance);
  CHECK(provenance->sources == std::vector<std::string>{"y1", "y2", "y3"});
  REQUIRE(report.firings.size() == 1);
  CHECK(report.firings[0].matched == std::vector<std::string>{"y1", "y2", "y3"});
}

TEST_CASE("One call is no group", "[rewrite][siblings]") {
  Graph graph = graph_of(R"(graph(%x: f32[2,3]) {
  %w1 = constant "w1" : f32[2,3] {1}
  %y1: f32[2,2] = aten.linear.default(%x, %w1)
  %y2: f32[2,2] = aten.linear.default(%y1, %w1)
  return (%y2)
})");
  CHECK(fired(applied(kJoin, graph), "join") == 0);
}

TEST_CASE("The call for all stands where its operands are known and before the first user", "[rewrite][siblings]") {
  Graph graph = graph_of(R"(graph(%x: f32[1], %z: f32[2]) {
  %y1: f32[2] = aten.mul.Tensor(%x, %z)
  %u: f32[2] = aten.relu.default(%y1)
  %b: f32[2] = aten.neg.default(%z)
  %y2: f32[2] = aten.mul.Tensor(%x, %b)
  return (%u, %y2)
})");
  CHECK(fired(applied(kJoinValues, graph), "join") == 1);
  CHECK(calls_of(graph, "aten.mul.Tensor") == 1);
}

TEST_CASE("A group one of whose members needs another's result is refused", "[rewrite][siblings]") {
  Graph graph = graph_of(R"(graph(%x: f32[1], %z: f32[2]) {
  %y1: f32[2] = aten.mul.Tensor(%x, %z)
  %b: f32[2] = aten.neg.default(%y1)
  %y2: f32[2] = aten.mul.Tensor(%x, %b)
  return (%y2)
})");
  const std::string before = print(graph);
  const RewriteReport report = applied(kJoinValues, graph);
  CHECK(fired(report, "join") == 0);
  REQUIRE(report.dropped.size() == 1);
  CHECK(report.dropped[0].reason.find("which it depends on") != std::string::npos);
  CHECK(print(graph) == before);
}

TEST_CASE("A member that is made later makes its siblings a group", "[rewrite][siblings]") {
  // The first linear is visited before its sibling exists.
  const std::string make = rule_text("make", "%y = aten.relu.default(aten.mm.default(%x, %w))", "",
                                     "%y = aten.linear.default(%x, transpose(%w, [1, 0]))");
  Graph graph = graph_of(R"(graph(%x: f32[2,3]) {
  %w1 = constant "w1" : f32[2,3] {1}
  %w2 = constant "w2" : f32[3,4] {2}
  %y1: f32[2,2] = aten.linear.default(%x, %w1)
  %m: f32[2,4] = aten.mm.default(%x, %w2)
  %y2: f32[2,4] = aten.relu.default(%m)
  return (%y1, %y2)
})");
  const RewriteReport report = applied(kJoin + make, graph);
  CHECK(fired(report, "make") == 1);
  CHECK(fired(report, "join") == 1);
}

TEST_CASE("A group may be as large as the graph", "[rewrite][siblings]") {
  constexpr size_t kMembers = 20'000;
  std::string text = "graph(%x: f32[2,3]) {\n", results;
  for (size_t i = 0; i < kMembers; ++i) {
    const std::string n = std::to_string(i);
    text += "  %w" + n + " = constant \"w" + n + "\" : f32[1,3] {1}\n";
    text += "  %y" + n + ": f32[2,1] = aten.linear.default(%x, %w" + n + ")\n";
    results += (i ? ", %y" : "%y") + n;
  }
  Graph graph = graph_of(text + "  return (" + results + ")\n}");
  const Rewriter rewriter(testing::rules_of(rule_file("rules:\n" + kJoin)));
  const auto report = rewriter.apply(graph, {});
  REQUIRE(report.ok());
  CHECK(fired(*report, "join") == 1);
  CHECK(calls_of(graph, "aten.linear.default") == 1);
  CHECK(calls_of(graph, "aten.slice.Tensor") == kMembers);
  CHECK_FALSE(verify(graph).has_errors());
}

}  // namespace
}  // namespace qrules
