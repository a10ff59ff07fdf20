// Alternatives of a pattern that an earlier one always takes: see checks.h.

#include <algorithm>
#include <map>
#include <set>

#include <rulecheck/checks.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {
namespace {

class Coverage {
 public:
  explicit Coverage(const Rule& rule) : rule_(rule) {
    for (const Pattern& pattern : rule.patterns) {
      for (const SlotId slot : pattern.slots) ++uses_[slot];
    }
  }

  // Whatever the second matches, the first does, and binds the same names. False when that is not certain.
  bool covers(PatternId first, PatternId second) const {
    if (first == second) return true;
    const Pattern& a = rule_.patterns[first];
    const Pattern& b = rule_.patterns[second];
    // Names that only the second binds may be what conditions ask for.
    for (const SlotId slot : b.slots) {
      if (std::find(a.slots.begin(), a.slots.end(), slot) == a.slots.end()) return false;
    }
    // A name of the first that stands elsewhere as well restricts it.
    for (const SlotId slot : a.slots) {
      if (std::find(b.slots.begin(), b.slots.end(), slot) == b.slots.end() && uses_.at(slot) > 1) return false;
    }
    if (b.kind == PatternKind::alternative && a.kind != PatternKind::alternative)
      return std::all_of(b.children.begin(), b.children.end(), [&](PatternId child) { return covers(first, child); });
    switch (a.kind) {
      case PatternKind::any: return !binds_names(second);
      case PatternKind::value:
        if (binds_names_below(second)) return false;
        return a.optional || b.kind == PatternKind::call || (b.kind == PatternKind::value && b.node_required) ||
               (b.kind == PatternKind::value && !a.node_required && !b.optional);
      case PatternKind::literal: return b.kind == PatternKind::literal && a.literal == b.literal;
      case PatternKind::call: return b.kind == PatternKind::call && covers_call(a, b);
      case PatternKind::list:
        return b.kind == PatternKind::list && a.children.size() == b.children.size() &&
               std::equal(a.children.begin(), a.children.end(), b.children.begin(),
                          [&](PatternId x, PatternId y) { return covers(x, y); });
      default: return false;
    }
  }

 private:
  bool covers_call(const Pattern& a, const Pattern& b) const {
    if (!b.operators.regexes.empty() || a.commutative != b.commutative) return false;
    if (!std::includes(a.operators.ops.begin(), a.operators.ops.end(), b.operators.ops.begin(), b.operators.ops.end()))
      return false;
    for (const PatternArgument& argument : a.arguments) {
      const auto same = std::find_if(b.arguments.begin(), b.arguments.end(), [&](const PatternArgument& other) {
        return other.parameter == argument.parameter;
      });
      if (same == b.arguments.end() || !covers(argument.pattern, same->pattern)) return false;
    }
    // Arguments that only the second looks at bind names.
    for (const PatternArgument& argument : b.arguments) {
      const bool both = std::any_of(a.arguments.begin(), a.arguments.end(), [&](const PatternArgument& other) {
        return other.parameter == argument.parameter;
      });
      if (!both && binds_names(argument.pattern)) return false;
    }
    for (const auto& [parameter, value] : a.defaults) {
      const auto is_default = [&, p = parameter, &v = value](const auto& other) {
        return other.first == p && other.second == v;
      };
      const auto is_literal = [&, p = parameter, &v = value](const PatternArgument& other) {
        const Pattern& given = rule_.patterns[other.pattern];
        return other.parameter == p && given.kind == PatternKind::literal && given.literal == v;
      };
      if (std::none_of(b.defaults.begin(), b.defaults.end(), is_default) &&
          std::none_of(b.arguments.begin(), b.arguments.end(), is_literal))
        return false;
    }
    return true;
  }

  bool binds_names(PatternId id) const { return !rule_.patterns[id].slots.empty() || binds_names_below(id); }
  bool binds_names_below(PatternId id) const {
    const Pattern& pattern = rule_.patterns[id];
    return std::any_of(pattern.arguments.begin(), pattern.arguments.end(),
                       [&](const PatternArgument& argument) { return binds_names(argument.pattern); }) ||
           std::any_of(pattern.children.begin(), pattern.children.end(),
                       [&](PatternId child) { return binds_names(child); });
  }

  const Rule& rule_;
  std::map<SlotId, size_t> uses_;
};

}  // namespace

Diagnostics check_alternatives(const RuleSet& rules, const std::string& filter) {
  Diagnostics found;
  std::map<std::pair<std::string, size_t>, std::pair<size_t, Diagnostic>> counted;
  std::map<std::string, size_t> instances;
  for (const Rule& rule : rules.rules) {
    if (!chosen(rule, filter)) continue;
    ++instances[rule.base_name];
    const Coverage coverage(rule);
    for (const Pattern& pattern : rule.patterns) {
      if (pattern.kind != PatternKind::alternative) continue;
      for (size_t later = 1; later < pattern.children.size(); ++later) {
        for (size_t earlier = 0; earlier < later; ++earlier) {
          if (!coverage.covers(pattern.children[earlier], pattern.children[later])) continue;
          const Span& place = rule.patterns[pattern.children[later]].span;
          const Span& first = rule.patterns[pattern.children[earlier]].span;
          auto& entry = counted[{rule.base_name, place.begin}];
          if (entry.first++ > 0) break;
          entry.second = Diagnostic(kDeadAlternative, place, "never tried with success")
                             .with("rule", rule.base_name)
                             .label(first, "takes all that it takes")
                             .help("remove it, or write the narrower alternative first");
          break;
        }
      }
    }
  }
  // Of a template: only what is so in every instance. Of a macro: once for all rules.
  std::set<std::pair<std::string, size_t>> said;
  for (auto& [place, entry] : counted) {
    if (entry.first < instances[place.first]) continue;
    const Span& span = entry.second.labels.front().span;
    if (said.insert({span.file ? span.file->name() : std::string(), span.begin}).second)
      found.add(std::move(entry.second));
  }
  return found;
}

}  // namespace qrules::tools
