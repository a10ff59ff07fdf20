// What a run of rulecheck prints.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <rulecheck/test_runner.h>

namespace qrules::tools {

enum class Format { text, json, github, sarif };

struct Report {
  size_t rules = 0;  // each instance of a `foreach` is one
  bool tests_ran = false;
  Diagnostics found;  // of loading and of the checks; those of tests are with their outcomes
  std::vector<TestOutcome> tests;

  size_t passed() const;
  bool has_errors() const;
  // Of loading, checks and tests; without warnings and notes when `errors_only`.
  Diagnostics all(bool errors_only) const;
};

struct ReportOptions {
  Format format = Format::text;
  bool color = false;
  bool quiet = false;    // no warnings and no summary
  bool verbose = false;  // text: a line for each test
};

void print_report(const Report& report, const ReportOptions& options, std::ostream& out);

}  // namespace qrules::tools
