// See junit.h.

#include <rulecheck/junit.h>

#include <array>
#include <cstdio>
#include <map>

namespace qrules::tools {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\n': result += "&#10;"; break;
      default:
        // XML has no other control characters.
        result += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? '?' : c;
    }
  }
  return result;
}

std::string seconds(double milliseconds) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.6f", milliseconds / 1000);
  return text.data();
}

}  // namespace

std::string to_junit(const std::vector<TestOutcome>& outcomes) {
  std::map<std::string, std::vector<const TestOutcome*>> suites;
  size_t failed = 0;
  double time = 0;
  for (const TestOutcome& outcome : outcomes) {
    suites[outcome.rule->base_name].push_back(&outcome);
    failed += outcome.passed ? 0 : 1;
    time += outcome.milliseconds;
  }
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"rulecheck\" tests=\"" +
                    std::to_string(outcomes.size()) + "\" failures=\"" + std::to_string(failed) + "\" time=\"" +
                    seconds(time) + "\">\n";
  for (const auto& [rule, tests] : suites) {
    size_t failures = 0;
    double total = 0;
    for (const TestOutcome* test : tests) {
      failures += test->passed ? 0 : 1;
      total += test->milliseconds;
    }
    xml += "  <testsuite name=\"" + escaped(rule) + "\" tests=\"" + std::to_string(tests.size()) + "\" failures=\"" +
           std::to_string(failures) + "\" errors=\"0\" skipped=\"0\" time=\"" + seconds(total) + "\">\n";
    for (const TestOutcome* test : tests) {
      xml += "    <testcase classname=\"" + escaped(rule) + "\" name=\"" + escaped(test->test->name) + "\" time=\"" +
             seconds(test->milliseconds) + "\"";
      if (const Span& span = test->test->span) {
        xml += " file=\"" + escaped(span.file->name()) + "\" line=\"" +
               std::to_string(span.file->position(span.begin).line) + "\"";
      }
      if (test->passed) {
        xml += "/>\n";
        continue;
      }
      std::string message = test->found.list().empty() ? "" : test->found.list().back().message();
      xml += ">\n      <failure type=\"" + std::string(name(test->kind())) + "\" message=\"" + escaped(message) +
             "\">" + escaped(render_text(test->found)) + "</failure>\n    </testcase>\n";
    }
    xml += "  </testsuite>\n";
  }
  return xml + "</testsuites>\n";
}

}  // namespace qrules::tools
