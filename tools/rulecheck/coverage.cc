// See coverage.h.
//
// Whether a condition is exercised is asked of every place where the pattern fits, whatever the other conditions say,
// so rules are compiled again without conditions, and once for each way of an alternative with that way alone.

#include <rulecheck/coverage.h>

#include <algorithm>
#include <set>

#include <qrules/graph/text.h>
#include <qrules/match/evaluate.h>

namespace qrules::tools {
namespace {

constexpr size_t kFarthest = 5;  // calls between a dequantize and the root of a match that would take it in

std::string one_line(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c != '\n' && c != ' ')
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  return result;
}

bool is_dequantize(const Node& node) {
  return node.is_call() && node.op_name().starts_with("quantized_decomposed.dequantize");
}

bool conditions_hold(const Rule& rule, const Match& match, Graph& graph) {
  const FunctionContext context{graph, match.root, nullptr};
  return std::all_of(rule.conditions.begin(), rule.conditions.end(), [&](const Condition& condition) {
    return check(condition, rule, match.bindings, context, false).holds;
  });
}

}  // namespace

struct Coverage::Probe {
  const Rule* rule = nullptr;
  size_t coverage = 0;
  std::unique_ptr<Rule> bare;
  std::unique_ptr<Automaton> automaton;
  struct Way {
    size_t coverage = 0;
    std::unique_ptr<Rule> rule;
    std::unique_ptr<Automaton> automaton;
  };
  std::vector<Way> ways;
};

Coverage::Coverage(const Rewriter& rewriter) : rewriter_(rewriter) {
  const RuleSet& set = rewriter.rules();
  for (const Rule& rule : set.rules) {
    const auto [found, added] = index_.emplace(rule.base_name, rules_.size());
    if (added) {
      RuleCoverage& coverage = rules_.emplace_back();
      coverage.rule = rule.base_name;
      coverage.span = rule.span;
      for (const Condition& condition : rule.conditions)
        coverage.conditions.push_back({one_line(condition.text), condition.expression.span, {}, {}});
    }
    RuleCoverage& coverage = rules_[found->second];
    auto probe = std::make_unique<Probe>();
    probe->rule = &rule;
    probe->coverage = found->second;
    probe->bare = std::make_unique<Rule>(rule);
    probe->bare->conditions.clear();
    probe->automaton = std::make_unique<Automaton>(Automaton::compile(set, {probe->bare.get()}));
    const auto add_way = [&](PatternId id, const PatternId child, const std::string& text) {
      const Span& span = rule.patterns[child].span;
      const auto same = [&](const WayCoverage& way) {
        return way.span.file == span.file && way.span.begin == span.begin && way.text == text;
      };
      auto known = std::find_if(coverage.ways.begin(), coverage.ways.end(), same);
      if (known == coverage.ways.end()) known = coverage.ways.insert(coverage.ways.end(), {text, span, {}});
      Probe::Way& way = probe->ways.emplace_back();
      way.coverage = static_cast<size_t>(known - coverage.ways.begin());
      way.rule = std::make_unique<Rule>(*probe->bare);
      way.rule->patterns[id].kind = PatternKind::alternative;
      way.rule->patterns[id].children = {child};
      way.automaton = std::make_unique<Automaton>(Automaton::compile(set, {way.rule.get()}));
    };
    for (PatternId id = 0; id < rule.patterns.size(); ++id) {
      const Pattern& pattern = rule.patterns[id];
      const std::string text = pattern.span ? one_line(pattern.span.text()) : "?";
      if (pattern.kind == PatternKind::alternative) {
        for (const PatternId child : pattern.children)
          add_way(id, child, rule.patterns[child].span ? one_line(rule.patterns[child].span.text()) : text);
      } else if (pattern.kind == PatternKind::optional) {
        add_way(id, pattern.children[0], text + " given");
        add_way(id, rule.patterns[pattern.children[0]].arguments[0].pattern, text + " left out");
      }
    }
    probes_.push_back(std::move(probe));
  }
}

Coverage::~Coverage() = default;

