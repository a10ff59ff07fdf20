// The half of numerics_here.h (and of command.h) that is for `rulecheck`.

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include <unistd.h>

#include <rulecheck/command.h>
#include <rulecheck/numerics_cache.h>
#include <rulecheck/numerics_here.h>

namespace qrules::tools {
namespace {

// Its options are read by the other program, also --help.
class HandedOver final : public Command {
 public:
  HandedOver(CLI::App& app, const char* name, const char* what, char** arguments)
      : Command(app, name, what), arguments_(arguments) {
    app_->set_help_flag();
    app_->prefix_command();
  }
  int run() override { return become_numerics(arguments_); }

 private:
  char** arguments_;
};

}  // namespace

Comparison compare_here() {
  return [](const Graph&, const Graph&) -> std::optional<Result<NumericsReport>> { return std::nullopt; };
}

bool runs_graphs() { return false; }

int become_numerics(char** arguments) {
  const std::string program = numerics_program();
  std::cout << std::flush;
  execv(program.c_str(), arguments);
  std::cerr << "rulecheck: cannot start " << program << ": " << std::strerror(errno) << "\n";
  return kCannotReadInput;
}

std::vector<std::unique_ptr<Command>> make_commands(CLI::App& app, char** arguments) {
  std::vector<std::unique_ptr<Command>> commands;
  const auto hand_over = [&](const char* name, const char* what) {
    commands.push_back(std::make_unique<HandedOver>(app, name, what, arguments));
  };
  hand_over("test", kAboutTest);
  hand_over("prove", kAboutProve);
  commands.push_back(make_overlaps_command(app));
  hand_over("mutate", kAboutMutate);
  hand_over("coverage", kAboutCoverage);
  commands.push_back(make_format_command(app));
  hand_over("lsp", kAboutServer);
  return commands;
}

}  // namespace qrules::tools
