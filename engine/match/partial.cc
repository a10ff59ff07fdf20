#include <qrules/match/partial.h>

#include <algorithm>

namespace qrules::match {
namespace {

constexpr uint32_t kFarthestUsers = 64;  // levels, when a chain lies between an extra root and the rest

constexpr int kSeveralWays = 4;

int cost_of(TestKind kind) {
  switch (kind) {
    case TestKind::call: return 0;
    case TestKind::node:
    case TestKind::present:
    case TestKind::list: return 1;
    case TestKind::literal: return 2;
    case TestKind::equal:
    case TestKind::bind: return 3;
    default: return kSeveralWays;
  }
}

}  // namespace

void number_patterns(const Rule& rule, PatternId id, std::vector<uint32_t>& order, uint32_t& next) {
  if (order[id] != UINT32_MAX) return;
  order[id] = next++;
  for (const PatternArgument& argument : rule.patterns[id].arguments)
    number_patterns(rule, argument.pattern, order, next);
  for (PatternId child : rule.patterns[id].children) number_patterns(rule, child, order, next);
}

Partial::Partial(const RuleInfo& info, Registers& registers) : info_(&info), rule_(info.rule), registers_(&registers) {
  visit(Place{0, -1}, rule_->root);
  for (uint32_t i = 0; i < rule_->extra_roots.size(); ++i) {
    push({Pending::Kind::users,
          Place{i, -1},
          rule_->extra_roots[i],
          kNoSlot,
          {},
          nullptr,
          order_of(rule_->extra_roots[i])});
  }
}

// Tests with several ways are the expensive ones to make, and are needed one at a time.
std::vector<Proposal> Partial::proposals() const {
  std::vector<Proposal> result;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (cost_of(kind_of(pending_[i])) < kSeveralWays) result.push_back(propose(i));
  }
  if (!result.empty() || pending_.empty()) return result;
  const auto first = std::min_element(pending_.begin(), pending_.end(),
                                      [](const Pending& a, const Pending& b) { return a.order < b.order; });
  result.push_back(propose(static_cast<size_t>(first - pending_.begin())));
  return result;
}

Proposal Partial::next() const {
  const auto cheaper = [this](const Pending& a, const Pending& b) {
    const int cost = cost_of(kind_of(a)), other = cost_of(kind_of(b));
    return cost != other ? cost < other : cost == kSeveralWays && a.order < b.order;
  };
  const auto best = std::min_element(pending_.begin(), pending_.end(), cheaper);
  return propose(static_cast<size_t>(best - pending_.begin()));
}

Proposal Partial::propose(size_t i) const {
  Proposal proposal{test_of(pending_[i]), 0, i, span_of(pending_[i])};
  proposal.cost = cost_of(proposal.test.kind);
  proposal.test.span = proposal.span;
  return proposal;
}

TestKind Partial::kind_of(const Pending& pending) const {
  switch (pending.kind) {
    case Pending::Kind::argument_default: return TestKind::literal;
    case Pending::Kind::swap: return TestKind::swap;
    case Pending::Kind::equal: return TestKind::equal;
    case Pending::Kind::variable: return TestKind::bind;
    case Pending::Kind::users: return TestKind::users;
    case Pending::Kind::pattern: break;
  }
  const Pattern& pattern = rule_->patterns[pending.pattern];
  switch (pattern.kind) {
    case PatternKind::any:
    case PatternKind::value: return pattern.node_required ? TestKind::node : TestKind::present;
    case PatternKind::literal: return TestKind::literal;
    case PatternKind::call: return TestKind::call;
    case PatternKind::list: return TestKind::list;
    case PatternKind::alternative: return TestKind::alternative;
    case PatternKind::optional: return TestKind::optional;
    case PatternKind::repeat: return TestKind::repeat;
    case PatternKind::each: return TestKind::each;
    case PatternKind::siblings: return TestKind::siblings;
  }
  return TestKind::node;
}

