#include <qrules/generate/places.h>

namespace qrules::generate {
namespace {

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

}  // namespace

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

}  // namespace qrules::generate
