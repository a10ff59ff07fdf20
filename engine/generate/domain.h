// Which values an expression may have.
#pragma once

#include <optional>
#include <vector>

#include <qrules/graph/argument.h>

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

}  // namespace qrules::generate
