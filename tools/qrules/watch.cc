// `qrules run --watch`: the model is read once; the rules are loaded and applied to a copy of it whenever one is saved.

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include <qrules/rules/index.h>
#include <qrules/rules/load.h>

#include "common/output.h"
#include "common/rules_folder.h"
#include "common/watch.h"
#include "qrules/diagnostics.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

struct Round {
  std::map<std::string, int64_t> fired;
  int64_t dequantizes = 0;  // left in the graph
};

std::string milliseconds(const char* what, double time) {
  char text[64];
  std::snprintf(text, sizeof text, "%s %.1f ms", what, time);
  return text;
}

int64_t count_dequantizes(const Graph& graph) {
  int64_t count = 0;
  for (const Node* node : graph.nodes()) {
    if (node->kind() == NodeKind::call &&
        graph.operators().name(node->op()).rfind("quantized_decomposed.dequantize", 0) == 0)
      ++count;
  }
  return count;
}

// "+ rule  3 (was 2)" for each rule that fires more or less often than before; all of them when there is no before.
void print_difference(const Round* before, const Round& now, bool color) {
  std::map<std::string, std::pair<int64_t, int64_t>> counts;
  for (const auto& [rule, count] : now.fired) counts[rule].second = count;
  if (before) {
    for (const auto& [rule, count] : before->fired) counts[rule].first = count;
  }
  size_t width = 0;
  for (const auto& [rule, pair] : counts) width = std::max(width, rule.size());
  bool any = false;
  for (const auto& [rule, pair] : counts) {
    const auto [old, current] = pair;
    if (old == current) continue;
    any = true;
    std::string line =
        (current > old ? "+ " : "- ") + rule + std::string(width - rule.size() + 2, ' ') + std::to_string(current);
    if (before) line += " (was " + std::to_string(old) + ")";
    std::printf("  %s\n", paint(line, current > old ? Color::green : Color::red, color).c_str());
  }
  if (!any) std::puts(before ? "  the same fusions" : "  no rule fired");
}

class Watch {
 public:
  Watch(const RunOptions& options, Model model, std::string rules)
      : options_(options), model_(std::move(model)), rules_(std::move(rules)), color_(wants_color(stdout)) {
    files_.set_paths({rules_});
  }

  int run(Interrupts& interrupts) {
    do {
      for (const std::string& path : files_.changed()) std::printf("changed: %s\n", path.c_str());
      std::fflush(stdout);
      const Status done = round();
      if (!done.ok()) report(done.diagnostics());
      std::printf("watching %s\n", counted(files_.file_count(), "file").c_str());
      std::fflush(stdout);
    } while (files_.wait(interrupts));
    return kFine;
  }

 private:
  Status round() {
    int64_t start = now_ns();
    RuleIndex index;
    LoadOptions load;
    load.index = &index;
    auto loaded = load_rules({rules_}, load);
    files_.set_paths(watched_paths({rules_}, index));
    if (!loaded.ok()) return loaded.diagnostics();
    const Rewriter rewriter(std::move(*loaded));
    std::string times = milliseconds("rules", milliseconds_since(start));

    start = now_ns();
    Prepared prepared;
    prepared.model = model_;
    prepared.model.graph = std::make_shared<Graph>(model_.graph->clone());
    auto applied = rewriter.apply(*prepared.model.graph);
    if (!applied.ok()) return applied.diagnostics();
    prepared.rewrites = std::move(*applied);
    times += milliseconds(", optimize", milliseconds_since(start));

    Round now;
    now.fired = prepared.rewrites.rules_fired;
    now.dequantizes = count_dequantizes(*prepared.model.graph);
    print_difference(last_ ? &*last_ : nullptr, now, color_);
    std::string left = std::to_string(now.dequantizes);
    if (last_ && last_->dequantizes != now.dequantizes) left += " (was " + std::to_string(last_->dequantizes) + ")";
    last_ = std::move(now);

    // What cannot run is said after what fused: that is known all the same.
    Status ran = options_.inputs.empty() ? Status(Done()) : run_model(std::move(prepared), times);
    std::printf("  dequantizes left: %s; %s\n", left.c_str(), times.c_str());
    std::fflush(stdout);
    return ran;
  }

  Status run_model(Prepared prepared, std::string& times) const {
    auto runnable = prepare_to_run(std::move(prepared), options_.model, options_.inputs, false);
    if (!runnable.ok()) return runnable.diagnostics();
    times += milliseconds(", prepare", runnable->prepared.times.prepare);
    const int64_t start = now_ns();
    runnable->context->run(runnable->pointers);
    times += milliseconds(", run", milliseconds_since(start));
    if (runnable->context->failed()) return Diagnostic(kRunFailed).with("path", options_.model.model);
    return Done();
  }

  const RunOptions& options_;
  const Model model_;
  const std::string rules_;
  const bool color_;
  FileWatch files_;
  std::optional<Round> last_;  // that was optimized: a broken save in between is no loss of fusions
};

}  // namespace

int watch_command(const RunOptions& options) {
  Interrupts interrupts;
  std::string rules = options.model.rules;
  if (rules.empty()) {
    const auto found = default_rules_folder();
    if (!found) {
      Diagnostics missing;
      missing.add(Diagnostic(kNoRulesFolder));
      return report(missing);
    }
    rules = *found;
  }
  const int64_t start = now_ns();
  auto model = read_model(options.model.model);
  if (!model.ok()) return report(model.diagnostics());
  if (!model->warnings.empty()) report(model->warnings);
  std::printf("%s: %s\n", options.model.model.c_str(), milliseconds("load", milliseconds_since(start)).c_str());
  return Watch(options, std::move(*model), std::move(rules)).run(interrupts);
}

}  // namespace qrules::tools
