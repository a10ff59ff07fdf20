// `result:` texts of rule tests, written anew.
#pragma once

#include <vector>

#include <qrules/support/result.h>
#include <rulecheck/test_runner.h>

namespace qrules::tools {

// Replaces the `result` of every test that failed for nothing else in its rule file; gives how many. Only block texts
// (`result: |`) can be replaced. Error: a file cannot be written (QR0426).
Result<size_t> update_results(const std::vector<TestOutcome>& outcomes);

}  // namespace qrules::tools
