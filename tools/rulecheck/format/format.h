// The canonical layout of rule files.
#pragma once

#include <optional>
#include <string>

#include <qrules/support/diagnostic.h>

namespace qrules::tools {

struct Formatted {
  std::optional<std::string> text;  // nothing: the file is left alone
  Diagnostics found;                // why, when it cannot be read
  std::string why;  // why, when it can be read and has a form that is not formatted (aliases, several documents)
};

// Lays a rule file out: two spaces of indentation, the keys of a rule in their order, patterns, conditions and rewrites
// in one spelling, texts as blocks, lines of at most 120 columns where they can be broken. Comments stay. What the file
// says stays: the result is read again and compared, and a difference is a reason to leave the file alone.
Formatted format_rules(const SourcePtr& source);

}  // namespace qrules::tools
