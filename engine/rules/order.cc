#include <qrules/rules/order.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>

#include <qrules/rules/diagnostics.h>

namespace qrules {
namespace {

// True when a is tried before b unless before/after says otherwise.
struct Preference {
  const std::vector<Rule>& rules;
  bool operator()(size_t a, size_t b) const {
    const Rule& left = rules[a];
    const Rule& right = rules[b];
    if (left.phase != right.phase) return left.phase < right.phase;
    if (left.benefit != right.benefit) return left.benefit > right.benefit;
    if (left.patterns.size() != right.patterns.size()) return left.patterns.size() > right.patterns.size();
    return a < b;
  }
};

}  // namespace

void order_rules(std::vector<Rule>& rules, const std::vector<OrderReference>& references, Diagnostics& diagnostics) {
  std::map<std::pair<uint32_t, std::string>, std::vector<size_t>> by_name;
  for (size_t i = 0; i < rules.size(); ++i) by_name[{rules[i].phase, rules[i].base_name}].push_back(i);

  std::vector<std::set<size_t>> followers(rules.size());
  std::vector<size_t> waits(rules.size(), 0);
  std::map<std::pair<size_t, size_t>, Span> places;
  for (const OrderReference& reference : references) {
    const uint32_t phase = rules[reference.rule].phase;
    auto others = by_name.find({phase, reference.other});
    if (others == by_name.end()) continue;  // reported by the loader, which knows the rules with mistakes too
    for (size_t other : others->second) {
      const size_t first = reference.before ? reference.rule : other;
      const size_t second = reference.before ? other : reference.rule;
      if (followers[first].insert(second).second) ++waits[second];
      places[{first, second}] = reference.span;
    }
  }

  // Kahn's algorithm; among the rules that wait for none the preferred comes first.
  const Preference preference{rules};
  std::set<size_t, Preference> ready(preference);
  for (size_t i = 0; i < rules.size(); ++i) {
    if (waits[i] == 0) ready.insert(i);
  }
  std::vector<size_t> order;
  while (!ready.empty()) {
    const size_t next = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(next);
    for (size_t follower : followers[next]) {
      if (--waits[follower] == 0) ready.insert(follower);
    }
  }
  if (order.size() != rules.size()) {
    // What is left contains a cycle: walk along followers that still wait.
    size_t at = 0;
    while (waits[at] == 0) ++at;
    std::vector<size_t> path;
    std::set<size_t> seen;
    while (seen.insert(at).second) {
      path.push_back(at);
      // Every rule that waits has a predecessor that waits.
      for (size_t before = 0; before < rules.size(); ++before) {
        if (waits[before] > 0 && followers[before].count(at)) {
          at = before;
          break;
        }
      }
    }
    std::string cycle = rules[at].base_name;
    std::vector<Span> spans;
    size_t first = at;
    for (size_t i = path.size(); i-- > 0;) {
      cycle += " before " + rules[path[i]].base_name;
      if (const auto place = places.find({first, path[i]}); place != places.end()) spans.push_back(place->second);
      first = path[i];
      if (path[i] == at) break;
    }
    // What stands last in the files closed the cycle.
    std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
      return a.file->name() != b.file->name() ? a.file->name() > b.file->name() : a.begin > b.begin;
    });
    Diagnostic diagnostic = Diagnostic(kOrderCycle).with("cycle", cycle).help("remove one of these");
    for (Span& span : spans)
      diagnostic.labels.push_back({span, diagnostic.labels.empty() ? "closes the cycle" : "and this"});
    if (spans.empty()) diagnostic.labels.push_back({rules[at].span, {}});
    diagnostics.add(std::move(diagnostic));
    return;
  }
  std::vector<Rule> sorted;
  sorted.reserve(rules.size());
  for (size_t index : order) sorted.push_back(std::move(rules[index]));
  std::stable_sort(sorted.begin(), sorted.end(), [](const Rule& a, const Rule& b) { return a.phase < b.phase; });
  rules = std::move(sorted);
}

}  // namespace qrules
