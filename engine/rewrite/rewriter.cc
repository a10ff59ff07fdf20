// Driving the phases: merge duplicates when asked, then visit nodes until nothing is left to visit (worklist.cc says
// which).

#include <algorithm>
#include <deque>
#include <set>
#include <unordered_set>

#include <qrules/graph/verify.h>
#include <qrules/match/evaluate.h>
#include <qrules/rewrite/cycle.h>
#include <qrules/rewrite/diagnostics.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rewrite/worklist.h>

namespace qrules {
namespace {

// A small graph may need more firings than nodes.
constexpr size_t kLeastBudget = 1024;
// Refused matches tried at one visit before the node is left.
constexpr size_t kRefusalsPerVisit = 64;

// A match of such a rule has values that the root does not reach through operands.
bool looks_through_users(const Rule& rule) {
  return !rule.extra_roots.empty() || rule.patterns[rule.root].kind == PatternKind::siblings;
}

bool any_looks_through_users(const std::vector<const Rule*>& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const Rule* rule) { return looks_through_users(*rule); });
}

// One phase over one graph.
class PhaseRun {
 public:
  PhaseRun(Graph& graph, uint32_t index, const Phase& phase, const Automaton& automaton,
           const std::vector<const Rule*>& rules, const RewriteOptions& options, RewriteReport& report)
      : graph_(graph),
        index_(index),
        phase_(phase),
        rules_(rules),
        options_(options),
        report_(report),
        session_(automaton, graph),
        worklist_(graph, {automaton.depth(), any_looks_through_users(rules),
                          [&](OpId op) { return automaton.runs_through(op); }}),
        nodes_(graph.size()),
        budget_(std::max(kLeastBudget, nodes_ * options.firings_per_node)) {}

  Status run() {
    worklist_.push_all();
    worklist_.forget();
    while (Node* node = worklist_.pop()) {
      ++report_.nodes_visited;
      if (Status status = visit(node); !status.ok()) return status;
      if (phase_.fixpoint) {
        worklist_.settle();
      } else {
        worklist_.forget();
      }
    }
    if (options_.at_end_of_phase) options_.at_end_of_phase(index_, graph_, session_);
    return Done{};
  }

 private:
  // Applies the first match at this node that is not refused.
  Status visit(Node* node) {
    std::vector<Match> refused;
    auto accept = [&](const Match& match) {
      return std::none_of(refused.begin(), refused.end(), [&](const Match& other) {
        return other.rule == match.rule && other.bindings == match.bindings;
      });
    };
    while (std::optional<Match> match = refused.empty() ? session_.match(node) : session_.match(node, accept)) {
      if (options_.before_rewrite) options_.before_rewrite(index_, graph_, session_, *match);
      std::string root = node->name();
      std::optional<std::string> counter = counted(*match);
      history_.begin(index_of(match->rule), match->nodes);
      auto outcome = apply_match(graph_, *match);
      if (Applied* applied = std::get_if<Applied>(&outcome))
        return fired(*match->rule, root, counter, std::move(*applied));
      worklist_.forget();
      note_refusal(std::move(std::get<DroppedMatch>(outcome)));
      if (refused.size() == kRefusalsPerVisit) break;
      refused.push_back(std::move(*match));
    }
    return Done{};
  }

  // The counter that this match adds to; its condition sees the graph before the rewrite.
  std::optional<std::string> counted(const Match& match) {
    const std::optional<RuleCounter>& counter = match.rule->counter;
    if (!counter) return std::nullopt;
    if (counter->when) {
      FunctionContext context{graph_, match.root, nullptr};
      if (!check(*counter->when, *match.rule, match.bindings, context, false).holds) return std::nullopt;
    }
    return counter->name;
  }

  uint32_t index_of(const Rule* rule) {
    auto [place, added] = indexes_.try_emplace(rule->base_name, static_cast<uint32_t>(names_.size()));
    if (added) names_.push_back(rule->base_name);
    return place->second;
  }

  Status fired(const Rule& rule, const std::string& root, const std::optional<std::string>& counter, Applied applied) {
    history_.finish(applied.created);
    ++report_.rules_fired[rule.base_name];
    if (counter) ++report_.counters[*counter];
    if (options_.keep_firings) {
      Firing firing{rule.base_name, phase_.name, root, std::move(applied.matched), {}};
      for (const Node* node : applied.created) firing.created.push_back(node->name());
      report_.firings.push_back(std::move(firing));
    }
    if (options_.verify_each) {
      Diagnostics found = verify(graph_);
      if (found.has_errors()) {
        return Diagnostic(kInvalidAfterFiring, rule.span)
            .with("rule", rule.base_name)
            .with("root", root)
            .with("why", found.list().front().message());
      }
    }
    if (phase_.fixpoint && ++firings_ > budget_) return does_not_terminate();
    return Done{};
  }

