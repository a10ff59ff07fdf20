// One rule of a rule file: its keys, the variables of its template, and its tests.
#pragma once

#include <qrules/rules/declarations.h>
#include <qrules/rules/yaml_tree.h>

namespace qrules {

// Reads an element of `rules` and adds it to `file`, whose phases have been read. Everything wrong in it is added to
// `diagnostics`; of a rule without a name the file remembers that one is missing.
void read_rule(const YamlNode& node, RuleFile& file, Diagnostics& diagnostics);

}  // namespace qrules
