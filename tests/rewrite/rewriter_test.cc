// Applying rule sets: fixpoints, what becomes of nodes, names and provenance, matches that are dropped, reports.

#include <qrules/graph/verify.h>
#include <qrules/rewrite/optimize.h>
#include <qrules/rewrite/rewrite.h>

#include "../graph/text_helpers.h"
#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;
using testing::node_of;
using testing::rule_file;
using testing::rule_text;

RewriteReport applied(const Rewriter& rewriter, Graph& graph, RewriteOptions options = {}) {
  options.verify_each = true;
  auto report = rewriter.apply(graph, options);
  if (!report) FAIL(render_text(report.diagnostics()) << print(graph));
  CHECK_FALSE(verify(graph).has_errors());
  return std::move(*report);
}

Rewriter rewriter_of(const std::string& rules) { return Rewriter(testing::rules_of(rule_file("rules:\n" + rules))); }

std::string calls(const Graph& graph) {
  std::string text;
  for (Node* node : graph.nodes()) {
    if (!node->is_call()) continue;
    PrintOptions options;
    options.types = false;
    std::string line = print(*node, options);
    text += (text.empty() ? "" : "; ") + line.substr(line.find('%'));
  }
  return text;
}

TEST_CASE("Rules are applied until none matches", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.neg.default(%x)\n  %b: f32[2] = aten.neg.default(%a)\n  %c: f32[2] = "
      "aten.neg.default(%b)\n  %d: f32[2] = aten.neg.default(%c)\n  %y: f32[2] = aten.relu.default(%d)\n  return "
      "(%y)\n}");
  const RewriteReport report =
      applied(rewriter_of(rule_text("double", "%y = aten.neg.default(aten.neg.default(%x))", "", "%y = %x")), graph);
  CHECK(calls(graph) == "%y = aten.relu.default(%x)");
  CHECK(report.rules_fired.at("double") == 2);
  CHECK(report.firings.size() == 2);
  CHECK(report.dropped.empty());
}

TEST_CASE("What one rule makes another one matches, whichever way they stand in the file", "[rewrite]") {
  for (bool reversed : {false, true}) {
    const std::string first = rule_text("first", "%y = aten.relu.default(%x)", "", "%y = aten.abs.default(%x)"),
                      second = rule_text("second", "%y = aten.neg.default(aten.abs.default(%x))", "",
                                         "%y = aten.tanh.default(%x)");
    Graph graph = graph_of(
        "graph(%x: f32[2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %y: f32[2] = aten.neg.default(%a)\n  return "
        "(%y)\n}");
    applied(rewriter_of(reversed ? second + first : first + second), graph);
    CHECK(calls(graph) == "%y = aten.tanh.default(%x)");
  }
}

TEST_CASE("Replacements keep names, and know what they stand for", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.neg.default(%x)\n  %y: f32[2] = aten.relu.default(%a)\n  %z: f32[2] = "
      "aten.abs.default(%y)\n  return (%z)\n}");
  const Rewriter rewriter = rewriter_of(
      rule_text("fuse", "%a = aten.neg.default(%x)\n%y = aten.relu.default(%a)", "",
                "%t = aten.exp.default(%x)\n%y = aten.tanh.default(%t)") +
      rule_text("again", "%y = aten.abs.default(aten.tanh.default(%x))", "", "%y = aten.sigmoid.default(%x)"));
  const RewriteReport report = applied(rewriter, graph);
  CHECK(graph.find("y") == nullptr);
  CHECK(graph.find("a") == nullptr);
  const Provenance* provenance = node_of(graph, "z")->provenance();
  REQUIRE(provenance);
  CHECK(provenance->rule == "again");
  CHECK(provenance->sources == std::vector<std::string>{"z", "y", "a"});
  REQUIRE(report.firings.size() == 2);
  CHECK(report.firings[0].rule == "fuse");
  CHECK(report.firings[0].phase == "main");
  CHECK(report.firings[0].root == "y");
  CHECK(report.firings[0].matched == std::vector<std::string>{"y", "a"});
  CHECK(report.firings[0].created.size() == 2);
}

