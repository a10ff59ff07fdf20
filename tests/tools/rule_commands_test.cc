// The sub-commands of rulecheck that look into what rules do: test, prove, overlaps, mutate, coverage.

#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "workspace.h"

namespace {

struct Outcome {
  int code = -1;
  std::string output;
};

class Workspace : public qrules::testing::Workspace {
 public:
  // What PyTorch's operators say on the error stream is not ours.
  Outcome run(const std::string& arguments, const char* errors = "2>&1") const {
    const std::string command =
        "cd '" + folder().string() + "' && '" QRULES_BIN_DIR "/rulecheck' " + arguments + " " + errors;
    std::FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Outcome outcome;
    char buffer[4096];
    for (size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
      outcome.output.append(buffer, count);
    const int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }
  std::string read(const std::string& name) const {
    std::ifstream stream(folder() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string kPlanted = QRULES_SOURCE_DIR "/tests/tools/planted/wrong.yaml";

std::string planted() {
  std::ifstream stream(kPlanted, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  // The copy stands elsewhere.
  const std::string import = "../../../rules/lib/quantized.yaml";
  text.replace(text.find(import), import.size(), QRULES_SOURCE_DIR "/rules/lib/quantized.yaml");
  return text;
}

std::string rule(const std::string& name, const std::string& match, const std::string& where,
                 const std::string& rewrite, const std::string& tests = {}) {
  return "  - name: " + name + "\n    doc: d\n    phase: main\n    match: |\n      " + match + "\n" +
         (where.empty() ? "" : "    where: |\n      " + where + "\n") + "    rewrite: |\n      " + rewrite + "\n" +
         (tests.empty() ? "" : "    tests:\n" + tests);
}

std::string test(const std::string& name, const std::string& call, const std::string& expect,
                 const std::string& type = "f32[4]") {
  return "      - name: " + name + "\n        graph: |\n          graph(%x: " + type + ") {\n            %y: " + type +
         " = " + call + "\n            return (%y)\n          }\n        expect: " + expect + "\n";
}

const std::string kHead = "qrules: 1\nphases: [{name: main}]\nrules:\n";

TEST_CASE("prove finds planted wrong rewrites over any seed, and prints tests that fail", "[tools][prove]") {
  Workspace workspace;
  for (const char* seed : {"1", "2", "77"}) {
    const Outcome outcome = workspace.run("prove --rules '" + kPlanted + "' --seed " + seed, "2>/dev/null");
    INFO(outcome.output);
    CHECK(outcome.code == 1);
    size_t failed = 0;
    std::map<std::string, std::string> tests;
    std::istringstream lines(outcome.output);
    std::string rule;
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("failed ", 0) == 0) {
        ++failed;
        const size_t name = line.find_first_not_of(' ', 7);
        rule = line.substr(name, line.find(':') - name);
      } else if (line.rfind("held ", 0) == 0 || line.rfind("unknown", 0) == 0) {
        rule.clear();
      } else if (!rule.empty() && line.rfind("      ", 0) == 0) {
        tests[rule] += line + "\n";
      }
    }
    CHECK(failed >= 79);  // of 80: 49 of 50
    CHECK(tests.size() == failed);
    if (std::string(seed) != "1") continue;
    // Each is pasted into its rule; not one passes.
    std::istringstream text(planted());
    std::string pasted, pending;
    for (std::string line; std::getline(text, line);) {
      if (line.rfind("  - name: ", 0) == 0) {
        pasted += pending;
        const std::string& found = tests[line.substr(10)];
        pending = found.empty() ? "" : "    tests:\n" + found;
      }
      pasted += line + "\n";
    }
    workspace.write("pasted.yaml", pasted + pending);
    const Outcome run = workspace.run("test pasted.yaml -v", "2>/dev/null");
    CHECK(run.code == 1);
    CHECK_FALSE(contains(run.output, "validated"));
    CHECK(contains(run.output, "wrong numbers"));
  }
}

TEST_CASE("prove lets the shipped rules pass", "[tools][prove][shipped]") {
  Workspace workspace;
  const Outcome outcome = workspace.run("prove --graphs 12 --rules '" QRULES_SOURCE_DIR "/rules'", "2>/dev/null");
  INFO(outcome.output);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.output, " 0 failed, 0 unknown"));
  CHECK(workspace.run("prove no-such-rule").code == 2);
  CHECK(workspace.run("prove --rules missing.yaml").code == 3);
}

TEST_CASE("test gives outcomes in words, filters, JUnit XML and exit codes", "[tools][rulecheck]") {
  Workspace workspace;
  workspace.write(
      "r.yaml",
      kHead + rule("r", "%y = aten.relu.default(%x)", "rank(%x) == 1", "%y = aten.abs.default(%x)",
                   test("good", "aten.neg.default(%x)", "{fires: 0, because: match}") +
                       test("not there", "aten.neg.default(%x)", "{fires: 1}") +
                       test("too much", "aten.relu.default(%x)", "{fires: 0}") +
                       test("<other & numbers>", "aten.relu.default(%x)", "{fires: 1, numerics: true}") +
                       test("other reason", "aten.neg.default(%x)", "{fires: 0, because: \"rank(%x) == 1\"}")));
  const Outcome all = workspace.run("test r.yaml --junit out.xml --jobs 2");
  INFO(all.output);
  CHECK(all.code == 1);
  CHECK(contains(all.output, "missing: r: not there"));
  CHECK(contains(all.output, "noisy: r: too much"));
  CHECK(contains(all.output, "wrong numbers: r: <other & numbers>"));
  CHECK(contains(all.output, "5 tests: 1 validated, 1 missing, 1 noisy, 1 refused by another, 1 wrong numbers"));
  const std::string xml = workspace.read("out.xml");
  CHECK(contains(xml, "<testsuites name=\"rulecheck\" tests=\"5\" failures=\"4\""));
  CHECK(contains(xml, "name=\"&lt;other &amp; numbers&gt;\""));
  CHECK(contains(xml, "<failure type=\"missing\""));
  CHECK(workspace.run("test r.yaml --filter good").code == 0);
  CHECK(workspace.run("test r.yaml --filter nothing-like-it").code == 2);
  CHECK(workspace.run("test missing.yaml").code == 3);
}

TEST_CASE("test --update writes results after showing the difference", "[tools][rulecheck]") {
  Workspace workspace;
  workspace.write("r.yaml", kHead + rule("r", "%y = aten.relu.default(%x)", "", "%y = aten.abs.default(%x)",
                                         "      - name: a\n        graph: |\n          graph(%x: f32[4]) {\n"
                                         "            %y: f32[4] = aten.relu.default(%x)\n            return (%y)\n"
                                         "          }\n        expect:\n          fires: 1\n          result: |\n"
                                         "            graph(%x: f32[4]) {\n"
                                         "              %y: f32[4] = aten.neg.default(%x)\n"
                                         "              return (%y)\n            }\n"));
  const Outcome before = workspace.run("test r.yaml");
  CHECK(before.code == 1);
  CHECK(contains(before.output, "wrong rewrite: r: a"));
  const Outcome update = workspace.run("test r.yaml --update");
  INFO(update.output << workspace.read("r.yaml"));
  CHECK(update.code == 0);
  CHECK(contains(update.output, "+   %y: f32[4] = aten.abs.default(%x)"));
  CHECK(contains(update.output, "1 result written"));
  CHECK(contains(workspace.read("r.yaml"), "              %y: f32[4] = aten.abs.default(%x)\n"));
  CHECK(workspace.run("test r.yaml").code == 0);
  const std::string once = workspace.read("r.yaml");
  CHECK(contains(workspace.run("test r.yaml --update").output, "0 results written"));
  CHECK(workspace.read("r.yaml") == once);
}

TEST_CASE("overlaps lists pairs with witnesses; an unreachable rule is a warning of the check", "[tools][rulecheck]") {
  Workspace workspace;
  workspace.write("r.yaml",
                  kHead + rule("general", "%y = aten.relu.default(%x)", "", "%y = aten.abs.default(%x)") +
                      rule("special", "%y = aten.relu.default(%x)", "rank(%x) == 2", "%y = aten.abs.default(%x)") +
                      rule("other", "%y = aten.neg.default(%x)", "", "%y = aten.abs.default(%x)"));
  const Outcome outcome = workspace.run("overlaps --rules r.yaml");
  INFO(outcome.output);
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.output, "unreachable: general (r.yaml:4), special (r.yaml:11)"));
  CHECK(contains(outcome.output, "`general` wins: it comes first in the files"));
  CHECK(contains(outcome.output, "aten.relu.default(%x)"));
  CHECK(contains(outcome.output, "3 pairs, 2 disjoint, 1 unreachable"));
  const Outcome check = workspace.run("--no-tests r.yaml");
  CHECK(check.code == 0);
  CHECK(contains(check.output, "warning[QR0440]: rule `special` never fires: `general` takes every match"));
}

