// `qrules view`: the graph before and after, what fused and what nearly did, as one HTML file that needs nothing else.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include <qrules/graph/text.h>

#include "common/json_diagnostics.h"
#include "qrules/near_misses.h"
#include "qrules/session.h"
#include "qrules/view_page.h"

namespace qrules::tools {
namespace {

using nlohmann::json;

constexpr size_t kMostMisses = 200;  // listed on the page

const char* kind_of(const Node& node) {
  switch (node.kind()) {
    case NodeKind::placeholder: return "input";
    case NodeKind::constant: return "constant";
    case NodeKind::output: return "output";
    default: return "call";
  }
}

json describe(const Graph& graph) {
  json nodes = json::array();
  for (const Node* node = graph.first(); node; node = node->next()) {
    json operands = json::array();
    for (const Use& use : node->operands()) operands.push_back(use.value->name());
    json entry = {{"name", node->name()},
                  {"kind", kind_of(*node)},
                  {"op", node->is_call() ? node->op_name() : std::string(kind_of(*node))},
                  {"operands", operands},
                  {"type", node->tensor() ? print(*node->tensor(), graph.dims()) : std::string()},
                  {"text", print(*node)}};
    if (node->provenance() && !node->provenance()->location.empty()) entry["source"] = node->provenance()->location;
    nodes.push_back(std::move(entry));
  }
  return nodes;
}

// Which nodes of the model a node of the rewritten graph stands for, and by which rules. Firings are in order, and what
// one makes may be matched by the next.
struct Origin {
  std::set<std::string> nodes;
  std::vector<std::string> rules;
};

std::map<std::string, Origin> origins_of(const RewriteReport& report) {
  std::map<std::string, Origin> origins;
  for (const Firing& firing : report.firings) {
    Origin all;
    for (const std::string& name : firing.matched) {
      const auto known = origins.find(name);
      if (known == origins.end()) {
        all.nodes.insert(name);
        continue;
      }
      all.nodes.insert(known->second.nodes.begin(), known->second.nodes.end());
      for (const std::string& rule : known->second.rules) {
        if (std::find(all.rules.begin(), all.rules.end(), rule) == all.rules.end()) all.rules.push_back(rule);
      }
    }
    if (std::find(all.rules.begin(), all.rules.end(), firing.rule) == all.rules.end()) all.rules.push_back(firing.rule);
    for (const std::string& name : firing.created) origins[name] = all;
  }
  return origins;
}

json fusions_of(const Graph& before, const Graph& after, const RewriteReport& report) {
  const std::map<std::string, Origin> origins = origins_of(report);
  json fusions = json::array();
  for (const Node* node = after.first(); node; node = node->next()) {
    const auto found = origins.find(node->name());
    if (!node->is_call() || found == origins.end()) continue;
    json replaced = json::array();
    for (const Node* old = before.first(); old; old = old->next()) {
      if (old->is_call() && found->second.nodes.count(old->name())) replaced.push_back(old->name());
    }
    fusions.push_back({{"op", node->op_name()},
                       {"before", replaced},
                       {"after", json::array({node->name()})},
                       {"rules", found->second.rules}});
  }
  return fusions;
}

// Each node of a fusion gets its number; in the model's graph a node that went into several has the last.
void number_fusions(json& nodes, const json& fusions, const char* side) {
  std::map<std::string, size_t> numbers;
  for (size_t i = 0; i < fusions.size(); ++i) {
    for (const json& name : fusions[i][side]) numbers[name.get<std::string>()] = i;
  }
  for (json& node : nodes) {
    if (auto found = numbers.find(node["name"].get<std::string>()); found != numbers.end())
      node["fusion"] = found->second;
  }
}

json misses_of(const Misses& misses) {
  json list = json::array();
  for (const Miss& miss : misses) {
    if (!miss.taken_by.empty() || miss.follows >= 0 || list.size() == kMostMisses) continue;
    json values = json::array(), stops = json::array();
    for (const NamedValue& value : miss.values)
      values.push_back({{"name", value.name}, {"argument", value.title}, {"value", value.value}});
    for (size_t i : miss.stops) stops.push_back(misses[i].rule->base_name + " at %" + misses[i].root);
    list.push_back({{"rule", miss.rule->name},
                    {"base", miss.rule->base_name},
                    {"root", miss.root},
                    {"node", miss.node},
                    {"matched", miss.matched},
                    {"reason", miss.reason},
                    {"refused", miss.refused},
                    {"values", values},
                    {"passed", miss.passed},
                    {"of", miss.of},
                    {"place", place_of(miss.span)},
                    {"source", miss.source},
                    {"stops", stops},
                    {"strong", is_strong(miss)}});
  }
  return list;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

// Inside a script element only `<` could end it or open a comment; in JSON it occurs in strings alone.
std::string for_script(const json& data) {
  std::string result;
  for (char c : dump(data, -1)) {
    if (c == '<')
      result += "\\u003c";
    else
      result += c;
  }
  return result;
}

// The template with its marks replaced, in one pass: what is put in is not looked at again.
std::string filled(std::string_view page, const std::map<std::string_view, std::string>& parts) {
  std::string result;
  size_t at = 0;
  while (true) {
    const size_t open = page.find("{{", at), close = page.find("}}", open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    result += page.substr(at, open - at);
    result += parts.at(page.substr(open + 2, close - open - 2));
    at = close + 2;
  }
  return result.append(page.substr(at));
}

}  // namespace

int view_command(const ViewOptions& options) {
  auto model = read_model(options.model.model);
  if (!model.ok()) return report(model.diagnostics());
  auto rewriter = read_rules(options.model);
  if (!rewriter.ok()) return report(rewriter.diagnostics());
  Graph& graph = *model->graph;
  const Graph before = graph.clone();
  json data = {
      {"before", describe(before)}, {"fusions", json::array()}, {"misses", json::array()}, {"rules", json::object()}};
  if (*rewriter) {
    NearMisses collected;
    RewriteOptions rewrite;
    collected.watch(rewrite);
    auto applied = (*rewriter)->apply(graph, rewrite);
    if (!applied.ok()) return report(applied.diagnostics());
    data["fusions"] = fusions_of(before, graph, *applied);
    data["misses"] = misses_of(std::move(collected).ranked(*applied, (*rewriter)->rules(), graph));
    for (const Rule& rule : (*rewriter)->rules().rules)
      data["rules"][rule.base_name] = {{"doc", rule.doc}, {"place", place_of(rule.span)}};
  }
  data["after"] = describe(graph);
  data["unfused"] = unfused_dequantizes(graph).size();
  number_fusions(data["before"], data["fusions"], "before");
  number_fusions(data["after"], data["fusions"], "after");
  const std::string name = std::filesystem::path(options.model.model).filename().string();
  const std::string page = filled(view_html(), {{"title", escaped(name)},
                                                {"style", std::string(view_css())},
                                                {"data", for_script(data)},
                                                {"script", std::string(view_js())}});
  const Status written = write_file(options.output, page);
  return written.ok() ? kFine : report(written.diagnostics());
}

}  // namespace qrules::tools
