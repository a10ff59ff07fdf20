// See facts.h.

#include <qrules/generate/facts.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <qrules/generate/hints.h>
#include <qrules/graph/text.h>

namespace qrules::generate {
namespace {

constexpr double kFar = 1e300;
constexpr double kListed = 64;  // integers between bounds that are compared one by one

std::string text_of(const Argument& value) {
  static const DimTable no_symbols;
  // 1 equals 1.0.
  if (const auto number = value.number(); number && !value.get_if<bool>()) return print(Argument(*number), no_symbols);
  return print(value, no_symbols);
}

// An expression with places instead of names; nothing when a name has none.
struct Written {
  std::string text;
  std::optional<Argument> value;
  bool integer = false;  // whole numbers from 0
  bool size = false;     // of which some may be symbols, without an order
};

Written known(Argument value) {
  std::string text = text_of(value);
  return {std::move(text), std::move(value), false};
}

class Writer {
 public:
  Writer(const PlaceOf& place, const OperatorTable& operators) : place_(place), operators_(operators) {}

  std::optional<Written> write(const Expression& expression) const {
    switch (expression.kind) {
      case ExpressionKind::literal: return Written{text_of(expression.literal), expression.literal, false};
      case ExpressionKind::slot: {
        const auto place = place_(expression.slot);
        if (!place) return std::nullopt;
        if (place->value) return Written{text_of(*place->value), place->value, false};
        return Written{place->text, std::nullopt, false};
      }
      case ExpressionKind::bound: return known(Argument(place_(expression.slot).has_value()));
      case ExpressionKind::for_all:
      case ExpressionKind::for_any: return loop(expression);
      case ExpressionKind::list: {
        Argument::List values;
        std::string text = "[";
        bool known = true;
        for (const Expression& operand : expression.operands) {
          const auto written = write(operand);
          if (!written) return std::nullopt;
          text += written->text + ",";
          known = known && written->value.has_value();
          if (written->value) values.push_back(*written->value);
        }
        if (known) return Written{text_of(Argument(values)), Argument(values), false};
        return Written{text + "]", std::nullopt, false};
      }
      case ExpressionKind::call: return call(expression);
      default: break;
    }
    std::vector<std::string> texts;
    for (const Expression& operand : expression.operands) {
      const auto written = write(operand);
      if (!written) return std::nullopt;
      texts.push_back(written->text);
    }
    const bool symmetric = expression.kind == ExpressionKind::equal || expression.kind == ExpressionKind::not_equal ||
                           expression.kind == ExpressionKind::add || expression.kind == ExpressionKind::multiply ||
                           expression.kind == ExpressionKind::logical_and ||
                           expression.kind == ExpressionKind::logical_or;
    if (symmetric) std::sort(texts.begin(), texts.end());
    std::string text = "(" + std::to_string(static_cast<int>(expression.kind));
    for (const std::string& part : texts) text += " " + part;
    return Written{text + ")", std::nullopt, false};
  }

