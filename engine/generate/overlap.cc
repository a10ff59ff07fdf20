// See overlap.h.

#include <qrules/generate/overlap.h>

#include <algorithm>
#include <map>
#include <set>

#include <re2/re2.h>

#include <qrules/generate/cover.h>
#include <qrules/generate/facts.h>
#include <qrules/generate/features.h>
#include <qrules/generate/generate.h>
#include <qrules/graph/text.h>

namespace qrules {
namespace {

using namespace generate;

constexpr size_t kMostWays = 1 << 17;      // structures looked at for two rules on one root
constexpr size_t kMostWaysShared = 2048;   // the same for each call that matches may share
constexpr size_t kMostCompared = 200'000;  // pairs of rules that the cheap check compares
constexpr size_t kMostConfirmed = 32;      // claims of "unreachable" that it tries on graphs
constexpr size_t kWitnesses = 6;           // graphs that are looked at for one shared call
constexpr size_t kSamples = 24;            // graphs that a claim of "unreachable" is tried on
constexpr int64_t kAllElements = 1 << 20;

bool meet(const OperatorSet& a, const OperatorSet& b) {
  if (!a.regexes.empty() || !b.regexes.empty()) return true;
  std::vector<OpId> shared;
  std::set_intersection(a.ops.begin(), a.ops.end(), b.ops.begin(), b.ops.end(), std::back_inserter(shared));
  return !shared.empty();
}

// The operators that a rule's root can be; nothing when it can be anything.
std::optional<OperatorSet> root_operators(const Rule& rule, PatternId id) {
  const Pattern& pattern = rule.patterns[id];
  OperatorSet set;
  const auto add = [&](const OperatorSet& other) {
    set.ops.insert(set.ops.end(), other.ops.begin(), other.ops.end());
    set.regexes.insert(set.regexes.end(), other.regexes.begin(), other.regexes.end());
    std::sort(set.ops.begin(), set.ops.end());
  };
  switch (pattern.kind) {
    case PatternKind::call: return pattern.operators;
    case PatternKind::siblings: return root_operators(rule, pattern.children[0]);
    case PatternKind::alternative:
      for (const PatternId child : pattern.children) {
        const auto inner = root_operators(rule, child);
        if (!inner) return std::nullopt;
        add(*inner);
      }
      return set;
    case PatternKind::optional:
    case PatternKind::repeat: {
      const Pattern& call = rule.patterns[pattern.children[0]];
      add(call.operators);
      if (pattern.kind == PatternKind::optional || pattern.minimum == 0) {
        const auto inner = root_operators(rule, call.arguments[0].pattern);
        if (!inner) return std::nullopt;
        add(*inner);
      }
      return set;
    }
    default: return std::nullopt;
  }
}

bool rewrite_may_refuse(const Expression& expression) {
  if (expression.kind == ExpressionKind::call && expression.function->makes_values) return true;
  return std::any_of(expression.operands.begin(), expression.operands.end(), rewrite_may_refuse);
}

bool rewrite_may_refuse(const Rule& rule) {
  return std::any_of(rule.rewrite.begin(), rule.rewrite.end(), [](const RewriteStatement& statement) {
    if (statement.kind == RewriteStatement::Kind::expression && rewrite_may_refuse(statement.expression)) return true;
    return std::any_of(statement.values.begin(), statement.values.end(),
                       [](const RewriteStatement::Value& value) { return rewrite_may_refuse(value.value); });
  });
}

// Same words on the right, which then mean the same where both rules name the same things.
bool same_rewrite(const Rule& a, const Rule& b) {
  if (a.rewrite.size() != b.rewrite.size()) return false;
  for (size_t i = 0; i < a.rewrite.size(); ++i) {
    if (a.rewrite[i].span.text() != b.rewrite[i].span.text()) return false;
  }
  return true;
}

size_t order_of(const RuleSet& rules, const Rule& rule) { return static_cast<size_t>(&rule - rules.rules.data()); }

std::string order_text(const Rule& first, const Rule& second) {
  const auto names = [](const std::vector<std::string>& list, const Rule& rule) {
    return std::find(list.begin(), list.end(), rule.base_name) != list.end();
  };
  if (names(first.before, second) || names(second.after, first)) return "`before`/`after` says so";
  if (first.benefit != second.benefit)
    return "benefit " + std::to_string(first.benefit) + " over " + std::to_string(second.benefit);
  if (first.patterns.size() != second.patterns.size()) return "its pattern has more nodes";
  return "it comes first in the files";
}

std::string printed(const Graph& graph) {
  PrintOptions options;
  options.constant_elements = kAllElements;
  return print(graph, options);
}

// A proof that the first rule matches wherever the second does is only half of it: its rewrite must not be refused.
struct Claim {
  bool holds = false;
  std::string reason;
  std::string witness, root;
  bool refused = false;  // the rewrite, on the witness
};
Claim confirm(const RuleSet& rules, const Rule& first, const Rule& second, uint64_t seed, size_t attempts) {
  Claim claim;
  // The same rewrite is refused for both or for none.
  const bool same = same_rewrite(first, second);
  if (rewrite_may_refuse(first) && !same) {
    claim.reason = "`" + first.name + "` takes every match unless its rewrite is refused";
    return claim;
  }
  Generator generator(rules, {{&second}, kNoPattern, kNoPattern});
  const Automaton automaton = Automaton::compile(rules, {&first});
  for (size_t i = 0; i < kSamples; ++i) {
    auto generated = generator.generate(seed + i, attempts);
    if (!generated) {
      if (i > 2 && claim.witness.empty()) break;
      continue;
    }
    Graph& graph = generated->graph;
    std::string text = printed(graph);
    Automaton::Session session(automaton, graph);
    const auto match = session.match(graph.find(generated->roots[0]));
    if (!match) {
      claim.reason = "`" + first.name + "` seems to take every match, but does not take one";
      return claim;
    }
    const bool refused = std::holds_alternative<DroppedMatch>(apply_match(graph, *match));
    if (refused && !same) {
      claim.reason = "`" + first.name + "` matches wherever `" + second.name + "` does, but its rewrite may be refused";
      return claim;
    }
    if (claim.witness.empty() || (claim.refused && !refused)) {
      claim.witness = std::move(text);
      claim.root = generated->roots[0];
      claim.refused = refused;
    }
  }
  if (claim.witness.empty() && !same) {
    claim.reason = "`" + first.name + "` matches wherever `" + second.name +
                   "` does; whether its rewrite is refused is not known, as no graph was found";
    return claim;
  }
  claim.holds = true;
  claim.reason = "`" + first.name + "` matches wherever `" + second.name + "` does";
  return claim;
}

class Pair {
 public:
  Pair(const Rewriter& rewriter, const Rule& a, const Rule& b, const OverlapOptions& options)
      : rewriter_(rewriter), rules_(rewriter.rules()), options_(options) {
    const bool in_order = order_of(rules_, a) < order_of(rules_, b);
    result_.first = in_order ? &a : &b;
    result_.second = in_order ? &b : &a;
    result_.order = order_text(*result_.first, *result_.second);
  }

