// `rulecheck coverage`.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>

#include <common/output.h>
#include <qrules/runtime/model.h>
#include <rulecheck/command.h>
#include <rulecheck/coverage.h>

namespace qrules::tools {
namespace {

namespace fs = std::filesystem;

class CoverageCommand final : public Command {
 public:
  explicit CoverageCommand(CLI::App& app) : Command(app, "coverage", kAboutCoverage) {
    app_->add_option("FILES", paths_, "Rule files, or folders with a pipeline.yaml");
    app_->add_option("--models", models_, "A folder with archives (*.pt2), also in folders below it")->type_name("DIR");
    app_->add_option("--threshold", threshold_, "Per cent that must be exercised; 1 is the exit code below")
        ->check(CLI::Range(0.0, 100.0));
    app_->add_flag("-v,--verbose", verbose_, "All rules, not only what is never exercised");
  }

  int run() override {
    std::optional<Rewriter> rewriter = load();
    if (!rewriter) return exit_code_;
    Coverage coverage(*rewriter);
    coverage.add_tests();
    if (!models_.empty()) {
      if (const int code = read_models(*rewriter, coverage); code != kFine) return code;
    }
    size_t fired = 0, conditions = 0, both = 0, ways = 0, taken = 0;
    for (const RuleCoverage& rule : coverage.rules()) {
      fired += rule.fired.all() > 0 ? 1 : 0;
      conditions += rule.conditions.size();
      for (const ConditionCoverage& condition : rule.conditions)
        both += condition.held.all() > 0 && condition.refused.all() > 0 ? 1 : 0;
      ways += rule.ways.size();
      for (const WayCoverage& way : rule.ways) taken += way.taken.all() > 0 ? 1 : 0;
      print(rule);
    }
    print_left(coverage);
    const double score = coverage.score();
    std::array<char, 32> percent;
    std::snprintf(percent.data(), percent.size(), "%.1f", score);
    std::cout << counted(coverage.rules().size(), "rule") << ": " << fired << " fired; " << both << " of "
              << counted(conditions, "condition") << " held and refused; " << taken << " of "
              << counted(ways, "alternative") << " taken";
    if (!models_.empty())
      std::cout << "; " << counted(read_, "model") << ", " << counted(coverage.left_float().size(), "dequantize")
                << " left in floating point";
    std::cout << "; " << percent.data() << " % exercised\n";
    return score < threshold_ ? kErrors : kFine;
  }

 private:
  int read_models(const Rewriter& rewriter, Coverage& coverage) {
    std::error_code error;
    std::vector<std::string> files;
    for (fs::recursive_directory_iterator entry(models_, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().extension() == ".pt2") files.push_back(entry->path().string());
    }
    if (error || files.empty()) {
      std::cerr << "rulecheck: " << (error ? "cannot read " + models_ : "there is no *.pt2 in " + models_) << "\n";
      return kCannotReadInput;
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
      Result<Model> model = load_model(file, rewriter.rules().operators);
      const Status added =
          model.ok() ? coverage.add_model(fs::path(file).lexically_relative(models_).generic_string(), *model->graph)
                     : Status(model.diagnostics());
      if (!added.ok()) {
        std::cerr << render_text(added.diagnostics(), wants_color(stderr));
        return kErrors;
      }
      ++read_;
    }
    return kFine;
  }

  static std::string place(const Span& span) {
    if (!span) return "";
    return span.file->name() + ":" + std::to_string(span.file->position(span.begin).line) + ": ";
  }
  std::string times(const Count& count) const {
    std::string text = std::to_string(count.tests) + " in tests";
    return models_.empty() ? text : text + ", " + std::to_string(count.models) + " in models";
  }

  void print(const RuleCoverage& rule) const {
    const bool color = wants_color(stdout);
    const auto line = [&](const Span& span, const std::string& text, bool fine) {
      if (fine && !verbose_) return;
      std::cout << place(span) << rule.rule << ": " << (fine ? text : paint(text, Color::yellow, color)) << "\n";
    };
    line(rule.span, rule.fired.all() == 0 ? "never fires" : "fires " + times(rule.fired), rule.fired.all() > 0);
    for (const ConditionCoverage& condition : rule.conditions) {
      const std::string text = "`" + condition.text + "`: ";
      const bool held = condition.held.all() > 0, refused = condition.refused.all() > 0;
      if (held && refused)
        line(condition.span, text + "held " + times(condition.held) + "; refused " + times(condition.refused), true);
      else
        line(condition.span, text + (held ? "never refused" : refused ? "always refused" : "never asked"), false);
    }
    for (const WayCoverage& way : rule.ways)
      line(way.span, "`" + way.text + "`: " + (way.taken.all() == 0 ? "never taken" : "taken " + times(way.taken)),
           way.taken.all() > 0);
  }

  static void print_left(const Coverage& coverage) {
    for (const LeftFloat& left : coverage.left_float()) {
      std::cout << left.model << ": %" << left.node << " stays in floating point";
      if (left.rule.empty()) {
        std::cout << "; no rule comes near\n";
        continue;
      }
      std::cout << "; `" << left.rule << "` passed " << left.passed << " of " << left.of << ", refused by `"
                << left.refused << "`";
      if (!left.reason.empty()) std::cout << ": " << left.reason;
      std::cout << "\n";
    }
  }

  std::string models_;
  double threshold_ = 0;
  bool verbose_ = false;
  size_t read_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_coverage_command(CLI::App& app) { return std::make_unique<CoverageCommand>(app); }

}  // namespace qrules::tools
