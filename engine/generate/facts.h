// What conditions say about the places of a skeleton, as far as it can be compared: an expression (`rank(%x)`, with the
// term that %x stands for in place of the name) and the values it may have.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <qrules/generate/skeleton.h>

namespace qrules::generate {

// Values of one expression: some of a list, or all within bounds but a few.
struct Domain {
  std::optional<std::vector<Argument>> values;
  std::vector<Argument> excluded;
  double low = -1e300, high = 1e300;  // both included
  bool nan = true;                    // what is not ordered is not left out; false for integers and after a comparison

  bool contains(const Argument& value) const;
  bool empty() const;
  // Whether every value of this is one of the other.
  bool within(const Domain& other) const;
  void intersect(const Domain& other);
  // Adds the values of the other. False, and no change, when the two together are neither a list nor one of them.
  bool unite(const Domain& other);
};

// What a name stands for: a text that is the same for the same place, and its value when it is known.
struct Place {
  std::string text;
  std::optional<Argument> value;
  const Term* term = nullptr;
};
using PlaceOf = std::function<std::optional<Place>(SlotId)>;

class Facts {
 public:
  // Adds all conditions of a rule.
  void add(const Rule& rule, const PlaceOf& place, const OperatorTable& operators);
  // The expression that has no value any more, if there is one: the conditions cannot hold together.
  std::optional<std::string> contradiction() const;
  // Whether a part of a condition follows from these. False when that is not known.
  bool imply(const Expression& part, const PlaceOf& place, const OperatorTable& operators) const;

  // Bounds that the structure gives.
  void restrict(const std::string& expression, const Domain& domain);
  // A value has at least the users that the structure gives it.
  void count_users(Skeleton& skeleton);

 private:
  // `a or b`, `not (a and b)`: they say nothing of one expression, but may be refuted by the rest.
  struct Compound {
    const Condition* condition;
    const Expression* part;
    PlaceOf place;
    const OperatorTable* operators;
  };
  // Whether a part cannot hold. False when that is not known.
  bool refute(const Expression& part, const PlaceOf& place, const OperatorTable& operators) const;
  void spread_over_equals();

  std::map<std::string, Domain> domains_;
  std::map<std::string, bool> truths_;                       // parts as they are, by text
  std::vector<std::pair<std::string, std::string>> equals_;  // expressions of the same value
  std::vector<Compound> compounds_;
};

// The places of a rule in a skeleton, which must outlive them and the facts made with them.
PlaceOf places_of(const RuleTerms& rule);

}  // namespace qrules::generate
