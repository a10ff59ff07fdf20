// What one part of a condition says: that an expression has one of some values.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <qrules/generate/domain.h>
#include <qrules/generate/written.h>

namespace qrules::generate {

struct Fact {
  Written about;
  Domain domain;
  std::optional<std::pair<std::string, std::string>> equal;  // two expressions that this is about
};

// A part of a condition as an expression and its values.
std::optional<Fact> fact_of(const Expression& part, const Writer& writer);

}  // namespace qrules::generate
