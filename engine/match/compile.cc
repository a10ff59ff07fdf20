// Rules to the decision structure of program.h.
//
// Each rule keeps a list of what is still to be tested: pairs of a place and a pattern. At a state every rule of the
// subtree proposes the tests that it could make next. Each takes the cheapest class of its tests (operator, kind of
// argument, literal, equality, and last those with several ways), and in it the test that most rules of this subtree
// propose: that is what is shared. Rules that chose the same test go on together below it. There is no global order of
// tests, which would chain rules that have nothing in common.
//
// Tests with several ways are taken in the order of the pattern text, after everything that has one way. So the matches
// of one rule come in the order in which its choices are written, whatever the order of the other tests was.

#include <algorithm>
#include <set>
#include <unordered_map>

#include <qrules/graph/hash.h>
#include <qrules/match/partial.h>

namespace qrules::match {
namespace {

// Names that only some ways of a pattern bind.
void mark_conditional(const Rule& rule, PatternId id, bool conditional, std::set<SlotId>& slots) {
  const Pattern& pattern = rule.patterns[id];
  if (conditional) slots.insert(pattern.slots.begin(), pattern.slots.end());
  for (const PatternArgument& argument : pattern.arguments)
    mark_conditional(rule, argument.pattern, conditional, slots);
  switch (pattern.kind) {
    case PatternKind::alternative:
      for (PatternId child : pattern.children) mark_conditional(rule, child, true, slots);
      break;
    case PatternKind::optional:
    case PatternKind::repeat: {
      const Pattern& call = rule.patterns[pattern.children[0]];
      slots.insert(call.slots.begin(), call.slots.end());
      for (size_t i = 0; i < call.arguments.size(); ++i)
        mark_conditional(rule, call.arguments[i].pattern, conditional || i > 0, slots);
      break;
    }
    default:
      for (PatternId child : pattern.children) mark_conditional(rule, child, conditional, slots);
  }
}

struct Traveller {
  uint32_t index = 0;  // of the rule
  Partial partial;
};

class Compiler {
 public:
  Compiler(const RuleSet& rules, std::vector<const Rule*> chosen) : chosen_(std::move(chosen)) {
    program_.operators = rules.operators;
    program_.states.emplace_back();
  }

  Program run() {
    std::vector<Traveller> start;
    infos_.reserve(chosen_.size());
    for (uint32_t i = 0; i < chosen_.size(); ++i) {
      prepare(*chosen_[i]);
      start.push_back({i, Partial(infos_.back(), registers_)});
    }
    grow(0, std::move(start));
    program_.registers = registers_.count();
    finish();
    return std::move(program_);
  }

 private:
  void prepare(const Rule& rule) {
    RuleInfo info;
    info.rule = &rule;
    std::set<SlotId> conditional;
    if (rule.root != kNoPattern) mark_conditional(rule, rule.root, false, conditional);
    for (PatternId extra : rule.extra_roots) mark_conditional(rule, extra, false, conditional);
    // The k-th such name of each rule shares a register, so that rules with the same pattern have the same tests.
    for (SlotId slot : conditional) {
      info.variables[slot] =
          registers_.intern(TestKind::bind, Place{0, -1}, static_cast<uint32_t>(info.variables.size()));
    }
    info.order.assign(rule.patterns.size(), UINT32_MAX);
    uint32_t next = 0;
    if (rule.root != kNoPattern) number_patterns(rule, rule.root, info.order, next);
    for (PatternId extra : rule.extra_roots) number_patterns(rule, extra, info.order, next);
    if (rule.root != kNoPattern) {
      Certain before = certain_below(rule, rule.root);
      for (PatternId extra : rule.extra_roots) {
        const Certain own = certain_below(rule, extra);
        info.links.push_back(own.shared(before));
        before.add(own);
      }
    }
    for (const Pattern& pattern : rule.patterns) {
      for (SlotId slot : pattern.slots) {
        if (!rule.slots[slot].is_list || info.lists.count(slot)) continue;
        const uint32_t number = static_cast<uint32_t>(info.lists.size());
        info.lists[slot] = number;
      }
    }
    program_.lists = std::max(program_.lists, static_cast<uint32_t>(info.lists.size()));
    infos_.push_back(std::move(info));

    CompiledRule compiled;
    compiled.rule = &rule;
    for (uint32_t i = 0; i < rule.conditions.size(); ++i) compiled.conditions.push_back(i);
    std::stable_sort(compiled.conditions.begin(), compiled.conditions.end(),
                     [&](uint32_t a, uint32_t b) { return rule.conditions[a].cost < rule.conditions[b].cost; });
    collect_required(rule, rule.root, compiled);
    for (PatternId extra : rule.extra_roots) collect_required(rule, extra, compiled);
    program_.depth = std::max(program_.depth, 1 + depth_of(rule, rule.root));
    for (PatternId extra : rule.extra_roots) program_.depth = std::max(program_.depth, 1 + depth_of(rule, extra));
    program_.rules.push_back(std::move(compiled));
  }