TEST_CASE("mutate reports what no test notices, with its place, and the score decides", "[tools][rulecheck]") {
  Workspace workspace;
  workspace.write("r.yaml",
                  kHead + rule("r", "%y = aten.add.Scalar(%x, 1)", "rank(%x) == 1", "%y = aten.abs.default(%x)",
                               test("fires", "aten.add.Scalar(%x, 1)", "{fires: 1}") +
                                   test("two", "aten.add.Scalar(%x, 2)", "{fires: 0, because: match}")));
  const Outcome weak = workspace.run("mutate --rules r.yaml");
  INFO(weak.output);
  CHECK(weak.code == 1);
  CHECK(contains(weak.output, "r.yaml:10:7: survived: `r` without `rank(%x) == 1`"));
  CHECK(contains(weak.output, "3 mutants: 2 noticed, 1 survived; score 66.7 %"));
  CHECK(workspace.run("mutate --rules r.yaml --threshold 60").code == 0);
  workspace.write("s.yaml", workspace.read("r.yaml") + test("a matrix", "aten.add.Scalar(%x, 1)",
                                                            "{fires: 0, because: \"rank(%x) == 1\"}", "f32[2,2]"));
  const Outcome strong = workspace.run("mutate --rules s.yaml --threshold 100");
  INFO(strong.output);
  CHECK(strong.code == 0);
}

