// Rules to the decision structure of program.h.
//
// Each rule keeps a list of what is still to be tested: pairs of a place and a pattern. At a state every rule of the subtree
// proposes the tests that it could make next. Each takes the cheapest class of its tests (operator, kind of argument, literal, equality,
// and last those with several ways), and in it the test that most rules of this subtree propose: that is what is shared.
// Rules that chose the same test go on together below it. There is no global order of tests, which would chain rules that have
// nothing in common.
//
// Tests with several ways are taken in the order of the pattern text, after everything that has one way. So the matches of one rule
// come in the order in which its choices are written, whatever the order of the other tests was.

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include <qrules/graph/hash.h>
#include <qrules/match/program.h>
#include <qrules/rules/certain.h>

namespace qrules::match {
namespace {

constexpr uint32_t kFarthestUsers = 64;  // levels, when a chain lies between an extra root and the rest

// Numbers positions: the same question at the same place goes into the same register.
class Registers {
 public:
  Register intern(TestKind kind, Place subject, uint32_t ordinal, uint32_t count = 1) {
    auto [found, added] = known_.emplace(std::make_tuple(kind, subject.base, subject.index, ordinal), next_);
    if (added) next_ += count;
    return found->second;
  }
  uint32_t count() const { return next_; }

 private:
  std::map<std::tuple<TestKind, Register, int32_t, uint32_t>, Register> known_;
  uint32_t next_ = 1;
};

// Something that a rule has to test yet.
struct Pending {
  enum class Kind : uint8_t { pattern, swap, equal_slot, argument_default, users };
  Kind kind = Kind::pattern;
  Place place;
  PatternId pattern = kNoPattern;   // swap: the call; users: the extra root
  SlotId slot = 0;                  // equal_slot
  const Argument* literal = nullptr;  // argument_default
  uint32_t order = 0;               // in the pattern's text
};

struct Proposal {
  Test test;
  int cost = 0;
  size_t pending = 0;
  Span span;
};

int cost_of(TestKind kind) {
  switch (kind) {
    case TestKind::call: return 0;
    case TestKind::node:
    case TestKind::present:
    case TestKind::list: return 1;
    case TestKind::literal: return 2;
    case TestKind::equal:
    case TestKind::bind: return 3;
    default: return 4;  // several ways
  }
}

// What is common to all states of one rule.
struct RuleInfo {
  const Rule* rule = nullptr;
  std::map<SlotId, Register> variables;  // slots that only some ways bind
  std::map<SlotId, uint32_t> lists;      // slots bound inside `each`
  std::vector<uint32_t> order;           // of each pattern in the text: before what it contains
  std::vector<Certain> links;            // of each extra root: what it and all that comes before it certainly share
};

void number_patterns(const Rule& rule, PatternId id, std::vector<uint32_t>& order, uint32_t& next) {
  if (order[id] != UINT32_MAX) return;
  order[id] = next++;
  for (const PatternArgument& argument : rule.patterns[id].arguments) number_patterns(rule, argument.pattern, order, next);
  for (PatternId child : rule.patterns[id].children) number_patterns(rule, child, order, next);
}

void mark_conditional(const Rule& rule, PatternId id, bool conditional, std::set<SlotId>& slots) {
  const Pattern& pattern = rule.patterns[id];
  if (conditional) slots.insert(pattern.slots.begin(), pattern.slots.end());
  for (const PatternArgument& argument : pattern.arguments) mark_conditional(rule, argument.pattern, conditional, slots);
  switch (pattern.kind) {
    case PatternKind::alternative:
      for (PatternId child : pattern.children) mark_conditional(rule, child, true, slots);
      break;
    case PatternKind::optional:
    case PatternKind::repeat: {
      const Pattern& call = rule.patterns[pattern.children[0]];
      slots.insert(call.slots.begin(), call.slots.end());
      for (size_t i = 0; i < call.arguments.size(); ++i) mark_conditional(rule, call.arguments[i].pattern, conditional || i > 0, slots);
      break;
    }
    default:
      for (PatternId child : pattern.children) mark_conditional(rule, child, conditional, slots);
  }
}

// One rule on its way down the tree.
class Partial {
 public:
  Partial(const RuleInfo& info, Registers& registers) : info_(&info), rule_(info.rule), registers_(&registers) {
    visit(Place{0, -1}, rule_->root);
    for (uint32_t i = 0; i < rule_->extra_roots.size(); ++i) {
      push({Pending::Kind::users, Place{i, -1}, rule_->extra_roots[i], 0, nullptr, order_of(rule_->extra_roots[i])});
    }
  }