  void collect_required(const Rule& rule, PatternId id, CompiledRule& compiled) {
    const Pattern& pattern = rule.patterns[id];
    switch (pattern.kind) {
      case PatternKind::call:
        compiled.required.push_back(pattern.operators.regexes.empty() ? pattern.operators.ops : std::vector<OpId>());
        for (const PatternArgument& argument : pattern.arguments) collect_required(rule, argument.pattern, compiled);
        break;
      case PatternKind::list:
      case PatternKind::siblings:
      case PatternKind::each:
        for (PatternId child : pattern.children) collect_required(rule, child, compiled);
        break;
      case PatternKind::optional:
      case PatternKind::repeat: {
        const Pattern& call = rule.patterns[pattern.children[0]];
        if (pattern.kind == PatternKind::repeat)
          program_.runs_through.insert(program_.runs_through.end(), call.operators.ops.begin(),
                                       call.operators.ops.end());
        if (pattern.minimum > 0)
          compiled.required.push_back(call.operators.regexes.empty() ? call.operators.ops : std::vector<OpId>());
        collect_required(rule, call.arguments[0].pattern, compiled);
        break;
      }
      case PatternKind::alternative: {
        // One of the roots of the ways, when all are calls.
        std::vector<OpId> any;
        bool calls = true;
        for (PatternId child : pattern.children) {
          const Pattern& way = rule.patterns[child];
          calls = calls && way.kind == PatternKind::call && way.operators.regexes.empty();
          any.insert(any.end(), way.operators.ops.begin(), way.operators.ops.end());
          note_chains(rule, child);
        }
        if (calls) compiled.required.push_back(std::move(any));
        break;
      }
      default: break;
    }
  }

  void note_chains(const Rule& rule, PatternId id) {
    CompiledRule ignored;
    const Pattern& pattern = rule.patterns[id];
    for (const PatternArgument& argument : pattern.arguments) collect_required(rule, argument.pattern, ignored);
  }

  // Operand edges between the root and the farthest value that is looked at.
  size_t depth_of(const Rule& rule, PatternId id) const {
    const Pattern& pattern = rule.patterns[id];
    size_t deepest = 0;
    for (const PatternArgument& argument : pattern.arguments)
      deepest = std::max(deepest, 1 + depth_of(rule, argument.pattern));
    for (PatternId child : pattern.children) deepest = std::max(deepest, depth_of(rule, child));
    return deepest;
  }

  void grow(StateId at, std::vector<Traveller> travellers) {
    // Counts how many rules propose each test, then lets each choose.
    std::vector<std::vector<Proposal>> options(travellers.size());
    std::unordered_map<size_t, std::vector<std::pair<const Test*, uint32_t>>> counts;
    const auto count_of = [&](const Test& test) -> uint32_t& {
      auto& bucket = counts[hash_of(test)];
      for (auto& [known, count] : bucket) {
        if (*known == test) return count;
      }
      bucket.push_back({&test, 0});
      return bucket.back().second;
    };
    for (size_t i = 0; i < travellers.size(); ++i) options[i] = travellers[i].partial.proposals();
    for (const auto& list : options) {
      for (const Proposal& proposal : list) ++count_of(proposal.test);
    }
    std::vector<std::pair<const Test*, std::vector<size_t>>> groups;
    std::unordered_map<const Test*, size_t> group_of;
    std::vector<const Proposal*> chosen(travellers.size(), nullptr);
    for (size_t i = 0; i < travellers.size(); ++i) {
      if (travellers[i].partial.done()) {
        accept(at, travellers[i]);
        continue;
      }
      for (const Proposal& proposal : options[i]) {
        if (!chosen[i] || proposal.cost < chosen[i]->cost ||
            (proposal.cost == chosen[i]->cost && count_of(proposal.test) > count_of(chosen[i]->test)))
          chosen[i] = &proposal;
      }
      const Test* key = nullptr;
      for (const auto& [known, count] : counts[hash_of(chosen[i]->test)]) {
        if (*known == chosen[i]->test) key = known;
      }
      auto [found, added] = group_of.emplace(key, groups.size());
      if (added) groups.push_back({key, {}});
      groups[found->second].second.push_back(i);
    }
    for (const auto& [test, members] : groups) {
      const StateId state = static_cast<StateId>(program_.states.size());
      program_.states.emplace_back();
      program_.states[state].test = *test;
      program_.states[at].children.push_back(state);
      std::vector<Traveller> below;
      for (size_t member : members) {
        CompiledRule& rule = program_.rules[travellers[member].index];
        rule.states.push_back(state);
        rule.places.push_back(chosen[member]->span);
        if (!test->branches.empty()) rule.ways.emplace(state, chosen[member]->test);
        Traveller next = std::move(travellers[member]);
        next.partial.take(*chosen[member]);
        below.push_back(std::move(next));
      }
      grow(state, std::move(below));
    }
  }

