// Models of which one thing was changed so that one rule no longer fires: `qrules explain` has to name that first.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "workspace.h"

namespace qrules::testing {

using nlohmann::json;

struct Change {
  const char* what;
  const char* model;
  std::vector<std::pair<std::string, std::string>> edits;  // each text occurs once
  const char* rule;                                        // that fired at `root` before
  const char* root;
  const char* reason;  // part of what is said first
};

inline json explained(const Workspace& space, const std::string& graph) {
  space.write("graph.txt", graph);
  const std::string command = "cd '" + space.folder().string() +
                              "' && '" QRULES_BIN_DIR "/qrules' explain graph.txt --rules '" QRULES_SOURCE_DIR
                              "/rules' --json >out.json 2>err.txt";
  INFO(graph);
  const int code = std::system(command.c_str());
  std::ifstream errors(space.folder() / "err.txt");
  INFO(std::string(std::istreambuf_iterator<char>(errors), {}));
  REQUIRE(code == 0);
  std::ifstream stream(space.folder() / "out.json");
  return json::parse(stream);
}

inline bool fires(const json& answer, const std::string& rule, const std::string& root) {
  for (const json& firing : answer["fired"]) {
    if (firing["rule"] == rule && firing["root"] == root) return true;
  }
  return false;
}

inline void check_changes(std::span<const Change> changes) {
  const Workspace space;
  std::map<const char*, json> unchanged;
  for (const Change& change : changes) {
    INFO(change.what);
    if (!unchanged.count(change.model)) unchanged[change.model] = explained(space, change.model);
    CHECK(fires(unchanged[change.model], change.rule, change.root));
    std::string graph = change.model;
    for (const auto& [from, to] : change.edits) {
      INFO(from);
      const size_t at = graph.find(from);
      REQUIRE(at != std::string::npos);
      CHECK(graph.find(from, at + 1) == std::string::npos);
      graph.replace(at, from.size(), to);
    }
    const json answer = explained(space, graph);
    CHECK_FALSE(fires(answer, change.rule, change.root));
    REQUIRE_FALSE(answer["near_misses"].empty());
    const json& first = answer["near_misses"][0];
    INFO(first.dump(2));
    // Several rules may be refused by the same thing.
    const std::string rule = first["rule"];
    std::vector<std::string> rules = first.value("also", std::vector<std::string>());
    rules.push_back(rule.substr(0, rule.find('[')));
    CHECK(std::count(rules.begin(), rules.end(), change.rule) == 1);
    CHECK(first["root"] == change.root);
    CHECK(first["reason"].get<std::string>().find(change.reason) != std::string::npos);
    CHECK(first["rule_place"].get<std::string>().find(".yaml:") != std::string::npos);
  }
}

}  // namespace qrules::testing