void Partial::take(const Proposal& proposal) {
  const Pending taken = pending_[proposal.pending];
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(proposal.pending));
  const Test& test = proposal.test;
  if (taken.kind == Pending::Kind::swap) {
    const Pattern& call = rule_->patterns[taken.pattern];
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      const PatternArgument& argument = call.arguments[i];
      if (argument.parameter < 2 && !goes_on(taken.pattern, i))
        visit(Place{test.out + argument.parameter, -1}, argument.pattern);
    }
    for (const auto& [parameter, value] : call.defaults) {
      if (parameter < 2)
        push({Pending::Kind::argument_default, Place{test.out + parameter, -1}, taken.pattern, kNoSlot, {}, &value, 0});
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
      if (needs_swap(pattern))
        push({Pending::Kind::swap,
              Place{test.out, -1},
              taken.pattern,
              kNoSlot,
              {},
              nullptr,
              order_of(taken.pattern) + 1});
      const bool swapped = needs_swap(pattern);
      for (size_t i = 0; i < pattern.arguments.size(); ++i) {
        const PatternArgument& argument = pattern.arguments[i];
        if ((swapped && argument.parameter < 2) || goes_on(taken.pattern, i)) continue;
        visit(Place{test.out, static_cast<int32_t>(argument.parameter)}, argument.pattern);
      }
      for (const auto& [parameter, value] : pattern.defaults) {
        if (swapped && parameter < 2) continue;
        push({Pending::Kind::argument_default,
              Place{test.out, static_cast<int32_t>(parameter)},
              taken.pattern,
              kNoSlot,
              {},
              &value,
              0});
      }
      break;
    }
    case PatternKind::list:
      for (size_t i = 0; i < pattern.children.size(); ++i)
        visit(Place{test.out, static_cast<int32_t>(i)}, pattern.children[i]);
      break;
    case PatternKind::optional:
    case PatternKind::repeat: visit(Place{test.out, -1}, through_pattern(pattern)); break;
    case PatternKind::siblings:
      for (size_t i = 0; i < pattern.shared.size(); ++i) {
        if (!info_->variables.count(pattern.shared[i]))
          slots_.emplace(pattern.shared[i], Place{shared_register(pattern, i, taken.place), -1});
      }
      break;
    default: break;
  }
}

bool Partial::trivial(PatternId id) const {
  const Pattern& pattern = rule_->patterns[id];
  return pattern.kind == PatternKind::any && pattern.slots.empty();
}

bool Partial::needs_swap(const Pattern& call) const {
  if (!call.commutative) return false;
  return std::any_of(call.arguments.begin(), call.arguments.end(),
                     [&](const PatternArgument& a) { return a.parameter < 2 && !trivial(a.pattern); });
}

void Partial::visit(Place place, PatternId id) {
  const Pattern& pattern = rule_->patterns[id];
  if (auto seen = patterns_.find(id); seen != patterns_.end()) {
    push({Pending::Kind::equal, place, kNoPattern, kNoSlot, seen->second, nullptr, 0});
    return;
  }
  patterns_[id] = place;
  for (SlotId slot : pattern.slots) bind(place, slot);
  if (pattern.kind == PatternKind::any) return;
  if (pattern.kind == PatternKind::value && pattern.optional) return;
  push({Pending::Kind::pattern, place, id, kNoSlot, {}, nullptr, order_of(id)});
}

void Partial::bind(Place place, SlotId slot) {
  if (info_->variables.count(slot)) {
    push({Pending::Kind::variable, place, kNoPattern, slot, {}, nullptr, 0});
    return;
  }
  auto [found, added] = slots_.emplace(slot, place);
  if (!added) push({Pending::Kind::equal, place, kNoPattern, slot, found->second, nullptr, 0});
}

Test Partial::test_of(const Pending& pending) const {
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
    case Pending::Kind::equal:
      test.kind = TestKind::equal;
      test.other = pending.other;
      return test;
    case Pending::Kind::variable:
      test.kind = TestKind::bind;
      test.out = info_->variables.at(pending.slot);
      return test;
    case Pending::Kind::users: return users_test(pending);
    case Pending::Kind::pattern: return pattern_test(pending);
  }
  return test;
}

Test Partial::pattern_test(const Pending& pending) const {
  const Pattern& pattern = rule_->patterns[pending.pattern];
  Test test;
  test.subject = pending.place;
  switch (pattern.kind) {
    case PatternKind::any:
    case PatternKind::value: test.kind = pattern.node_required ? TestKind::node : TestKind::present; return test;
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
    case PatternKind::each:
    case PatternKind::siblings: {
      test.kind = pattern.kind == PatternKind::each ? TestKind::each : TestKind::siblings;
      test.out = registers_->intern(test.kind, pending.place, 0);
      Partial inner(*this, true);
      inner.visit(Place{test.out, -1}, pattern.children[0]);
      test.branches.push_back(inner.drain());
      std::set<SlotId> own;
      names_below(pattern.children[0], own);
      for (const auto& [slot, list] : info_->lists) {
        if (!own.count(slot)) continue;  // of another `each`
        if (auto place = inner.place_of(slot))
          test.captures.push_back({*place, info_->variables.count(slot) > 0, list});
      }
      if (pattern.kind == PatternKind::siblings) inner.share(pattern, pending.place, own, test);
      return test;
    }
  }
  return test;
}

