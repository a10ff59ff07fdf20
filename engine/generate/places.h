// What the names of a rule stand for in a skeleton.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <qrules/generate/skeleton.h>

namespace qrules::generate {

// What a name stands for: a text that is the same for the same place, and its value when it is known.
struct Place {
  std::string text;
  std::optional<Argument> value;
  const Term* term = nullptr;
};
using PlaceOf = std::function<std::optional<Place>(SlotId)>;

// The places of a rule in a skeleton, which must outlive them and the facts made with them.
PlaceOf places_of(const RuleTerms& rule);

}  // namespace qrules::generate