TEST_CASE("An inner call with other users stays", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.neg.default(%x)\n  %y: f32[2] = aten.relu.default(%a)\n  return (%y, "
      "%a)\n}");
  applied(
      rewriter_of(rule_text("fuse", "%y = aten.relu.default(aten.neg.default(%x))", "", "%y = aten.tanh.default(%x)")),
      graph);
  CHECK(calls(graph) == "%a = aten.neg.default(%x); %y = aten.tanh.default(%x)");
}

TEST_CASE("An inner name that is assigned again is replaced for all its users", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.neg.default(%x)\n  %u: f32[2] = aten.abs.default(%a)\n  %y: f32[2] = "
      "aten.relu.default(%a)\n  return (%y, %u)\n}");
  applied(rewriter_of(rule_text("both", "%a = aten.neg.default(%x)\n%y = aten.relu.default(%a)", "",
                                "%a = aten.exp.default(%x)\n%y = aten.tanh.default(%a)")),
          graph);
  CHECK(calls(graph) == "%a = aten.exp.default(%x); %u = aten.abs.default(%a); %y = aten.tanh.default(%a)");
}

TEST_CASE("A value can be wrapped in calls on itself", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %y: f32[2] = aten.neg.default(%a)\n  return "
      "(%y)\n}");
  const Rewriter rewriter(
      testing::rules_of("qrules: 1\nphases: [{name: main, strategy: once}]\nrules:\n" +
                        rule_text("wrap", "%y = aten.relu.default(%x)", "", "%y = aten.abs.default(%y)")));
  applied(rewriter, graph);
  const Node* wrapped = node_of(graph, "y")->operand(0);
  CHECK(wrapped->op_name() == "aten.abs.default");
  CHECK(wrapped->operand(0)->op_name() == "aten.relu.default");
  CHECK(graph.size() == 5);
}

TEST_CASE("Matches whose replacement is refused are dropped with the reason, and leave the graph as it was",
          "[rewrite]") {
  const std::string text =
      "graph(%x: f32[2,3]) {\n  %k = constant \"k\" : f32[3] {1}\n  %y: f32[2,3] = aten.add.Tensor(%x, %k)\n  return "
      "(%y)\n}";
  const auto reason = [&](const std::string& rewrite) {
    Graph graph = graph_of(text);
    const std::string before = print(graph);
    const RewriteReport report =
        applied(rewriter_of(rule_text("r", "%y = aten.add.Tensor(%x, %k)", "constant(%k)", rewrite)), graph);
    CHECK(print(graph) == before);
    CHECK(report.rules_fired.empty());
    CHECK(report.firings.empty());
    REQUIRE(report.dropped.size() == 1);
    CHECK(report.dropped[0].rule == "r");
    CHECK(report.dropped[0].root == "y");
    return report.dropped[0].reason;
  };
  CHECK(reason("%y = aten.add.Tensor(%x, cast(%x, f32))") == "what is cast is not a constant");
  CHECK(reason("%t = transpose(%k, [0])\n%y = aten.add.Tensor(%x, reshape(%t, [2]))").find("cannot be reshaped") !=
        std::string::npos);
  CHECK(reason("%y = aten.relu.default(%k)") == "the replacement of `y` has type f32[3] instead of f32[2,3]");
  CHECK(reason("%y = cast(%k, f64)").find("instead of f32[2,3]") != std::string::npos);
}

TEST_CASE("When the first match is refused the next is tried", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2]) {\n  %k = constant \"k\" : f32[2] {1, 2}\n  %y: f32[2] = aten.add.Tensor(%x, %k)\n  return "
      "(%y)\n}");
  // The first order binds %c to %x, which cannot be cast.
  const RewriteReport report = applied(
      rewriter_of(rule_text("r", "%y = aten.add.Tensor(%c, %o)", "", "%y = aten.mul.Tensor(%o, negate(%c))")), graph);
  CHECK(report.rules_fired.at("r") == 1);
  CHECK(report.dropped.size() == 1);
  CHECK(node_of(graph, "y")->op_name() == "aten.mul.Tensor");
}

