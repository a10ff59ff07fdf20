// See cover.h.
//
// Two ways lead to a yes. Patterns of the same form are compared side by side, which also settles chains and lists of
// any length. Otherwise every structure that `special` allows is made as a skeleton, in which what is free stays free,
// and `general` is matched against it as against a graph: a literal is not met by a free place, a name that is bound
// twice needs the same term twice.

#include <qrules/generate/cover.h>

#include <algorithm>
#include <map>
#include <set>

#include <re2/re2.h>

#include <qrules/generate/facts.h>
#include <qrules/generate/hints.h>

namespace qrules::generate {
namespace {

constexpr size_t kMostWays = 512;
constexpr size_t kLongestChain = 8;

bool includes(const OperatorSet& larger, const OperatorSet& smaller, const OperatorTable& operators) {
  for (const std::string& regex : smaller.regexes) {
    if (std::find(larger.regexes.begin(), larger.regexes.end(), regex) == larger.regexes.end()) return false;
  }
  return std::all_of(smaller.ops.begin(), smaller.ops.end(), [&](OpId op) {
    return std::binary_search(larger.ops.begin(), larger.ops.end(), op) ||
           std::any_of(larger.regexes.begin(), larger.regexes.end(),
                       [&](const std::string& regex) { return RE2::FullMatch(operators.name(op), regex); });
  });
}

bool has(const Rule& rule, std::initializer_list<PatternKind> kinds) {
  return std::any_of(rule.patterns.begin(), rule.patterns.end(), [&](const Pattern& pattern) {
    return std::find(kinds.begin(), kinds.end(), pattern.kind) != kinds.end();
  });
}

// Patterns of the same form, compared in step.
class SideBySide {
 public:
  SideBySide(const Rule& general, const Rule& special, const OperatorTable& operators)
      : general_(general), special_(special), operators_(operators) {}

  bool run() {
    if (general_.extra_roots.size() != special_.extra_roots.size()) return false;
    if (!same(general_.root, special_.root)) return false;
    for (size_t i = 0; i < general_.extra_roots.size(); ++i) {
      if (!same(general_.extra_roots[i], special_.extra_roots[i])) return false;
    }
    const PlaceOf own = [&](SlotId slot) -> std::optional<Place> {
      return Place{"s" + std::to_string(slot), std::nullopt, nullptr};
    };
    const PlaceOf mapped = [&](SlotId slot) -> std::optional<Place> {
      const auto found = slots_.find(slot);
      if (found == slots_.end()) return std::nullopt;
      return own(found->second);
    };
    Facts facts;
    facts.add(special_, own, operators_);
    return std::all_of(general_.conditions.begin(), general_.conditions.end(), [&](const Condition& condition) {
      return facts.imply(condition.expression, mapped, operators_);
    });
  }

 private:
  bool same(PatternId a, PatternId b) {
    const auto [found, added] = patterns_.emplace(a, b);
    if (!added) return found->second == b;
    const Pattern& p = general_.patterns[a];
    const Pattern& q = special_.patterns[b];
    for (SlotId slot : p.slots) {
      if (q.slots.empty()) {
        // Has no name there: fine where it is bound once and nobody asks for it.
        if (slots_.contains(slot) || !nameless_.insert(slot).second) return false;
        continue;
      }
      if (nameless_.contains(slot)) return false;
      const auto [bound, is_new] = slots_.emplace(slot, q.slots.front());
      if (!is_new && std::find(q.slots.begin(), q.slots.end(), bound->second) == q.slots.end()) return false;
    }
    if (p.kind == PatternKind::any)
      return q.kind == PatternKind::any || q.kind == PatternKind::value || q.kind == PatternKind::literal;
    if (p.kind == PatternKind::value && q.kind == PatternKind::literal)
      return !p.node_required && (p.optional || !q.literal.is_none());
    if (p.kind != q.kind) return false;
    switch (p.kind) {
      case PatternKind::value: return (p.optional || !q.optional) && (!p.node_required || q.node_required);
      case PatternKind::literal: return p.literal == q.literal;
      case PatternKind::call: {
        if (!includes(p.operators, q.operators, operators_) || p.commutative != q.commutative) return false;
        for (const auto& [parameter, value] : p.defaults) {
          const bool has_it = std::any_of(q.defaults.begin(), q.defaults.end(),
                                          [&, &at = parameter, &wanted = value](const auto& other) {
                                            return other.first == at && other.second == wanted;
                                          });
          if (!has_it) return false;
        }
        if (p.arguments.size() > q.arguments.size()) return false;
        for (size_t i = 0; i < p.arguments.size(); ++i) {
          if (p.arguments[i].parameter != q.arguments[i].parameter) return false;
          if (!same(p.arguments[i].pattern, q.arguments[i].pattern)) return false;
        }
        return true;
      }
      default: break;
    }
    if (p.children.size() != q.children.size() || p.minimum > q.minimum) return false;
    // Another least length changes where the longest chain ends: not compared.
    if (p.kind == PatternKind::repeat && p.minimum != q.minimum) return false;
    if (p.kind == PatternKind::repeat &&
        (!includes(special_.patterns[q.children[0]].operators, general_.patterns[p.children[0]].operators, operators_)))
      return false;
    for (size_t i = 0; i < p.children.size(); ++i) {
      if (!same(p.children[i], q.children[i])) return false;
    }
    return true;
  }

