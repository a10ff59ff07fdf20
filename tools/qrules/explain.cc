// `qrules explain`: what fired where, and what came close.

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include <qrules/graph/text.h>

#include "common/json_diagnostics.h"
#include "common/output.h"
#include "qrules/diagnostics.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

using nlohmann::json;

std::string place_of(const Span& span) {
  if (!span) return "";
  const auto position = span.file->position(span.begin);
  return span.file->name() + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

json describe(const NearMiss& miss, const std::string& phase) {
  json entry = {{"rule", miss.rule->name},
                {"phase", phase},
                {"root", miss.root->name()},
                {"passed", miss.tests_passed},
                {"of", miss.tests_total},
                {"refused", miss.refused},
                {"reason", miss.reason},
                {"kind", miss.structural ? "structure" : "condition"},
                {"rule_place", place_of(miss.span)}};
  if (miss.node) entry["node"] = miss.node->name();
  if (miss.node && miss.node->provenance() && !miss.node->provenance()->location.empty())
    entry["model_place"] = miss.node->provenance()->location;
  return entry;
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
  const auto wanted = [&](const Rule& rule) {
    return options.rule.empty() || rule.base_name == options.rule || rule.name == options.rule;
  };
  json fired = json::array(), misses = json::array();

  // Near misses of a phase are those of the graph that the phase leaves: nothing there matches any more.
  uint32_t phase = 0;
  RewriteOptions rewrite;
  rewrite.after_phase = [&](const std::string& name, const Graph& graph) {
    Graph copy = graph.clone();
    Automaton::Session session((*rewriter)->automaton(phase++), copy);
    for (Node* node : copy.nodes()) {
      if (!node->is_call()) continue;
      seen_node = seen_node || node->name() == options.node;
      for (const NearMiss& miss : session.explain(node)) {
        const bool at_node =
            options.node.empty() || node->name() == options.node || (miss.node && miss.node->name() == options.node);
        if (wanted(*miss.rule) && at_node) misses.push_back(describe(miss, name));
      }
    }
  };
  auto applied = (*rewriter)->apply(*model->graph, rewrite);
  if (!applied.ok()) return report(applied.diagnostics());
  for (const Firing& firing : applied->firings) {
    const bool at_node = options.node.empty() || firing.root == options.node ||
                         std::find(firing.matched.begin(), firing.matched.end(), options.node) != firing.matched.end();
    seen_node = seen_node || at_node;
    if ((options.rule.empty() || firing.rule == options.rule) && at_node) {
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
  // What came closest first.
  std::stable_sort(misses.begin(), misses.end(), [](const json& a, const json& b) {
    return a["passed"].get<double>() / std::max<double>(1, a["of"].get<double>()) >
           b["passed"].get<double>() / std::max<double>(1, b["of"].get<double>());
  });
  json dropped = json::array();
  for (const DroppedMatch& match : applied->dropped)
    dropped.push_back({{"rule", match.rule}, {"root", match.root}, {"reason", match.reason}});
  if (options.json) {
    std::puts(dump({{"fired", fired}, {"near_misses", misses}, {"dropped_matches", dropped}}).c_str());
    return kFine;
  }
  const bool color = wants_color(stdout);
  std::puts(paint("fired", Color::bold, color).c_str());
  for (const json& entry : fired) {
    std::string nodes;
    for (const json& node : entry["matched"]) nodes += " %" + node.get<std::string>();
    std::printf("  %s at %%%s over%s\n", entry["rule"].get<std::string>().c_str(),
                entry["root"].get<std::string>().c_str(), nodes.c_str());
  }
  for (const json& entry : dropped) {
    std::printf("  %s at %%%s matched and was dropped: %s\n", entry["rule"].get<std::string>().c_str(),
                entry["root"].get<std::string>().c_str(), entry["reason"].get<std::string>().c_str());
  }
  std::puts(paint("near misses", Color::bold, color).c_str());
  const size_t limit = options.rule.empty() && options.node.empty() ? 40 : misses.size();
  for (size_t i = 0; i < misses.size() && i < limit; ++i) {
    const json& entry = misses[i];
    std::printf("  %s at %%%s passed %d of %d\n    refused by  %s\n    because     %s\n    rule        %s\n",
                entry["rule"].get<std::string>().c_str(), entry["root"].get<std::string>().c_str(),
                entry["passed"].get<int>(), entry["of"].get<int>(), entry["refused"].get<std::string>().c_str(),
                entry["reason"].get<std::string>().c_str(), entry["rule_place"].get<std::string>().c_str());
    if (entry.contains("model_place"))
      std::printf("    model       %s\n", entry["model_place"].get<std::string>().c_str());
  }
  if (misses.size() > limit)
    std::printf("  ... %zu more; --rule and --node narrow them down, --json lists all\n", misses.size() - limit);
  return kFine;
}

}  // namespace qrules::tools
