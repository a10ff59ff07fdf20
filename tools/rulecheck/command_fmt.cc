// `rulecheck fmt`. See format/command.h.

#include <iostream>

#include <common/output.h>
#include <rulecheck/command.h>
#include <rulecheck/format/command.h>

namespace qrules::tools {
namespace {

class FormatCommand final : public Command {
 public:
  explicit FormatCommand(CLI::App& app) : Command(app, "fmt", "Lays rule files out") {
    app_->add_option("FILES", options_.paths, "Rule files, or folders with all .yaml files below")->required();
    app_->add_flag("--check", options_.check, "Write nothing; say which files differ, and exit with 1");
    app_->add_flag("--diff", options_.diff, "Write nothing; show what would change");
  }

  int run() override {
    options_.color = wants_color(stdout);
    return format_command(options_, std::cout, std::cerr);
  }

 private:
  FormatOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_format_command(CLI::App& app) { return std::make_unique<FormatCommand>(app); }

}  // namespace qrules::tools