  void note_refusal(DroppedMatch dropped) {
    if (seen_refusals_.insert(dropped.rule + "\n" + dropped.root + "\n" + dropped.reason).second) {
      report_.dropped.push_back(std::move(dropped));
    }
  }

  Diagnostic does_not_terminate() const {
    std::vector<uint32_t> cycle = history_.cycle();
    std::string text;
    for (uint32_t rule : cycle) text += "`" + names_[rule] + "` -> ";
    if (!cycle.empty()) text += "`" + names_[cycle.front()] + "`";
    Diagnostic diagnostic(kDoesNotTerminate);
    std::unordered_set<uint32_t> labelled;
    for (uint32_t index : cycle) {
      if (!labelled.insert(index).second) continue;
      for (const Rule* rule : rules_) {
        if (rule->base_name != names_[index] || !rule->span) continue;
        diagnostic.labels.push_back({rule->span, "this rule takes part"});
        break;
      }
    }
    diagnostic.notes.push_back("the rules that keep firing: " + text);
    return std::move(diagnostic)
        .with("phase", phase_.name)
        .with("firings", static_cast<int64_t>(firings_))
        .with("nodes", static_cast<int64_t>(nodes_))
        .help("let one of them no longer match what another makes, or give the phase the strategy `once`");
  }

  Graph& graph_;
  const uint32_t index_;
  const Phase& phase_;
  const std::vector<const Rule*>& rules_;
  const RewriteOptions& options_;
  RewriteReport& report_;
  Automaton::Session session_;
  Worklist worklist_;
  size_t nodes_;
  size_t budget_;
  size_t firings_ = 0;
  FiringHistory history_;
  std::map<std::string, uint32_t> indexes_;
  std::vector<std::string> names_;
  std::unordered_set<std::string> seen_refusals_;
};

}  // namespace

struct Rewriter::Impl {
  RuleSet rules;
  std::deque<Automaton> automata;  // by phase
  std::vector<std::vector<const Rule*>> by_phase;
};

Rewriter::Rewriter(RuleSet rules) : impl_(std::make_unique<Impl>()) {
  impl_->rules = std::move(rules);
  impl_->by_phase.resize(impl_->rules.phases.size());
  for (const Rule& rule : impl_->rules.rules) {
    if (rule.phase < impl_->by_phase.size()) impl_->by_phase[rule.phase].push_back(&rule);
  }
  for (uint32_t phase = 0; phase < impl_->rules.phases.size(); ++phase) {
    impl_->automata.push_back(Automaton::compile(impl_->rules, phase));
  }
}

Rewriter::~Rewriter() = default;
Rewriter::Rewriter(Rewriter&&) noexcept = default;

const RuleSet& Rewriter::rules() const { return impl_->rules; }
const Automaton& Rewriter::automaton(uint32_t phase) const { return impl_->automata[phase]; }

Result<RewriteReport> Rewriter::apply(Graph& graph, const RewriteOptions& options) const {
  RewriteReport report;
  for (uint32_t i = 0; i < impl_->rules.phases.size(); ++i) {
    const Phase& phase = impl_->rules.phases[i];
    if (phase.merge_duplicates) graph.merge_duplicates();
    std::vector<const Rule*> rules = impl_->by_phase[i];
    Status status = Done{};
    if (options.only_rules.empty()) {
      if (!rules.empty()) status = PhaseRun(graph, i, phase, impl_->automata[i], rules, options, report).run();
    } else {
      std::erase_if(rules, [&](const Rule* rule) {
        return std::find(options.only_rules.begin(), options.only_rules.end(), rule->base_name) ==
               options.only_rules.end();
      });
      Automaton automaton = Automaton::compile(impl_->rules, rules);
      if (!rules.empty()) status = PhaseRun(graph, i, phase, automaton, rules, options, report).run();
    }
    if (!status.ok()) return status.diagnostics();
    if (options.after_phase) options.after_phase(phase.name, graph);
  }
  return report;
}

}  // namespace qrules
