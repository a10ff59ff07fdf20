// Looks for a graph on which a rule changes what is computed.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <qrules/rewrite/rewrite.h>

namespace qrules::tools {

struct ProveOptions {
  uint64_t seed = 1;
  size_t graphs = 40;                                             // to make for each rule
  std::optional<std::chrono::steady_clock::time_point> deadline;  // stop making graphs after this
};

struct Counterexample {
  std::string difference;  // what differs, in words
  std::string graph;       // text: the smallest found
  std::string test;        // a test of the rule, as it stands in a rule file
};

struct Proof {
  const Rule* rule = nullptr;
  size_t graphs = 0;      // that both sides ran on
  size_t runs = 0;        // sets of inputs and sizes
  int64_t one_apart = 0;  // integers one apart where the exact value is a tie
  size_t refused = 0;     // graphs on which the rewrite was refused, and why one of them was
  std::string why_refused;
  size_t not_run = 0;   // graphs that the reference kernels do not run
  std::string why_not;  // of one of these, or why no graph was found
  std::optional<Counterexample> counterexample;

  bool proved() const { return !counterexample && graphs > 0; }
};

// Makes graphs that this instance of a rule matches, applies the rule (all instances of its `foreach`, no other), and
// runs both graphs as a test with `numerics: true` does. Stops at the first difference, which is made smaller.
Proof prove(const Rewriter& rewriter, const Rule& rule, const ProveOptions& options);

}  // namespace qrules::tools