  Overlap run() {
    if (result_.first->phase != result_.second->phase) {
      result_.verdict = OverlapVerdict::disjoint;
      result_.reason = "they are in different phases";
      return std::move(result_);
    }
    if (at_one_root()) return std::move(result_);
    // What is not known of one root stays so unless a shared call has a witness.
    const OverlapVerdict at_root = result_.verdict;
    const std::string why = result_.reason;
    if (options_.shared_calls && at_shared_call()) return std::move(result_);
    if (at_root == OverlapVerdict::unknown) {
      result_.verdict = at_root;
      result_.reason = why;
    }
    return std::move(result_);
  }

 private:
  // True when the question is settled: they overlap, or nobody knows.
  bool at_one_root() {
    result_.same_root = true;
    const auto a = root_operators(*result_.first, result_.first->root);
    const auto b = root_operators(*result_.second, result_.second->root);
    if (a && b && !meet(*a, *b)) {
      result_.verdict = OverlapVerdict::disjoint;
      result_.reason = "their roots are calls of different operators";
      return false;
    }
    const bool takes_all = covers(*result_.first, *result_.second, *rules_.operators);
    if (takes_all && confirmed_unreachable()) return true;
    if (excluded_at_root()) {
      result_.verdict = OverlapVerdict::disjoint;
      return false;
    }
    Generator generator(rules_, {{result_.first, result_.second}, result_.first->root, result_.second->root});
    // One on which the rule that is tried first also fires says more than one where its rewrite is refused.
    bool found = false;
    for (size_t i = 0; i < kWitnesses && result_.winner != result_.first->name; ++i) {
      const auto generated = generator.generate(options_.seed + i, options_.attempts);
      if (!generated) break;
      found = witness(*generated) || found;
    }
    if (found) {
      if (takes_all) {
        result_.verdict = OverlapVerdict::shadowed;
        return true;  // with the reason why it is not more
      }
      const bool special = covers(*result_.second, *result_.first, *rules_.operators);
      result_.verdict = special ? OverlapVerdict::shadowed : OverlapVerdict::overlapping;
      result_.reason = special ? "every match of `" + result_.first->name + "` is one of `" + result_.second->name + "`"
                               : "both match at one node";
      return true;
    }
    result_.verdict = OverlapVerdict::unknown;
    result_.reason = "no graph was found that both match; nearest: " + generator.failure().reason;
    return false;
  }

