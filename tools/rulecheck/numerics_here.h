// Which of the two programs this is. `rulecheck` is the engine alone and starts in a few milliseconds; LibTorch and
// oneDNN take some hundred to be loaded, so what runs graphs is in `rulecheck-numerics`, a program of the same sources
// beside it. `rulecheck` becomes that one (with the same command line) when a command runs graphs, and when
// `numerics: true` of a test is not known from an earlier run (numerics_cache.h).
#pragma once

#include <rulecheck/test_runner.h>

namespace qrules::tools {

// Runs both graphs; in `rulecheck`: nothing, always.
Comparison compare_here();

// True in `rulecheck-numerics`.
bool runs_graphs();

// Becomes `rulecheck-numerics`. Returns only when that cannot be started, with an exit code; it was reported then.
int become_numerics(char** arguments);

}  // namespace qrules::tools
