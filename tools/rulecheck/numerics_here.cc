// The half of numerics_here.h (and of command.h) that is for `rulecheck-numerics`.

#include <rulecheck/numerics_here.h>

#include <rulecheck/command.h>

namespace qrules::tools {

Comparison compare_here() {
  return [](const Graph& before, const Graph& after) { return compare_numerics(before, after); };
}

bool runs_graphs() { return true; }

int become_numerics(char**) { return kFine; }

std::vector<std::unique_ptr<Command>> make_commands(CLI::App& app, char**) {
  std::vector<std::unique_ptr<Command>> commands;
  for (const auto& make : {make_test_command, make_prove_command, make_overlaps_command, make_mutate_command,
                           make_coverage_command, make_format_command, make_server_command})
    commands.push_back(make(app));
  return commands;
}

}  // namespace qrules::tools
