// `rulecheck prove` finds rewrites that are wrong, and lets those pass that are not.

#include <sstream>

#include "tools/workspace.h"

