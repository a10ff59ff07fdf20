// See command.h.

#include <rulecheck/command.h>

#include <algorithm>
#include <iostream>

#include <common/output.h>
#include <common/rules_folder.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/load.h>

namespace qrules::tools {

void Command::add_rules_option() {
  app_->add_option("--rules", paths_, "Rule files, or folders with a pipeline.yaml; default: the shipped rules")
      ->type_name("PATH");
}

std::optional<Rewriter> Command::load() {
  if (paths_.empty()) {
    const std::optional<std::string> folder = default_rules_folder();
    if (!folder) {
      std::cerr << "rulecheck: no rules found; name a file or folder, or set QRULES_RULES\n";
      exit_code_ = kCannotReadInput;
      return std::nullopt;
    }
    paths_.push_back(*folder);
  }
  Result<RuleSet> loaded = load_rules(paths_);
  if (loaded.ok()) return Rewriter(std::move(*loaded));
  std::cerr << render_text(loaded.diagnostics(), wants_color(stderr));
  const auto& list = loaded.diagnostics().list();
  const bool unreadable = std::any_of(list.begin(), list.end(), [](const Diagnostic& diagnostic) {
    return diagnostic.kind == &kCannotRead && diagnostic.labels.empty();
  });
  exit_code_ = unreadable ? kCannotReadInput : kErrors;
  return std::nullopt;
}

std::optional<std::vector<const Rule*>> Command::find_rules(const RuleSet& rules,
                                                            const std::vector<std::string>& names) {
  std::vector<const Rule*> found;
  const auto is_named = [](const Rule& rule, const std::string& name) {
    return rule.name == name || rule.base_name == name;
  };
  for (const std::string& name : names) {
    if (std::any_of(rules.rules.begin(), rules.rules.end(), [&](const Rule& rule) { return is_named(rule, name); }))
      continue;
    std::vector<std::string> known;
    for (const Rule& rule : rules.rules) known.push_back(rule.base_name);
    std::cerr << "rulecheck: there is no rule `" << name << "`";
    if (auto near = did_you_mean(name, known)) std::cerr << "; did you mean `" << *near << "`?";
    std::cerr << "\n";
    return std::nullopt;
  }
  for (const Rule& rule : rules.rules) {
    if (names.empty() ||
        std::any_of(names.begin(), names.end(), [&](const std::string& name) { return is_named(rule, name); }))
      found.push_back(&rule);
  }
  return found;
}

}  // namespace qrules::tools
