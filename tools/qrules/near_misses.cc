#include "qrules/near_misses.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

#include "common/output.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

using nlohmann::json;

// Operators that the first call of a pattern may be.
void add_roots(const Rule& rule, PatternId id, std::vector<OpId>& ops) {
  if (id == kNoPattern) return;
  const Pattern& pattern = rule.patterns[id];
  ops.insert(ops.end(), pattern.operators.ops.begin(), pattern.operators.ops.end());
  if (pattern.kind == PatternKind::alternative || pattern.kind == PatternKind::optional) {
    for (PatternId child : pattern.children) add_roots(rule, child, ops);
  }
}

// Operators of the calls that a rewrite makes.
std::vector<OpId> made_by(const Rule& rule) {
  std::vector<OpId> ops;
  for (const RewriteStatement& statement : rule.rewrite) {
    if (statement.kind == RewriteStatement::Kind::call && statement.op != kNoOp) ops.push_back(statement.op);
    if (statement.kind != RewriteStatement::Kind::copy || !statement.like) continue;
    const PatternId copied = rule.slots[*statement.like].pattern;
    if (copied != kNoPattern) add_roots(rule, copied, ops);
  }
  return ops;
}

// Which operators a rule may lead to: what it makes, and what rules that begin with that make of it.
class Leads {
 public:
  explicit Leads(const RuleSet& rules) {
    for (const Rule& rule : rules.rules) {
      std::vector<OpId> roots;
      add_roots(rule, rule.root, roots);
      for (OpId op : roots) onward_[op].push_back(&rule);
    }
  }

  const std::set<OpId>& of(const Rule* rule) {
    auto [known, added] = known_.try_emplace(rule);
    if (!added) return known->second;
    known->second = without(rule, {});
    return known->second;
  }

  // The same without the help of some rules, by their base names.
  std::set<OpId> without(const Rule* rule, const std::set<std::string>& others) const {
    std::set<OpId> found;
    std::vector<OpId> left = made_by(*rule);
    while (!left.empty()) {
      const OpId op = left.back();
      left.pop_back();
      if (!found.insert(op).second) continue;
      const auto next = onward_.find(op);
      if (next == onward_.end()) continue;
      for (const Rule* onward : next->second) {
        if (others.count(onward->base_name)) continue;
        const std::vector<OpId> made = made_by(*onward);
        left.insert(left.end(), made.begin(), made.end());
      }
    }
    return found;
  }

  // Whether a rule begins with what this one makes.
  bool onward(const Rule* rule) const {
    const std::vector<OpId> made = made_by(*rule);
    return std::any_of(made.begin(), made.end(), [&](OpId op) { return onward_.count(op) > 0; });
  }

 private:
  std::map<OpId, std::vector<const Rule*>> onward_;  // rules that begin with an operator
  std::map<const Rule*, std::set<OpId>> known_;
};

std::string_view packet_of(std::string_view op) { return op.substr(0, op.rfind('.')); }

// How far a rule came. Conditions are asked when a pattern is complete, so they weigh most; but a pattern of one call
// is complete wherever that operator is, which matters when other rules begin with what it would make.
int base_score(const Miss& miss, const Leads& leads) {
  const bool alone = miss.matched.size() < 2;
  if (miss.by == RefusedBy::condition) return !alone ? 6 : leads.onward(miss.rule) ? 3 : 0;
  // An argument that nobody wrote says that the rule is about a special form of the operator.
  if (miss.by == RefusedBy::argument && miss.at_default) return 1;
  if (miss.by == RefusedBy::argument || miss.other_overload) return alone ? 2 : 5;
  // What is no call cannot become the operator that was looked for.
  return !alone ? 3 : miss.found.empty() ? 0 : 1;
}

int score_of(const Miss& miss, const Leads& leads) {
  if (miss.stops.empty()) return base_score(miss, leads);
  // Others wait for it, so it matters even where nothing but its root is there.
  const bool near = miss.by != RefusedBy::op || miss.other_overload;
  return 3 + std::max(near ? 5 : 0, base_score(miss, leads));
}

constexpr int kKeepsDequantize = 2;
constexpr size_t kNamed = 3;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < kNamed; ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

}  // namespace

