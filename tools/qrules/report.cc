#include "qrules/report.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "common/output.h"

namespace qrules::tools {
namespace {

using nlohmann::json;

bool starts_with(const std::string& text, std::string_view prefix) { return text.rfind(prefix, 0) == 0; }

// Inductor counts its own lowerings under these names; they follow from what was lowered, on whichever kernels.
const char* lower_counter(const std::string& handler) {
  const std::string lowering = handler.substr(handler.find('.') + 1);
  if (lowering == "qconv") return "qconv_unary_lower_count";
  if (lowering == "qconv_binary") return "qconv2d_binary_lower_count";
  if (lowering == "qlinear") return "qlinear_unary_lower_count";
  if (lowering == "qlinear_binary") return "qlinear_binary_lower_count";
  return nullptr;
}

void table(std::string& out, const std::string& title, const json& counts, bool color) {
  if (counts.empty()) return;
  size_t width = 0;
  for (const auto& [key, value] : counts.items()) width = std::max(width, key.size());
  out += paint(title, Color::bold, color) + "\n";
  for (const auto& [key, value] : counts.items())
    out += "  " + key + std::string(width - key.size() + 2, ' ') + std::to_string(value.get<int64_t>()) + "\n";
}

}  // namespace

json make_report(const Prepared& prepared, const Plan& plan) {
  std::map<std::string, int64_t> lowerings, fallbacks, counters = prepared.rewrites.counters;
  int64_t unfused = 0, in_place = 0;
  json slow = json::array();
  for (const PlanStep& step : plan.steps()) {
    if (step.implementation == "constant") continue;
    lowerings[step.handler] += step.calls;
    if (step.fallback) ++fallbacks[step.op];
    if (starts_with(step.op, "quantized_decomposed.dequantize")) ++unfused;
    in_place += step.in_place ? 1 : 0;
    if (const char* counter = lower_counter(step.handler)) counters[counter] += step.calls;
    if (!step.note.empty())
      slow.push_back({{"node", step.node},
                      {"op", step.op},
                      {"handler", step.handler},
                      {"implementation", step.implementation},
                      {"reason", step.note}});
  }
  json dropped = json::array();
  for (const DroppedMatch& match : prepared.rewrites.dropped)
    dropped.push_back({{"rule", match.rule}, {"root", match.root}, {"reason", match.reason}});
  return {{"rules_fired", prepared.rewrites.rules_fired},
          {"counters", counters},
          {"lowerings", lowerings},
          {"fallback_ops", fallbacks},
          {"unfused_dequant", unfused},
          {"in_place", in_place},
          {"slow", slow},
          {"dropped_matches", dropped},
          {"memory", {{"arena_bytes", plan.arena_bytes()}, {"constant_bytes", plan.packed_bytes()}}},
          {"timings_ms",
           {{"load", prepared.times.load},
            {"optimize", prepared.times.optimize},
            {"prepare", prepared.times.prepare},
            {"run", prepared.times.run}}}};
}

std::string print_report(const json& report, bool color) {
  std::string out;
  table(out, "rules fired", report["rules_fired"], color);
  table(out, "runs on", report["lowerings"], color);
  table(out, "through the ATen dispatcher", report["fallback_ops"], color);
  if (report["unfused_dequant"] != 0)
    out += paint("dequantizes left", Color::bold, color) + "  " +
           std::to_string(report["unfused_dequant"].get<int64_t>()) + "  (qrules explain says why)\n";
  for (const json& slow : report["slow"])
    out += paint("slow", Color::yellow, color) + "  %" + slow["node"].get<std::string>() + " (" +
           slow["implementation"].get<std::string>() + "): " + slow["reason"].get<std::string>() + "\n";
  for (const json& match : report["dropped_matches"])
    out += paint("dropped", Color::yellow, color) + "  " + match["rule"].get<std::string>() + " at %" +
           match["root"].get<std::string>() + ": " + match["reason"].get<std::string>() + "\n";
  const json& times = report["timings_ms"];
  char line[160];
  std::snprintf(line, sizeof(line), "load %.1f ms, optimize %.1f ms, prepare %.1f ms, run %.2f ms\n",
                times["load"].get<double>(), times["optimize"].get<double>(), times["prepare"].get<double>(),
                times["run"].get<double>());
  return out + line;
}

}  // namespace qrules::tools