 private:
  std::optional<Written> call(const Expression& expression) const {
    const std::string& name = expression.function->name;
    const Expression* first = expression.operands.empty() ? nullptr : &expression.operands[0];
    if (first && first->kind == ExpressionKind::slot) {
      const auto place = place_(first->slot);
      if (!place) return std::nullopt;
      if (const Term* term = place->term) {
        const bool tensor = term->kind == Term::Kind::call || term->node_required;
        if (name == "op" && term->kind == Term::Kind::call) return known(Argument(operators_.name(term->op)));
        if (name == "arg" && term->kind == Term::Kind::call && expression.operands[1].literal.get_if<std::string>()) {
          const Signature* signature = operators_.signature(term->op);
          const auto index =
              signature ? signature->find(*expression.operands[1].literal.get_if<std::string>()) : std::nullopt;
          if (index) {
            const Term* argument = find(term->arguments[*index]);
            if (argument->kind == Term::Kind::literal)
              return Written{text_of(argument->literal), argument->literal, false};
            return Written{argument->name, std::nullopt, false};
          }
        }
        if (name == "is_node" && tensor) return known(Argument(true));
        if (name == "is_none" && (tensor || term->not_none)) return known(Argument(false));
        if (name == "constant" && term->kind == Term::Kind::call) return known(Argument(false));
        if (name == "input" && term->kind == Term::Kind::call) return known(Argument(false));
      }
      if (place->value) {
        const Argument& value = *place->value;
        if (name == "number") return known(Argument(value.number() && !value.get_if<bool>()));
        if (name == "is_none") return known(Argument(value.is_none()));
        if (name == "len" && value.list()) return known(Argument(static_cast<int64_t>(value.list()->size())));
        if (name == "is_node") return known(Argument(false));
      }
    }
    std::vector<std::string> texts;
    bool same = true;
    for (const Expression& operand : expression.operands) {
      const auto written = write(operand);
      if (!written) return std::nullopt;
      texts.push_back(written->text);
      same = same && written->text == texts.front();
    }
    if ((name == "same" || name == "close") && texts.size() >= 2) {
      if (texts[0] == texts[1]) return known(Argument(true));
      std::sort(texts.begin(), texts.begin() + 2);
    }
    std::string text = name + "(";
    for (const std::string& part : texts) text += part + ",";
    const bool size = name == "size" || name == "numel";
    const bool counts = name == "rank" || name == "users" || name == "users_besides" || name == "len";
    return Written{text + ")", std::nullopt, counts || size, size};
  }

  std::optional<Written> loop(const Expression& expression) const {
    // Names of the loop are numbered by its depth, so that two loops over one list compare.
    std::map<SlotId, std::string> own;
    std::string text = expression.kind == ExpressionKind::for_all ? "all(" : "any(";
    for (size_t i = 1; i < expression.operands.size(); ++i) {
      const auto list = write(expression.operands[i]);
      if (!list) return std::nullopt;
      text += list->text + ";";
      own[expression.loop_slots[i - 1]] = "#" + std::to_string(i) + list->text;
    }
    const PlaceOf inner = [&](SlotId slot) -> std::optional<Place> {
      if (const auto found = own.find(slot); found != own.end()) return Place{found->second, std::nullopt, nullptr};
      return place_(slot);
    };
    const auto body = Writer(inner, operators_).write(expression.operands[0]);
    if (!body) return std::nullopt;
    return Written{text + body->text + ")", std::nullopt, false};
  }

