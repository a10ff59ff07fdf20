// Near misses of a whole rewrite, put into the order in which a person wants to read them.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <qrules/rewrite/rewrite.h>

namespace qrules::tools {

// A near miss that outlives the graph it was found in. Nodes are named; a rewrite gives a node the name of the one it
// replaces, so names say which place of the model it is in all phases.
struct Miss {
  const Rule* rule = nullptr;
  uint32_t phase = 0;
  std::string root, node, reason;
  std::string_view refused;  // text of the rule's
  std::string found;         // the operator at `node`, or empty
  Span span;                 // of the test or condition
  std::string source;        // line of the model's own source, when it is known
  RefusedBy by = RefusedBy::op;
  bool at_default = false;
  size_t passed = 0, of = 0;
  std::vector<NamedValue> values;
  std::vector<std::string> matched;
  std::vector<OpId> wanted;
  bool other_overload = false;    // refused by another overload of an operator that would have done
  std::string taken_by;           // rule that took the root in a later phase: nothing was missed
  std::vector<std::string> lost;  // calls that it would have taken, and that the rule which fired in its place did not

  std::vector<std::string> also;  // other rules that the same thing refuses at the same node
  int follows = -1;               // index of the miss without which this one might not be
  std::vector<size_t> stops;      // misses that follow from this one
  int score = 0;
};

// There may be several for each node of a large graph: none is copied as they become more.
using Misses = std::deque<Miss>;

// "file:line:column", or an empty text.
std::string place_of(const Span& span);

class NearMisses {
 public:
  // `rule`: only this one, by its name in the file or as an instance of a `foreach`; empty: all.
  explicit NearMisses(std::string rule = {}) : only_(std::move(rule)) {}

  // Collects during a rewrite with these options; has to live as long as it.
  void watch(RewriteOptions& options);

  // All that were collected, what a person would want to know first:
  //  - a pattern that is complete and refused by a condition, then one that another argument refuses, then another
  //    operator;
  //  - a miss without which others might not be (it would make the operator that they look for) before its like, and
  //    before those;
  //  - the pattern with more calls matched, the larger share of its tests passed, the order of the graph.
  // Of the instances of a `foreach` only the one that came farthest counts; other rules that the same thing refuses are
  // named with the first of them. Misses whose root another rule took come last.
  // `left`: the rewritten graph. What keeps a dequantize in it weighs more, and only then a rule is named in whose
  // place one that takes less fired.
  Misses ranked(const RewriteReport& report, const RuleSet& rules, const Graph& left) &&;

 private:
  void collect(uint32_t phase, Graph& graph, Automaton::Session& session);
  void passed_over(uint32_t phase, Graph& graph, Automaton::Session& session, const Match& match);
  Miss miss_of(NearMiss&& found, uint32_t phase, const OperatorTable& operators) const;
  void note(Miss miss);

  const std::string only_;
  Misses misses_;
  Misses passed_over_;
};

// A pattern that came far enough for a person to have meant it: more than its first call and an operator that is
// missing.
bool is_strong(const Miss& miss);

// A few lines about one miss, on the terminal; `elsewhere`: other places of the same one.
void print_miss(const Misses& misses, size_t index, const std::vector<std::string>& elsewhere, bool color);

nlohmann::json to_json(const Misses& misses, size_t index, const RuleSet& rules);

}  // namespace qrules::tools
