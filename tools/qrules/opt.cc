// `qrules opt`: the rewritten graph as text.

#include <cstdio>
#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include <qrules/graph/text.h>

#include "common/json_diagnostics.h"
#include "common/output.h"
#include "qrules/diagnostics.h"
#include "qrules/lock.h"
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

// Says what is lost and why, and what is gained.
int compare(const nlohmann::json& expected, const nlohmann::json& found, const Prepared& prepared,
            NearMisses collected) {
  const LockDifference difference = compare_locks(expected, found);
  for (const std::string& loss : difference.losses) std::printf("lost    %s\n", loss.c_str());
  for (const std::string& gain : difference.gains) std::printf("gained  %s\n", gain.c_str());
  if (difference.losses.empty()) {
    if (difference.gains.empty()) std::puts("all fuses as the lock says");
    return kFine;
  }
  if (prepared.rewriter) {
    for (const DroppedMatch& dropped : prepared.rewrites.dropped) {
      if (dropped.rule == difference.lost_rule && dropped.root == difference.lost_root)
        std::printf("%s at %%%s matched and was dropped: %s\n", dropped.rule.c_str(), dropped.root.c_str(),
                    dropped.reason.c_str());
    }
    const Misses misses =
        std::move(collected).ranked(prepared.rewrites, prepared.rewriter->rules(), *prepared.model.graph);
    if (auto answer = answer_for(difference, misses)) {
      // What it follows from is what has to be mended.
      while (misses[*answer].follows >= 0) answer = static_cast<size_t>(misses[*answer].follows);
      print_miss(misses, *answer, {}, wants_color(stdout));
    }
  }
  return kLost;
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
  std::optional<nlohmann::json> expected;
  if (!options.expect.empty()) {
    auto lock = read_lock(options.expect);
    if (!lock.ok()) return report(lock.diagnostics());
    expected = std::move(*lock);
  }
  NearMisses misses;
  auto prepared = optimize_model(options.model, dump_phase, expected ? &misses : nullptr);
  if (!prepared.ok()) return report(prepared.diagnostics());
  if (!dumped.ok()) return report(dumped.diagnostics());
  PrintOptions text;
  text.provenance = options.provenance;
  const std::string result = print(*prepared->model.graph, text);
  // Who asks for a lock alone does not want the graph on the terminal.
  const bool locking = !options.lock.empty() || expected;
  if (!options.output.empty()) {
    const Status written = write_file(options.output, result);
    if (!written.ok()) return report(written.diagnostics());
  } else if (!locking) {
    std::fputs(result.c_str(), stdout);
  }
  if (!locking) return kFine;
  const nlohmann::json found = make_lock(prepared->rewrites, prepared->model.graph);
  if (!options.lock.empty()) {
    const Status written = write_file(options.lock, dump(found) + "\n");
    if (!written.ok()) return report(written.diagnostics());
  }
  return expected ? compare(*expected, found, *prepared, std::move(misses)) : kFine;
}

}  // namespace qrules::tools
