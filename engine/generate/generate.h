// Graphs that rules match: made from their patterns, and changed until their conditions hold.
//
// The structure follows from the patterns by construction (skeleton.h), operands' types from the results' by a recipe
// for each operator (recipes.h). What is free (sizes, dtypes, scales, constants, which way of an alternative, how long
// a chain is) is drawn, and a search draws again what a failing condition looks at, until the engine's own evaluation
// says that all hold and the automaton finds the match. Everything that was drawn is kept in a Decisions, so a graph
// can be built again, and made smaller.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <qrules/generate/decisions.h>
#include <qrules/match/automaton.h>
#include <qrules/rules/rule.h>

namespace qrules {

struct Generated {
  Graph graph;
  std::vector<std::string> roots;  // names of the matched roots, by rule
  Decisions decisions;
};

// One or two rules, and how their matches meet.
struct GenerateTarget {
  std::vector<const Rule*> rules;
  // Two rules: the second one's `second_pattern` stands on the first one's `first_pattern` (a root on a root when these
  // are the rules' roots).
  PatternId first_pattern = kNoPattern;
  PatternId second_pattern = kNoPattern;
};

// What kept the search from an answer, for messages.
struct GenerateFailure {
  bool structural = false;  // the patterns never fitted together
  std::string reason;       // the condition that failed in the best attempt, with the values there
};

class Generator {
 public:
  // The rules must outlive the generator.
  Generator(const RuleSet& rules, GenerateTarget target);
  ~Generator();
  Generator(Generator&&) noexcept;

  // A graph for this seed, the same each time; nothing when `attempts` graphs were made without success.
  std::optional<Generated> generate(uint64_t seed, size_t attempts = 6000);
  // The graph of these decisions when all rules match it; missing ones are drawn.
  std::optional<Generated> build(Decisions decisions);
  const GenerateFailure& failure() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrules
