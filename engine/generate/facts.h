// What conditions say about the places of a skeleton, as far as it can be compared: an expression (`rank(%x)`, with the
// term that %x stands for in place of the name) and the values it may have.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <qrules/generate/domain.h>
#include <qrules/generate/places.h>

namespace qrules::generate {

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

}  // namespace qrules::generate
