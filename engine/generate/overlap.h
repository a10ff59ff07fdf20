// How two rules of a phase get in each other's way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/rule.h>

namespace qrules {

enum class OverlapVerdict : uint8_t {
  disjoint,     // certain: no graph has matches of both that concern each other
  unreachable,  // certain: the rule that is tried first takes every match of the other
  shadowed,     // every match of the rule that is tried first is one of the other too; the other has more
  overlapping,  // there is a graph (the witness) where both match and only one can fire
  unknown,      // no witness was found, and none was excluded
};
std::string_view name(OverlapVerdict verdict);

struct Overlap {
  const Rule* first = nullptr;  // tried first where both match at one root
  const Rule* second = nullptr;
  OverlapVerdict verdict = OverlapVerdict::unknown;
  bool same_root = true;           // else the matches share another call
  std::string order;               // why `first` is first: "`before`/`after`", "benefit 10 over 0", ...
  std::string reason;              // in words: what excludes it, or why it is not known
  std::string winner;              // name of the rule that fires on the witness; empty: both rewrites are refused
  std::string witness;             // graph text; empty: none
  std::vector<std::string> roots;  // of both matches in it
};

struct OverlapOptions {
  uint64_t seed = 1;
  size_t attempts = 3000;    // graphs made in search of a witness at one root
  size_t inner = 400;        // the same for each pair of calls that the matches may share
  bool shared_calls = true;  // look for matches with different roots that share a call
};

// Of two rules of the rewriter's set that stand in one phase. A witness is printed, read again and matched by the
// automata of both rules before it is reported.
Overlap overlap(const Rewriter& rewriter, const Rule& a, const Rule& b, const OverlapOptions& options = {});

// The rules that certainly never fire because an earlier one takes every match.
struct Unreachable {
  std::vector<std::pair<const Rule*, const Rule*>> pairs;  // first, second
  bool complete = true;                                    // false: there are too many to compare or to confirm all
};
// Cheap: graphs are made only for pairs for which it is proved.
Unreachable unreachable_rules(const RuleSet& rules);

}  // namespace qrules