  const PlaceOf& place_;
  const OperatorTable& operators_;
};

struct Fact {
  Written about;
  Domain domain;
  std::optional<std::pair<std::string, std::string>> equal;  // two expressions that this is about
};

Domain exactly(Argument value) {
  Domain domain;
  domain.values = {std::move(value)};
  return domain;
}

std::optional<ExpressionKind> opposite_of(ExpressionKind kind) {
  using Kind = ExpressionKind;
  switch (kind) {
    case Kind::equal: return Kind::not_equal;
    case Kind::not_equal: return Kind::equal;
    case Kind::in: return Kind::not_in;
    case Kind::not_in: return Kind::in;
    case Kind::less: return Kind::greater_equal;
    case Kind::less_equal: return Kind::greater;
    case Kind::greater: return Kind::less_equal;
    case Kind::greater_equal: return Kind::less;
    default: return std::nullopt;
  }
}

// How two expressions stand to each other, as values of one: what is known of the order of both, and whether they are
// equal where they have none (symbols, texts, NaN).
constexpr int64_t kBelow = -1, kSame = 0, kAbove = 1, kEqualUnordered = 2, kOtherUnordered = 3;

Fact relation_of(ExpressionKind kind, const Written& left, const Written& right) {
  using Kind = ExpressionKind;
  std::vector<int64_t> ways;
  switch (kind) {
    case Kind::equal: ways = {kSame, kEqualUnordered}; break;
    case Kind::not_equal: ways = {kBelow, kAbove, kOtherUnordered}; break;
    case Kind::less: ways = {kBelow}; break;
    case Kind::less_equal: ways = {kBelow, kSame}; break;
    case Kind::greater: ways = {kAbove}; break;
    default: ways = {kSame, kAbove}; break;
  }
  const bool swapped = right.text < left.text;
  Fact fact;
  fact.about.text = "order(" + (swapped ? right.text + "," + left.text : left.text + "," + right.text) + ")";
  fact.domain.values.emplace();
  for (const int64_t way : ways)
    fact.domain.values->emplace_back(swapped && (way == kBelow || way == kAbove) ? -way : way);
  if (kind == Kind::equal) fact.equal = {left.text, right.text};
  return fact;
}

// A part of a condition as an expression and its values.
std::optional<Fact> fact_of(const Expression& part, const Writer& writer) {
  using Kind = ExpressionKind;
  if (part.kind == Kind::logical_not) {
    if (const auto opposite = opposite_of(part.operands[0].kind)) {
      Expression turned = part.operands[0];
      turned.kind = *opposite;
      auto fact = fact_of(turned, writer);
      // NaN is in no order with anything.
      if (fact && !fact->about.integer) {
        fact->domain.nan = true;
        const bool ordered = turned.kind != Kind::equal && turned.kind != Kind::not_equal;
        if (ordered && fact->about.text.starts_with("order(")) fact->domain.values->emplace_back(kOtherUnordered);
      }
      return fact;
    }
    auto about = writer.write(part.operands[0]);
    if (!about) return std::nullopt;
    return Fact{std::move(*about), exactly(false), std::nullopt};
  }
  if (part.kind == Kind::logical_or) {
    // All of one expression: its values are those of any.
    std::optional<Fact> all;
    for (const Expression& operand : part.operands) {
      auto fact = fact_of(operand, writer);
      if (!fact || fact->about.value || (all && fact->about.text != all->about.text) ||
          (all && !all->domain.unite(fact->domain))) {
        all.reset();
        break;
      }
      if (!all) all = std::move(fact);
    }
    if (all) {
      all->equal.reset();
      return all;
    }
  }
  const bool comparison = part.kind == Kind::equal || part.kind == Kind::not_equal || part.kind == Kind::in ||
                          part.kind == Kind::not_in || part.kind == Kind::less || part.kind == Kind::less_equal ||
                          part.kind == Kind::greater || part.kind == Kind::greater_equal;
  if (!comparison) {
    auto about = writer.write(part);
    if (!about) return std::nullopt;
    return Fact{std::move(*about), exactly(true), std::nullopt};
  }
  auto left = writer.write(part.operands[0]), right = writer.write(part.operands[1]);
  if (!left || !right) return std::nullopt;
  Kind kind = part.kind;
  if (left->value && !right->value && kind != Kind::in && kind != Kind::not_in) {
    std::swap(left, right);
    if (kind == Kind::less)
      kind = Kind::greater;
    else if (kind == Kind::less_equal)
      kind = Kind::greater_equal;
    else if (kind == Kind::greater)
      kind = Kind::less;
    else if (kind == Kind::greater_equal)
      kind = Kind::less_equal;
  }
  if (!right->value) {
    if (kind == Kind::equal && left->text == right->text && !left->value)
      return Fact{known(Argument(true)), exactly(true), std::nullopt};
    if (kind != Kind::in && kind != Kind::not_in) return relation_of(kind, *left, *right);
    auto about = writer.write(part);
    return about ? std::optional<Fact>(Fact{std::move(*about), exactly(true), std::nullopt}) : std::nullopt;
  }
  Domain domain;
  const Argument& value = *right->value;
  const auto number = value.number();
  switch (kind) {
    case Kind::equal: domain = exactly(value); break;
    case Kind::not_equal: domain.excluded = {value}; break;
    case Kind::in:
      if (!value.list()) return std::nullopt;
      domain.values = *value.list();
      break;
    case Kind::not_in:
      if (!value.list()) return std::nullopt;
      domain.excluded = *value.list();
      break;
    default: {
      if (!number) return std::nullopt;
      domain.nan = false;
      const double next = left->integer ? 1 : 0;
      if (kind == Kind::less) {
        if (!left->integer) domain.excluded = {value};
        domain.high = *number - next;
      } else if (kind == Kind::less_equal) {
        domain.high = left->integer ? std::floor(*number) : *number;
      } else if (kind == Kind::greater) {
        if (!left->integer) domain.excluded = {value};
        domain.low = *number + next;
      } else {
        domain.low = left->integer ? std::ceil(*number) : *number;
      }
    }
  }
  return Fact{std::move(*left), std::move(domain), std::nullopt};
}

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

// A literal, or a list of such.
std::optional<Argument> literal_of(const Term* term) {
  if (term->kind == Term::Kind::literal) return term->literal;
  if (term->kind != Term::Kind::list) return std::nullopt;
  Argument::List elements;
  for (Term* element : term->elements) {
    auto value = literal_of(find(element));
    if (!value) return std::nullopt;
    elements.push_back(std::move(*value));
  }
  return Argument(std::move(elements));
}

bool among(const std::vector<Argument>& list, const Argument& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool Domain::contains(const Argument& value) const {
  if (const auto number = value.number(); number && std::isnan(*number)) return nan && !values;
  if (values && !among(*values, value)) return false;
  if (among(excluded, value)) return false;
  if (low > -kFar || high < kFar) {
    const auto number = value.number();
    if (!number || *number < low || *number > high) return false;
  }
  return true;
}

bool Domain::empty() const {
  if (values) return std::none_of(values->begin(), values->end(), [&](const Argument& v) { return contains(v); });
  return low > high && !nan;
}

bool Domain::within(const Domain& other) const {
  if (values) {
    return std::all_of(values->begin(), values->end(),
                       [&](const Argument& value) { return !contains(value) || other.contains(value); });
  }
  if (nan && !other.nan) return false;
  if (other.values) {
    // Whole numbers between bounds.
    if (nan || low < 0 || high - low > kListed || std::floor(low) != low) return false;
    for (double number = low; number <= high; ++number) {
      const Argument value(static_cast<int64_t>(number));
      if (contains(value) && !other.contains(value)) return false;
    }
    return true;
  }
  const auto left_out = [&](const Argument& value) { return !contains(value); };
  return low >= other.low && high <= other.high && std::all_of(other.excluded.begin(), other.excluded.end(), left_out);
}

void Domain::intersect(const Domain& other) {
  low = std::max(low, other.low);
  high = std::min(high, other.high);
  nan = nan && other.nan;
  excluded.insert(excluded.end(), other.excluded.begin(), other.excluded.end());
  if (!other.values) return;
  if (!values) {
    values = other.values;
    return;
  }
  std::erase_if(*values, [&](const Argument& value) { return !among(*other.values, value); });
}

bool Domain::unite(const Domain& other) {
  if (other.within(*this)) return true;
  if (within(other)) {
    *this = other;
    return true;
  }
  if (!values || !other.values) return false;
  Domain both;
  both.values.emplace();
  for (const Domain* part : {static_cast<const Domain*>(this), &other}) {
    std::copy_if(part->values->begin(), part->values->end(), std::back_inserter(*both.values),
                 [&](const Argument& value) { return part->contains(value); });
  }
  *this = std::move(both);
  return true;
}

PlaceOf places_of(const RuleTerms& rule) {
  return [&rule](SlotId slot) -> std::optional<Place> {
    if (slot < rule.lists.size() && rule.list_bound[slot]) {
      std::string text = "[";
      for (Term* term : rule.lists[slot]) text += (term ? find(term)->name : "None") + ",";
      return Place{text + "]", std::nullopt, nullptr};
    }
    if (slot >= rule.slots.size() || !rule.slots[slot]) return std::nullopt;
    const Term* term = find(rule.slots[slot]);
    if (auto value = literal_of(term)) return Place{term->name, std::move(value), term};
    return Place{term->name, std::nullopt, term};
  };
}

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
    restrict("users(" + term->name + ",)", domain);
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
