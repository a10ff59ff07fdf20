// See differences.h.

#include "differences.h"

#include <algorithm>

#include <common/numerics.h>
#include <qrules/graph/text.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>

#include "../catch.h"

namespace qrules::test {
namespace {

const Rewriter& shipped_rules() {
  static const Rewriter rewriter = [] {
    auto rules = load_rules({QRULES_SOURCE_DIR "/rules"});
    if (!rules.ok()) FAIL(render_text(rules.diagnostics()));
    return Rewriter(std::move(*rules));
  }();
  return rewriter;
}

Graph parsed(const std::string& text) {
  auto graph = parse_graph("difference", text);
  if (!graph.ok()) FAIL(render_text(graph.diagnostics()));
  return std::move(*graph);
}

RewriteReport apply_shipped(Graph& graph) {
  RewriteOptions options;
  options.verify_each = true;
  auto report = shipped_rules().apply(graph, options);
  if (!report.ok()) FAIL(render_text(report.diagnostics()));
  return std::move(*report);
}

std::vector<DType> result_types(const Graph& graph) {
  std::vector<DType> types;
  for (const Argument& argument : graph.output()->arguments()) {
    if (argument.node() && argument.node()->tensor()) types.push_back(argument.node()->tensor()->dtype);
  }
  return types;
}

}  // namespace

const std::string kLinearWeight = R"(
  %w = constant "w" : s8[4,3] {1, -2, 3, 4, -5, 6, 7, 8, -9, 10, 11, -12}
  %s = constant "s" : f32[4] {0.5, 0.25, 1, 0.125}
  %z = constant "z" : s64[4] {0}
  %wf: f32[4,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
)";

const std::string kConvWeight = R"(
  %w = constant "w" : s8[3,2,1,1] {1, -2, 3, 4, -5, 6}
  %s = constant "s" : f32[3] {0.5, 0.25, 1}
  %z = constant "z" : s64[3] {0}
  %wf: f32[3,2,1,1] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
)";

std::string dequantized_input(const std::string& sizes) {
  return "\n  %xf: f32[" + sizes + "] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.5, 113, 0, 255, u8)\n";
}

std::shared_ptr<const Graph> rewritten(const std::string& text) {
  auto graph = std::make_shared<Graph>(parsed(text));
  apply_shipped(*graph);
  return graph;
}

void check_difference(const Difference& difference) {
  INFO(difference.row << ": " << difference.what);
  Graph graph = parsed(difference.graph);
  const Graph before = graph.clone();
  const RewriteReport report = apply_shipped(graph);
  INFO(print(graph));
  const auto fired = [&](const std::string& rule) {
    const auto found = report.rules_fired.find(rule);
    return found == report.rules_fired.end() ? int64_t{0} : found->second;
  };
  const auto exists = [](const std::string& rule) {
    const auto& rules = shipped_rules().rules().rules;
    return std::any_of(rules.begin(), rules.end(), [&](const Rule& one) { return one.base_name == rule; });
  };
  for (const std::string& rule : difference.fires) {
    INFO("rule " << rule);
    CHECK(fired(rule) >= std::count(difference.fires.begin(), difference.fires.end(), rule));
  }
  for (const std::string& rule : difference.silent) {
    INFO("rule " << rule);
    CHECK(exists(rule));  // a name that no rule has never fires
    CHECK(fired(rule) == 0);
  }
  CHECK(result_types(graph) == result_types(before));
  if (!difference.numerics) return;
  const auto numerics = tools::compare_numerics(before, graph);
  if (!numerics.ok()) {
    FAIL_CHECK(render_text(numerics.diagnostics()));
    return;
  }
  INFO(numerics->difference);
  CHECK(numerics->equal);
  CHECK(numerics->elements > 0);
}

}  // namespace qrules::test
