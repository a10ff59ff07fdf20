// The decision structure that the rules of a phase are compiled to, and that a Walk runs.
//
// A rule is a sequence of tests. Tests look at positions: the root, argument i of the call at a position, what lies
// below an optional call, and so on. Positions are numbered once for the whole automaton (registers), so two rules that
// ask the same question of the same place have equal tests, and the sequences of all rules are merged into one tree: a
// state is a test, its children are what may be asked next, and a rule is accepted where its sequence ends. Which test
// comes first is decided anew in each subtree (compile.cc).
//
// Tests that may succeed in several ways (alternatives, operand orders, optional calls, chains, users) hold their ways
// inside and continue with the same children whichever way was taken, so neither rules nor states are duplicated.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include <qrules/match/bindings.h>

namespace qrules::match {

using Register = uint32_t;
using StateId = uint32_t;

// The value in a register, or argument `index` of the call (element of the list) in it.
struct Place {
  Register base = 0;
  int32_t index = -1;
  friend bool operator==(const Place&, const Place&) = default;
};

enum class TestKind : uint8_t {
  call,         // a call of one of `operators`; goes into register `out`
  node,         // a value of the graph
  present,      // anything but None
  literal,      // equals `literal`
  equal,        // the same node as `other`, or an equal argument
  bind,         // register `out` is empty and takes this, or is equal to it: a name that only some ways bind
  list,         // a list of `count` elements; goes into register `out`
  swap,         // operands 0 and 1 of the call into registers out and out + 1, then the other way round
  alternative,  // one of `branches`, in order
  optional,     // branches[0] and then what is at `through`, or the value itself; goes into register `out`
  repeat,    // as many of branches[0] as follow each other through `through`, down to `count`; the end goes into `out`
  each,      // each element of a list, in register out, passes branches[0]; `captures` are collected
  siblings,  // the node and others up to `count` users away from shares[0] pass branches[0] with equal `shares`
  users,     // a node up to `count` users away that is a call of `operators`; goes into register `out`
};

// What an `each` collects from an element.
struct Capture {
  Place place;
  bool fresh = false;  // a register of `bind`: emptied before each element
  uint32_t list = 0;   // where the values go
  friend bool operator==(const Capture&, const Capture&) = default;
};

// What siblings agree in: where a member has it, and the register that holds it for the group.
struct Share {
  Place place;
  bool fresh = false;  // a register of `bind`: emptied before each member
  Register out = 0;
  friend bool operator==(const Share&, const Share&) = default;
};

struct Test {
  TestKind kind = TestKind::node;
  Place subject;
  Register out = 0;
  uint32_t count = 0;
  std::vector<OpId> operators;  // sorted
  std::vector<std::string> regexes;
  Argument literal;
  Place other;
  Place through;
  std::vector<std::vector<Test>> branches;
  std::vector<Capture> captures;
  Span span;  // of what it was made from; takes no part in comparisons
  std::vector<Share> shares;
  // siblings: the rule whose conditions on a member are asked, and where they find its names. Null: no such conditions.
  const Rule* members = nullptr;
  std::vector<std::pair<SlotId, Place>> member_slots;

  friend bool operator==(const Test& a, const Test& b);
};

size_t hash_of(const Test& test);

inline constexpr uint32_t kNoRule = UINT32_MAX;

// Call tests of one place among the children of a state: one look-up finds those that can succeed.
struct Switch {
  Place subject;
  std::unordered_map<OpId, std::vector<StateId>> cases;
  std::vector<StateId> states;  // all of them, for explanations
};

struct State {
  Test test;
  std::vector<StateId> children;  // by first rule
  std::vector<Switch> switches;   // over the children with call tests
  std::vector<StateId> others;    // the other children
  std::vector<uint32_t> accepts;  // rules whose sequence ends here
  uint32_t first_rule = kNoRule;  // of all in this subtree
};

// How the bindings of a rule are read off when its sequence has ended.
struct SlotSource {
  enum class Kind : uint8_t { none, place, list };
  Kind kind = Kind::none;
  Place place;  // empty when nothing was bound
  uint32_t list = 0;
};

struct CompiledRule {
  const Rule* rule = nullptr;
  std::vector<SlotSource> slots;
  std::vector<uint32_t> conditions;  // cheapest first
  std::vector<std::vector<OpId>>
      required;                 // a graph without an operator of each of these cannot match; empty: regular expressions
  std::vector<StateId> states;  // from the root to where it is accepted
  std::vector<Span> places;     // of the pattern behind each state
  // Of states whose tests have ways inside: this rule's own copy, as the state's may have come from another rule.
  std::map<StateId, Test> ways;
};

struct Program {
  std::shared_ptr<OperatorTable> operators;
  std::vector<CompiledRule> rules;  // in the order they are tried
  std::vector<State> states;        // 0 is the start, without a test
  uint32_t registers = 1;           // 0 holds the root
  uint32_t lists = 0;
  size_t depth = 1;
  std::vector<OpId> runs_through;  // sorted
};

Program compile(const RuleSet& rules, std::vector<const Rule*> chosen);

std::string print(const Program& program);
std::string dot(const Program& program);

}  // namespace qrules::match
