// A profile as a table, as JSON, and as a trace.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/output.h"
#include "qrules/profile.h"

namespace qrules::tools {
namespace {

using nlohmann::json;

constexpr size_t kOpportunitiesShown = 5;
constexpr double kWorthNaming = 0.01;  // of the run

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof(line), format, values...);
  return line;
}

std::string bytes_text(size_t bytes) {
  if (bytes < 10'000) return formatted("%zu B", bytes);
  if (bytes < 10'000'000) return formatted("%.0f kB", static_cast<double>(bytes) / 1e3);
  return formatted("%.1f MB", static_cast<double>(bytes) / 1e6);
}

std::string fitted(const std::string& text, size_t width) {
  return text.size() <= width ? text + std::string(width - text.size(), ' ') : text.substr(0, width - 2) + "..";
}

double rounded(double value) { return std::round(value * 1000) / 1000; }

}  // namespace

json to_json(const Profile& profile) {
  json steps = json::array(), opportunities = json::array(), reading = json::array();
  for (const ProfiledStep& profiled : profile.steps) {
    const PlanStep& step = *profiled.step;
    steps.push_back({{"node", step.node},
                     {"op", step.op},
                     {"handler", step.handler},
                     {"family", kernel_family(step)},
                     {"implementation", step.implementation},
                     {"us", rounded(profiled.us)},
                     {"limit_us", rounded(profiled.limit_us)},
                     {"share", rounded(profiled.share())},
                     {"operations", step.operations},
                     {"gops", rounded(profiled.gops())},
                     {"bytes_read", step.bytes_read},
                     {"bytes_written", step.bytes_written},
                     {"in_place", step.in_place},
                     {"why", profiled.why}});
  }
  for (const Opportunity& group : profile.opportunities)
    opportunities.push_back({{"op", group.op},
                             {"implementation", group.implementation},
                             {"steps", group.steps},
                             {"us", rounded(group.us)},
                             {"lost_us", rounded(group.lost_us)},
                             {"example", group.example},
                             {"why", group.why}});
  for (const Peaks::Speed& speed : profile.peaks.reading)
    reading.push_back({{"bytes", speed.bytes}, {"gb_per_s", rounded(speed.gb_per_s)}});
  return {{"run_us", rounded(profile.run_us)},
          {"overhead_us_per_step", rounded(profile.overhead_us)},
          {"peaks",
           {{"int8_gops", rounded(profile.peaks.int8_gops)},
            {"float_gops", rounded(profile.peaks.float_gops)},
            {"reading", reading}}},
          {"steps", steps},
          {"opportunities", opportunities}};
}

json to_trace(const Profile& profile, const std::string& model) {
  json events = json::array();
  const auto name = [&](const char* kind, const std::string& text) {
    events.push_back({{"ph", "M"}, {"name", kind}, {"pid", 1}, {"tid", 1}, {"ts", 0}, {"args", {{"name", text}}}});
  };
  name("process_name", "qrules");
  name("thread_name", model);
  for (const ProfiledStep& profiled : profile.steps) {
    const PlanStep& step = *profiled.step;
    events.push_back({{"ph", "X"},
                      {"name", step.node},
                      {"cat", kernel_family(step)},
                      {"pid", 1},
                      {"tid", 1},
                      {"ts", rounded(profiled.start_us)},
                      {"dur", rounded(profiled.last_us)},
                      {"args",
                       {{"op", step.op},
                        {"implementation", step.implementation},
                        {"median_us", rounded(profiled.us)},
                        {"limit_us", rounded(profiled.limit_us)},
                        {"gops", rounded(profiled.gops())},
                        {"bytes", step.bytes_read + step.bytes_written},
                        {"why", profiled.why}}}});
  }
  return {{"displayTimeUnit", "ns"}, {"traceEvents", events}};
}

std::string print_profile(const Profile& profile, bool color) {
  std::string out = paint(
                        "      us  run %    GOPS       bytes  of peak  node                      operator              "
                        "          kernel",
                        Color::bold, color) +
                    "\n";
  double limit = 0;
  for (const ProfiledStep& profiled : profile.steps) {
    const PlanStep& step = *profiled.step;
    limit += profiled.limit_us;
    const std::string gops = step.work == WorkKind::other ? "" : formatted("%.1f", profiled.gops());
    const std::string line =
        formatted("%8.1f %5.1f%% %8s %11s %7.0f%%  ", profiled.us, 100 * profiled.us / profile.run_us, gops.c_str(),
                  bytes_text(step.bytes_read + step.bytes_written).c_str(), 100 * profiled.share()) +
        fitted(step.node, 24) + "  " + fitted(step.op, 30) + "  " + step.implementation;
    out += profiled.why.empty() ? line + "\n" : paint(line, Color::yellow, color) + "\n";
  }
  out += formatted("run %.1f us, of it %.2f us a step between steps; at the peaks it would be %.1f us\n",
                   profile.run_us, profile.overhead_us, limit);
  out += formatted("peaks: %.0f GOPS int8, %.0f GOPS f32, reading", profile.peaks.int8_gops, profile.peaks.float_gops);
  for (const Peaks::Speed& speed : profile.peaks.reading)
    out += formatted("%s %s at %.0f GB/s", &speed == profile.peaks.reading.data() ? "" : ",",
                     bytes_text(speed.bytes).c_str(), speed.gb_per_s);
  out += "\n";
  size_t shown = 0;
  for (const Opportunity& group : profile.opportunities) {
    if (shown == kOpportunitiesShown || group.lost_us < kWorthNaming * profile.run_us) break;
    if (shown++ == 0) out += paint("largest opportunities", Color::bold, color) + "\n";
    out += formatted("  %.1f us above the limit (%.0f %% of the run) in %s of ", group.lost_us,
                     100 * group.lost_us / profile.run_us, counted(group.steps, "step").c_str()) +
           group.op + " on " + group.implementation + ", most at %" + group.example + "\n";
    if (!group.why.empty()) out += "    " + group.why + "\n";
  }
  return out;
}

}  // namespace qrules::tools