  const Rule& general_;
  const Rule& special_;
  const OperatorTable& operators_;
  std::map<PatternId, PatternId> patterns_;
  std::map<SlotId, SlotId> slots_;
  std::set<SlotId> nameless_;
};

// The patterns of a rule against terms whose free places stay free.
class Against {
 public:
  Against(const Rule& rule, Decisions& ways, const OperatorTable& operators)
      : rule_(rule), ways_(ways), operators_(operators) {
    terms_.rule = &rule;
    terms_.slots.resize(rule.slots.size());
    terms_.lists.resize(rule.slots.size());
    terms_.list_bound.resize(rule.slots.size());
  }

  bool met(PatternId id, Term* term) {
    term = find(term);
    const Pattern& pattern = rule_.patterns[id];
    if (pattern.kind != PatternKind::any && pattern.kind != PatternKind::literal) {
      const auto [found, added] = terms_.patterns.emplace(id, term);
      if (!added) return equal(found->second, term);
    }
    for (SlotId slot : pattern.slots) {
      if (terms_.slots[slot] && !equal(terms_.slots[slot], term)) return false;
      terms_.slots[slot] = term;
    }
    switch (pattern.kind) {
      case PatternKind::any: return true;
      case PatternKind::value: {
        const bool node = term->kind == Term::Kind::call || (term->kind == Term::Kind::hole && term->node_required);
        if (pattern.node_required) {
          if (pattern.optional)
            return node || (term->kind == Term::Kind::literal && term->literal.is_none()) ||
                   (term->kind == Term::Kind::hole && term->has_parameter &&
                    term->parameter.kind == ParameterKind::tensor);
          return node;
        }
        if (pattern.optional) return true;
        return term->kind == Term::Kind::hole ? term->not_none || term->node_required
                                              : term->kind != Term::Kind::literal || !term->literal.is_none();
      }
      case PatternKind::literal: return is_literal(term, pattern.literal);
      case PatternKind::call: return call(id, term);
      case PatternKind::list:
        if (term->kind != Term::Kind::list || term->elements.size() != pattern.children.size()) return false;
        for (size_t i = 0; i < pattern.children.size(); ++i) {
          if (!met(pattern.children[i], term->elements[i])) return false;
        }
        return true;
      case PatternKind::alternative:
        return met(pattern.children[ways_.choose("p" + std::to_string(id), pattern.children.size())], term);
      case PatternKind::optional: {
        const PatternId inner = pattern.children[0];
        if (ways_.choose("p" + std::to_string(id), 2) == 0) return met(inner, term);
        return met(rule_.patterns[inner].arguments[0].pattern, term);
      }
      case PatternKind::repeat: {
        // The engine tries all lengths: one that fits is enough.
        const PatternId inner = pattern.children[0];
        const Pattern& link = rule_.patterns[inner];
        for (size_t i = 1; i < link.arguments.size(); ++i) {
          const Pattern& argument = rule_.patterns[link.arguments[i].pattern];
          if (argument.kind != PatternKind::any || !argument.slots.empty()) return false;
        }
        if (!link.slots.empty() || (link.commutative && link.arguments[0].parameter < 2)) return false;
        const size_t count = pattern.minimum + ways_.choose("p" + std::to_string(id), kLongestChain);
        for (size_t i = 0; i < count; ++i) {
          if (!call(inner, term, true)) return false;
          term = find(term->arguments[link.arguments[0].parameter]);
        }
        return met(link.arguments[0].pattern, term);
      }
      case PatternKind::each:
      case PatternKind::siblings: return false;
    }
    return false;
  }

