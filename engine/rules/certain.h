// What every match of a pattern has: the patterns that are visited and the names that are bound to nodes whichever way
// was taken.
#pragma once

#include <set>

#include <qrules/rules/rule.h>

namespace qrules {

struct Certain {
  std::set<PatternId> patterns;
  std::set<SlotId> slots;  // names inside `each` bind lists and are left out

  void add(const Certain& other);
  Certain shared(const Certain& other) const;
  bool empty() const { return patterns.empty() && slots.empty(); }
};

// Of a pattern and all that it contains.
Certain certain_below(const Rule& rule, PatternId id);

}  // namespace qrules
