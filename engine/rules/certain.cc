// What every match of a pattern has, by intersection over its ways.

#include <qrules/rules/certain.h>

#include <algorithm>
#include <iterator>

namespace qrules {
namespace {

template <typename T>
std::set<T> intersection(const std::set<T>& a, const std::set<T>& b) {
  std::set<T> result;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(result, result.end()));
  return result;
}

}  // namespace

void Certain::add(const Certain& other) {
  patterns.insert(other.patterns.begin(), other.patterns.end());
  slots.insert(other.slots.begin(), other.slots.end());
}

Certain Certain::shared(const Certain& other) const {
  return {intersection(patterns, other.patterns), intersection(slots, other.slots)};
}

Certain certain_below(const Rule& rule, PatternId id) {
  const Pattern& pattern = rule.patterns[id];
  Certain result;
  switch (pattern.kind) {
    case PatternKind::call:
      for (const PatternArgument& argument : pattern.arguments) result.add(certain_below(rule, argument.pattern));
      break;
    case PatternKind::list:
      for (PatternId child : pattern.children) result.add(certain_below(rule, child));
      break;
    case PatternKind::alternative:
      for (size_t i = 0; i < pattern.children.size(); ++i) {
        Certain way = certain_below(rule, pattern.children[i]);
        if (i == 0)
          result = std::move(way);
        else
          result = result.shared(way);
      }
      break;
    case PatternKind::optional:
    case PatternKind::repeat:
      result = certain_below(rule, rule.patterns[pattern.children[0]].arguments[0].pattern);
      break;
    default: break;
  }
  if (pattern.kind == PatternKind::any || pattern.kind == PatternKind::literal) return result;
  if (pattern.kind == PatternKind::value && !pattern.node_required) return result;
  result.patterns.insert(id);
  for (SlotId slot : pattern.slots) {
    if (!rule.slots[slot].is_list) result.slots.insert(slot);
  }
  return result;
}

}  // namespace qrules
