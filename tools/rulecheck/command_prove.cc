// `rulecheck prove`.

#include <iostream>

#include <common/output.h>
#include <rulecheck/command.h>
#include <rulecheck/prove.h>

namespace qrules::tools {
namespace {

class ProveCommand final : public Command {
 public:
  explicit ProveCommand(CLI::App& app) : Command(app, "prove", kAboutProve) {
    app_->add_option("RULE", names_, "Names of rules, or instances of a `foreach`; without any: all");
    add_rules_option();
    app_->add_option("--seed", options_.seed, "Other graphs for another number")->capture_default_str();
    CLI::Option* graphs = app_->add_option("--graphs", options_.graphs, "Graphs for each rule")->capture_default_str();
    app_->add_option("--budget", budget_, "Make graphs for this long instead")->type_name("SECONDS")->excludes(graphs);
  }

  int run() override {
    std::optional<Rewriter> rewriter = load();
    if (!rewriter) return exit_code_;
    const std::optional<std::vector<const Rule*>> rules = find_rules(rewriter->rules(), names_);
    if (!rules) return kWrongUsage;
    size_t failed = 0, unknown = 0;
    const bool color = wants_color(stdout);
    for (size_t i = 0; i < rules->size(); ++i) {
      ProveOptions options = options_;
      if (budget_) {
        // What is left, in equal parts.
        const auto now = std::chrono::steady_clock::now();
        if (i == 0)
          end_ = now + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(*budget_));
        options.deadline = now + (end_ - now) / static_cast<int64_t>(rules->size() - i);
        options.graphs = SIZE_MAX;
      }
      const Proof proof = prove(*rewriter, *(*rules)[i], options);
      print(proof, color);
      if (proof.counterexample)
        ++failed;
      else if (!proof.proved())
        ++unknown;
    }
    std::cout << counted(rules->size(), "rule") << ": " << rules->size() - failed - unknown << " held, " << failed
              << " failed, " << unknown << " unknown\n";
    return failed + unknown > 0 ? kErrors : kFine;
  }

 private:
  static void print(const Proof& proof, bool color) {
    const Counterexample* found = proof.counterexample ? &*proof.counterexample : nullptr;
    std::cout << (found            ? paint("failed ", Color::red, color)
                  : proof.proved() ? paint("held   ", Color::green, color)
                                   : paint("unknown", Color::yellow, color))
              << "  " << proof.rule->name << paint(": ", Color::dim, color) << counted(proof.graphs, "graph") << ", "
              << counted(proof.runs, "run");
    if (proof.refused > 0) std::cout << ", " << proof.refused << " refused by the rewrite";
    if (proof.not_run > 0) std::cout << ", " << proof.not_run << " not run";
    if (proof.one_apart > 0) std::cout << ", " << proof.one_apart << " integers one apart at ties";
    std::cout << "\n";
    if (!found) {
      if (proof.proved() && proof.refused > 0) std::cout << "  refused: " << proof.why_refused << "\n";
      if (!proof.proved() && !proof.why_not.empty()) std::cout << "  " << proof.why_not << "\n";
      return;
    }
    std::cout << "  " << found->difference << "\n  a test that shows it:\n\n" << found->test << "\n";
  }

  std::vector<std::string> names_;
  ProveOptions options_;
  std::optional<double> budget_;
  std::chrono::steady_clock::time_point end_;
};

}  // namespace

std::unique_ptr<Command> make_prove_command(CLI::App& app) { return std::make_unique<ProveCommand>(app); }

}  // namespace qrules::tools
