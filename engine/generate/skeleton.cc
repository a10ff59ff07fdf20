// See skeleton.h.

#include <qrules/generate/skeleton.h>

#include <algorithm>
#include <set>

#include <re2/re2.h>

namespace qrules::generate {
namespace {

constexpr size_t kLongestChain = 3;  // links beyond the least
constexpr size_t kLongestList = 3;

bool matches(const OperatorSet& set, OpId op, const OperatorTable& operators) {
  if (std::binary_search(set.ops.begin(), set.ops.end(), op)) return true;
  return std::any_of(set.regexes.begin(), set.regexes.end(),
                     [&](const std::string& regex) { return RE2::FullMatch(operators.name(op), regex); });
}

std::vector<OpId> candidates(const OperatorSet& set, OperatorTable& operators) {
  std::vector<OpId> found = set.ops;
  for (const std::string& regex : set.regexes) {
    const RE2 compiled(regex, RE2::Quiet);
    for (const std::string& name : operators.known_names()) {
      if (RE2::FullMatch(name, compiled)) found.push_back(operators.intern(name));
    }
  }
  return found;
}

}  // namespace

Term* find(Term* term) {
  while (term->link) term = term->link;
  return term;
}

Term* Skeleton::make(std::string name) {
  Term& term = terms_.emplace_back();
  term.name = std::move(name);
  return &term;
}

std::string Skeleton::way(const Place& place, PatternId id, const char* what) const {
  return rules_[place.rule].prefix + place.scope + "p" + std::to_string(id) + "." + what;
}

bool Skeleton::add(const Rule& rule, Term* root) {
  RuleTerms& added = rules_.emplace_back();
  added.rule = &rule;
  added.prefix = "r" + std::to_string(rules_.size() - 1) + ".";
  added.slots.resize(rule.slots.size());
  added.lists.resize(rule.slots.size());
  added.list_bound.resize(rule.slots.size());
  added.root = root ? root : make(added.prefix + "root");
  const Place place{rules_.size() - 1, "", nullptr};
  if (!impose(place, rule.root, added.root)) return false;
  for (PatternId extra : rule.extra_roots) {
    if (!impose(place, extra, make(rules_[place.rule].prefix + "extra" + std::to_string(extra)))) return false;
  }
  return !cyclic();
}

bool Skeleton::set_call(Term* term, OpId op) {
  if (term->kind == Term::Kind::call) return term->op == op;
  if (term->kind != Term::Kind::hole) return false;
  const Signature* signature = operators_.signature(op);
  if (!signature) return false;
  term->kind = Term::Kind::call;
  term->op = op;
  for (const Parameter& parameter : signature->parameters) {
    Term* argument = make(term->name + "." + parameter.name);
    argument->parameter = parameter;
    argument->has_parameter = true;
    if (!parameter.optional) argument->not_none = true;
    term->arguments.push_back(argument);
  }
  return true;
}

namespace {

// The parameter that an element of a list argument would be given to.
Parameter element_of(Parameter list) {
  switch (list.kind) {
    case ParameterKind::tensor_list: list.kind = ParameterKind::tensor; break;
    case ParameterKind::integer_list: list.kind = ParameterKind::integer; break;
    case ParameterKind::real_list: list.kind = ParameterKind::real; break;
    case ParameterKind::boolean_list: list.kind = ParameterKind::boolean; break;
    default: return list;
  }
  list.has_default = false;
  list.optional = false;
  return list;
}

}  // namespace

bool Skeleton::set_list(Term* term, size_t count) {
  if (term->kind == Term::Kind::literal && term->literal.list()) {
    const Argument::List values = *term->literal.list();
    term->kind = Term::Kind::list;
    for (size_t i = 0; i < values.size(); ++i) {
      Term* element = make(term->name + "[" + std::to_string(i) + "]");
      element->kind = Term::Kind::literal;
      element->literal = values[i];
      term->elements.push_back(element);
    }
  }
  if (term->kind == Term::Kind::list) return term->elements.size() == count;
  if (term->kind != Term::Kind::hole || term->node_required) return false;
  if (term->has_parameter && term->parameter.kind == ParameterKind::tensor) return false;
  term->kind = Term::Kind::list;
  for (size_t i = 0; i < count; ++i) {
    Term* element = make(term->name + "[" + std::to_string(i) + "]");
    element->not_none = true;
    element->parameter = term->parameter;
    element->has_parameter = term->has_parameter;
    if (term->has_parameter) {
      element->parameter = element_of(term->parameter);
      element->node_required = term->parameter.kind == ParameterKind::tensor_list;
    }
    term->elements.push_back(element);
  }
  return true;
}

bool Skeleton::set_literal(Term* term, const Argument& literal) {
  switch (term->kind) {
    case Term::Kind::literal: return term->literal == literal;
    case Term::Kind::call: return false;
    case Term::Kind::list: {
      const Argument::List* values = literal.list();
      if (!values || values->size() != term->elements.size()) return false;
      for (size_t i = 0; i < values->size(); ++i) {
        if (!set_literal(find(term->elements[i]), (*values)[i])) return false;
      }
      return true;
    }
    case Term::Kind::hole: break;
  }
  if (literal.is_none() ? term->not_none : term->node_required) return false;
  // Where a tensor is wanted a number will do: aten.add.Tensor(%x, 3).
  if (term->has_parameter && term->parameter.kind == ParameterKind::tensor && !literal.is_none() && !literal.number())
    return false;
  term->kind = Term::Kind::literal;
  term->literal = literal;
  return true;
}

bool Skeleton::unify(Term* a, Term* b) {
  a = find(a);
  b = find(b);
  if (a == b) return true;
  if (b->kind != Term::Kind::hole && a->kind == Term::Kind::hole) std::swap(a, b);
  // From here b is a hole, or neither is.
  if (b->kind == Term::Kind::hole) {
    if (b->node_required && (a->kind == Term::Kind::literal || a->kind == Term::Kind::list)) return false;
    if (b->not_none && a->kind == Term::Kind::literal && a->literal.is_none()) return false;
    a->node_required = a->node_required || b->node_required;
    a->not_none = a->not_none || b->not_none;
    if (!a->has_parameter && b->has_parameter) {
      a->parameter = b->parameter;
      a->has_parameter = true;
    }
  } else if (a->kind == Term::Kind::literal || b->kind == Term::Kind::literal) {
    Term* literal = a->kind == Term::Kind::literal ? a : b;
    Term* other = literal == a ? b : a;
    if (!set_literal(other, literal->literal)) return false;
  } else if (a->kind != b->kind) {
    return false;
  } else if (a->kind == Term::Kind::call) {
    if (a->op != b->op) return false;
  } else if (a->elements.size() != b->elements.size()) {
    return false;
  }
  b->link = a;
  a->slots.insert(a->slots.end(), b->slots.begin(), b->slots.end());
  for (size_t i = 0; i < b->arguments.size() && a->kind == Term::Kind::call; ++i) {
    if (!unify(a->arguments[i], b->arguments[i])) return false;
  }
  for (size_t i = 0; i < b->elements.size() && a->kind == Term::Kind::list; ++i) {
    if (!unify(a->elements[i], b->elements[i])) return false;
  }
  return true;
}

bool Skeleton::bind(const Place& place, SlotId slot, Term* term) {
  RuleTerms& terms = rules_[place.rule];
  const std::string& name = terms.rule->slots[slot].name;
  find(term)->slots.push_back(terms.prefix + name);
  if (place.own && terms.rule->slots[slot].is_list) {
    auto [found, added] = place.own->emplace(slot, term);
    return added || unify(found->second, term);
  }
  if (!terms.slots[slot]) {
    terms.slots[slot] = term;
    return true;
  }
  return unify(terms.slots[slot], term);
}

bool Skeleton::impose(const Place& place, PatternId id, Term* term) {
  const Rule& rule = *rules_[place.rule].rule;
  const Pattern& pattern = rule.patterns[id];
  const bool simple = pattern.kind == PatternKind::any || pattern.kind == PatternKind::literal;
  if (place.scope.empty() && !simple) {
    auto [found, added] = rules_[place.rule].patterns.emplace(id, term);
    if (!added) return unify(found->second, term);
  }
  for (SlotId slot : pattern.slots) {
    if (!bind(place, slot, term)) return false;
  }
  term = find(term);
  switch (pattern.kind) {
    case PatternKind::any: return true;
    case PatternKind::value: {
      const bool none = term->kind == Term::Kind::literal && term->literal.is_none();
      if (pattern.optional) {
        // A tensor operand that may be missing is a node or None.
        return !pattern.node_required || term->kind == Term::Kind::hole || term->kind == Term::Kind::call || none;
      }
      if (none) return false;
      if (pattern.node_required && term->kind != Term::Kind::hole && term->kind != Term::Kind::call) return false;
      term->not_none = true;
      term->node_required = term->node_required || pattern.node_required;
      return true;
    }
    case PatternKind::literal: return set_literal(term, pattern.literal);
    case PatternKind::call: return impose_call(place, id, term, false);
    case PatternKind::list: {
      if (!set_list(term, pattern.children.size())) return false;
      for (size_t i = 0; i < pattern.children.size(); ++i) {
        if (!impose(place, pattern.children[i], term->elements[i])) return false;
      }
      return true;
    }
    case PatternKind::each: {
      const size_t given = term->kind == Term::Kind::list                              ? term->elements.size()
                           : term->kind == Term::Kind::literal && term->literal.list() ? term->literal.list()->size()
                                                                                       : 0;
      const size_t count = given > 0 ? given : 1 + decisions_.choose(way(place, id, "length"), kLongestList);
      if (!set_list(term, count)) return false;
      return impose_all(place, pattern.children[0], term->elements);
    }
    case PatternKind::siblings: {
      std::vector<Term*> members{term};
      const size_t others = 1 + decisions_.choose(way(place, id, "others"), kLongestList);
      for (size_t i = 0; i < others; ++i)
        members.push_back(make(rules_[place.rule].prefix + "sibling" + std::to_string(i)));
      rules_[place.rule].siblings = members;
      return impose_all(place, pattern.children[0], members);
    }
    case PatternKind::alternative:
      return impose(place, pattern.children[decisions_.choose(way(place, id, "way"), pattern.children.size())], term);
    case PatternKind::optional: {
      const PatternId call = pattern.children[0];
      if (decisions_.choose(way(place, id, "taken"), 2) == 1) return impose(place, call, term);
      return impose(place, rule.patterns[call].arguments[0].pattern, term);
    }
    case PatternKind::repeat: {
      const PatternId call = pattern.children[0];
      const size_t count = pattern.minimum + decisions_.choose(way(place, id, "links"), kLongestChain);
      Term* at = term;
      for (size_t i = 0; i < count; ++i) {
        const Place link{place.rule, place.scope + "p" + std::to_string(id) + "l" + std::to_string(i) + ".", place.own};
        if (!impose_call(link, call, find(at), true)) return false;
        at = find(at)->arguments[rule.patterns[call].arguments[0].parameter];
      }
      return impose(place, rule.patterns[call].arguments[0].pattern, at);
    }
  }
  return false;
}

// The pattern on each of these in its own scope; names in it bind lists.
bool Skeleton::impose_all(const Place& place, PatternId id, const std::vector<Term*>& elements) {
  std::vector<std::map<SlotId, Term*>> own(elements.size());
  for (size_t i = 0; i < elements.size(); ++i) {
    const Place inner{place.rule, place.scope + "e" + std::to_string(i) + ".", &own[i]};
    if (!impose(inner, id, elements[i])) return false;
  }
  RuleTerms& terms = rules_[place.rule];
  std::set<SlotId> slots;
  for (const auto& element : own) {
    for (const auto& [slot, bound] : element) slots.insert(slot);
  }
  for (SlotId slot : slots) {
    terms.list_bound[slot] = true;
    for (const auto& element : own) {
      const auto bound = element.find(slot);
      terms.lists[slot].push_back(bound == element.end() ? nullptr : bound->second);
    }
  }
  return true;
}

bool Skeleton::impose_call(const Place& place, PatternId id, Term* term, bool skip_first) {
  const Pattern& pattern = rules_[place.rule].rule->patterns[id];
  OpId op = term->op;
  if (term->kind != Term::Kind::call) {
    const std::vector<OpId> ops = candidates(pattern.operators, operators_);
    if (ops.empty()) return false;
    op = ops[decisions_.choose(way(place, id, "operator"), ops.size())];
  } else if (!matches(pattern.operators, op, operators_)) {
    return false;
  }
  if (!set_call(term, op)) return false;
  const bool swapped = pattern.commutative && operators_.commutative(op) && !skip_first &&
                       decisions_.choose(way(place, id, "swapped"), 2) == 1;
  const auto at = [&](uint32_t parameter) -> Term* {
    if (swapped && parameter < 2) parameter = 1 - parameter;
    return parameter < term->arguments.size() ? term->arguments[parameter] : nullptr;
  };
  for (const auto& [parameter, value] : pattern.defaults) {
    Term* argument = at(parameter);
    if (!argument || !set_literal(find(argument), value)) return false;
  }
  for (size_t i = skip_first ? 1 : 0; i < pattern.arguments.size(); ++i) {
    Term* argument = at(pattern.arguments[i].parameter);
    if (!argument || !impose(place, pattern.arguments[i].pattern, argument)) return false;
  }
  return true;
}

bool Skeleton::cyclic() const {
  std::map<const Term*, int> state;  // 1: on the way, 2: done
  const auto visit = [&](auto&& self, const Term* term) -> bool {
    term = find(const_cast<Term*>(term));
    int& mark = state[term];
    if (mark == 1) return true;
    if (mark == 2) return false;
    mark = 1;
    for (const Term* argument : term->arguments) {
      if (self(self, argument)) return true;
    }
    for (const Term* element : term->elements) {
      if (self(self, element)) return true;
    }
    state[term] = 2;
    return false;
  };
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const RuleTerms& rule) { return rule.root && visit(visit, rule.root); });
}

}  // namespace qrules::generate
