// `qrules profile`: runs a prepared model step by step, beside what the machine can do at best.

#include "qrules/profile.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include <omp.h>

#include "common/json_diagnostics.h"
#include "common/output.h"
#include "qrules/diagnostics.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

bool starts_with(const std::string& text, std::string_view prefix) { return text.rfind(prefix, 0) == 0; }

}  // namespace

std::string kernel_family(const PlanStep& step) {
  if (step.fallback) return "aten";
  if (step.handler == "reorder") return "copy";
  const std::string family = step.handler.substr(0, step.handler.find('.'));
  return family == "decomposed" ? "reference" : family;
}

std::string why_slow(const PlanStep& step, const PlanStep* reader) {
  std::string why = step.note;
  const auto add = [&](const std::string& text) { why += (why.empty() ? "" : "; ") + text; };
  if (step.handler == "reorder") {
    add(reader ? "copied to the layout that " + reader->handler + " at %" + reader->node + " wants"
               : "copied to another layout");
  }
  if (step.fallback) add("no rule made it part of another operator and no kernel here takes it: PyTorch's runs");
  if (starts_with(step.op, "quantized_decomposed."))
    add("no rule joined it with a neighbour: qrules explain --node " + step.node);
  return why;
}

std::vector<Opportunity> find_opportunities(const std::vector<ProfiledStep>& steps) {
  std::map<std::tuple<std::string, std::string>, Opportunity> groups;
  std::map<std::tuple<std::string, std::string>, double> largest;
  for (const ProfiledStep& profiled : steps) {
    const auto key = std::tuple(profiled.step->op, profiled.step->implementation);
    Opportunity& group = groups[key];
    group.op = profiled.step->op;
    group.implementation = profiled.step->implementation;
    ++group.steps;
    group.us += profiled.us;
    group.lost_us += profiled.lost_us();
    if (group.steps == 1 || profiled.lost_us() > largest[key]) {
      largest[key] = profiled.lost_us();
      group.example = profiled.step->node;
      group.why = profiled.why;
    }
  }
  std::vector<Opportunity> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Opportunity& a, const Opportunity& b) { return a.lost_us > b.lost_us; });
  return sorted;
}

int profile_command(const ProfileOptions& options) {
  const int threads = options.model.threads > 0 ? options.model.threads : omp_get_max_threads();
  auto runnable = prepare_to_run(options.model, options.inputs, true);
  if (!runnable.ok()) return report(runnable.diagnostics());
  auto peaks = measure_peaks(threads);
  if (!peaks.ok()) return report(peaks.diagnostics());
  Profile profile;
  profile.peaks = std::move(*peaks);
  const std::vector<PlanStep>& steps = runnable->plan->steps();
  Plan::Context& context = *runnable->context;
  context.set_profiling(true);
  for (int i = 0; i < options.warmup; ++i) context.run(runnable->pointers);
  std::vector<std::vector<double>> times(steps.size());
  std::vector<double> runs, outside;
  for (int i = 0; i < std::max(options.iters, 1); ++i) {
    const int64_t start = now_ns();
    context.run(runnable->pointers);
    runs.push_back(milliseconds_since(start) * 1e3);
    double inside = 0;
    for (size_t k = 0; k < steps.size(); ++k) {
      times[k].push_back(static_cast<double>(context.step_times()[k]) / 1e3);
      inside += times[k].back();
    }
    // Of each run by itself: medians of steps add up to less than the median of a run.
    outside.push_back(runs.back() - inside);
  }
  if (context.failed()) {
    Diagnostics failed;
    failed.add(Diagnostic(kRunFailed).with("path", options.model.model));
    return report(failed);
  }
  profile.run_us = median_of(runs);
  for (size_t k = 0; k < steps.size(); ++k) {
    if (context.step_times()[k] == 0) continue;  // views and constants
    ProfiledStep step;
    step.step = &steps[k];
    step.us = median_of(times[k]);
    step.limit_us = profile.peaks.limit_us(steps[k]);
    step.start_us = static_cast<double>(context.step_starts()[k]) / 1e3;
    step.last_us = static_cast<double>(context.step_times()[k]) / 1e3;
    step.why = why_slow(steps[k], k + 1 < steps.size() ? &steps[k + 1] : nullptr);
    profile.steps.push_back(std::move(step));
  }
  if (!profile.steps.empty())
    profile.overhead_us = std::max(0.0, median_of(outside)) / static_cast<double>(profile.steps.size());
  profile.opportunities = find_opportunities(profile.steps);
  if (!options.trace.empty()) {
    const Status written = write_file(options.trace, dump(to_trace(profile, options.model.model), 1) + "\n");
    if (!written.ok()) return report(written.diagnostics());
  }
  const std::string text = options.json ? dump(to_json(profile)) + "\n" : print_profile(profile, wants_color(stdout));
  std::fputs(text.c_str(), stdout);
  return kFine;
}

}  // namespace qrules::tools