  const RuleTerms& terms() const { return terms_; }

 private:
  static bool equal(Term* a, Term* b) {
    a = find(a);
    b = find(b);
    if (a == b) return true;
    return a->kind == Term::Kind::literal && b->kind == Term::Kind::literal && a->literal == b->literal;
  }

  static bool is_literal(const Term* term, const Argument& literal) {
    if (term->kind == Term::Kind::literal) return term->literal == literal;
    const Argument::List* values = literal.list();
    if (term->kind != Term::Kind::list || !values || values->size() != term->elements.size()) return false;
    for (size_t i = 0; i < values->size(); ++i) {
      if (!is_literal(find(term->elements[i]), (*values)[i])) return false;
    }
    return true;
  }

  bool call(PatternId id, Term* term, bool of_chain = false) {
    const Pattern& pattern = rule_.patterns[id];
    if (term->kind != Term::Kind::call) return false;
    OperatorSet own;
    own.ops = {term->op};
    if (!includes(pattern.operators, own, operators_)) return false;
    const bool swapped = !of_chain && pattern.commutative && operators_.commutative(term->op) &&
                         ways_.choose("p" + std::to_string(id) + "'", 2) == 1;
    const auto at = [&](uint32_t parameter) -> Term* {
      if (swapped && parameter < 2) parameter = 1 - parameter;
      return parameter < term->arguments.size() ? find(term->arguments[parameter]) : nullptr;
    };
    for (const auto& [parameter, value] : pattern.defaults) {
      const Term* argument = at(parameter);
      if (!argument || !is_literal(argument, value)) return false;
    }
    const std::ptrdiff_t first = of_chain ? 1 : 0;
    return std::all_of(pattern.arguments.begin() + first, pattern.arguments.end(),
                       [&](const PatternArgument& argument) {
                         Term* operand = at(argument.parameter);
                         return operand && met(argument.pattern, operand);
                       });
  }

  const Rule& rule_;
  Decisions& ways_;
  const OperatorTable& operators_;
  RuleTerms terms_;
};

bool covered_in(const Rule& general, const Skeleton& skeleton, const Facts& facts, const OperatorTable& operators) {
  Decisions ways = Decisions::first_way();
  for (size_t way = 0; way < kMostWays; ++way) {
    ways.begin();
    Against against(general, ways, operators);
    if (against.met(general.root, skeleton.rules()[0].root)) {
      const PlaceOf places = places_of(against.terms());
      if (std::all_of(general.conditions.begin(), general.conditions.end(),
                      [&](const Condition& condition) { return facts.imply(condition.expression, places, operators); }))
        return true;
    }
    if (!ways.next_way()) return false;
  }
  return false;
}

}  // namespace

bool covers(const Rule& general, const Rule& special, OperatorTable& operators) {
  // Which calls make a group also depends on the rest of the graph: not compared.
  if (has(general, {PatternKind::siblings}) || has(special, {PatternKind::siblings})) return false;
  if (SideBySide(general, special, operators).run()) return true;
  if (!general.extra_roots.empty() || has(special, {PatternKind::repeat, PatternKind::each}) ||
      has(general, {PatternKind::each}))
    return false;
  Decisions ways = Decisions::first_way();
  for (size_t way = 0; way < kMostWays; ++way) {
    ways.begin();
    Skeleton skeleton(operators, ways);
    if (skeleton.add(special)) {
      Facts facts;
      facts.add(special, places_of(skeleton.rules()[0]), operators);
      facts.count_users(skeleton);
      if (!facts.contradiction() && !covered_in(general, skeleton, facts, operators)) return false;
    }
    if (!ways.next_way()) return true;
  }
  return false;
}

}  // namespace qrules::generate
