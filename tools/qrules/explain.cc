// `qrules explain`: what fired where, and what came close.

#include <algorithm>
#include <cstdio>
#include <map>

#include <nlohmann/json.hpp>

#include "common/json_diagnostics.h"
#include "common/output.h"
#include "qrules/diagnostics.h"
#include "qrules/near_misses.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

using nlohmann::json;

// Kinds of near misses that the text shows when nothing narrows them down.
constexpr size_t kShown = 20;
// Misses of one rule by one thing, at several places.
struct Group {
  size_t first = 0;
  std::vector<std::string> elsewhere;
};

std::vector<Group> grouped(const Misses& misses, const std::vector<size_t>& shown) {
  std::vector<Group> groups;
  std::map<std::string, size_t> known;
  for (size_t i : shown) {
    const Miss& miss = misses[i];
    const std::string key = miss.rule->base_name + "\n" + place_of(miss.span) + "\n" +
                            (miss.by == RefusedBy::op ? miss.found : std::string()) + (miss.stops.empty() ? "" : "\n+");
    auto [found, added] = known.emplace(key, groups.size());
    if (added)
      groups.push_back({i, {}});
    else
      groups[found->second].elsewhere.push_back("%" + miss.root);
  }
  return groups;
}

}  // namespace

int explain_command(const ExplainOptions& options) {
  auto model = read_model(options.model.model);
  if (!model.ok()) return report(model.diagnostics());
  auto rewriter = read_rules(options.model);
  if (!rewriter.ok()) return report(rewriter.diagnostics());
  if (!*rewriter) return kFine;
  const RuleSet& rules = (*rewriter)->rules();
  if (!options.rule.empty()) {
    std::vector<std::string> known;
    for (const Rule& rule : rules.rules) known.insert(known.end(), {rule.base_name, rule.name});
    if (std::find(known.begin(), known.end(), options.rule) == known.end()) {
      Diagnostics wrong;
      Diagnostic diagnostic = Diagnostic(kUnknownRuleName).with("name", options.rule);
      diagnostic.suggest(options.rule, known);
      wrong.add(std::move(diagnostic));
      return report(wrong);
    }
  }
  // A node may be named as the model does or as a phase leaves it.
  bool seen_node = options.node.empty() || model->graph->find(options.node);
  json fired = json::array();
  NearMisses collected(options.rule);
  RewriteOptions rewrite;
  collected.watch(rewrite);
  rewrite.after_phase = [&](const std::string&, const Graph& graph) {
    seen_node = seen_node || graph.find(options.node);
  };
  auto applied = (*rewriter)->apply(*model->graph, rewrite);
  if (!applied.ok()) return report(applied.diagnostics());
  const auto has = [&](const std::vector<std::string>& names) {
    return options.node.empty() || std::find(names.begin(), names.end(), options.node) != names.end();
  };
  for (const Firing& firing : applied->firings) {
    const bool at_node = firing.root == options.node || has(firing.matched);
    seen_node = seen_node || at_node;
    // An instance of a `foreach` fires under the name of its rule.
    const std::string rule = options.rule.substr(0, options.rule.find('['));
    if ((options.rule.empty() || firing.rule == rule) && at_node) {
      fired.push_back({{"rule", firing.rule},
                       {"phase", firing.phase},
                       {"root", firing.root},
                       {"matched", firing.matched},
                       {"created", firing.created}});
    }
  }
  if (!seen_node) {
    Diagnostics wrong;
    wrong.add(Diagnostic(kUnknownNode).with("name", options.node));
    return report(wrong);
  }
  const Misses misses = std::move(collected).ranked(*applied, rules, *model->graph);
  std::vector<size_t> wanted;
  for (size_t i = 0; i < misses.size(); ++i) {
    if (misses[i].root == options.node || misses[i].node == options.node || has(misses[i].matched)) wanted.push_back(i);
  }
  json dropped = json::array();
  for (const DroppedMatch& match : applied->dropped)
    dropped.push_back({{"rule", match.rule}, {"root", match.root}, {"reason", match.reason}});
  if (options.json) {
    json near = json::array();
    for (size_t i : wanted) near.push_back(to_json(misses, i, rules));
    std::puts(dump({{"fired", fired}, {"near_misses", near}, {"dropped_matches", dropped}}).c_str());
    return kFine;
  }
  // What follows from another miss is named there, and what another rule took is none; who asks for a rule or a node
  // wants to see them all the same.
  const bool narrowed = !options.rule.empty() || !options.node.empty();
  std::vector<size_t> shown;
  for (size_t i : wanted) {
    if (narrowed || (misses[i].follows < 0 && misses[i].taken_by.empty())) shown.push_back(i);
  }
  const bool color = wants_color(stdout);
  const std::vector<Group> groups = grouped(misses, shown);
  std::puts(paint("near misses", Color::bold, color).c_str());
  // Nothing comes closer than a match.
  for (const json& entry : dropped) {
    std::printf("  %s at %%%s matched and was dropped: %s\n", entry["rule"].get<std::string>().c_str(),
                entry["root"].get<std::string>().c_str(), entry["reason"].get<std::string>().c_str());
  }
  if (groups.empty() && dropped.empty()) std::puts("  none");
  for (size_t i = 0; i < groups.size() && (narrowed || i < kShown); ++i)
    print_miss(misses, groups[i].first, groups[i].elsewhere, color);
  if (!narrowed && groups.size() > kShown)
    std::printf("  ... %zu more; --rule and --node narrow them down, --json lists all\n", groups.size() - kShown);
  std::puts(paint("fired", Color::bold, color).c_str());
  if (fired.empty()) std::puts("  none");
  for (const json& entry : fired) {
    std::string nodes;
    for (const json& node : entry["matched"]) nodes += " %" + node.get<std::string>();
    std::printf("  %s at %%%s over%s\n", entry["rule"].get<std::string>().c_str(),
                entry["root"].get<std::string>().c_str(), nodes.c_str());
  }
  return kFine;
}

}  // namespace qrules::tools