  const RuleInfo& info() const { return *info_; }
  bool done() const { return pending_.empty(); }
  const std::map<SlotId, Place>& slots() const { return slots_; }

  // The tests that could be made now. Those with several ways only when nothing else is left, and of these only the first.
  std::vector<Proposal> proposals() const {
    std::vector<Proposal> result;
    for (size_t i = 0; i < pending_.size(); ++i) {
      Proposal proposal{test_of(pending_[i]), 0, i, span_of(pending_[i])};
      proposal.cost = cost_of(proposal.test.kind);
      result.push_back(std::move(proposal));
    }
    const bool settled = std::all_of(result.begin(), result.end(), [](const Proposal& p) { return p.cost >= 4; });
    if (!settled) {
      result.erase(std::remove_if(result.begin(), result.end(), [](const Proposal& p) { return p.cost >= 4; }), result.end());
      return result;
    }
    if (result.empty()) return result;
    auto first = std::min_element(result.begin(), result.end(), [&](const Proposal& a, const Proposal& b) { return pending_[a.pending].order < pending_[b.pending].order; });
    return {*first};
  }

  void take(const Proposal& proposal) {
    const Pending taken = pending_[proposal.pending];
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(proposal.pending));
    const Test& test = proposal.test;
    if (taken.kind == Pending::Kind::swap) {
      const Pattern& call = rule_->patterns[taken.pattern];
      for (size_t i = 0; i < call.arguments.size(); ++i) {
        const PatternArgument& argument = call.arguments[i];
        if (argument.parameter < 2 && !goes_on(taken.pattern, i)) visit(Place{test.out + argument.parameter, -1}, argument.pattern);
      }
      for (const auto& [parameter, value] : call.defaults) {
        if (parameter < 2) push({Pending::Kind::argument_default, Place{test.out + parameter, -1}, kNoPattern, 0, &value, 0});
      }
      return;
    }
    if (taken.kind == Pending::Kind::users) {
      visit(Place{test.out, -1}, taken.pattern);
      return;
    }
    if (taken.kind != Pending::Kind::pattern) return;
    const Pattern& pattern = rule_->patterns[taken.pattern];
    switch (pattern.kind) {
      case PatternKind::call: {
        if (needs_swap(pattern)) push({Pending::Kind::swap, Place{test.out, -1}, taken.pattern, 0, nullptr, order_of(taken.pattern) + 1});
        const bool swapped = needs_swap(pattern);
        for (size_t i = 0; i < pattern.arguments.size(); ++i) {
          const PatternArgument& argument = pattern.arguments[i];
          if ((swapped && argument.parameter < 2) || goes_on(taken.pattern, i)) continue;
          visit(Place{test.out, static_cast<int32_t>(argument.parameter)}, argument.pattern);
        }
        for (const auto& [parameter, value] : pattern.defaults) {
          if (swapped && parameter < 2) continue;
          push({Pending::Kind::argument_default, Place{test.out, static_cast<int32_t>(parameter)}, kNoPattern, 0, &value, 0});
        }
        break;
      }
      case PatternKind::list:
        for (size_t i = 0; i < pattern.children.size(); ++i) visit(Place{test.out, static_cast<int32_t>(i)}, pattern.children[i]);
        break;
      case PatternKind::optional:
      case PatternKind::repeat: visit(Place{test.out, -1}, through_pattern(pattern)); break;
      default: break;
    }
  }

 private:
  Partial(const Partial& outer, bool) : Partial(outer) { pending_.clear(); }

  // Operand orders of a call come right after the call and before what its operands contain.
  uint32_t order_of(PatternId id) const { return 2 * (order_.empty() ? info_->order : order_)[id]; }

  void push(Pending pending) { pending_.push_back(pending); }

  PatternId through_pattern(const Pattern& chain) const { return rule_->patterns[chain.children[0]].arguments[0].pattern; }

  bool trivial(PatternId id) const {
    const Pattern& pattern = rule_->patterns[id];
    return pattern.kind == PatternKind::any && pattern.slots.empty();
  }

  // Both orders are tried only when they could differ.
  bool needs_swap(const Pattern& call) const {
    if (!call.commutative) return false;
    return std::any_of(call.arguments.begin(), call.arguments.end(), [&](const PatternArgument& a) { return a.parameter < 2 && !trivial(a.pattern); });
  }