  bool confirmed_unreachable() {
    const Claim claim = confirm(rules_, *result_.first, *result_.second, options_.seed, options_.attempts / 4);
    result_.reason = claim.reason;
    if (!claim.holds) return false;
    result_.witness = claim.witness;
    if (!claim.witness.empty()) result_.roots = {claim.root, claim.root};
    if (!claim.refused) result_.winner = result_.first->name;
    result_.verdict = OverlapVerdict::unreachable;
    return true;
  }

  // No structure, or no values in any structure, that both allow.
  bool excluded_at_root() {
    return excluded(
        [&](Skeleton& skeleton) {
          return skeleton.add(*result_.first) && skeleton.add(*result_.second, skeleton.rules()[0].root);
        },
        kMostWays);
  }

  template <typename Build>
  bool excluded(const Build& build, size_t most) {
    Decisions ways = Decisions::first_way();
    std::string why;
    for (size_t way = 0; way < most; ++way) {
      ways.begin();
      Skeleton skeleton(*rules_.operators, ways);
      if (build(skeleton)) {
        Facts facts;
        for (const RuleTerms& rule : skeleton.rules()) facts.add(*rule.rule, places_of(rule), *rules_.operators);
        facts.count_users(skeleton);
        const auto contradiction = facts.contradiction();
        if (!contradiction) return false;
        why = "their conditions on " + *contradiction + " exclude each other";
      }
      if (!ways.next_way()) {
        result_.reason = why.empty() ? "their patterns do not fit on one node" : why;
        return true;
      }
    }
    return false;
  }

  // Matches with different roots that share a call which one of the rewrites takes away.
  bool at_shared_call() {
    const Rule& first = *result_.first;
    const Rule& second = *result_.second;
    for (PatternId p = 0; p < first.patterns.size(); ++p) {
      if (first.patterns[p].kind != PatternKind::call) continue;
      for (PatternId q = 0; q < second.patterns.size(); ++q) {
        if (second.patterns[q].kind != PatternKind::call || (p == first.root && q == second.root)) continue;
        if (!meet(first.patterns[p].operators, second.patterns[q].operators)) continue;
        const bool impossible = excluded(
            [&](Skeleton& skeleton) {
              if (!skeleton.add(first) || !skeleton.add(second)) return false;
              const auto a = skeleton.rules()[0].patterns.find(p);
              const auto b = skeleton.rules()[1].patterns.find(q);
              return a != skeleton.rules()[0].patterns.end() && b != skeleton.rules()[1].patterns.end() &&
                     skeleton.unify(a->second, b->second) && !skeleton.cyclic() &&
                     find(skeleton.rules()[0].root) != find(skeleton.rules()[1].root);
            },
            kMostWaysShared);
        if (impossible) continue;
        Generator generator(rules_, {{&first, &second}, p, q});
        // Not every graph will do: a rewrite may be refused, or leave the shared call where it is.
        bool found = false;
        for (size_t i = 0; i < kWitnesses && !found; ++i) {
          const auto generated = generator.generate(options_.seed + i, options_.inner);
          if (!generated) break;
          found = witness(*generated);
        }
        if (!found) continue;
        result_.same_root = false;
        result_.verdict = OverlapVerdict::overlapping;
        result_.reason = "their matches share a call that one of the rewrites takes away";
        return true;
      }
    }
    return false;
  }

