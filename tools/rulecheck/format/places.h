// What stands at a place of a rule file: which texts are code, which are graphs, in which order the keys of a map are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rulecheck/format/code.h>

namespace qrules::tools {

using Path = std::vector<std::string>;  // keys around a node, outermost first; lists add none

// Nothing: the text there is no pattern, condition or rewrite.
std::optional<CodeKind> code_kind(const Path& path);
// The texts of rules are blocks, however short.
bool always_block(const Path& path);
bool is_graph(const Path& path);

// The order of keys in the maps that have one; null: as they were written.
const std::vector<std::string>* order_of(const Path& path);

}  // namespace qrules::tools
