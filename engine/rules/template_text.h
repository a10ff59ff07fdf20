// Texts of rules with `foreach`: each element of a variable takes the places of its ${name}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <qrules/rules/declarations.h>
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

// Reports elements that lack a key which the rule's texts use and other elements have (QR0005); false when there are
// some.
bool check_elements(const RuleDeclaration& declared, Diagnostics& diagnostics);

// What is wrong with a text that an element gave stands at the element: changes the diagnostics from `before` on.
// `instance`: the name of the rule that they are about.
void blame_elements(const std::vector<Substitution>& made, const std::string& instance, size_t before,
                    Diagnostics& diagnostics);

}  // namespace qrules
