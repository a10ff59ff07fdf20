// See features.h.

#include <qrules/generate/features.h>

#include <algorithm>

#include <qrules/graph/hash.h>

namespace qrules::generate {
namespace {

size_t feature_of(OpId op) { return combine(1, op); }
size_t feature_of(const Argument& literal) { return combine(2, hash_of(literal)); }

void add_scalars(const Argument& literal, std::vector<size_t>& features) {
  if (const Argument::List* elements = literal.list()) {
    for (const Argument& element : *elements) add_scalars(element, features);
  } else {
    features.push_back(feature_of(literal));
  }
}

void require(const Rule& rule, PatternId id, std::vector<size_t>& features) {
  const Pattern& pattern = rule.patterns[id];
  const auto require_call = [&](const Pattern& call) {
    if (call.operators.regexes.empty() && call.operators.ops.size() == 1)
      features.push_back(feature_of(call.operators.ops.front()));
  };
  switch (pattern.kind) {
    case PatternKind::literal:
      if (!pattern.literal.list()) features.push_back(feature_of(pattern.literal));
      break;
    case PatternKind::call:
      require_call(pattern);
      for (const PatternArgument& argument : pattern.arguments) require(rule, argument.pattern, features);
      break;
    case PatternKind::list:
      for (const PatternId child : pattern.children) require(rule, child, features);
      break;
    case PatternKind::optional:
    case PatternKind::repeat: {
      const Pattern& call = rule.patterns[pattern.children[0]];
      if (pattern.kind == PatternKind::repeat && pattern.minimum > 0) require_call(call);
      require(rule, call.arguments[0].pattern, features);
      break;
    }
    default: break;
  }
}

void sort_once(std::vector<size_t>& features) {
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
}

}  // namespace

Features features_of(const Rule& rule) {
  Features features;
  require(rule, rule.root, features.required);
  for (const Pattern& pattern : rule.patterns) {
    for (const OpId op : pattern.operators.ops) features.possible.push_back(feature_of(op));
    features.any_operator = features.any_operator || !pattern.operators.regexes.empty();
    if (pattern.kind == PatternKind::literal) add_scalars(pattern.literal, features.possible);
    for (const auto& [parameter, value] : pattern.defaults) add_scalars(value, features.possible);
  }
  sort_once(features.required);
  sort_once(features.possible);
  return features;
}

bool may_cover(const Features& general, const Features& special) {
  return special.any_operator || std::includes(special.possible.begin(), special.possible.end(),
                                               general.required.begin(), general.required.end());
}

}  // namespace qrules::generate
