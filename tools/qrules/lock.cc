#include "qrules/lock.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <qrules/runtime/plan.h>

#include "common/output.h"
#include "qrules/diagnostics.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

json handlers_of(const std::shared_ptr<const Graph>& graph) {
  std::vector<TensorLayout> inputs;
  for (const Node* node : graph->placeholders()) {
    if (!node->tensor()) return nullptr;
    std::vector<int64_t> sizes;
    for (Dim size : node->tensor()->sizes) {
      if (!size.is_static()) return nullptr;
      sizes.push_back(size.value());
    }
    inputs.push_back(TensorLayout::contiguous(node->tensor()->dtype, sizes));
  }
  const auto symbols = bind_symbols(*graph, inputs);
  if (!symbols.ok()) return nullptr;
  const auto plan = Plan::prepare(graph, *symbols);
  if (!plan.ok()) return nullptr;
  std::map<std::string, int64_t> handlers;
  for (const PlanStep& step : (*plan)->steps()) {
    if (step.implementation != "constant") handlers[step.handler] += step.calls;
  }
  return handlers;
}

// Why a text is no lock of ours, or an empty text.
std::string misfit(const json& lock) {
  if (!lock.is_object() || !lock.contains("qrules_lock")) return "it has no key `qrules_lock`";
  if (lock["qrules_lock"] != kVersion)
    return "it has version " + lock["qrules_lock"].dump() + ", this program reads version " + std::to_string(kVersion);
  const auto counts = [](const json& value) {
    return value.is_object() &&
           std::all_of(value.begin(), value.end(), [](const json& n) { return n.is_number_unsigned(); });
  };
  if (!lock.contains("rules") || !counts(lock["rules"])) return "`rules` has to map rules to counts";
  if (!lock.contains("handlers") || !(lock["handlers"].is_null() || counts(lock["handlers"])))
    return "`handlers` has to be null or to map handlers to counts";
  if (!lock.contains("fired") || !lock["fired"].is_array()) return "`fired` has to be a list";
  for (const json& firing : lock["fired"]) {
    if (!firing.is_object() || !firing.contains("rule") || !firing["rule"].is_string() || !firing.contains("root") ||
        !firing["root"].is_string())
      return "an element of `fired` has to have the texts `rule` and `root`";
  }
  if (!lock.contains("unfused_dequantizes") || !lock["unfused_dequantizes"].is_array())
    return "`unfused_dequantizes` has to be a list";
  for (const json& node : lock["unfused_dequantizes"]) {
    if (!node.is_string()) return "an element of `unfused_dequantizes` has to be a text";
  }
  return "";
}

int64_t count_in(const json& counts, const std::string& key) {
  return counts.is_object() && counts.contains(key) ? counts[key].get<int64_t>() : 0;
}

std::set<std::string> keys_of(const json& a, const json& b) {
  std::set<std::string> keys;
  for (const json* counts : {&a, &b}) {
    for (const auto& [key, value] : counts->items()) keys.insert(key);
  }
  return keys;
}

// Steps of the dispatcher, and those on fast kernels by what they do: which of these has them is no matter.
std::map<std::string, int64_t> steps_by_speed(const json& handlers) {
  std::map<std::string, int64_t> steps;
  for (const auto& [handler, count] : handlers.items()) {
    if (handler == "reorder" || handler.rfind("decomposed.", 0) == 0) continue;
    const size_t dot = handler.find('.');
    steps[dot == std::string::npos ? handler : handler.substr(dot + 1)] += count.get<int64_t>();
  }
  return steps;
}

}  // namespace

json make_lock(const RewriteReport& report, const std::shared_ptr<const Graph>& graph) {
  std::vector<std::pair<std::string, std::string>> fired;
  for (const Firing& firing : report.firings) fired.emplace_back(firing.rule, firing.root);
  std::sort(fired.begin(), fired.end());
  json list = json::array();
  for (const auto& [rule, root] : fired) list.push_back({{"rule", rule}, {"root", root}});
  std::vector<std::string> unfused = unfused_dequantizes(*graph);
  std::sort(unfused.begin(), unfused.end());
  return {{"qrules_lock", kVersion},
          {"rules", report.rules_fired},
          {"fired", list},
          {"unfused_dequantizes", unfused},
          {"handlers", handlers_of(graph)}};
}