std::string place_of(const Span& span) {
  if (!span) return "";
  const auto position = span.file->position(span.begin);
  return span.file->name() + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

void NearMisses::watch(RewriteOptions& options) {
  options.at_end_of_phase = [this](uint32_t phase, Graph& graph, Automaton::Session& session) {
    collect(phase, graph, session);
  };
  options.before_rewrite = [this](uint32_t phase, Graph& graph, Automaton::Session& session, const Match& match) {
    passed_over(phase, graph, session, match);
  };
}

void NearMisses::collect(uint32_t phase, Graph& graph, Automaton::Session& session) {
  for (Node* node = graph.first(); node; node = node->next()) {
    for (NearMiss& found : session.explain(node)) {
      if (!only_.empty() && found.rule->base_name != only_ && found.rule->name != only_) continue;
      note(miss_of(std::move(found), phase, graph.operators()));
    }
  }
}

// Rules that are tried before the one that fires, of which only a condition refused a match that has more.
void NearMisses::passed_over(uint32_t phase, Graph& graph, Automaton::Session& session, const Match& match) {
  for (NearMiss& found : session.explain(match.root)) {
    if (found.by != RefusedBy::condition || found.rule >= match.rule || found.rule->base_name == match.rule->base_name)
      continue;
    if (!only_.empty() && found.rule->base_name != only_ && found.rule->name != only_) continue;
    std::vector<std::string> lost;
    for (const Node* node : found.matched) {
      if (std::find(match.nodes.begin(), match.nodes.end(), node) == match.nodes.end()) lost.push_back(node->name());
    }
    if (lost.empty()) continue;
    Miss miss = miss_of(std::move(found), phase, graph.operators());
    miss.lost = std::move(lost);
    passed_over_.push_back(std::move(miss));
  }
}

Miss NearMisses::miss_of(NearMiss&& found, uint32_t phase, const OperatorTable& operators) const {
  const auto source_of = [](const Node* node) {
    // Exporters run code that is in no file: "<eval_with_key>.20:46".
    const bool known = node && node->is_call() && node->provenance() && node->provenance()->location[0] != '<';
    return known ? node->provenance()->location : std::string();
  };
  Miss miss;
  miss.rule = found.rule;
  miss.phase = phase;
  miss.root = found.root->name();
  miss.refused = found.refused;
  miss.reason = std::move(found.reason);
  miss.span = std::move(found.span);
  miss.by = found.by;
  miss.at_default = found.at_default;
  miss.passed = found.tests_passed;
  miss.of = found.tests_total;
  miss.values = std::move(found.values);
  miss.wanted = std::move(found.wanted);
  for (const Node* matched : found.matched) miss.matched.push_back(matched->name());
  if (found.node) {
    miss.node = found.node->name();
    if (found.node->is_call()) {
      miss.found = found.node->op_name();
      miss.other_overload = std::any_of(miss.wanted.begin(), miss.wanted.end(), [&](OpId op) {
        return packet_of(operators.name(op)) == packet_of(miss.found);
      });
    }
  }
  miss.source = source_of(found.node);
  if (miss.source.empty()) miss.source = source_of(found.root);
  return miss;
}

// Of one family at one root only the miss that came farthest is kept; what the others would have taken is added to it.
void NearMisses::note(Miss miss) {
  for (size_t i = misses_.size(); i-- > 0;) {
    Miss& known = misses_[i];
    if (known.root != miss.root || known.phase != miss.phase) break;
    if (known.rule->base_name != miss.rule->base_name) continue;
    const auto farther = [](const Miss& a) {
      return std::make_tuple(a.by == RefusedBy::condition, a.matched.size(), a.passed);
    };
    if (farther(miss) > farther(known)) {
      known = std::move(miss);
    } else if (farther(miss) == farther(known) && miss.node == known.node) {
      known.wanted.insert(known.wanted.end(), miss.wanted.begin(), miss.wanted.end());
    }
    return;
  }
  misses_.push_back(std::move(miss));
}

Misses NearMisses::ranked(const RewriteReport& report, const RuleSet& rules, const Graph& left) && {
  const std::vector<std::string> dequantizes = unfused_dequantizes(left);
  const std::set<std::string> unfused(dequantizes.begin(), dequantizes.end());
  const auto any_unfused = [&](const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return unfused.count(name) > 0; });
  };
  Misses misses = std::move(misses_);
  std::map<std::string, uint32_t> phase_of;
  for (uint32_t i = 0; i < rules.phases.size(); ++i) phase_of[rules.phases[i].name] = i;
  // Later firings over a node. One that took less than what a condition refused left something to be had.
  std::unordered_map<std::string, std::vector<const Firing*>> taken;
  for (const Firing& firing : report.firings) {
    for (const std::string& name : firing.matched) taken[name].push_back(&firing);
  }
  for (Miss& miss : misses) {
    const auto found = taken.find(miss.root);
    if (found == taken.end()) continue;
    for (const Firing* firing : found->second) {
      const bool less = miss.by == RefusedBy::condition && firing->matched.size() < miss.matched.size();
      if (phase_of[firing->phase] > miss.phase && !less) miss.taken_by = firing->rule;
    }
  }

  for (Miss& miss : passed_over_) {
    if (any_unfused(miss.lost)) misses.push_back(std::move(miss));
  }

  // The same thing refuses several rules: told once. What is kept moves to the front.
  std::unordered_map<std::string, size_t> first_with;
  Misses& kept = misses;
  size_t count = 0;
  for (Miss& miss : misses) {
    if (miss.by != RefusedBy::op) {
      std::string key = miss.root + "\n" + miss.node + "\n" + miss.reason + "\n";
      if (miss.by == RefusedBy::condition) key += miss.refused;
      auto [known, added] = first_with.emplace(std::move(key), count);
      if (!added) {
        Miss& first = kept[known->second];
        if (miss.matched.size() > first.matched.size()) std::swap(first, miss);
        first.also.push_back(miss.rule->base_name);
        first.also.insert(first.also.end(), miss.also.begin(), miss.also.end());
        continue;
      }
    }
    if (&kept[count] != &miss) kept[count] = std::move(miss);
    ++count;
  }
  kept.resize(count);

  // What follows from what: a rule that looks for an operator at a node where another rule, which would lead to that
  // operator, was refused.
  Leads leads(rules);
  std::unordered_map<std::string, std::vector<size_t>> at_root;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].taken_by.empty()) at_root[kept[i].root].push_back(i);
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].by != RefusedBy::op || !kept[i].taken_by.empty()) continue;
    const auto candidates = at_root.find(kept[i].node);
    if (candidates == at_root.end()) continue;
    for (size_t j : candidates->second) {
      // A rule about a special form that nobody wrote is not what was missing.
      if (i == j || kept[j].at_default) continue;
      const auto would_do = [&](const std::set<OpId>& made) {
        return std::any_of(kept[i].wanted.begin(), kept[i].wanted.end(), [&](OpId op) { return made.count(op) > 0; });
      };
      if (!would_do(leads.of(kept[j].rule))) continue;
      // Not through a rule that is refused here as well, whatever the operator is called.
      std::set<std::string> refused;
      for (size_t k : candidates->second) {
        if (k != j) refused.insert(kept[k].rule->base_name);
      }
      if (!would_do(leads.without(kept[j].rule, refused))) continue;
      const int known = kept[i].follows;
      if (known < 0 || base_score(kept[j], leads) > base_score(kept[static_cast<size_t>(known)], leads))
        kept[i].follows = static_cast<int>(j);
    }
    if (kept[i].follows >= 0) kept[static_cast<size_t>(kept[i].follows)].stops.push_back(i);
  }

  // What keeps a dequantize, or what others wait for that do.
  std::vector<char> keeps(kept.size(), 0);
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i].taken_by.empty() || !(any_unfused(kept[i].matched) || unfused.count(kept[i].root))) continue;
    // As long as nothing is passed twice: two may follow from each other.
    for (int at = static_cast<int>(i); at >= 0 && !keeps[static_cast<size_t>(at)];
         at = kept[static_cast<size_t>(at)].follows)
      keeps[static_cast<size_t>(at)] = 1;
  }
  std::vector<size_t> order(kept.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    order[i] = i;
    kept[i].score = score_of(kept[i], leads) + (keeps[i] ? kKeepsDequantize : 0);
  }
  const auto key = [&](size_t i) {
    const Miss& miss = kept[i];
    return std::make_tuple(miss.taken_by.empty(), miss.follows < 0, miss.score, miss.matched.size(),
                           static_cast<double>(miss.passed) / static_cast<double>(std::max<size_t>(1, miss.of)));
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) > key(b); });
  std::vector<size_t> place(kept.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (Miss& miss : kept) {
    if (miss.follows >= 0) miss.follows = static_cast<int>(place[static_cast<size_t>(miss.follows)]);
    for (size_t& stopped : miss.stops) stopped = place[stopped];
  }
  for (size_t i = 0; i < place.size(); ++i) {
    while (place[i] != i) {
      std::swap(kept[i], kept[place[i]]);
      std::swap(place[i], place[place[i]]);
    }
  }
  return kept;
}

