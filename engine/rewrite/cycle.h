// Finding what repeats in the firings of a rule set that does not come to an end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <qrules/graph/graph.h>

namespace qrules {

// Remembers the last firings and which of them made the nodes that later ones matched.
class FiringHistory {
 public:
  // `rule`: index into names that the caller keeps. `matched`: the nodes before the rewrite; `created`: those it made.
  // Call `begin` before the match is applied and `finish` after it.
  void begin(uint32_t rule, const std::vector<Node*>& matched);
  void finish(const std::vector<Node*>& created);

  // The shortest sequence of rules that repeats at the end: along the chain of firings that fed each other (several
  // places of the graph may be rewritten by turns), else in the order of all. Oldest first; the rules seen, when
  // nothing repeats.
  std::vector<uint32_t> cycle() const;

 private:
  static constexpr size_t kWindow = 1 << 14;
  static constexpr uint64_t kNone = UINT64_MAX;
  struct Link {
    uint32_t rule = 0;
    uint64_t parent = kNone;  // number of the latest firing that made a matched node
  };
  std::vector<Link> ring_;
  uint64_t count_ = 0;
  Link pending_;
  std::vector<uint64_t> maker_;  // node id -> number of the firing that made it, plus 1
};

// The shortest period of the end of a sequence that is seen at least three times in a row; empty when there is none.
std::vector<uint32_t> repeating_suffix(const std::vector<uint32_t>& sequence);

}  // namespace qrules
