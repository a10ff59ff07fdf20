// One rule while it is compiled: what it has still to test, at each state on its way.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include <qrules/match/program.h>
#include <qrules/rules/certain.h>

namespace qrules::match {

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

inline constexpr SlotId kNoSlot = UINT32_MAX;

// Something that a rule has to test yet.
struct Pending {
  enum class Kind : uint8_t { pattern, swap, equal, variable, argument_default, users };
  Kind kind = Kind::pattern;
  Place place;
  PatternId pattern = kNoPattern;     // swap, argument_default: the call; users: the extra root
  SlotId slot = kNoSlot;              // variable; equal: the name, if it is one
  Place other;                        // equal
  const Argument* literal = nullptr;  // argument_default
  uint32_t order = 0;                 // in the pattern's text
};

struct Proposal {
  Test test;
  int cost = 0;
  size_t pending = 0;
  Span span;
};

// What is common to all states of one rule.
struct RuleInfo {
  const Rule* rule = nullptr;
  std::map<SlotId, Register> variables;  // slots that only some ways bind
  std::map<SlotId, uint32_t> lists;      // slots bound inside `each`
  std::vector<uint32_t> order;           // of each pattern in the text: before what it contains
  std::vector<Certain> links;            // of each extra root: what it and all that comes before it certainly share
};

// Numbers patterns in the order of the text, a pattern before what it contains; those that have a number keep it.
void number_patterns(const Rule& rule, PatternId id, std::vector<uint32_t>& order, uint32_t& next);

// One rule on its way down the tree.
class Partial {
 public:
  Partial(const RuleInfo& info, Registers& registers);
  const RuleInfo& info() const { return *info_; }
  bool done() const { return pending_.empty(); }
  const std::map<SlotId, Place>& slots() const { return slots_; }

  // The tests that could be made now. Those with several ways only when nothing else is left, and of these only the
  // first.
  std::vector<Proposal> proposals() const;
  // The cheapest of them.
  Proposal next() const;
  void take(const Proposal& proposal);

 private:
  Partial(const Partial& outer, bool) : Partial(outer) { pending_.clear(); }

  // Operand orders of a call come right after the call and before what its operands contain.
  uint32_t order_of(PatternId id) const { return 2 * (order_.empty() ? info_->order : order_)[id]; }

  void push(Pending pending) { pending_.push_back(pending); }

  PatternId through_pattern(const Pattern& chain) const {
    return rule_->patterns[chain.children[0]].arguments[0].pattern;
  }

  bool trivial(PatternId id) const;

  // Both orders are tried only when they could differ.
  bool needs_swap(const Pattern& call) const;

  // A pattern stands at a place: its names are bound there, and it is to be tested unless it is trivial or was seen
  // before.
  void visit(Place place, PatternId id);
  void bind(Place place, SlotId slot);
  Proposal propose(size_t pending) const;
  TestKind kind_of(const Pending& pending) const;
  Test test_of(const Pending& pending) const;
  Test pattern_test(const Pending& pending) const;
  void names_below(PatternId id, std::set<SlotId>& slots) const;
  std::optional<Place> place_of(SlotId slot) const;

  // What a group has in common, how far its members are from it, and what the conditions on a member look at. Of the
  // partial that has compiled a member; `place` is that of the group.
  void share(const Pattern& siblings, Place place, const std::set<SlotId>& own, Test& test) const;
  Register shared_register(const Pattern& siblings, size_t i, Place place) const;

  // The first argument of a chain's call: the chain goes on there, its pattern is visited where the chain ends.
  bool goes_on(PatternId call, size_t argument) const { return call == link_ && argument == 0; }

  // The tests of a pattern inside a way. `through`: the pattern is the call of a chain, and its first argument is found
  // there.
  std::vector<Test> sequence(Place place, PatternId id, std::optional<Place> through = std::nullopt) const;

  // All tests that are left, in the order this rule alone would make them.
  std::vector<Test> drain();

  // Levels of calls between an extra root and something that it shares with the rest, and the place of that.
  bool find_link(PatternId id, const Certain& links, uint32_t level, uint32_t& levels, Place& place) const;

  // Where the first argument of a chain's call is found once the call has matched.
  Place through_place(const Pattern& call, Place matched) const;
  Test users_test(const Pending& pending) const;
  void collect_operators(PatternId id, Test& test) const;
  Span span_of(const Pending& pending) const;

  const RuleInfo* info_;
  const Rule* rule_;
  Registers* registers_;
  std::vector<Pending> pending_;
  std::map<PatternId, Place> patterns_;
  std::map<SlotId, Place> slots_;
  std::vector<uint32_t> order_;  // inside a way; empty: that of the rule
  PatternId link_ = kNoPattern;  // the call of the chain that is being compiled
};

}  // namespace qrules::match
