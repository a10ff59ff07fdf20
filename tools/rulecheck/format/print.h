// Writes the tree of a rule file in its layout.
#pragma once

#include <string>

#include <rulecheck/format/source_layout.h>

namespace qrules::tools {

// `root` was read from the source that `layout` is of. Throws Unsupported.
std::string print_rules(const SourceLayout& layout, const YamlNode& root);

}  // namespace qrules::tools
