// Graphs from text for tests: what does not parse fails the test with the rendered diagnostics.
#pragma once

#include <string>
#include <utility>

#include <qrules/graph/graph.h>
#include <qrules/graph/text.h>

#include "../catch.h"

namespace qrules::testing {

inline Graph graph_of(const std::string& text, std::shared_ptr<OperatorTable> operators = OperatorTable::shared()) {
  auto graph = parse_graph("test.graph", text, std::move(operators));
  if (!graph) FAIL(render_text(graph.diagnostics()) << "\nin\n" << text);
  return std::move(graph).value();
}

// A graph of one statement after the given inputs: `graph(INPUTS) { %y = CALL return (%y) }`.
inline std::string one_call(const std::string& inputs, const std::string& call) {
  return "graph(" + inputs + ") {\n  %y = " + call + "\n  return (%y)\n}\n";
}

// The node of this name; its absence fails the test.
inline Node* node_of(const Graph& graph, const std::string& name) {
  Node* node = graph.find(name);
  if (!node) FAIL("no %" << name << " in\n" << print(graph));
  return node;
}

// "code line:col message" of the only diagnostic of a failed step; "ok" when it did not fail.
template <typename T>
std::string error_of(const Result<T>& result) {
  if (result.ok()) return "ok";
  const auto& list = result.diagnostics().list();
  if (list.size() != 1) return std::to_string(list.size()) + " diagnostics";
  const Diagnostic& error = list.front();
  std::string place = "-";
  if (!error.labels.empty() && error.labels.front().span) {
    const Span& span = error.labels.front().span;
    const auto position = span.file->position(span.begin);
    place = std::to_string(position.line) + ":" + std::to_string(position.column);
  }
  return std::string(error.kind->code) + " " + place + " " + error.message();
}

// print -> parse -> print changes nothing, whatever of it is left out.
inline void check_fixpoint(const Graph& graph) {
  for (const PrintOptions& options :
       {PrintOptions{}, PrintOptions{true, true, 1000000}, PrintOptions{true, false, 0}}) {
    const std::string printed = print(graph, options);
    const auto again = parse_graph("printed.graph", printed, graph.operators_ptr());
    if (!again) FAIL(render_text(again.diagnostics()) << "\nin\n" << printed);
    PrintOptions without_provenance = options;
    without_provenance.provenance = false;
    CHECK(print(*again, without_provenance) == print(graph, without_provenance));
  }
}

}  // namespace qrules::testing
