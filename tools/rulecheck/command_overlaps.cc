// `rulecheck overlaps`.

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>

#include <common/output.h>
#include <qrules/generate/overlap.h>
#include <rulecheck/command.h>

namespace qrules::tools {
namespace {

std::string place_of(const Rule& rule) {
  if (!rule.span) return "";
  return rule.span.file->name() + ":" + std::to_string(rule.span.file->position(rule.span.begin).line);
}

class OverlapsCommand final : public Command {
 public:
  explicit OverlapsCommand(CLI::App& app)
      : Command(app, "overlaps", "Lists pairs of rules of which only one can fire, with a graph that shows it") {
    app_->add_option("RULE", names_, "Only pairs with one of these rules");
    add_rules_option();
    app_->add_option("--seed", options_.seed, "Other witnesses for another number")->capture_default_str();
    app_->add_flag("--roots", roots_, "Only matches with the same root, not those that share another call");
    app_->add_flag("--all", all_, "Also pairs that are disjoint");
  }

  int run() override {
    options_.shared_calls = !roots_;
    std::optional<Rewriter> rewriter = load();
    if (!rewriter) return exit_code_;
    const RuleSet& rules = rewriter->rules();
    const auto chosen = find_rules(rules, names_);
    if (!chosen) return kWrongUsage;
    const auto is_chosen = [&](const Rule& rule) {
      return std::find(chosen->begin(), chosen->end(), &rule) != chosen->end();
    };
    std::map<OverlapVerdict, size_t> count;
    for (size_t j = 0; j < rules.rules.size(); ++j) {
      for (size_t i = 0; i < j; ++i) {
        const Rule& a = rules.rules[i];
        const Rule& b = rules.rules[j];
        if (a.phase != b.phase || (!is_chosen(a) && !is_chosen(b))) continue;
        const Overlap found = overlap(*rewriter, a, b, options_);
        ++count[found.verdict];
        if (found.verdict != OverlapVerdict::disjoint || all_) print(found);
      }
    }
    std::string summary;
    size_t pairs = 0;
    for (const auto& [verdict, number] : count) {
      summary += ", " + std::to_string(number) + " " + std::string(name(verdict));
      pairs += number;
    }
    std::cout << counted(pairs, "pair") << summary << "\n";
    return count[OverlapVerdict::unreachable] > 0 ? kErrors : kFine;
  }

 private:
  static void print(const Overlap& found) {
    const bool color = wants_color(stdout);
    const Color shade = found.verdict == OverlapVerdict::unreachable ? Color::red
                        : found.verdict == OverlapVerdict::disjoint  ? Color::green
                                                                     : Color::yellow;
    std::cout << paint(name(found.verdict), shade, color) << ": " << found.first->name << " (" << place_of(*found.first)
              << "), " << found.second->name << " (" << place_of(*found.second) << ")\n";
    if (!found.reason.empty()) std::cout << "  " << found.reason << "\n";
    if (found.verdict == OverlapVerdict::disjoint || found.witness.empty()) return;
    std::cout << "  ";
    if (found.winner.empty()) {
      std::cout << "both rewrites are refused";
    } else {
      std::cout << "`" << found.winner << "` wins: ";
      if (!found.same_root)
        std::cout << "it is reached first";
      else if (found.winner == found.first->name)
        std::cout << found.order;
      else
        std::cout << "`" << found.first->name << "` is tried first, but its rewrite is refused";
    }
    std::cout << "; ";
    if (found.same_root)
      std::cout << "both match at %" << found.roots[0] << " of\n";
    else
      std::cout << "the matches are at %" << found.roots[0] << " and %" << found.roots[1] << " of\n";
    std::istringstream lines(found.witness);
    for (std::string line; std::getline(lines, line);) std::cout << "    " << line << "\n";
  }

  std::vector<std::string> names_;
  OverlapOptions options_;
  bool all_ = false, roots_ = false;
};

}  // namespace

std::unique_ptr<Command> make_overlaps_command(CLI::App& app) { return std::make_unique<OverlapsCommand>(app); }

}  // namespace qrules::tools