Result<json> read_lock(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();  // an empty file is no JSON either
  if (!stream) return Diagnostic(kCannotReadLock).with("path", path).with("why", "it cannot be opened");
  json lock = json::parse(text.str(), nullptr, false);
  if (lock.is_discarded()) return Diagnostic(kBadLock).with("path", path).with("why", "it is no JSON");
  if (const std::string why = misfit(lock); !why.empty())
    return Diagnostic(kBadLock).with("path", path).with("why", why);
  return lock;
}

LockDifference compare_locks(const json& expected, const json& found) {
  LockDifference difference;
  const auto say = [&](bool loss, std::string sentence) {
    (loss ? difference.losses : difference.gains).push_back(std::move(sentence));
  };
  const auto pairs = [](const json& lock) {
    std::multiset<std::pair<std::string, std::string>> fired;
    for (const json& firing : lock["fired"]) fired.emplace(firing["root"], firing["rule"]);
    return fired;
  };
  const auto before = pairs(expected), now = pairs(found);
  for (const std::string& rule : keys_of(expected["rules"], found["rules"])) {
    const int64_t had = count_in(expected["rules"], rule), has = count_in(found["rules"], rule);
    if (had == has) continue;
    std::string sentence =
        rule + " fires " + counted(static_cast<size_t>(has), "time") + ", the lock says " + std::to_string(had);
    if (has < had) {
      const auto gone = std::find_if(before.begin(), before.end(),
                                     [&](const auto& firing) { return firing.second == rule && !now.count(firing); });
      if (gone != before.end()) {
        sentence += "; not at %" + gone->first;
        if (difference.lost_rule.empty()) std::tie(difference.lost_root, difference.lost_rule) = *gone;
      }
    }
    say(has < had, std::move(sentence));
  }
  const auto dequantizes = [](const json& lock) { return lock["unfused_dequantizes"].get<std::set<std::string>>(); };
  const std::set<std::string> left = dequantizes(found), known = dequantizes(expected);
  if (left.size() != known.size()) {
    say(left.size() > known.size(), counted(left.size(), "dequantize") + (left.size() == 1 ? " stays" : " stay") +
                                        ", the lock says " + std::to_string(known.size()));
  }
  if (expected["handlers"].is_object() && found["handlers"].is_object()) {
    const auto had = steps_by_speed(expected["handlers"]), has = steps_by_speed(found["handlers"]);
    std::set<std::string> names;
    for (const auto* steps : {&had, &has})
      for (const auto& [name, count] : *steps) names.insert(name);
    for (const std::string& name : names) {
      const int64_t before_count = had.count(name) ? had.at(name) : 0, count = has.count(name) ? has.at(name) : 0;
      if (before_count == count) continue;
      say((name == "aten") == (count > before_count), (name == "aten" ? name : "`" + name + "` on fast kernels") +
                                                          " has " + std::to_string(count) + " steps, the lock says " +
                                                          std::to_string(before_count));
    }
  } else if (expected["handlers"].is_object()) {
    say(true, "the plan cannot be prepared, so the handlers of the lock cannot be compared");
  }
  return difference;
}

std::optional<size_t> answer_for(const LockDifference& difference, const Misses& misses) {
  std::optional<size_t> at_root;
  for (size_t i = 0; i < misses.size(); ++i) {
    if (misses[i].root != difference.lost_root) continue;
    if (misses[i].rule->base_name == difference.lost_rule) return i;
    if (!at_root) at_root = i;
  }
  if (!at_root && !misses.empty()) return 0;
  return at_root;
}

}  // namespace qrules::tools
