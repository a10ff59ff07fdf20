#include <qrules/generate/fact.h>

#include <algorithm>
#include <cmath>

namespace qrules::generate {
namespace {

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

}  // namespace

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

}  // namespace qrules::generate