bool is_strong(const Miss& miss) { return miss.score >= 4; }

json to_json(const Misses& misses, size_t index, const RuleSet& rules) {
  const Miss& miss = misses[index];
  json entry = {{"rule", miss.rule->name},
                {"phase", rules.phases[miss.phase].name},
                {"root", miss.root},
                {"passed", miss.passed},
                {"of", miss.of},
                {"refused", miss.refused},
                {"reason", miss.reason},
                {"kind", miss.by == RefusedBy::condition ? "condition" : "structure"},
                {"refused_by", miss.by == RefusedBy::condition  ? "condition"
                               : miss.by == RefusedBy::argument ? "argument"
                                                                : "operator"},
                {"rule_place", place_of(miss.span)},
                {"matched", miss.matched}};
  if (!miss.node.empty()) entry["node"] = miss.node;
  if (!miss.source.empty()) entry["model_place"] = miss.source;
  if (!miss.also.empty()) entry["also"] = miss.also;
  if (!miss.taken_by.empty()) entry["taken_by"] = miss.taken_by;
  if (!miss.values.empty()) {
    json values = json::array();
    for (const NamedValue& value : miss.values)
      values.push_back({{"name", value.name}, {"argument", value.title}, {"value", value.value}});
    entry["values"] = values;
  }
  const auto name = [&](size_t i) { return json{{"rule", misses[i].rule->name}, {"root", misses[i].root}}; };
  if (miss.follows >= 0) entry["follows"] = name(static_cast<size_t>(miss.follows));
  if (!miss.stops.empty()) {
    entry["stops"] = json::array();
    for (size_t i : miss.stops) entry["stops"].push_back(name(i));
  }
  return entry;
}

