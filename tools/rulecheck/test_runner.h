// Runs the tests that rules carry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <common/numerics.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/rule.h>

namespace qrules::tools {

struct TestOutcome {
  const Rule* rule = nullptr;
  const RuleTest* test = nullptr;
  int64_t fired = 0;
  bool passed = false;
  Diagnostics found;                       // why it failed
  std::optional<NumericsReport> numerics;  // when both graphs ran
  double milliseconds = 0;
};

// Runs one test of a rule of the rewriter's set. Everything wrong with it is in `found`, with its place in the rule
// file.
TestOutcome run_test(const Rewriter& rewriter, const Rule& rule, const RuleTest& test);

}  // namespace qrules::tools
