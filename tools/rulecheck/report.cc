// See report.h.

#include <rulecheck/report.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include <common/json_diagnostics.h>
#include <common/output.h>

#ifndef QRULES_VERSION
#define QRULES_VERSION "0"
#endif

namespace qrules::tools {
namespace {

// "51 rules, 80 tests: 80 passed, 0 failed"
std::string summary(const Report& report) {
  std::string text = counted(report.rules, "rule");
  if (!report.tests_ran) return text;
  const size_t passed = report.passed();
  return text + ", " + counted(report.tests.size(), "test") + ": " + std::to_string(passed) + " passed, " +
         std::to_string(report.tests.size() - passed) + " failed";
}

size_t ties(const Report& report) {
  int64_t count = 0;
  for (const TestOutcome& test : report.tests) count += test.numerics ? test.numerics->one_apart : 0;
  return static_cast<size_t>(count);
}

std::string test_line(const TestOutcome& test, bool color) {
  std::array<char, 32> time;
  std::snprintf(time.data(), time.size(), "%.1f ms", test.milliseconds);
  std::string line = (test.passed ? paint("ok    ", Color::green, color) : paint("failed", Color::red, color)) + "  " +
                     test.rule->base_name + ": " + test.test->name;
  std::string details = time.data();
  if (test.numerics) {
    details +=
        ", " + counted(test.numerics->runs, "run") + " of " + std::to_string(test.numerics->elements) + " elements";
    if (test.numerics->one_apart > 0) details += ", " + std::to_string(test.numerics->one_apart) + " one apart at ties";
  }
  return line + paint("  (" + details + ")", Color::dim, color) + "\n";
}

void print_text(const Report& report, const ReportOptions& options, std::ostream& out) {
  const Diagnostics found = report.all(options.quiet);
  if (!found.empty()) {
    out << render_text(found, options.color);
    if (!options.quiet || options.verbose) out << "\n";
  }
  if (options.verbose) {
    for (const TestOutcome& test : report.tests) out << test_line(test, options.color);
  }
  if (options.quiet) return;
  const Color color = report.has_errors() ? Color::red : Color::green;
  if (const size_t count = ties(report); count > 0)
    out << counted(count, "integer result") << " one apart where the exact value is a tie\n";
  out << paint(summary(report), color, options.color) << "\n";
}

nlohmann::json to_json(const Report& report, bool errors_only) {
  nlohmann::json tests = nlohmann::json::array();
  for (const TestOutcome& test : report.tests) {
    nlohmann::json entry = {{"rule", test.rule->base_name},
                            {"name", test.test->name},
                            {"passed", test.passed},
                            {"fired", test.fired},
                            {"milliseconds", test.milliseconds}};
    if (test.test->span) {
      entry["file"] = test.test->span.file->name();
      entry["line"] = test.test->span.file->position(test.test->span.begin).line;
    }
    if (test.numerics) {
      entry["numerics"] = {{"equal", test.numerics->equal},
                           {"runs", test.numerics->runs},
                           {"elements", test.numerics->elements},
                           {"one_apart", test.numerics->one_apart},
                           {"largest_error", test.numerics->largest_error}};
    }
    tests.push_back(std::move(entry));
  }
  return {{"version", QRULES_VERSION}, {"rules", report.rules},
          {"passed", report.passed()}, {"failed", report.tests.size() - report.passed()},
          {"tests", std::move(tests)}, {"diagnostics", tools::to_json(report.all(errors_only))}};
}

}  // namespace

size_t Report::passed() const {
  return static_cast<size_t>(
      std::count_if(tests.begin(), tests.end(), [](const TestOutcome& test) { return test.passed; }));
}

bool Report::has_errors() const { return found.has_errors() || passed() != tests.size(); }

Diagnostics Report::all(bool errors_only) const {
  Diagnostics result;
  const auto add = [&](const Diagnostics& some) {
    for (const Diagnostic& diagnostic : some.list()) {
      if (!errors_only || diagnostic.kind->level == Level::error) result.add(diagnostic);
    }
  };
  add(found);
  for (const TestOutcome& test : tests) add(test.found);
  return result;
}

void print_report(const Report& report, const ReportOptions& options, std::ostream& out) {
  switch (options.format) {
    case Format::text: return print_text(report, options, out);
    case Format::json: out << dump(to_json(report, options.quiet)) << "\n"; return;
    case Format::sarif: out << dump(to_sarif(report.all(options.quiet), "rulecheck", QRULES_VERSION)) << "\n"; return;
    case Format::github: {
      const Diagnostics found = report.all(options.quiet);
      for (const Diagnostic& diagnostic : found.list()) out << to_github(diagnostic) << "\n";
      if (!options.quiet) out << summary(report) << "\n";
    }
  }
}

}  // namespace qrules::tools