  // A pattern stands at a place: its names are bound there, and it is to be tested unless it is trivial or was seen before.
  void visit(Place place, PatternId id) {
    const Pattern& pattern = rule_->patterns[id];
    if (auto seen = patterns_.find(id); seen != patterns_.end()) {
      extra_equal(place, seen->second);
      return;
    }
    patterns_[id] = place;
    for (SlotId slot : pattern.slots) bind(place, slot);
    if (pattern.kind == PatternKind::any) return;
    if (pattern.kind == PatternKind::value && pattern.optional) return;
    push({Pending::Kind::pattern, place, id, 0, nullptr, order_of(id)});
  }

  void bind(Place place, SlotId slot) {
    if (info_->variables.count(slot)) {
      push({Pending::Kind::equal_slot, place, kNoPattern, slot, nullptr, 0});
      return;
    }
    auto [found, added] = slots_.emplace(slot, place);
    if (!added) push({Pending::Kind::equal_slot, place, kNoPattern, slot, nullptr, 0});
  }

  void extra_equal(Place place, Place seen) {
    equals_.push_back(seen);
    push({Pending::Kind::equal_slot, place, kNoPattern, static_cast<SlotId>(rule_->slots.size() + equals_.size() - 1), nullptr, 0});
  }

  Test test_of(const Pending& pending) const {
    Test test;
    test.subject = pending.place;
    switch (pending.kind) {
      case Pending::Kind::argument_default:
        test.kind = TestKind::literal;
        test.literal = *pending.literal;
        return test;
      case Pending::Kind::swap:
        test.kind = TestKind::swap;
        test.out = registers_->intern(TestKind::swap, pending.place, 0, 2);
        return test;
      case Pending::Kind::equal_slot:
        if (pending.slot >= rule_->slots.size()) {
          test.kind = TestKind::equal;
          test.other = equals_[pending.slot - rule_->slots.size()];
        } else if (auto variable = info_->variables.find(pending.slot); variable != info_->variables.end()) {
          test.kind = TestKind::bind;
          test.out = variable->second;
        } else {
          test.kind = TestKind::equal;
          test.other = slots_.at(pending.slot);
        }
        return test;
      case Pending::Kind::users: return users_test(pending);
      case Pending::Kind::pattern: return pattern_test(pending);
    }
    return test;
  }

  Test pattern_test(const Pending& pending) const {
    const Pattern& pattern = rule_->patterns[pending.pattern];
    Test test;
    test.subject = pending.place;
    switch (pattern.kind) {
      case PatternKind::any:
      case PatternKind::value:
        test.kind = pattern.node_required ? TestKind::node : TestKind::present;
        return test;
      case PatternKind::literal:
        test.kind = TestKind::literal;
        test.literal = pattern.literal;
        return test;
      case PatternKind::call:
        test.kind = TestKind::call;
        test.operators = pattern.operators.ops;
        test.regexes = pattern.operators.regexes;
        test.out = registers_->intern(TestKind::call, pending.place, 0);
        return test;
      case PatternKind::list:
        test.kind = TestKind::list;
        test.count = static_cast<uint32_t>(pattern.children.size());
        test.out = registers_->intern(TestKind::list, pending.place, 0);
        return test;
      case PatternKind::alternative:
        test.kind = TestKind::alternative;
        for (PatternId child : pattern.children) test.branches.push_back(sequence(pending.place, child));
        return test;
      case PatternKind::optional:
      case PatternKind::repeat: {
        const bool repeat = pattern.kind == PatternKind::repeat;
        test.kind = repeat ? TestKind::repeat : TestKind::optional;
        test.count = pattern.minimum;
        test.out = registers_->intern(test.kind, pending.place, 0);
        // The call of a chain is looked at in a register of its own: its place moves along the chain.
        const Place link = repeat ? Place{registers_->intern(TestKind::repeat, pending.place, 1), -1} : pending.place;
        if (repeat) test.other = link;
        const PatternId call = pattern.children[0];
        test.through = through_place(rule_->patterns[call], Place{registers_->intern(TestKind::call, link, 0), -1});
        test.branches.push_back(sequence(link, call, test.through));
        return test;
      }
      case PatternKind::each: {
        test.kind = TestKind::each;
        test.out = registers_->intern(TestKind::each, pending.place, 0);
        Partial inner(*this, true);
        inner.visit(Place{test.out, -1}, pattern.children[0]);
        test.branches.push_back(inner.drain());
        std::set<SlotId> own;
        names_below(pattern.children[0], own);
        for (const auto& [slot, list] : info_->lists) {
          if (!own.count(slot)) continue;  // of another `each`
          if (auto variable = info_->variables.find(slot); variable != info_->variables.end()) {
            test.captures.push_back({Place{variable->second, -1}, true, list});
          } else if (auto place = inner.slots_.find(slot); place != inner.slots_.end()) {
            test.captures.push_back({place->second, false, list});
          }
        }
        return test;
      }
    }
    return test;
  }