void Coverage::look(Graph& graph, uint32_t phase, int64_t Count::*count, const std::string& only) {
  for (const auto& probe : probes_) {
    if (probe->rule->phase != phase || (!only.empty() && probe->rule->base_name != only)) continue;
    RuleCoverage& coverage = rules_[probe->coverage];
    Automaton::Session session(*probe->automaton, graph);
    std::vector<Node*> roots;
    for (Node* node : graph.nodes()) {
      for (const Match& match : session.all_matches(node)) {
        const FunctionContext context{graph, match.root, nullptr};
        bool all = true;
        for (size_t i = 0; i < probe->rule->conditions.size() && i < coverage.conditions.size(); ++i) {
          const bool holds = check(probe->rule->conditions[i], *probe->rule, match.bindings, context, false).holds;
          Count& counted = holds ? coverage.conditions[i].held : coverage.conditions[i].refused;
          counted.*count += 1;
          all = all && holds;
        }
        if (all && (roots.empty() || roots.back() != node)) roots.push_back(node);
      }
    }
    if (roots.empty()) continue;
    for (const Probe::Way& way : probe->ways) {
      Automaton::Session taken(*way.automaton, graph);
      for (Node* root : roots) {
        for (const Match& match : taken.all_matches(root)) {
          if (!conditions_hold(*probe->rule, match, graph)) continue;
          ++(coverage.ways[way.coverage].taken.*count);
          break;
        }
      }
    }
  }
}

void Coverage::add_tests() {
  for (const Rule& rule : rewriter_.rules().rules) {
    for (const RuleTest& test : rule.tests) {
      auto graph = parse_graph(test.graph, rewriter_.rules().operators);
      if (!graph.ok()) continue;  // the test fails
      look(*graph, rule.phase, &Count::tests, rule.base_name);
      RewriteOptions options;
      options.only_rules = test.with;
      options.only_rules.push_back(rule.base_name);
      const auto applied = rewriter_.apply(*graph, options);
      if (!applied.ok()) continue;
      for (const auto& [name, fired] : applied->rules_fired) rules_[index_.at(name)].fired.tests += fired;
      if (applied->rules_fired.empty()) continue;
      look(*graph, rule.phase, &Count::tests, rule.base_name);
    }
  }
}

Status Coverage::add_model(const std::string& name, Graph& graph) {
  const std::vector<Phase>& phases = rewriter_.rules().phases;
  look(graph, 0, &Count::models, {});
  uint32_t phase = 0;
  RewriteOptions options;
  options.after_phase = [&](const std::string&, const Graph& after) {
    Graph copy = after.clone();
    look(copy, phase, &Count::models, {});
    if (++phase < phases.size()) look(copy, phase, &Count::models, {});
  };
  const auto applied = rewriter_.apply(graph, options);
  if (!applied.ok()) return applied.diagnostics();
  for (const auto& [rule, fired] : applied->rules_fired) rules_[index_.at(rule)].fired.models += fired;
  find_left(name, graph);
  return Done();
}

void Coverage::find_left(const std::string& model, Graph& graph) {
  std::vector<Node*> left;
  for (Node* node : graph.nodes()) {
    if (is_dequantize(*node)) left.push_back(node);
  }
  if (left.empty()) return;
  std::vector<Automaton::Session> sessions;
  for (uint32_t phase = 0; phase < rewriter_.rules().phases.size(); ++phase)
    sessions.emplace_back(rewriter_.automaton(phase), graph);
  for (Node* node : left) {
    LeftFloat found{model, node->name(), node->op_name(), {}, {}, {}, 0, 0};
    double nearest = -1;
    std::vector<Node*> near{node};
    std::set<Node*> seen{node};
    for (size_t step = 0; step <= kFarthest; ++step) {
      std::vector<Node*> next;
      for (Node* root : near) {
        for (Automaton::Session& session : sessions) {
          for (const NearMiss& miss : session.explain(root)) {
            const double share =
                static_cast<double>(miss.tests_passed) / static_cast<double>(std::max<size_t>(miss.tests_total, 1));
            if (share <= nearest) continue;
            nearest = share;
            found.rule = miss.rule->name;
            found.refused = miss.refused;
            found.reason = miss.reason;
            found.passed = miss.tests_passed;
            found.of = miss.tests_total;
          }
        }
        for (Node* user : root->users()) {
          if (user->is_call() && seen.insert(user).second) next.push_back(user);
        }
      }
      near = std::move(next);
    }
    left_.push_back(std::move(found));
  }
}

double Coverage::score() const {
  size_t all = 0, covered = 0;
  const auto add = [&](const Count& count) {
    ++all;
    covered += count.all() > 0 ? 1 : 0;
  };
  for (const RuleCoverage& rule : rules_) {
    add(rule.fired);
    for (const ConditionCoverage& condition : rule.conditions) {
      add(condition.held);
      add(condition.refused);
    }
    for (const WayCoverage& way : rule.ways) add(way.taken);
  }
  return all == 0 ? 100 : 100 * static_cast<double>(covered) / static_cast<double>(all);
}

}  // namespace qrules::tools
