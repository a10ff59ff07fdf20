// Names of what a rule file declares: what they may be, and what is said of those that are not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <qrules/rules/yaml_tree.h>
#include <qrules/support/diagnostic.h>

namespace qrules {

// Letters, digits and `_`, not a digit first: names of macros, predicates, classes and their parameters.
bool is_identifier(std::string_view text);
// Letters, digits, `-` and `_`: names of rules and phases.
bool is_plain_name(std::string_view name);

// Reports that `what` ("a rule") cannot have this name, with the one that was likely meant.
void add_invalid_name(const YamlNode& given, const std::string& what, Diagnostics& diagnostics);

// "name(a, b)" in its parts; `why` it cannot be, or empty.
struct Head {
  std::string name;
  std::vector<std::string> parameters;
  std::string why;
  size_t begin = 0, end = 0;  // of what is wrong, in the text
  std::string mended;         // what was meant, where that is clear
};

// The parts of a macro's or predicate's name; what is wrong with it is reported.
Head read_head(const YamlNode& given, const std::string& what, Diagnostics& diagnostics);

}  // namespace qrules