  void names_below(PatternId id, std::set<SlotId>& slots) const {
    const Pattern& pattern = rule_->patterns[id];
    slots.insert(pattern.slots.begin(), pattern.slots.end());
    for (const PatternArgument& argument : pattern.arguments) names_below(argument.pattern, slots);
    for (PatternId child : pattern.children) names_below(child, slots);
  }

  // The first argument of a chain's call: the chain goes on there, its pattern is visited where the chain ends.
  bool goes_on(PatternId call, size_t argument) const { return call == link_ && argument == 0; }

  // The tests of a pattern inside a way. `through`: the pattern is the call of a chain, and its first argument is found there.
  std::vector<Test> sequence(Place place, PatternId id, std::optional<Place> through = std::nullopt) const {
    Partial inner(*this, true);
    inner.patterns_.erase(id);
    // A statement that another way uses first stands where this one uses it.
    inner.order_.assign(rule_->patterns.size(), UINT32_MAX);
    uint32_t next = 0;
    number_patterns(*rule_, id, inner.order_, next);
    if (through) {
      inner.link_ = id;
      inner.patterns_.emplace(rule_->patterns[id].arguments[0].pattern, *through);
    }
    inner.visit(place, id);
    return inner.drain();
  }

  // All tests that are left, in the order this rule alone would make them.
  std::vector<Test> drain() {
    std::vector<Test> tests;
    while (!done()) {
      const std::vector<Proposal> options = proposals();
      const Proposal& best = *std::min_element(options.begin(), options.end(), [](const Proposal& a, const Proposal& b) { return a.cost < b.cost; });
      take(best);
      tests.push_back(best.test);
    }
    return tests;
  }

  // Levels of calls between an extra root and something that it shares with the rest, and the place of that.
  bool find_link(PatternId id, const Certain& links, uint32_t level, uint32_t& levels, Place& place) const {
    const Pattern& pattern = rule_->patterns[id];
    bool found = false;
    if (level > 0) {
      const auto linked = [&](Place at) {
        if (!found) place = at;
        found = true;
      };
      if (auto seen = patterns_.find(id); seen != patterns_.end() && links.patterns.count(id)) linked(seen->second);
      for (SlotId slot : pattern.slots) {
        if (!links.slots.count(slot)) continue;
        if (auto bound = slots_.find(slot); bound != slots_.end()) linked(bound->second);
        else if (auto variable = info_->variables.find(slot); variable != info_->variables.end()) linked(Place{variable->second, -1});
      }
      if (found) {
        levels = level;
        return true;
      }
    }
    uint32_t most = 0;
    const auto descend = [&](PatternId child, uint32_t next) {
      uint32_t inner = 0;
      Place at;
      if (!find_link(child, links, next, inner, at)) return;
      if (!found) place = at;
      found = true;
      most = std::max(most, inner);
    };
    for (const PatternArgument& argument : pattern.arguments) descend(argument.pattern, level + 1);
    for (PatternId child : pattern.children) descend(child, level);
    if (found) levels = pattern.kind == PatternKind::repeat ? kFarthestUsers : most;
    return found;
  }

  // Where the first argument of a chain's call is found once the call has matched.
  Place through_place(const Pattern& call, Place matched) const {
    const uint32_t parameter = call.arguments[0].parameter;
    if (needs_swap(call) && parameter < 2) return Place{registers_->intern(TestKind::swap, matched, 0, 2) + parameter, -1};
    return Place{matched.base, static_cast<int32_t>(parameter)};
  }

  Test users_test(const Pending& pending) const {
    Test test;
    test.kind = TestKind::users;
    find_link(pending.pattern, info_->links[pending.place.base], 0, test.count, test.subject);
    test.out = registers_->intern(TestKind::users, test.subject, pending.place.base);
    collect_operators(pending.pattern, test);
    std::sort(test.operators.begin(), test.operators.end());
    test.operators.erase(std::unique(test.operators.begin(), test.operators.end()), test.operators.end());
    return test;
  }

  void collect_operators(PatternId id, Test& test) const {
    const Pattern& pattern = rule_->patterns[id];
    test.operators.insert(test.operators.end(), pattern.operators.ops.begin(), pattern.operators.ops.end());
    test.regexes.insert(test.regexes.end(), pattern.operators.regexes.begin(), pattern.operators.regexes.end());
    if (pattern.kind == PatternKind::alternative) {
      for (PatternId child : pattern.children) collect_operators(child, test);
    }
  }