std::optional<Place> Partial::place_of(SlotId slot) const {
  if (auto variable = info_->variables.find(slot); variable != info_->variables.end())
    return Place{variable->second, -1};
  if (auto place = slots_.find(slot); place != slots_.end()) return place->second;
  return std::nullopt;
}

Register Partial::shared_register(const Pattern& siblings, size_t i, Place place) const {
  auto variable = info_->variables.find(siblings.shared[i]);
  if (variable != info_->variables.end()) return variable->second;
  return registers_->intern(TestKind::siblings, place, 1 + static_cast<uint32_t>(i));
}

void Partial::share(const Pattern& siblings, Place place, const std::set<SlotId>& own, Test& test) const {
  for (size_t i = 0; i < siblings.shared.size(); ++i) {
    const SlotId slot = siblings.shared[i];
    if (auto inside = place_of(slot))
      test.shares.push_back({*inside, info_->variables.count(slot) > 0, shared_register(siblings, i, place)});
  }
  Certain first;
  first.slots.insert(siblings.shared.front());
  Place ignored;
  find_link(siblings.children[0], first, 0, test.count, ignored);
  collect_operators(siblings.children[0], test);
  std::sort(test.operators.begin(), test.operators.end());
  test.operators.erase(std::unique(test.operators.begin(), test.operators.end()), test.operators.end());
  if (rule_->member_conditions.empty()) return;
  test.members = rule_;
  for (SlotId slot : own) {
    if (auto inside = place_of(slot)) test.member_slots.emplace_back(slot, *inside);
  }
}

void Partial::names_below(PatternId id, std::set<SlotId>& slots) const {
  const Pattern& pattern = rule_->patterns[id];
  slots.insert(pattern.slots.begin(), pattern.slots.end());
  for (const PatternArgument& argument : pattern.arguments) names_below(argument.pattern, slots);
  for (PatternId child : pattern.children) names_below(child, slots);
}

std::vector<Test> Partial::sequence(Place place, PatternId id, std::optional<Place> through) const {
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

std::vector<Test> Partial::drain() {
  std::vector<Test> tests;
  while (!done()) {
    Proposal best = next();
    take(best);
    tests.push_back(std::move(best.test));
  }
  return tests;
}

bool Partial::find_link(PatternId id, const Certain& links, uint32_t level, uint32_t& levels, Place& place) const {
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
      if (auto bound = slots_.find(slot); bound != slots_.end())
        linked(bound->second);
      else if (auto variable = info_->variables.find(slot); variable != info_->variables.end())
        linked(Place{variable->second, -1});
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

Place Partial::through_place(const Pattern& call, Place matched) const {
  const uint32_t parameter = call.arguments[0].parameter;
  if (needs_swap(call) && parameter < 2)
    return Place{registers_->intern(TestKind::swap, matched, 0, 2) + parameter, -1};
  return Place{matched.base, static_cast<int32_t>(parameter)};
}

Test Partial::users_test(const Pending& pending) const {
  Test test;
  test.kind = TestKind::users;
  find_link(pending.pattern, info_->links[pending.place.base], 0, test.count, test.subject);
  test.out = registers_->intern(TestKind::users, test.subject, pending.place.base);
  collect_operators(pending.pattern, test);
  std::sort(test.operators.begin(), test.operators.end());
  test.operators.erase(std::unique(test.operators.begin(), test.operators.end()), test.operators.end());
  return test;
}

void Partial::collect_operators(PatternId id, Test& test) const {
  const Pattern& pattern = rule_->patterns[id];
  test.operators.insert(test.operators.end(), pattern.operators.ops.begin(), pattern.operators.ops.end());
  test.regexes.insert(test.regexes.end(), pattern.operators.regexes.begin(), pattern.operators.regexes.end());
  if (pattern.kind == PatternKind::alternative) {
    for (PatternId child : pattern.children) collect_operators(child, test);
  }
}

Span Partial::span_of(const Pending& pending) const {
  if (pending.pattern != kNoPattern) return rule_->patterns[pending.pattern].span;
  return pending.slot != kNoSlot ? rule_->slots[pending.slot].span : rule_->span;
}

}  // namespace qrules::match
