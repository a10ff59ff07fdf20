// Rule sets and matches from texts for tests: what does not load or parse fails the test with the rendered diagnostics.
#pragma once

#include <string>
#include <utility>

#include <qrules/graph/text.h>
#include <qrules/match/automaton.h>
#include <qrules/rules/load.h>

#include "../catch.h"

namespace qrules::testing {

// A rule file around rules (or other keys): version 1 with one phase `main`.
inline std::string rule_file(const std::string& body) { return "qrules: 1\nphases: [{name: main}]\n" + body; }

inline std::string indented(const std::string& lines) {
  std::string text;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    text += "      " + lines.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text;
}

// One rule as an element of `rules:`. `keys`: further lines, each "    key: value\n".
inline std::string rule_text(const std::string& name, const std::string& match, const std::string& where,
                             const std::string& rewrite, const std::string& keys = {}) {
  return "  - name: " + name + "\n    doc: d\n    phase: main\n" + keys + "    match: |\n" + indented(match) +
         (where.empty() ? "" : "    where: |\n" + indented(where)) + "    rewrite: |\n" + indented(rewrite);
}

inline RuleSet rules_of(const std::string& text, const LoadOptions& options = {}) {
  auto rules = load_rules_text("test.yaml", text, options);
  if (!rules) FAIL(render_text(rules.diagnostics()) << "\nin\n" << text);
  return std::move(rules).value();
}

// A file of one rule `r`.
inline RuleSet one_rule(const std::string& match, const std::string& where = {},
                        const std::string& rewrite = "%y = aten.tanh.default(%y)", const std::string& head = {}) {
  return rules_of(rule_file(head + "rules:\n" + rule_text("r", match, where, rewrite)));
}

// "code line:column message" of the only error; "ok" when the text loads.
inline std::string load_error(const std::string& text, const LoadOptions& options = {}) {
  const auto rules = load_rules_text("test.yaml", text, options);
  if (rules.ok()) return "ok";
  const auto& list = rules.diagnostics().list();
  if (list.size() != 1) return std::to_string(list.size()) + " diagnostics\n" + render_text(rules.diagnostics());
  std::string place = "-";
  if (!list[0].labels.empty() && list[0].labels[0].span) {
    const auto position = list[0].labels[0].span.file->position(list[0].labels[0].span.begin);
    place = std::to_string(position.line) + ":" + std::to_string(position.column);
  }
  return std::string(list[0].kind->code) + " " + place + " " + list[0].message();
}

inline std::string rule_error(const std::string& match, const std::string& where = {},
                              const std::string& rewrite = "%y = aten.tanh.default(%y)", const std::string& head = {}) {
  return load_error(rule_file(head + "rules:\n" + rule_text("r", match, where, rewrite)));
}

// A binding by name, printed; "-" when it is unbound, "?" when the rule has no such name.
inline std::string bound(const Match& match, const std::string& name, const Graph& graph) {
  for (size_t i = 0; i < match.rule->slots.size(); ++i) {
    if (match.rule->slots[i].name == name)
      return match.bindings[i].bound ? print(match.bindings[i].value, graph.dims()) : "-";
  }
  return "?";
}

}  // namespace qrules::testing
