// Applying a rule set to a graph.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <qrules/match/automaton.h>
#include <qrules/rules/rule.h>

namespace qrules {

// One firing.
struct Firing {
  std::string rule;  // base name
  std::string phase;
  std::string root;                  // name of the matched root
  std::vector<std::string> matched;  // names of the matched nodes
  std::vector<std::string> created;
};

// A match that was found and not applied.
struct DroppedMatch {
  std::string rule;
  std::string root;
  std::string reason;
  bool wrong_type = false;  // the replacement has another type than what it replaces
};

struct RewriteReport {
  std::map<std::string, int64_t> rules_fired;  // by base name
  std::map<std::string, int64_t> counters;
  std::vector<Firing> firings;
  std::vector<DroppedMatch> dropped;
  size_t nodes_visited = 0;
};

struct RewriteOptions {
  // Called after each phase with its name; for dumps.
  std::function<void(const std::string& phase, const Graph&)> after_phase;
  // Called at the end of each phase that has rules, before `after_phase`, with a session over the graph that the phase
  // leaves: to ask why nothing more matches there. Must not change the graph.
  std::function<void(uint32_t phase, Graph&, Automaton::Session&)> at_end_of_phase;
  // Called before each match is applied, which its rewrite may still refuse: to ask what refused other rules there.
  // Must not change the graph.
  std::function<void(uint32_t phase, Graph&, Automaton::Session&, const Match&)> before_rewrite;
  // Firings allowed per node of the graph at the start before a rule set is said not to terminate.
  size_t firings_per_node = 64;
  bool keep_firings = true;
  bool verify_each = false;             // verify the graph after every firing (tests)
  std::vector<std::string> only_rules;  // base names; empty: all
};

// A rule set with its automata, ready to be applied to any number of graphs. Immutable and shared by threads.
class Rewriter {
 public:
  explicit Rewriter(RuleSet rules);
  ~Rewriter();
  Rewriter(Rewriter&&) noexcept;

  const RuleSet& rules() const;
  const Automaton& automaton(uint32_t phase) const;

  // Runs every phase over the graph. Each rewrite records provenance. Error QR07xx when the rules do not terminate: it
  // names the cycle of rules; the graph then holds the state reached.
  Result<RewriteReport> apply(Graph& graph, const RewriteOptions& options = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Applies one match: builds the replacement, redirects users, erases what became unused. Dropped (with the reason) when
// a function or type rule refuses; the graph is then as before.
struct Applied {
  std::vector<Node*> created;
  std::vector<std::string> matched;
};
std::variant<Applied, DroppedMatch> apply_match(Graph& graph, const Match& match);

}  // namespace qrules
