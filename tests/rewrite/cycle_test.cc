// Rule sets that do not come to an end are stopped, and the rules that follow each other are named.

#include <qrules/rewrite/cycle.h>
#include <qrules/rewrite/diagnostics.h>
#include <qrules/rewrite/rewrite.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;
using testing::rule_file;
using testing::rule_text;

TEST_CASE("The shortest period at the end of a sequence", "[rewrite][cycle]") {
  using Rules = std::vector<uint32_t>;
  CHECK(repeating_suffix({}).empty());
  CHECK(repeating_suffix({1, 2, 3}).empty());
  CHECK(repeating_suffix({1, 1}).empty());  // twice is chance
  CHECK(repeating_suffix({7, 1, 1, 1}) == Rules{1});
  CHECK(repeating_suffix({9, 1, 2, 1, 2, 1, 2}) == Rules{1, 2});
  CHECK(repeating_suffix({1, 2, 3, 1, 2, 3, 1, 2, 3}) == Rules{1, 2, 3});
  CHECK(repeating_suffix({1, 1, 2, 1, 1, 2, 1, 1, 2}) == Rules{1, 1, 2});
  CHECK(repeating_suffix({1, 2, 1, 2, 1, 2, 3}).empty());
}

Diagnostic stopped(const std::string& rules, const std::string& graph_text, size_t firings_per_node = 64) {
  Graph graph = graph_of(graph_text);
  const Rewriter rewriter(testing::rules_of(rule_file("rules:\n" + rules)));
  RewriteOptions options;
  options.firings_per_node = firings_per_node;
  auto report = rewriter.apply(graph, options);
  if (report.ok()) FAIL("it came to an end\n" << print(graph));
  REQUIRE(report.diagnostics().size() == 1);
  // What is left is a graph still.
  (void)graph_of(print(graph));
  return report.diagnostics().list()[0];
}

const char* const kOne = "graph(%x: f32[2]) {\n  %y: f32[2] = aten.relu.default(%x)\n  return (%y)\n}";

TEST_CASE("Two rules that undo each other", "[rewrite][cycle]") {
  const Diagnostic error = stopped(rule_text("forth", "%y = aten.relu.default(%x)", "", "%y = aten.neg.default(%x)") +
                                       rule_text("back", "%y = aten.neg.default(%x)", "", "%y = aten.relu.default(%x)"),
                                   kOne);
  CHECK(error.kind == &kDoesNotTerminate);
  REQUIRE(error.notes.size() == 1);
  CHECK((error.notes[0] == "the rules that keep firing: `forth` -> `back` -> `forth`" ||
         error.notes[0] == "the rules that keep firing: `back` -> `forth` -> `back`"));
  CHECK(error.labels.size() == 2);
  CHECK(error.message().find("phase `main`") == 0);
}

TEST_CASE("A rule that feeds itself, though others fire meanwhile", "[rewrite][cycle]") {
  const std::string rules =
      rule_text("grow", "%y = aten.tanh.default(%x)", "", "%t = aten.exp.default(%x)\n%y = aten.tanh.default(%t)") +
      rule_text("harmless", "%y = aten.relu.default(%x)", "", "%y = aten.abs.default(%x)");
  std::string graph = "graph(%x: f32[2]) {\n  %t: f32[2] = aten.tanh.default(%x)\n";
  std::string results = "%t";
  for (int i = 0; i < 20; ++i) {
    graph += "  %r" + std::to_string(i) + ": f32[2] = aten.relu.default(%x)\n";
    results += ", %r" + std::to_string(i);
  }
  const Diagnostic error = stopped(rules, graph + "  return (" + results + ")\n}", 4);
  REQUIRE(error.notes.size() == 1);
  CHECK(error.notes[0] == "the rules that keep firing: `grow` -> `grow`");
}

TEST_CASE("A cycle of three in several places at once", "[rewrite][cycle]") {
  const std::string rules = rule_text("a", "%y = aten.relu.default(%x)", "", "%y = aten.neg.default(%x)") +
                            rule_text("b", "%y = aten.neg.default(%x)", "", "%y = aten.abs.default(%x)") +
                            rule_text("c", "%y = aten.abs.default(%x)", "", "%y = aten.relu.default(%x)");
  std::string graph = "graph(%x: f32[2], %z: f32[2], %w: f32[2]) {\n";
  for (const char* name : {"x", "z", "w"})
    graph += "  %y" + std::string(name) + ": f32[2] = aten.relu.default(%" + name + ")\n";
  const Diagnostic error = stopped(rules, graph + "  return (%yx, %yz, %yw)\n}");
  REQUIRE(error.notes.size() == 1);
  for (const char* step : {"`a` -> `b`", "`b` -> `c`", "`c` -> `a`"}) {
    // The cycle may begin at any of them: one of its steps closes it.
    CHECK((error.notes[0].find(step) != std::string::npos));
  }
  CHECK(error.labels.size() == 3);
}

TEST_CASE("The strategy `once` comes to an end whatever the rules do", "[rewrite][cycle]") {
  Graph graph = graph_of(kOne);
  const Rewriter rewriter(
      testing::rules_of("qrules: 1\nphases: [{name: main, strategy: once}]\nrules:\n" +
                        rule_text("forth", "%y = aten.relu.default(%x)", "", "%y = aten.neg.default(%x)") +
                        rule_text("back", "%y = aten.neg.default(%x)", "", "%y = aten.relu.default(%x)")));
  auto report = rewriter.apply(graph);
  REQUIRE(report.ok());
  CHECK(report->rules_fired["forth"] == 1);
  CHECK(report->rules_fired["back"] == 0);
  CHECK(graph.find("y")->op_name() == "aten.neg.default");
}

TEST_CASE("Long chains of firings that end are not stopped", "[rewrite][cycle]") {
  // One node goes through 200 firings: shapes shrink by one each time.
  Graph graph = graph_of("graph(%x: f32[300]) {\n  %y: f32[299] = aten.slice.Tensor(%x, 0, 1)\n  return (%y)\n}");
  const Rewriter rewriter(testing::rules_of(rule_file(
      "rules:\n" + rule_text("count", "%y = aten.slice.Tensor(%x, 0, %n)", "%n < 200",
                             "%t = aten.slice.Tensor(%x, 0, %n + 1)\n%y = aten.constant_pad_nd.default(%t, [1, 0])"))));
  auto report = rewriter.apply(graph);
  if (!report.ok()) FAIL(render_text(report.diagnostics()));
  CHECK(report->rules_fired["count"] == 199);
}

}  // namespace
}  // namespace qrules
