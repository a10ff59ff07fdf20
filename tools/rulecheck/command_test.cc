// `rulecheck test`.

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>

#include <common/output.h>
#include <common/parallel.h>
#include <rulecheck/command.h>
#include <rulecheck/diagnostics.h>
#include <rulecheck/junit.h>
#include <rulecheck/numerics_here.h>
#include <rulecheck/test_runner.h>
#include <rulecheck/update.h>

namespace qrules::tools {
namespace {

class TestCommand final : public Command {
 public:
  explicit TestCommand(CLI::App& app) : Command(app, "test", kAboutTest) {
    app_->add_option("FILES", paths_, "Rule files, or folders with a pipeline.yaml");
    app_->add_option("--filter", filter_, "Only tests with this in their name or in their rule's")->type_name("TEXT");
    app_->add_option("--jobs", jobs_, "Threads; default: all")->check(CLI::PositiveNumber);
    app_->add_option("--junit", junit_, "Also write the outcomes as JUnit XML")->type_name("FILE");
    app_->add_flag("--update", update_, "Write the `result` that was found where only that differs; shown first");
    app_->add_flag("-v,--verbose", verbose_, "A line for each test, also for those that are validated");
  }

  int run() override {
    std::optional<Rewriter> rewriter = load();
    if (!rewriter) return exit_code_;
    std::vector<std::pair<const Rule*, const RuleTest*>> wanted;
    for (const Rule& rule : rewriter->rules().rules) {
      for (const RuleTest& test : rule.tests) {
        const auto has = [&](const std::string& name) { return name.find(filter_) != std::string::npos; };
        if (has(rule.base_name) || has(test.name)) wanted.emplace_back(&rule, &test);
      }
    }
    if (wanted.empty()) {
      std::cerr << (filter_.empty() ? "rulecheck: there are no tests in these rules\n"
                                    : "rulecheck: no test has `" + filter_ + "` in its name or in its rule's\n");
      return kWrongUsage;
    }
    const Comparison compare = compare_here();
    std::vector<TestOutcome> outcomes(wanted.size());
    in_parallel(wanted.size(), jobs_,
                [&](size_t i) { outcomes[i] = run_test(*rewriter, *wanted[i].first, *wanted[i].second, compare); });
    print(outcomes);
    if (!junit_.empty()) {
      std::ofstream file(junit_, std::ios::binary);
      file << to_junit(outcomes);
      file.close();
      if (!file) {
        std::cerr << "rulecheck: cannot write " << junit_ << "\n";
        return kCannotReadInput;
      }
    }
    size_t failed = 0, updated = 0;
    for (const TestOutcome& outcome : outcomes) failed += outcome.passed ? 0 : 1;
    if (update_) {
      const Result<size_t> written = update_results(outcomes);
      if (!written.ok()) {
        std::cerr << render_text(written.diagnostics(), wants_color(stderr));
        return kCannotReadInput;
      }
      updated = *written;
      std::cout << counted(updated, "result") << " written\n";
    }
    return failed > updated ? kErrors : kFine;
  }

 private:
  void print(const std::vector<TestOutcome>& outcomes) const {
    const bool color = wants_color(stdout);
    std::map<Outcome, size_t> count;
    for (const TestOutcome& outcome : outcomes) {
      ++count[outcome.kind()];
      if (outcome.passed && !verbose_) continue;
      std::array<char, 32> time;
      std::snprintf(time.data(), time.size(), "%.1f ms", outcome.milliseconds);
      std::cout << paint(name(outcome.kind()), outcome.passed ? Color::green : Color::red, color) << ": "
                << outcome.rule->base_name << ": " << outcome.test->name
                << paint(std::string("  (") + time.data() + ")", Color::dim, color) << "\n";
      if (!outcome.passed) std::cout << render_text(outcome.found, color);
    }
    std::string summary;
    for (const auto& [kind, number] : count)
      summary += (summary.empty() ? ": " : ", ") + std::to_string(number) + " " + std::string(name(kind));
    std::cout << counted(outcomes.size(), "test") << summary << "\n";
  }

  std::string filter_, junit_;
  unsigned jobs_ = 0;
  bool update_ = false, verbose_ = false;
};

}  // namespace

std::unique_ptr<Command> make_test_command(CLI::App& app) { return std::make_unique<TestCommand>(app); }

}  // namespace qrules::tools
