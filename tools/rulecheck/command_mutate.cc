// `rulecheck mutate`.

#include <array>
#include <cstdio>
#include <iostream>
#include <set>

#include <common/output.h>
#include <common/parallel.h>
#include <rulecheck/command.h>
#include <rulecheck/mutate.h>

namespace qrules::tools {
namespace {

class MutateCommand final : public Command {
 public:
  explicit MutateCommand(CLI::App& app) : Command(app, "mutate", kAboutMutate) {
    app_->add_option("RULE", names_, "Names of rules; without any: all");
    add_rules_option();
    app_->add_option("--threshold", threshold_,
                     "Per cent of the mutants that tests must notice; 1 is the exit code below")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    app_->add_option("--jobs", jobs_, "Threads; default: all")->check(CLI::PositiveNumber);
    app_->add_flag("-v,--verbose", verbose_, "Also the mutants that are noticed, and by which test");
  }

  int run() override {
    std::optional<Rewriter> rewriter = load();
    if (!rewriter) return exit_code_;
    const RuleSet& rules = rewriter->rules();
    const auto chosen = find_rules(rules, names_);
    if (!chosen) return kWrongUsage;
    std::vector<Mutant> mutants;
    std::set<std::string> seen;
    for (const Rule* rule : *chosen) {
      if (!seen.insert(rule->base_name).second) continue;
      for (Mutant& mutant : mutants_of(rules, rule->base_name)) mutants.push_back(std::move(mutant));
    }
    std::vector<MutantOutcome> outcomes(mutants.size());
    in_parallel(mutants.size(), jobs_, [&](size_t i) { outcomes[i] = run_mutant(rules, std::move(mutants[i])); });
    size_t killed = 0;
    const bool color = wants_color(stdout);
    for (const MutantOutcome& outcome : outcomes) {
      killed += outcome.killed ? 1 : 0;
      if (outcome.killed && !verbose_) continue;
      const Span& span = outcome.mutant.span;
      if (span) {
        const auto position = span.file->position(span.begin);
        std::cout << span.file->name() << ":" << position.line << ":" << position.column << ": ";
      }
      std::cout << (outcome.killed ? paint("noticed", Color::green, color) : paint("survived", Color::red, color))
                << ": `" << outcome.mutant.rule << "` " << outcome.mutant.what;
      if (outcome.killed) std::cout << ", by `" << outcome.by << "`";
      std::cout << "\n";
    }
    const double score =
        outcomes.empty() ? 100 : 100 * static_cast<double>(killed) / static_cast<double>(outcomes.size());
    std::array<char, 32> percent;
    std::snprintf(percent.data(), percent.size(), "%.1f", score);
    std::cout << counted(outcomes.size(), "mutant") << ": " << killed << " noticed, " << outcomes.size() - killed
              << " survived; score " << percent.data() << " %\n";
    return score < threshold_ ? kErrors : kFine;
  }

 private:
  std::vector<std::string> names_;
  double threshold_ = 90;
  unsigned jobs_ = 0;
  bool verbose_ = false;
};

}  // namespace

std::unique_ptr<Command> make_mutate_command(CLI::App& app) { return std::make_unique<MutateCommand>(app); }

}  // namespace qrules::tools
