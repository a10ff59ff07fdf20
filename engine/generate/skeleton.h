// The structure that one or several rules ask for, as terms: which calls there are, what is shared, and which places
// are free. Patterns are imposed on terms one after the other; where two meet on one term they are unified, so the
// skeleton of two rules with one root is a graph that both match.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <qrules/generate/decisions.h>
#include <qrules/rules/rule.h>

namespace qrules::generate {

// What a term's tensor should be. A size of kBatch is the symbolic one.
struct Wish {
  DType dtype = DType::f32;
  std::vector<int64_t> sizes;
};
inline constexpr int64_t kBatch = -1;

struct Term {
  enum class Kind : uint8_t { hole, call, list, literal };
  Kind kind = Kind::hole;
  Term* link = nullptr;  // unified with this one
  std::string name;      // stable: names the decisions about it

  // hole
  bool node_required = false;
  bool not_none = false;
  Parameter parameter;  // of the place where it stands first
  bool has_parameter = false;
  std::vector<std::string> slots;  // "r0.w": which names of rules stand for it

  // call
  OpId op = kNoOp;
  std::vector<Term*> arguments;  // one for each parameter
  // list
  std::vector<Term*> elements;
  // literal
  Argument literal;

  // Filled in by the recipes (recipes.h) and when the graph is made.
  std::optional<Wish> wish;
  std::optional<Argument> suggestion;
  bool firm = false;  // the result's type was made with the suggestion, and nothing infers it again
  std::optional<Argument> value;
  bool in_progress = false;
};

// The term that stands for a unified one.
Term* find(Term* term);

struct RuleTerms {
  const Rule* rule = nullptr;
  std::string prefix;                     // "r0."
  std::vector<Term*> slots;               // by SlotId; null: not bound
  std::vector<std::vector<Term*>> lists;  // of names inside `each`
  std::vector<bool> list_bound;
  std::map<PatternId, Term*> patterns;  // where a pattern stands (outside of `each` and chains)
  Term* root = nullptr;
  std::vector<Term*> siblings;  // the members of the group, the root first
};

// Weights of ways: without them every way is as likely as the others.
class Skeleton {
 public:
  Skeleton(OperatorTable& operators, Decisions& decisions) : operators_(operators), decisions_(decisions) {}

  // Adds a rule with its root on `root` (null: a new term). False when the rule cannot stand there with the ways that
  // were drawn.
  bool add(const Rule& rule, Term* root = nullptr);
  // Makes both the same value. False when they differ.
  bool unify(Term* a, Term* b);

  const std::vector<RuleTerms>& rules() const { return rules_; }
  std::deque<Term>& terms() { return terms_; }
  // Whether a call contains itself, as can happen when two rules meet.
  bool cyclic() const;

 private:
  struct Place {
    size_t rule = 0;
    std::string scope;                       // "" outside of `each` and chains
    std::map<SlotId, Term*>* own = nullptr;  // names of this element of an `each`
  };
  Term* make(std::string name);
  bool impose(const Place& place, PatternId id, Term* term);
  bool impose_all(const Place& place, PatternId id, const std::vector<Term*>& elements);
  bool impose_call(const Place& place, PatternId id, Term* term, bool skip_first);
  bool bind(const Place& place, SlotId slot, Term* term);
  bool set_literal(Term* term, const Argument& literal);
  bool set_list(Term* term, size_t count);
  bool set_call(Term* term, OpId op);
  std::string way(const Place& place, PatternId id, const char* what) const;

  OperatorTable& operators_;
  Decisions& decisions_;
  std::deque<Term> terms_;
  std::vector<RuleTerms> rules_;
};

}  // namespace qrules::generate