  void accept(StateId at, const Traveller& traveller) {
    program_.states[at].accepts.push_back(traveller.index);
    CompiledRule& compiled = program_.rules[traveller.index];
    const RuleInfo& info = traveller.partial.info();
    compiled.slots.resize(compiled.rule->slots.size());
    for (const auto& [slot, place] : traveller.partial.slots())
      compiled.slots[slot] = {SlotSource::Kind::place, place, 0};
    for (const auto& [slot, variable] : info.variables)
      compiled.slots[slot] = {SlotSource::Kind::place, Place{variable, -1}, 0};
    for (const auto& [slot, list] : info.lists) compiled.slots[slot] = {SlotSource::Kind::list, {}, list};
  }

  void finish() {
    std::vector<State>& states = program_.states;
    for (size_t i = states.size(); i-- > 0;) {
      State& state = states[i];
      for (uint32_t rule : state.accepts) state.first_rule = std::min(state.first_rule, rule);
      for (StateId child : state.children) state.first_rule = std::min(state.first_rule, states[child].first_rule);
    }
    for (State& state : states) {
      std::stable_sort(state.children.begin(), state.children.end(),
                       [&](StateId a, StateId b) { return states[a].first_rule < states[b].first_rule; });
      for (StateId child : state.children) {
        const Test& test = states[child].test;
        if (test.kind != TestKind::call || !test.regexes.empty()) {
          state.others.push_back(child);
          continue;
        }
        auto same = std::find_if(state.switches.begin(), state.switches.end(),
                                 [&](const Switch& s) { return s.subject == test.subject; });
        if (same == state.switches.end()) {
          state.switches.push_back({test.subject, {}, {}});
          same = state.switches.end() - 1;
        }
        same->states.push_back(child);
        for (OpId op : test.operators) same->cases[op].push_back(child);
      }
    }
    std::sort(program_.runs_through.begin(), program_.runs_through.end());
    program_.runs_through.erase(std::unique(program_.runs_through.begin(), program_.runs_through.end()),
                                program_.runs_through.end());
  }

  std::vector<const Rule*> chosen_;
  std::vector<RuleInfo> infos_;
  Registers registers_;
  Program program_;
};

}  // namespace

bool operator==(const Test& a, const Test& b) {
  return a.kind == b.kind && a.subject == b.subject && a.out == b.out && a.count == b.count &&
         a.operators == b.operators && a.regexes == b.regexes && identical(a.literal, b.literal) &&
         a.other == b.other && a.through == b.through && a.branches == b.branches && a.captures == b.captures &&
         a.shares == b.shares && a.members == b.members;
}

size_t hash_of(const Test& test) {
  size_t hash = combine(static_cast<size_t>(test.kind), test.subject.base);
  hash = combine(hash, static_cast<size_t>(test.subject.index));
  hash = combine(hash, test.out);
  for (OpId op : test.operators) hash = combine(hash, op);
  hash = combine(hash, qrules::hash_of(test.literal));
  for (const auto& branch : test.branches) {
    for (const Test& inner : branch) hash = combine(hash, hash_of(inner));
  }
  return hash;
}

Program compile(const RuleSet& rules, std::vector<const Rule*> chosen) {
  return Compiler(rules, std::move(chosen)).run();
}

}  // namespace qrules::match