TEST_CASE("Counters, with conditions that see the graph before the rewrite", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2], %z: f32[2,2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %b: f32[2,2] = "
      "aten.relu.default(%z)\n  return (%a, %b)\n}");
  const RewriteReport report =
      applied(rewriter_of(rule_text("all", "%y = aten.relu.default(%x)", "", "%y = aten.abs.default(%x)",
                                    "    counter: every\n") +
                          rule_text("some", "%y = aten.abs.default(%x)", "", "%y = aten.tanh.default(%x)",
                                    "    counter: {name: flat, when: rank(%y) == 1}\n")),
              graph);
  CHECK(report.counters.at("every") == 2);
  CHECK(report.counters.at("flat") == 1);
  CHECK(report.rules_fired.at("some") == 2);
}

TEST_CASE("only_rules leaves the others out", "[rewrite]") {
  const Rewriter rewriter =
      rewriter_of(rule_text("one", "%y = aten.relu.default(%x)", "", "%y = aten.abs.default(%x)") +
                  rule_text("two", "%y = aten.abs.default(%x)", "", "%y = aten.tanh.default(%x)"));
  Graph graph = graph_of("graph(%x: f32[2]) {\n  %y: f32[2] = aten.relu.default(%x)\n  return (%y)\n}");
  RewriteOptions options;
  options.only_rules = {"one"};
  const RewriteReport report = applied(rewriter, graph, options);
  CHECK(calls(graph) == "%y = aten.abs.default(%x)");
  CHECK(report.rules_fired.count("two") == 0);
  options.only_rules = {"nothing"};
  CHECK(applied(rewriter, graph, options).firings.empty());
}

TEST_CASE("Phases run in order; `once` visits each node once; duplicates are merged where it is said", "[rewrite]") {
  const std::string text =
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %b: f32[2] = aten.relu.default(%x)\n  %y: f32[2] = "
      "aten.add.Tensor(%a, %b)\n  return (%y)\n}";
  const std::string same = rule_text("same", "%y = aten.add.Tensor(%a, %a)", "", "%y = aten.neg.default(%a)");
  Graph merged = graph_of(text), apart = graph_of(text);
  std::vector<std::string> seen;
  RewriteOptions options;
  options.after_phase = [&](const std::string& phase, const Graph& graph) {
    seen.push_back(phase + " " + std::to_string(graph.size()));
  };
  applied(Rewriter(testing::rules_of(
              "qrules: 1\nphases: [{name: early}, {name: main, before: [merge-duplicates]}]\nrules:\n" + same)),
          merged, options);
  CHECK(seen == std::vector<std::string>{"early 5", "main 4"});
  CHECK(calls(merged) == "%a = aten.relu.default(%x); %y = aten.neg.default(%a)");
  CHECK(applied(Rewriter(testing::rules_of("qrules: 1\nphases: [{name: main}]\nrules:\n" + same)), apart)
            .firings.empty());

  Graph grown = graph_of("graph(%x: f32[2]) {\n  %y: f32[2] = aten.relu.default(%x)\n  return (%y)\n}");
  const RewriteReport once =
      applied(Rewriter(testing::rules_of("qrules: 1\nphases: [{name: main, strategy: once}]\nrules:\n" +
                                         rule_text("grow", "%y = aten.relu.default(%x)", "",
                                                   "%t = aten.abs.default(%x)\n%y = aten.relu.default(%t)"))),
              grown);
  CHECK(once.rules_fired.at("grow") == 1);
}

