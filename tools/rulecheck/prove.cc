// See prove.h.

#include <rulecheck/prove.h>

#include <algorithm>
#include <sstream>

#include <common/numerics.h>
#include <qrules/generate/generate.h>
#include <qrules/graph/text.h>

namespace qrules::tools {
namespace {

constexpr size_t kAttempts = 2500;     // graphs made in search of one that the rule matches
constexpr size_t kShrinkRounds = 4;    // over all decisions
constexpr size_t kShrinkTrials = 600;  // graphs
constexpr double kSlack = 4;           // times the differences that a rule test allows
constexpr int64_t kAllElements = 1 << 20;

std::string text_of(const Graph& graph) {
  PrintOptions options;
  options.constant_elements = kAllElements;
  return print(graph, options);
}

// What became of one graph.
struct Trial {
  enum class Kind { equal, different, refused, not_run };
  Kind kind = Kind::not_run;
  int64_t fired = 0;
  std::string why;
  NumericsReport numerics;
};

class Prover {
 public:
  Prover(const Rewriter& rewriter, const Rule& rule, const ProveOptions& options)
      : rewriter_(rewriter), rule_(rule), options_(options), generator_(rewriter.rules(), {{&rule}, {}, {}}) {
    proof_.rule = &rule;
  }

  Proof run() {
    for (size_t i = 0; i < options_.graphs && !out_of_time(); ++i) {
      std::optional<Generated> generated = generator_.generate(options_.seed * 100'003 + i, kAttempts);
      if (!generated) {
        proof_.why_not = "no graph was found that it matches: " + generator_.failure().reason;
        // What thousands of attempts did not find, the next seeds seldom do.
        if (++missed_ > 3 && proof_.graphs == 0) break;
        continue;
      }
      const Trial trial = check(text_of(generated->graph));
      switch (trial.kind) {
        case Trial::Kind::refused:
          ++proof_.refused;
          proof_.why_refused = trial.why;
          proof_.why_not = trial.why;
          break;
        case Trial::Kind::not_run:
          ++proof_.not_run;
          proof_.why_not = trial.why;
          break;
        case Trial::Kind::different: shrink(std::move(*generated), trial); return std::move(proof_);
        case Trial::Kind::equal:
          ++proof_.graphs;
          proof_.runs += trial.numerics.runs;
          proof_.one_apart += trial.numerics.one_apart;
      }
    }
    return std::move(proof_);
  }

 private:
  bool out_of_time() const { return options_.deadline && std::chrono::steady_clock::now() >= *options_.deadline; }

  static bool runs_alone(const Graph& graph) {
    const auto alone = compare_numerics(graph, graph);
    return alone.ok() && alone->equal;
  }

  // From the text, as the test that is printed is.
  Trial check(const std::string& text) {
    Trial trial;
    auto before = parse_graph("graph", text, rewriter_.rules().operators);
    if (!before.ok()) {
      trial.why = "the graph does not read: " + before.diagnostics().list().front().message();
      return trial;
    }
    Graph after = before->clone();
    RewriteOptions options;
    options.verify_each = true;
    options.only_rules = {rule_.base_name};
    auto applied = rewriter_.apply(after, options);
    if (!applied.ok()) {
      trial.kind = Trial::Kind::different;
      trial.why = "applying the rule failed: " + applied.diagnostics().list().front().message();
      return trial;
    }
    if (const auto fired = applied->rules_fired.find(rule_.base_name); fired != applied->rules_fired.end())
      trial.fired = fired->second;
    if (trial.fired == 0) {
      // Operands that an operator does not take are a matter of what there is; another type is a mistake of the rule,
      // unless the graph has types that its calls do not give.
      const bool wrong_type = !applied->dropped.empty() && applied->dropped.front().wrong_type;
      trial.kind = wrong_type && runs_alone(*before) ? Trial::Kind::different : Trial::Kind::refused;
      trial.why = applied->dropped.empty() ? "the rule does not fire" : applied->dropped.front().reason;
      return trial;
    }
    // Sums of drawn values cancel now and then, which the order of additions shows in f32.
    NumericsOptions numerics;
    numerics.slack = kSlack;
    auto compared = compare_numerics(*before, after, numerics);
    if (!compared.ok()) {
      // Whose fault is it?
      trial.why = compared.diagnostics().list().front().message();
      if (runs_alone(*before)) {
        trial.kind = Trial::Kind::different;
        trial.why = "the rewritten graph cannot be run: " + trial.why;
      }
      return trial;
    }
    trial.numerics = *compared;
    trial.kind = compared->equal ? Trial::Kind::equal : Trial::Kind::different;
    trial.why = compared->difference;
    return trial;
  }

  // Sets one choice after the other to something simpler and keeps what still differs.
  void shrink(Generated generated, Trial trial) {
    std::string smallest = text_of(generated.graph);
    Decisions decisions = generated.decisions;
    size_t trials = 0;
    bool changed = true;
    for (size_t round = 0; round < kShrinkRounds && changed; ++round) {
      changed = false;
      const std::vector<std::string> names = decisions.used();
      for (const std::string& name : names) {
        for (const bool whole : {true, false}) {
          if (trials >= kShrinkTrials) break;
          Decisions simpler = decisions;
          if (!(whole ? simpler.simplify(name) : simpler.halve(name))) continue;
          std::optional<Generated> next = generator_.build(std::move(simpler));
          if (!next) continue;
          std::string text = text_of(next->graph);
          if (text.size() > smallest.size() || text == smallest) continue;
          ++trials;
          Trial again = check(text);
          if (again.kind != Trial::Kind::different) continue;
          changed = true;
          smallest = std::move(text);
          decisions = std::move(next->decisions);
          trial = std::move(again);
          break;
        }
      }
    }
    proof_.counterexample = {trial.why, smallest, test_of(smallest, trial)};
  }

  static std::string test_of(const std::string& graph, const Trial& trial) {
    std::string text = "      - name: found by prove\n        graph: |\n";
    std::istringstream lines(graph);
    for (std::string line; std::getline(lines, line);) text += "          " + line + "\n";
    return text + "        expect: {fires: " + std::to_string(std::max<int64_t>(trial.fired, 1)) +
           ", numerics: true}\n";
  }

  const Rewriter& rewriter_;
  const Rule& rule_;
  const ProveOptions& options_;
  Generator generator_;
  Proof proof_;
  size_t missed_ = 0;
};

}  // namespace

Proof prove(const Rewriter& rewriter, const Rule& rule, const ProveOptions& options) {
  return Prover(rewriter, rule, options).run();
}

}  // namespace qrules::tools
