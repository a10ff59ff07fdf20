// Running the decision structure at one node.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <qrules/match/automaton.h>
#include <qrules/match/evaluate.h>
#include <qrules/match/program.h>
#include <qrules/match/refusal.h>

namespace qrules::match {

// What a walk may look at besides the program: which states can lead to a rule that this graph can match at all.
struct Scene {
  const Program& program;
  Graph& graph;
  const std::vector<bool>& alive;  // by state
  std::function<bool(const Test&, OpId)> matches_regex;
};

// One visit of one node. Registers are reused between visits.
class Walk {
 public:
  explicit Walk(const Scene& scene);

  // The first rule that matches, by rule order.
  std::optional<Match> first(Node* root);
  // Every match of every rule.
  std::vector<Match> all(Node* root);
  // For each rule that passed the test of its root's operator and one more: where it was refused last.
  std::vector<NearMiss> explain(Node* root);

 private:
  // What happens when a test has succeeded; true stops the search.
  using Next = std::function<bool()>;

  // --- walk.cc
  void start(Node* root);
  void children(StateId state);
  void enter(StateId state);
  void accept(StateId state);
  Match make_match(uint32_t rule);

  Cell at(Place place) const;
  bool has_operator(const Test& test, OpId op) const;
  static bool equal(const Cell& a, const Cell& b);
  static Argument value_of(const Cell& cell);

  bool run(const Test& test, const Next& next);
  bool sequence(const std::vector<Test>& tests, size_t at, const Next& next);
  bool run_call(const Test& test, const Next& next);
  bool run_swap(const Test& test, const Next& next);
  bool run_optional(const Test& test, const Next& next);
  bool run_repeat(const Test& test, const Next& next);
  bool run_each(const Test& test, const Next& next);

  // --- walk_users.cc
  struct Member;
  bool run_siblings(const Test& test, const Next& next);
  bool match_member(const Test& test, Node* node, std::vector<Cell>& shared, Member& member);
  bool holds_for_member(const Test& test, Node* node);
  void note_difference(Node* node, const Cell& own, const Cell& shared);
  bool run_users(const Test& test, const Next& next);
  // Calls of the test's operators at most `count` users away, each once.
  std::vector<Node*> users_within(const Test& test, Node* from) const;

  // --- walk_refusals.cc
  Refusal& refusal_of(uint32_t rule);
  // Calls call(refusal) for every rule below a state that neither matched nor was refused by a condition.
  template <typename Call>
  void for_refused_below(StateId id, const Call& call);
  void refuse(StateId state, const Test& test);
  void refuse_by_condition(uint32_t rule, const Match& match, const Condition& condition,
                           const FunctionContext& context);
  void refuse_group(const std::string& reason);

  const Scene& scene_;
  std::vector<Cell> cells_;
  std::vector<std::optional<std::vector<Cell>>> lists_;  // nothing: no `each` on the way that was taken
  std::vector<Node*> matched_;
  Node* root_ = nullptr;

  uint32_t best_ = kNoRule;  // `first`: the best rule so far
  std::optional<Match> best_match_;
  std::vector<std::pair<uint32_t, Match>>* collected_ = nullptr;  // `all`

  // `explain`: by rule, the deepest refusal of this visit.
  bool explaining_ = false;
  std::vector<Refusal> refusals_;
  std::vector<uint32_t> refused_;  // rules with a refusal, or a match
  uint32_t visit_ = 0;
  StateId entered_ = 0;  // the state whose test is being run
  size_t depth_ = 0;     // states passed
  size_t inner_ = 0;     // tests passed inside the way that is being tried
  std::vector<StateId> left_;
  bool explains_groups_ = false;
  // The last call that a condition on members left out of its group.
  struct LeftOut {
    std::string reason;
    const Condition* condition = nullptr;  // of the rule; null: it differs in what is shared
    Node* node = nullptr;
  };
  LeftOut left_out_;
};

}  // namespace qrules::match
