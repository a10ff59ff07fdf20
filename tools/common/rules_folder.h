// Where the shipped rules are.
#pragma once

#include <optional>
#include <string>

namespace qrules::tools {

// The rules folder when the user names none: $QRULES_RULES when it is set (also when nothing is there: the error then
// names what the user set), else the first of these that holds a pipeline.yaml: share/qrules/rules beside the folder of
// the executable, rules one or two folders above it (a build tree), the rules of the source tree this was built from.
// Nothing when there is none.
std::optional<std::string> default_rules_folder();

}  // namespace qrules::tools
