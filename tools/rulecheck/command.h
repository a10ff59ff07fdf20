// A sub-command of rulecheck that reads rules and does something with them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <qrules/rewrite/rewrite.h>
#include <rulecheck/exit_codes.h>

namespace qrules::tools {

class Command {
 public:
  Command(CLI::App& app, const char* name, const char* what) : app_(app.add_subcommand(name, what)) {}
  virtual ~Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  bool given() const { return app_->parsed(); }
  virtual int run() = 0;

 protected:
  // --rules PATH, as often as wanted.
  void add_rules_option();
  // The rules of the command line, or the shipped ones. Nothing when they do not load (reported); `exit_code_` then
  // says how to end.
  std::optional<Rewriter> load();
  // Rules with these names or base names, in the order of the rule set; all without names. Nothing (reported) when
  // there is none of a name.
  static std::optional<std::vector<const Rule*>> find_rules(const RuleSet& rules,
                                                            const std::vector<std::string>& names);

  CLI::App* app_;
  std::vector<std::string> paths_;
  int exit_code_ = kFine;
};

std::unique_ptr<Command> make_coverage_command(CLI::App& app);
std::unique_ptr<Command> make_format_command(CLI::App& app);
std::unique_ptr<Command> make_mutate_command(CLI::App& app);
std::unique_ptr<Command> make_overlaps_command(CLI::App& app);
std::unique_ptr<Command> make_prove_command(CLI::App& app);
std::unique_ptr<Command> make_server_command(CLI::App& app);
std::unique_ptr<Command> make_test_command(CLI::App& app);

// What the application's help says of those that need the runtime.
inline constexpr const char* kAboutTest = "Runs the tests in rule files";
inline constexpr const char* kAboutProve = "Looks for graphs on which a rule changes the result";
inline constexpr const char* kAboutMutate =
    "Changes each part of each rule in turn and sees whether the rule's tests notice";
inline constexpr const char* kAboutCoverage = "Says which rules, conditions and alternatives tests and models exercise";
inline constexpr const char* kAboutServer = "Speaks the language server protocol on the standard streams, for editors";

// All of them, added to the application. Those that need the runtime are handed to rulecheck-numerics by the program
// that lacks it (numerics_here.h).
std::vector<std::unique_ptr<Command>> make_commands(CLI::App& app, char** arguments);

}  // namespace qrules::tools
