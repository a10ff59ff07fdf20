// `qrules bench`: how long a prepared model takes.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "common/json_diagnostics.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

// Peak memory of this process alone: getrusage would begin with what the process held that started it.
double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    double kilobytes = 0;
    status >> kilobytes;
    return kilobytes / 1024.0;
  }
  return 0;
}

}  // namespace

int bench_command(const BenchOptions& options) {
  auto runnable = prepare_to_run(options.model, options.inputs, true);
  if (!runnable.ok()) return report(runnable.diagnostics());
  const Times& prepared = runnable->prepared.times;
  const Plan& plan = *runnable->plan;
  Plan::Context& context = *runnable->context;
  const std::vector<const void*>& pointers = runnable->pointers;
  int64_t start = now_ns();
  context.run(pointers);
  const double first = milliseconds_since(start);
  for (int i = 0; i < options.warmup; ++i) context.run(pointers);
  std::vector<double> times;
  for (int i = 0; i < std::max(options.iters, 1); ++i) {
    start = now_ns();
    context.run(pointers);
    times.push_back(milliseconds_since(start));
  }
  std::sort(times.begin(), times.end());
  const double median =
      times.size() % 2 ? times[times.size() / 2] : (times[times.size() / 2 - 1] + times[times.size() / 2]) / 2;
  const double peak_memory = peak_megabytes();
  nlohmann::json result = {{"median_ms", median},
                           {"min_ms", times.front()},
                           {"load_ms", prepared.load},
                           {"optimize_ms", prepared.optimize},
                           {"prepare_ms", prepared.prepare},
                           {"first_run_ms", first},
                           {"peak_rss_mb", peak_memory}};
  if (options.profile) {
    context.set_profiling(true);
    context.run(pointers);
    nlohmann::json steps = nlohmann::json::array();
    for (size_t i = 0; i < plan.steps().size(); ++i) {
      const PlanStep& step = plan.steps()[i];
      if (context.step_times()[i] == 0) continue;
      steps.push_back({{"node", step.node},
                       {"op", step.op},
                       {"handler", step.handler},
                       {"implementation", step.implementation},
                       {"us", static_cast<double>(context.step_times()[i]) / 1000.0}});
    }
    result["steps"] = steps;
  }
  if (options.json) {
    std::puts(dump(result).c_str());
    return kFine;
  }
  std::printf(
      "median %.3f ms, min %.3f ms, first run %.2f ms (load %.1f, optimize %.1f, prepare %.1f ms), peak memory %.0f "
      "MB\n",
      median, times.front(), first, prepared.load, prepared.optimize, prepared.prepare, peak_memory);
  if (options.profile) {
    for (const nlohmann::json& step : result["steps"]) {
      std::printf("  %10.1f us  %-28s %-24s %s\n", step["us"].get<double>(), step["node"].get<std::string>().c_str(),
                  step["handler"].get<std::string>().c_str(), step["implementation"].get<std::string>().c_str());
    }
  }
  return kFine;
}

}  // namespace qrules::tools