TEST_CASE("The tests of the shipped rules notice at least nine mutants of ten", "[tools][rulecheck][shipped]") {
  Workspace workspace;
  const Outcome outcome = workspace.run("mutate --threshold 90 --rules '" QRULES_SOURCE_DIR "/rules'", "2>/dev/null");
  INFO(outcome.output);
  CHECK(outcome.code == 0);
}

TEST_CASE("coverage says what tests and models do not exercise", "[tools][rulecheck]") {
  Workspace workspace;
  workspace.write("r.yaml",
                  kHead + rule("r", "%y = aten.relu.default(%x) | aten.neg.default(%x)", "rank(%x) == 1",
                               "%y = aten.abs.default(%x)", test("fires", "aten.relu.default(%x)", "{fires: 1}")));
  const Outcome outcome = workspace.run("coverage r.yaml");
  INFO(outcome.output);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.output, "r.yaml:10: r: `rank(%x) == 1`: never refused"));
  CHECK(contains(outcome.output, "r: `aten.neg.default(%x)`: never taken"));
  CHECK(contains(outcome.output, "60.0 % exercised"));
  CHECK(workspace.run("coverage r.yaml --threshold 61").code == 1);
  CHECK(workspace.run("coverage r.yaml --models missing").code == 3);
  const Outcome models =
      workspace.run("coverage '" QRULES_SOURCE_DIR "/rules' --models '" QRULES_TEST_CASES "' --threshold 90");
  INFO(models.output);
  CHECK(models.code == 0);
  CHECK(contains(models.output, " stays in floating point; `"));
}

}  // namespace
