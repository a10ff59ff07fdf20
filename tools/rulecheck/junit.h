// Outcomes of rule tests as other tools read them.
#pragma once

#include <string>
#include <vector>

#include <rulecheck/test_runner.h>

namespace qrules::tools {

// JUnit XML: a testsuite for each rule, a testcase for each of its tests, with a failure whose type is the outcome's
// name.
std::string to_junit(const std::vector<TestOutcome>& outcomes);

}  // namespace qrules::tools
