// `qrules opt`: the rewritten graph as text.

#include <cstdio>
#include <filesystem>

#include <qrules/graph/text.h>

#include "qrules/diagnostics.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

int list_matches(const OptOptions& options) {
  auto model = read_model(options.model.model);
  if (!model.ok()) return report(model.diagnostics());
  auto rewriter = read_rules(options.model);
  if (!rewriter.ok()) return report(rewriter.diagnostics());
  if (!*rewriter) return kFine;
  Graph& graph = *model->graph;
  size_t count = 0;
  for (uint32_t phase = 0; phase < (*rewriter)->rules().phases.size(); ++phase) {
    Automaton::Session session((*rewriter)->automaton(phase), graph);
    for (Node* node : graph.nodes()) {
      for (const Match& match : session.all_matches(node)) {
        ++count;
        std::string line =
            (*rewriter)->rules().phases[phase].name + ": " + match.rule->name + " at %" + node->name() + " over";
        for (const Node* matched : match.nodes) line += " %" + matched->name();
        std::puts(line.c_str());
      }
    }
  }
  std::printf("%zu matches; nothing was rewritten\n", count);
  return kFine;
}

}  // namespace

int opt_command(const OptOptions& options) {
  if (options.automaton) {
    auto rewriter = read_rules(options.model);
    if (!rewriter.ok()) return report(rewriter.diagnostics());
    for (uint32_t phase = 0; *rewriter && phase < (*rewriter)->rules().phases.size(); ++phase) {
      std::printf("phase %s: %s\n", (*rewriter)->rules().phases[phase].name.c_str(),
                  (*rewriter)->automaton(phase).print().c_str());
    }
    return kFine;
  }
  if (options.match_only) return list_matches(options);
  Status dumped = Done();
  int number = 0;
  const auto dump_phase = [&](const std::string& phase, const Graph& graph) {
    if (options.phase_dumps.empty() || !dumped.ok()) return;
    std::error_code error;
    std::filesystem::create_directories(options.phase_dumps, error);
    dumped = write_file(
        (std::filesystem::path(options.phase_dumps) / (std::to_string(++number) + "-" + phase + ".txt")).string(),
        print(graph));
  };
  auto prepared = optimize_model(options.model, dump_phase);
  if (!prepared.ok()) return report(prepared.diagnostics());
  if (!dumped.ok()) return report(dumped.diagnostics());
  PrintOptions text;
  text.provenance = options.provenance;
  const std::string result = print(*prepared->model.graph, text);
  if (options.output.empty()) {
    std::fputs(result.c_str(), stdout);
    return kFine;
  }
  const Status written = write_file(options.output, result);
  return written.ok() ? kFine : report(written.diagnostics());
}

}  // namespace qrules::tools
