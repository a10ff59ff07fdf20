// Runs the tests that rules carry.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <common/numerics.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/rule.h>

namespace qrules::tools {

// What became of a test.
enum class Outcome : uint8_t {
  validated,
  missing,        // the rule should fire and did not, or not often enough
  noisy,          // it fired where it should not, or too often
  other_refusal,  // it did not fire, for another reason than the one named
  wrong_rewrite,  // the graph afterwards is not `result`
  wrong_numbers,  // the graph afterwards computes something else
  not_run,        // a graph does not read, or nothing could be run
};
std::string_view name(Outcome outcome);

// How `numerics: true` is decided. Nothing: it cannot be decided here (see numerics_here.h).
using Comparison = std::function<std::optional<Result<NumericsReport>>(const Graph& before, const Graph& after)>;

struct TestOutcome {
  const Rule* rule = nullptr;
  const RuleTest* test = nullptr;
  int64_t fired = 0;
  bool passed = false;
  Diagnostics found;                       // why it failed
  std::optional<NumericsReport> numerics;  // when both graphs ran
  bool undecided = false;                  // `numerics` could not be decided; all else is as expected or in `found`
  double milliseconds = 0;
  std::string result;  // the graph afterwards when it is not the one expected

  Outcome kind() const;
};

// Runs one test of a rule of the rewriter's set. Everything wrong with it is in `found`, with its place in the rule
// file.
TestOutcome run_test(const Rewriter& rewriter, const Rule& rule, const RuleTest& test, const Comparison& compare);

}  // namespace qrules::tools
