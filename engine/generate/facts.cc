// See facts.h.

#include <qrules/generate/facts.h>

#include <algorithm>
#include <set>

#include <qrules/generate/fact.h>
#include <qrules/generate/hints.h>

namespace qrules::generate {
namespace {

// The values an expression can have at all.
Domain all_values(const Written& about) {
  Domain domain;
  // Of a symbolic size not even that it is 0 or more is known to all conditions.
  if (about.integer && !about.size) {
    domain.low = 0;
    domain.nan = false;
  }
  return domain;
}

}  // namespace

void Facts::restrict(const std::string& expression, const Domain& domain) {
  auto [found, added] = domains_.emplace(expression, domain);
  if (!added) found->second.intersect(domain);
}

void Facts::add(const Rule& rule, const PlaceOf& place, const OperatorTable& operators) {
  const Writer writer(place, operators);
  for (const Condition& condition : rule.conditions) {
    for (const Expression* part : conjuncts(condition.expression)) {
      if (const auto text = writer.write(*part); text && !text->value) truths_[text->text] = true;
      if (part->kind == ExpressionKind::logical_or || part->kind == ExpressionKind::logical_not)
        compounds_.push_back({&condition, part, place, &operators});
      const auto fact = fact_of(*part, writer);
      if (!fact) continue;
      if (fact->about.value) {
        // Known beforehand: true, or never.
        if (!fact->domain.contains(*fact->about.value)) {
          Domain never;
          never.values.emplace();
          restrict("`" + condition.text + "`", never);
        }
        continue;
      }
      Domain domain = all_values(fact->about);
      domain.intersect(fact->domain);
      restrict(fact->about.text, domain);
      if (fact->equal) equals_.push_back(*fact->equal);
    }
  }
  spread_over_equals();
}

void Facts::spread_over_equals() {
  // As often as a chain of equals is long.
  for (size_t round = 0; round < equals_.size(); ++round) {
    for (const auto& [a, b] : equals_) {
      for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
        if (const auto known = domains_.find(from); known != domains_.end()) restrict(to, Domain(known->second));
      }
    }
  }
}

void Facts::count_users(Skeleton& skeleton) {
  std::map<const Term*, std::set<const Term*>> users;
  const auto use = [&](auto&& self, const Term* user, Term* operand) -> void {
    operand = find(operand);
    if (operand->kind == Term::Kind::list) {
      for (Term* element : operand->elements) self(self, user, element);
    } else {
      users[operand].insert(user);
    }
  };
  for (Term& term : skeleton.terms()) {
    if (term.link || term.kind != Term::Kind::call) continue;
    for (Term* argument : term.arguments) use(use, &term, argument);
  }
  for (const auto& [term, by] : users) {
    Domain domain;
    domain.low = static_cast<double>(by.size());
    domain.nan = false;
    restrict("users(" + term->name + ",)", domain);  // as Writer writes it
  }
}

std::optional<std::string> Facts::contradiction() const {
  for (const auto& [text, domain] : domains_) {
    if (domain.empty()) return text;
  }
  for (const Compound& compound : compounds_) {
    if (refute(*compound.part, compound.place, *compound.operators)) return "`" + compound.condition->text + "`";
  }
  return std::nullopt;
}

bool Facts::refute(const Expression& part, const PlaceOf& place, const OperatorTable& operators) const {
  const auto refuted = [&](const Expression& operand) { return refute(operand, place, operators); };
  if (part.kind == ExpressionKind::logical_or) return std::all_of(part.operands.begin(), part.operands.end(), refuted);
  if (part.kind == ExpressionKind::logical_and) return std::any_of(part.operands.begin(), part.operands.end(), refuted);
  if (part.kind == ExpressionKind::logical_not && imply(part.operands[0], place, operators)) return true;
  const auto fact = fact_of(part, Writer(place, operators));
  if (!fact) return false;
  if (fact->about.value) return !fact->domain.contains(*fact->about.value);
  const auto known = domains_.find(fact->about.text);
  if (known == domains_.end()) return false;
  Domain both = known->second;
  both.intersect(fact->domain);
  return both.empty();
}

bool Facts::imply(const Expression& part, const PlaceOf& place, const OperatorTable& operators) const {
  if (part.kind == ExpressionKind::logical_or) {
    if (std::any_of(part.operands.begin(), part.operands.end(),
                    [&](const Expression& operand) { return imply(operand, place, operators); }))
      return true;
  }
  if (part.kind == ExpressionKind::logical_and) {
    return std::all_of(part.operands.begin(), part.operands.end(),
                       [&](const Expression& operand) { return imply(operand, place, operators); });
  }
  const Writer writer(place, operators);
  if (const auto text = writer.write(part); text && !text->value && truths_.contains(text->text)) return true;
  const auto fact = fact_of(part, writer);
  if (!fact) return false;
  if (fact->about.value) return fact->domain.contains(*fact->about.value);
  const auto known = domains_.find(fact->about.text);
  return known != domains_.end() && known->second.within(fact->domain);
}

}  // namespace qrules::generate