void print_miss(const Misses& misses, size_t index, const std::vector<std::string>& elsewhere, bool color) {
  const Miss& miss = misses[index];
  const auto line = [&](const char* title, const std::string& text) {
    std::printf("    %-11s %s\n", title, text.c_str());
  };
  std::printf("  %s at %%%s: %s\n", paint(miss.rule->name, Color::bold, color).c_str(), miss.root.c_str(),
              miss.reason.c_str());
  line("refused by", std::string(miss.refused));
  for (const NamedValue& value : miss.values) line("", "%" + value.name + " is " + value.title + ": " + value.value);
  line("passed", std::to_string(miss.passed) + " of " + std::to_string(miss.of));
  line("rule", place_of(miss.span));
  if (!miss.source.empty()) line("model", miss.source);
  if (!miss.also.empty()) line("also", listed(miss.also));
  if (!elsewhere.empty()) line("also at", listed(elsewhere));
  std::vector<std::string> stopped;
  for (size_t i : miss.stops) stopped.push_back(misses[i].rule->base_name + " at %" + misses[i].root);
  if (!stopped.empty()) line("stops", listed(stopped));
  if (miss.follows >= 0) {
    const Miss& cause = misses[static_cast<size_t>(miss.follows)];
    line("follows", "from " + cause.rule->base_name + " at %" + cause.root);
  }
  if (!miss.taken_by.empty()) line("taken", "%" + miss.root + " became part of " + miss.taken_by);
}

}  // namespace qrules::tools
