// Texts of rules with `foreach`: each element of a variable takes the places of its ${name}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <qrules/rules/mapped_text.h>
#include <qrules/support/diagnostic.h>

namespace qrules {

// One ${name} of a text and the element of `foreach` that took its place.
struct Substitution {
  Span use, element;
  std::string name, value;
};

// `text` with each ${name} and ${name.key} replaced; `made` gets what was. Unknown names (QR0120) and a `${` that is
// not closed (QR0123) are reported.
MappedText substitute(const MappedText& text, const std::map<std::string, MappedText>& values, Diagnostics& diagnostics,
                      std::vector<Substitution>* made = nullptr);

}  // namespace qrules