  Span span_of(const Pending& pending) const {
    if (pending.pattern != kNoPattern) return rule_->patterns[pending.pattern].span;
    if (pending.kind == Pending::Kind::equal_slot && pending.slot < rule_->slots.size()) return rule_->slots[pending.slot].span;
    // A default that the pattern does not name: the call that has it.
    for (const Pattern& pattern : rule_->patterns) {
      for (const auto& entry : pattern.defaults) {
        if (&entry.second == pending.literal) return pattern.span;
      }
    }
    return rule_->span;
  }

  const RuleInfo* info_;
  const Rule* rule_;
  Registers* registers_;
  std::vector<Pending> pending_;
  std::map<PatternId, Place> patterns_;
  std::map<SlotId, Place> slots_;
  std::vector<Place> equals_;
  std::vector<uint32_t> order_;  // inside a way; empty: that of the rule
  PatternId link_ = kNoPattern;  // the call of the chain that is being compiled
};

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
      info.variables[slot] = registers_.intern(TestKind::bind, Place{0, -1}, static_cast<uint32_t>(info.variables.size()));
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
    std::stable_sort(compiled.conditions.begin(), compiled.conditions.end(), [&](uint32_t a, uint32_t b) { return rule.conditions[a].cost < rule.conditions[b].cost; });
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
      case PatternKind::each:
        for (PatternId child : pattern.children) collect_required(rule, child, compiled);
        break;
      case PatternKind::optional:
      case PatternKind::repeat: {
        const Pattern& call = rule.patterns[pattern.children[0]];
        if (pattern.kind == PatternKind::repeat) program_.runs_through.insert(program_.runs_through.end(), call.operators.ops.begin(), call.operators.ops.end());
        if (pattern.minimum > 0) compiled.required.push_back(call.operators.regexes.empty() ? call.operators.ops : std::vector<OpId>());
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
    for (const PatternArgument& argument : pattern.arguments) deepest = std::max(deepest, 1 + depth_of(rule, argument.pattern));
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
        if (!chosen[i] || proposal.cost < chosen[i]->cost || (proposal.cost == chosen[i]->cost && count_of(proposal.test) > count_of(chosen[i]->test))) chosen[i] = &proposal;
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
      program_.states[state].parent = at;
      program_.states[at].children.push_back(state);
      std::vector<Traveller> below;
      for (size_t member : members) {
        CompiledRule& rule = program_.rules[travellers[member].index];
        rule.states.push_back(state);
        rule.places.push_back(chosen[member]->span);
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
    for (const auto& [slot, place] : traveller.partial.slots()) compiled.slots[slot] = {SlotSource::Kind::place, place, 0};
    for (const auto& [slot, variable] : info.variables) compiled.slots[slot] = {SlotSource::Kind::place, Place{variable, -1}, 0};
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
      std::stable_sort(state.children.begin(), state.children.end(), [&](StateId a, StateId b) { return states[a].first_rule < states[b].first_rule; });
      for (StateId child : state.children) {
        const Test& test = states[child].test;
        if (test.kind != TestKind::call || !test.regexes.empty()) {
          state.others.push_back(child);
          continue;
        }
        auto same = std::find_if(state.switches.begin(), state.switches.end(), [&](const Switch& s) { return s.subject == test.subject; });
        if (same == state.switches.end()) {
          state.switches.push_back({test.subject, {}, {}});
          same = state.switches.end() - 1;
        }
        same->states.push_back(child);
        for (OpId op : test.operators) same->cases[op].push_back(child);
      }
    }
    std::sort(program_.runs_through.begin(), program_.runs_through.end());
    program_.runs_through.erase(std::unique(program_.runs_through.begin(), program_.runs_through.end()), program_.runs_through.end());
  }

  std::vector<const Rule*> chosen_;
  std::vector<RuleInfo> infos_;
  Registers registers_;
  Program program_;
};

}  // namespace

bool operator==(const Test& a, const Test& b) {
  return a.kind == b.kind && a.subject == b.subject && a.out == b.out && a.count == b.count && a.operators == b.operators &&
         a.regexes == b.regexes && identical(a.literal, b.literal) && a.other == b.other && a.through == b.through &&
         a.branches == b.branches && a.captures == b.captures;
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

Program compile(const RuleSet& rules, std::vector<const Rule*> chosen) { return Compiler(rules, std::move(chosen)).run(); }

}  // namespace qrules::match