TEST_CASE("A rule with several roots replaces both", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.sin.default(%x)\n  %b: f32[2] = aten.cos.default(%x)\n  %y: f32[2] = "
      "aten.add.Tensor(%a, %b)\n  return (%y)\n}");
  const RewriteReport report =
      applied(rewriter_of(rule_text("pair", "%s = aten.sin.default(%x)\n%c = aten.cos.default(%x)", "",
                                    "%s = aten.abs.default(%x)\n%c = aten.neg.default(%s)")),
              graph);
  CHECK(report.rules_fired.at("pair") == 1);
  CHECK(node_of(graph, "a")->op_name() == "aten.abs.default");
  CHECK(node_of(graph, "b")->op_name() == "aten.neg.default");
}

TEST_CASE("replay and duplicate_for_users in a rule", "[rewrite]") {
  Graph graph = graph_of(
      "graph(%x: f32[2,3], %z: f32[3,2]) {\n  %n: f32[2,3] = aten.neg.default(%x)\n  %t: f32[3,2] = "
      "aten.transpose.int(%n, 0, 1)\n  %y: f32[3,2] = aten.relu.default(%t)\n  return (%y)\n}");
  applied(rewriter_of(rule_text(
              "below", "%n = aten.neg.default(%x)\n%t = aten.transpose.int(%n, 0, 1)\n%y = aten.relu.default(%t)", "",
              "%moved = replay(%t, %n, %x)\n%y = aten.tanh.default(%moved)")),
          graph);
  CHECK(node_of(graph, "y")->operand(0)->op_name() == "aten.transpose.int");
  CHECK(node_of(graph, "y")->operand(0)->operand(0) == graph.find("x"));
  CHECK(graph.size() == 5);

  Graph shared = graph_of(
      "graph(%x: f32[2]) {\n  %a: f32[2] = aten.relu.default(%x)\n  %b: f32[2] = aten.neg.default(%a)\n  %c: f32[2] = "
      "aten.abs.default(%a)\n  return (%b, %c, %a)\n}");
  const RewriteReport report = applied(
      rewriter_of(rule_text("own", "%y = aten.relu.default(%x)", "users(%y) > 1", "%y = duplicate_for_users(%y)")),
      shared);
  CHECK(report.rules_fired.at("own") == 1);
  Node* b = node_of(shared, "b")->operand(0);
  Node* c = node_of(shared, "c")->operand(0);
  CHECK(b != c);
  CHECK(b->user_count() == 1);
  CHECK(c->user_count() == 1);
  CHECK(c->op_name() == "aten.relu.default");
  CHECK(shared.output()->argument(2).node() != b);
  CHECK(shared.output()->argument(2).node() != c);
}

TEST_CASE("Rules that are edited take effect without anything else", "[rewrite]") {
  const std::string text = rule_file(
      "rules:\n" + rule_text("r", "%y = aten.relu.default(%x)", "rank(%x) == 1", "%y = aten.abs.default(%x)"));
  const auto result = [](const std::string& rules) {
    Graph graph = graph_of("graph(%x: f32[2]) {\n  %y: f32[2] = aten.relu.default(%x)\n  return (%y)\n}");
    applied(Rewriter(testing::rules_of(rules)), graph);
    return calls(graph);
  };
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string copy = text;
    return copy.replace(copy.find(from), from.size(), to);
  };
  CHECK(result(text) == "%y = aten.abs.default(%x)");
  CHECK(result(edited("aten.abs.default(%x)", "aten.tanh.default(%x)")) == "%y = aten.tanh.default(%x)");
  CHECK(result(edited("rank(%x) == 1", "rank(%x) == 2")) == "%y = aten.relu.default(%x)");
  CHECK(result(edited("aten.relu.default", "aten.neg.default")) == "%y = aten.relu.default(%x)");
}

TEST_CASE("optimize loads a folder and applies it", "[rewrite]") {
  Graph graph = graph_of("graph(%x: f32[2]) {\n  %y: f32[2] = aten.relu.default(%x)\n  return (%y)\n}");
  auto report = optimize(graph, std::string(QRULES_SOURCE_DIR) + "/rules");
  if (!report) FAIL(render_text(report.diagnostics()));
  CHECK_FALSE(optimize(graph, std::string(QRULES_SOURCE_DIR) + "/no-such-folder").ok());
}

}  // namespace
}  // namespace qrules