  // Reads the graph again and lets both automata match it. For different roots one rewrite must undo the other's match.
  bool witness(const Generated& generated) {
    const std::string text = printed(generated.graph);
    const auto still_matches = [&](const Rule& rule, Graph& graph, const std::string& root) -> std::optional<Match> {
      Node* node = graph.find(root);
      if (!node) return std::nullopt;
      const Automaton automaton = Automaton::compile(rules_, {&rule});
      Automaton::Session session(automaton, graph);
      return session.match(node);
    };
    auto graph = parse_graph("witness", text, rules_.operators);
    if (!graph.ok()) return false;
    const auto first = still_matches(*result_.first, *graph, generated.roots[0]);
    const auto second = still_matches(*result_.second, *graph, generated.roots[1]);
    if (!first || !second) return false;
    if (generated.roots[0] != generated.roots[1]) {
      Graph one = graph->clone(), other = graph->clone();
      const auto gone = [&](const Rule& applied, Graph& on, const std::string& root, const Rule& rest,
                            const std::string& rest_root) {
        const auto match = still_matches(applied, on, root);
        if (!match || std::holds_alternative<DroppedMatch>(apply_match(on, *match))) return false;
        return !still_matches(rest, on, rest_root).has_value();
      };
      const bool a = gone(*result_.first, one, generated.roots[0], *result_.second, generated.roots[1]);
      const bool b = gone(*result_.second, other, generated.roots[1], *result_.first, generated.roots[0]);
      if (!a && !b) return false;
    }
    result_.witness = text;
    result_.roots = generated.roots;
    result_.winner.clear();
    if (generated.roots[0] == generated.roots[1]) {
      // In their order, at this root.
      for (const Rule* rule : {result_.first, result_.second}) {
        Graph rewritten = graph->clone();
        const auto match = still_matches(*rule, rewritten, generated.roots[0]);
        if (!match || std::holds_alternative<DroppedMatch>(apply_match(rewritten, *match))) continue;
        result_.winner = rule->name;
        break;
      }
      return true;
    }
    result_.winner = result_.first->name;
    Graph rewritten = graph->clone();
    RewriteOptions options;
    options.only_rules = {result_.first->base_name, result_.second->base_name};
    const auto applied = rewriter_.apply(rewritten, options);
    if (applied.ok() && !applied->firings.empty()) {
      const std::string& fired = applied->firings.front().rule;
      if (fired == result_.second->base_name && fired != result_.first->base_name)
        result_.winner = result_.second->name;
    }
    return true;
  }

  const Rewriter& rewriter_;
  const RuleSet& rules_;
  const OverlapOptions& options_;
  Overlap result_;
};

}  // namespace

std::string_view name(OverlapVerdict verdict) {
  switch (verdict) {
    case OverlapVerdict::disjoint: return "disjoint";
    case OverlapVerdict::unreachable: return "unreachable";
    case OverlapVerdict::shadowed: return "shadowed in part";
    case OverlapVerdict::overlapping: return "overlapping";
    case OverlapVerdict::unknown: return "unknown";
  }
  return "unknown";
}

Overlap overlap(const Rewriter& rewriter, const Rule& a, const Rule& b, const OverlapOptions& options) {
  return Pair(rewriter, a, b, options).run();
}

// A rule is compared with those earlier ones that require nothing it cannot have. They are found by the rarest feature
// that they require, so rules that differ in a literal or an operator hardly ever meet.
Unreachable unreachable_rules(const RuleSet& rules) {
  Unreachable result;
  std::vector<Features> features;
  std::map<std::pair<uint32_t, size_t>, size_t> counts;  // by phase and feature: how many rules require it
  for (const Rule& rule : rules.rules) {
    features.push_back(features_of(rule));
    for (const size_t feature : features.back().required) ++counts[{rule.phase, feature}];
  }
  std::map<uint32_t, std::vector<size_t>> all, unfeatured;  // by phase
  std::map<std::pair<uint32_t, size_t>, std::vector<size_t>> by_feature;
  size_t compared = 0, confirmed = 0;
  for (size_t j = 0; j < rules.rules.size(); ++j) {
    const Rule& second = rules.rules[j];
    std::vector<size_t> earlier;
    const auto consider = [&](const std::vector<size_t>& list) {
      std::copy_if(list.begin(), list.end(), std::back_inserter(earlier),
                   [&](size_t i) { return may_cover(features[i], features[j]); });
    };
    if (features[j].any_operator) {
      consider(all[second.phase]);
    } else {
      consider(unfeatured[second.phase]);
      for (const size_t feature : features[j].possible) {
        if (const auto found = by_feature.find({second.phase, feature}); found != by_feature.end())
          consider(found->second);
      }
      std::sort(earlier.begin(), earlier.end());
    }
    for (const size_t i : earlier) {
      const Rule& first = rules.rules[i];
      if (++compared > kMostCompared) {
        result.complete = false;
        return result;
      }
      if (!covers(first, second, *rules.operators)) continue;
      if (++confirmed > kMostConfirmed) {
        result.complete = false;
        return result;
      }
      if (!confirm(rules, first, second, 1, 500).holds) continue;
      result.pairs.emplace_back(&first, &second);
      break;
    }
    all[second.phase].push_back(j);
    if (features[j].required.empty()) {
      unfeatured[second.phase].push_back(j);
    } else {
      const auto rarest =
          std::min_element(features[j].required.begin(), features[j].required.end(), [&](size_t a, size_t b) {
            return counts[{second.phase, a}] < counts[{second.phase, b}];
          });
      by_feature[{second.phase, *rarest}].push_back(j);
    }
  }
  return result;
}

}  // namespace qrules
