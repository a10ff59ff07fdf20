// Where a rule was refused in one visit, and that in words.
#pragma once

#include <string>
#include <vector>

#include <qrules/match/automaton.h>
#include <qrules/match/program.h>

namespace qrules::match {

// A value at a position: an argument, or a node that is no argument of anything (the root, a user).
struct Cell {
  const Argument* argument = nullptr;
  Node* node = nullptr;
  bool empty() const { return !argument && !node; }
};

// Recorded while walking, so it holds no text: only the deepest refusal of each rule is put into words.
struct Refusal {
  uint32_t visit = 0;  // that it belongs to; older ones are void
  bool matched = false;
  const Condition* condition = nullptr;  // refused by it; null: by `test`
  std::string condition_reason;
  size_t depth = 0;  // states and conditions passed
  size_t inner = 0;  // tests passed inside the last state's ways
  StateId state = 0;
  const Test* test = nullptr;      // null: nothing was refused yet
  std::vector<const Test*> alike;  // tests of other ways that came as far, at the same place
  Cell cell, other;                // what the test looked at
  Node* node = nullptr;            // condition: that it asks about
  std::string group;               // why the root makes no group of siblings; empty where `test` says it
  std::vector<NamedValue> values;  // condition: where the names it uses were bound
  std::vector<Node*> nodes;        // matched until then

  bool refused() const { return condition || test; }
};

// "`axis` of %wf", "element 1 of `tensors` of %cat": which argument of one of these calls it is.
std::string title_of(const Argument* argument, const std::vector<Node*>& nodes);

// Fills in everything but `tests_total`.
NearMiss near_miss(const Refusal& refusal, const Program& program, const CompiledRule& rule, Node* root);

}  // namespace qrules::match
