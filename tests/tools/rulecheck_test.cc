// The program rulecheck as users see it: what it prints for rule files and its exit codes.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "workspace.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Outcome {
  int code = -1;
  std::string output;  // both streams
};

// The program runs in a folder of the test.
class Workspace : public qrules::testing::Workspace {
 public:
  Outcome run(const std::string& arguments, const std::string& environment = "") const {
    const std::string command =
        "cd '" + folder().string() + "' && " + environment + " '" QRULES_BIN_DIR "/rulecheck' " + arguments + " 2>&1";
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
};

constexpr const char* kHead =
    "qrules: 1\n"
    "phases: [{name: main}]\n"
    "rules:\n"
    "  - name: relu-twice\n"
    "    doc: Relu of relu is relu.\n"
    "    phase: main\n"
    "    match: |\n"
    "      %y = aten.relu.default(%r)\n";

// A rule that takes one of two relus away, with tests that follow.
std::string relu_rule(const std::string& tests) {
  return "qrules: 1\n"
         "phases: [{name: main}]\n"
         "rules:\n"
         "  - name: relu-twice\n"
         "    doc: Relu of relu is relu.\n"
         "    phase: main\n"
         "    match: |\n"
         "      %r = aten.relu.default(%x)\n"
         "      %y = aten.relu.default(%r)\n"
         "    where: |\n"
         "      rank(%x) == 1\n"
         "      users(%r) == 1\n"
         "    rewrite: |\n"
         "      %y = aten.relu.default(%x)\n"
         "    tests:\n" +
         tests;
}

std::string relu_test(const std::string& name, const std::string& type, const std::string& results,
                      const std::string& expect) {
  return "      - name: " + name +
         "\n"
         "        graph: |\n"
         "          graph(%x: " +
         type +
         ") {\n"
         "            %a = aten.relu.default(%x)\n"
         "            %b = aten.relu.default(%a)\n"
         "            return (" +
         results +
         ")\n"
         "          }\n"
         "        expect: {" +
         expect + "}\n";
}

const std::string kFires = relu_test("fires", "f32[4]", "%b", "fires: 1");
const std::string kRefused = relu_test("used twice", "f32[4]", "%a, %b", "fires: 0, because: \"users(%r) == 1\"");

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::set<std::string> codes_of(const json& report) {
  std::set<std::string> codes;
  for (const json& diagnostic : report["diagnostics"]) codes.insert(diagnostic["code"].get<std::string>());
  return codes;
}

TEST_CASE("rulecheck passes a good file") {
  Workspace space;
  space.write("good.yaml", relu_rule(kFires + kRefused));
  const Outcome outcome = space.run("good.yaml");
  CHECK(outcome.code == 0);
  CHECK(outcome.output == "1 rule, 2 tests: 2 passed, 0 failed\n");
  const Outcome verbose = space.run("--verbose good.yaml");
  CHECK(verbose.code == 0);
  CHECK(contains(verbose.output, "relu-twice: used twice"));
  CHECK(space.run("--quiet good.yaml").output.empty());
  CHECK(space.run("--no-tests good.yaml").output == "1 rule\n");
}

TEST_CASE("rulecheck counts firings, and says what refused") {
  Workspace space;
  space.write("bad.yaml", relu_rule(kRefused + relu_test("two dims", "f32[2,2]", "%b", "fires: 1")));
  const Outcome outcome = space.run("bad.yaml");
  CHECK(outcome.code == 1);
  CHECK(
      contains(outcome.output, "error[QR0420]: test `two dims` of rule `relu-twice`: fired 0 times instead of 1 time"));
  CHECK(contains(outcome.output, "--> bad.yaml:24:"));
  CHECK(contains(outcome.output, "^^^^^^^^"));
  CHECK(contains(outcome.output, "rank(%x) == 1"));
  CHECK(contains(outcome.output, "1 rule, 2 tests: 1 passed, 1 failed\n"));

  space.write("more.yaml", relu_rule(kRefused + relu_test("too few", "f32[4]", "%b", "fires: 2")));
  CHECK(contains(space.run("more.yaml").output, "fired 1 time instead of 2 times"));
}

TEST_CASE("rulecheck tells which condition refuses") {
  Workspace space;
  space.write("other.yaml",
              relu_rule(kFires + relu_test("wrong reason", "f32[2,2]", "%b", "fires: 0, because: \"users(%r) == 1\"")));
  const Outcome other = space.run("other.yaml");
  CHECK(other.code == 1);
  CHECK(contains(other.output,
                 "error[QR0421]: test `wrong reason` of rule `relu-twice`: `users(%r) == 1` is not what refuses it"));
  CHECK(contains(other.output, "is refused by `rank(%x) == 1`"));
  CHECK(!contains(other.output, "no condition of the rule reads so"));

  space.write("match.yaml",
              relu_rule(kFires + relu_test("not the form", "f32[2,2]", "%b", "fires: 0, because: other")));
  const Outcome unknown = space.run("match.yaml");
  CHECK(unknown.code == 1);
  CHECK(contains(unknown.output, "no condition of the rule reads so"));

  std::string lone = relu_test("one relu", "f32[4]", "%a", "fires: 0, because: match");
  lone.erase(lone.find("            %b ="), std::string("            %b = aten.relu.default(%a)\n").size());
  space.write("lone.yaml", relu_rule(kFires + lone));
  CHECK(space.run("lone.yaml").code == 0);
}

TEST_CASE("rulecheck compares the rewritten graph") {
  const auto with_result = [](const std::string& operation) {
    std::string test = relu_test("result", "f32[4]", "%b", "@");
    test.replace(test.find("{@}"), 4,
                 "\n          fires: 1\n"
                 "          result: |\n"
                 "            graph(%x: f32[4]) {\n"
                 "              %b = " +
                     operation +
                     "(%x)   # comments and types do not matter\n"
                     "              return (%b)\n"
                     "            }\n");
    return relu_rule(test + kRefused);
  };
  Workspace space;
  space.write("same.yaml", with_result("aten.relu.default"));
  CHECK(space.run("same.yaml").output == "1 rule, 2 tests: 2 passed, 0 failed\n");
  space.write("other.yaml", with_result("aten.tanh.default"));
  const Outcome outcome = space.run("other.yaml");
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.output, "error[QR0422]"));
  CHECK(contains(outcome.output, "-   %b: f32[4] = aten.tanh.default(%x)"));
  CHECK(contains(outcome.output, "+   %b: f32[4] = aten.relu.default(%x)"));
  CHECK(contains(outcome.output, "    return (%b)"));
}

TEST_CASE("rulecheck runs graphs before and after") {
  Workspace space;
  space.write("right.yaml", relu_rule(relu_test("runs", "f32[n]", "%b", "fires: 1, numerics: true") + kRefused));
  const Outcome right = space.run("--format json right.yaml");
  REQUIRE(right.code == 0);
  const json report = json::parse(right.output);
  const json& numerics = report["tests"][0]["numerics"];
  CHECK(numerics["equal"] == true);
  CHECK(numerics["runs"].get<int>() >= 18);  // six kinds of inputs for each of three sizes
  CHECK(numerics["elements"].get<int>() == numerics["runs"].get<int>() / 3 * (1 + 2 + 5));

  std::string wrong = relu_rule(relu_test("runs", "f32[4]", "%b", "fires: 1, numerics: true") + kRefused);
  wrong.replace(wrong.find("%y = aten.relu.default(%x)"), 26, "%y = aten.neg.default(%x)");
  space.write("wrong.yaml", wrong);
  const Outcome outcome = space.run("wrong.yaml");
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.output, "error[QR0423]"));
  CHECK(contains(outcome.output, "inputs `random 1`: result 0["));
}

TEST_CASE("rulecheck accepts integers that are one apart only where the value is a tie") {
  // With a little added, ties go up instead of to even; with more, other values do too.
  const auto rule = [](const std::string& added) {
    return "qrules: 1\n"
           "phases: [{name: main}]\n"
           "rules:\n"
           "  - name: round-up\n"
           "    doc: A quantize that rounds ties up.\n"
           "    phase: main\n"
           "    match: |\n"
           "      %y = quantized_decomposed.quantize_per_tensor.default(%x, 1.0, 0, -128, 127, s8)\n"
           "    where: input(%x)\n"
           "    rewrite: |\n"
           "      %h = aten.add.Scalar(%x, " +
           added +
           ")\n"
           "      %y = quantized_decomposed.quantize_per_tensor.default(%h, 1.0, 0, -128, 127, s8)\n"
           "    tests:\n"
           "      - name: rounds\n"
           "        graph: |\n"
           "          graph(%x: f32[64]) {\n"
           "            %y: s8[64] = quantized_decomposed.quantize_per_tensor.default(%x, 1.0, 0, -128, 127, s8)\n"
           "            return (%y)\n"
           "          }\n"
           "        expect: {fires: 1, numerics: true}\n";
  };
  Workspace space;
  space.write("up.yaml", rule("0.0005"));
  const Outcome up = space.run("--format json up.yaml");
  REQUIRE(up.code == 0);
  const json numerics = json::parse(up.output)["tests"][0]["numerics"];
  // Of the 64 ties about half lie below an even number, and a few are out of range.
  CHECK(numerics["one_apart"].get<int>() > 10);
  CHECK(numerics["one_apart"].get<int>() < 64);
  CHECK(contains(space.run("up.yaml").output, "integer results one apart where the exact value is a tie"));

  space.write("more.yaml", rule("0.1"));
  const Outcome more = space.run("more.yaml");
  CHECK(more.code == 1);
  CHECK(contains(more.output, "error[QR0423]"));
  CHECK(contains(more.output, "is no tie"));
}

TEST_CASE("rulecheck reports tests that do not read or cannot run") {
  Workspace space;
  std::string test = relu_test("broken", "f32[4]", "%c", "fires: 1");
  space.write("graph.yaml", relu_rule(test + kFires + kRefused));
  const Outcome graph = space.run("graph.yaml");
  CHECK(graph.code == 1);
  CHECK(contains(graph.output, "graph.yaml:21:"));  // the line of `return (%c)` in the rule file
  CHECK(contains(graph.output, "in `graph` of this test"));
  CHECK(contains(graph.output, "3 tests: 2 passed, 1 failed"));

  test = kFires;
  test.insert(test.find("        graph:"), "        with: [relu-twize]\n");
  space.write("with.yaml", relu_rule(test + kRefused));
  const Outcome with = space.run("with.yaml");
  CHECK(with.code == 1);
  CHECK(contains(with.output, "error[QR0424]"));
  CHECK(contains(with.output, "did you mean `relu-twice`?"));
}

TEST_CASE("rulecheck warns of missing tests, missing reasons and unused names") {
  Workspace space;
  space.write("bare.yaml", std::string(kHead) + "    rewrite: |\n      %y = aten.tanh.default(%s)\n");
  CHECK(space.run("bare.yaml").code == 1);  // %s is unknown

  space.write("unused.yaml", std::string(kHead) + "    where: rank(%y) == 1\n    rewrite: |\n      %y = %y\n");
  const json report = json::parse(space.run("--format json unused.yaml").output);
  CHECK(codes_of(report) == std::set<std::string>{"QR0430", "QR0432"});
  for (const json& diagnostic : report["diagnostics"]) {
    CHECK(diagnostic["level"] == "warning");
    if (diagnostic["code"] != "QR0432") continue;
    CHECK(diagnostic["arguments"]["name"] == "r");
    CHECK(diagnostic["line"] == 8);
    CHECK(diagnostic["column"] == 30);
    CHECK(diagnostic["end"]["column"] == 32);
  }
  const Outcome text = space.run("unused.yaml");
  CHECK(text.code == 0);
  CHECK(contains(text.output, "warning[QR0432]: `%r` is used nowhere else in rule `relu-twice`"));
  CHECK(space.run("--quiet unused.yaml").output.empty());

  space.write("reason.yaml", relu_rule(kFires + relu_test("silent", "f32[2,2]", "%b", "fires: 0")));
  CHECK(codes_of(json::parse(space.run("--format json reason.yaml").output)) == std::set<std::string>{"QR0433"});
}

TEST_CASE("rulecheck's exit codes tell mistakes in rules from wrong usage and missing files") {
  Workspace space;
  space.write("syntax.yaml", "qrules: 1\nrules: [\n");
  CHECK(space.run("syntax.yaml").code == 1);
  space.write("key.yaml", relu_rule(kFires) + "    wher: x\n");
  const Outcome key = space.run("key.yaml");
  CHECK(key.code == 1);
  CHECK(contains(key.output, "did you mean `where`?"));
  space.write("import.yaml", "qrules: 1\nimport: [missing.yaml]\nphases: [{name: main}]\n");
  CHECK(space.run("import.yaml").code == 1);
  CHECK(space.run("missing.yaml").code == 3);
  CHECK(space.run("--format pretty").code == 2);
  CHECK(space.run("--no-such-option").code == 2);
  CHECK(space.run("explain QR9999").code == 2);
  space.write("good.yaml", relu_rule(kFires + kRefused));
  CHECK(space.run("--filter other good.yaml").code == 2);
  CHECK(space.run("--filter twice good.yaml").code == 0);
  const Outcome help = space.run("--help");
  CHECK(help.code == 0);
  CHECK(contains(help.output, "Exit codes: 0 "));
}

TEST_CASE("rulecheck takes its rules from the environment when none are named") {
  Workspace space;
  space.write("set/pipeline.yaml", "qrules: 1\nphases: [{name: main}]\n");
  std::string rules = relu_rule(kFires + kRefused);
  rules.erase(rules.find("phases:"), std::string("phases: [{name: main}]\n").size());
  space.write("set/deep/relu.yaml", rules);
  CHECK(space.run("", "QRULES_RULES=set").output == "1 rule, 2 tests: 2 passed, 0 failed\n");
  CHECK(space.run("", "QRULES_RULES=nowhere").code == 3);
}

TEST_CASE("rulecheck's machine formats") {
  Workspace space;
  space.write("bad.yaml", relu_rule(kRefused + relu_test("two, dims", "f32[2,2]", "%b", "fires: 1")));

  const json report = json::parse(space.run("--format json bad.yaml").output);
  CHECK(report["rules"] == 1);
  CHECK(report["passed"] == 1);
  CHECK(report["failed"] == 1);
  CHECK(report["tests"].size() == 2);
  CHECK(report["tests"][1]["fired"] == 0);
  REQUIRE(report["diagnostics"].size() == 1);
  CHECK(report["diagnostics"][0]["file"] == "bad.yaml");
  CHECK(report["diagnostics"][0]["line"] == 24);

  const json sarif = json::parse(space.run("--format sarif bad.yaml").output);
  CHECK(sarif["version"] == "2.1.0");
  const json& run = sarif["runs"][0];
  CHECK(run["tool"]["driver"]["name"] == "rulecheck");
  REQUIRE(run["results"].size() == 1);
  const json& result = run["results"][0];
  CHECK(result["ruleId"] == "QR0420");
  CHECK(run["tool"]["driver"]["rules"][result["ruleIndex"].get<size_t>()]["id"] == "QR0420");
  CHECK(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bad.yaml");
  CHECK(result["locations"][0]["physicalLocation"]["region"]["startLine"] == 24);

  const Outcome github = space.run("--format github bad.yaml");
  CHECK(github.code == 1);
  CHECK(github.output.starts_with("::error file=bad.yaml,line=24,endLine=24,col="));
  CHECK(contains(github.output, "title=QR0420 test-fires::test `two, dims` of rule"));
  CHECK(contains(github.output, "%0Anote: "));

  // A file that does not load is still a document.
  space.write("key.yaml", relu_rule(kFires) + "    wher: x\n");
  const json fix = json::parse(space.run("--format sarif key.yaml").output);
  CHECK(fix["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"] ==
        "where");
}

TEST_CASE("rulecheck explains and lists") {
  Workspace space;
  const Outcome explained = space.run("explain QR0421");
  CHECK(explained.code == 0);
  CHECK(explained.output.starts_with("error[QR0421] test-because: "));
  CHECK(space.run("explain test-because").output == explained.output);
  CHECK(contains(space.run("explain test-becuase").output, "did you mean `test-because`?"));

  const Outcome codes = space.run("codes");
  CHECK(codes.code == 0);
  for (const char* code : {"QR0001", "QR0420", "QR0432", "QR0750", "QR0650"})
    CHECK(contains(codes.output, std::string("\n") + code) != (std::string(code) == "QR0001"));
  CHECK(codes.output.starts_with("QR0001"));

  const Outcome functions = space.run("functions");
  CHECK(functions.code == 0);
  CHECK(contains(functions.output, "  users(n: a node) -> an integer\n"));
  CHECK(functions.output.find("In rewrites only") < functions.output.find("  transpose("));
}

TEST_CASE("rulecheck --fix makes edits and checks again") {
  Workspace space;
  const std::string good = relu_rule(kFires + kRefused);
  std::string broken = good;
  const auto replace = [&](const std::string& from, const std::string& to) {
    const size_t at = broken.find(from);
    REQUIRE(at != std::string::npos);
    broken.replace(at, from.size(), to);
  };
  replace("    doc:", "    docs:");
  replace("aten.relu.default(%r)", "aten.rellu.default(%r)");
  replace("rank(%x) == 1", "rank(%x) = 1");
  space.write("broken.yaml", broken);

  const Outcome dry = space.run("--fix --dry-run broken.yaml");
  CHECK(dry.code == 1);
  CHECK(contains(dry.output, "broken.yaml:5:5: would fix: did you mean `doc`?\n"));
  CHECK(contains(dry.output, "-     docs: Relu of relu is relu.\n+     doc: Relu of relu is relu.\n"));
  CHECK(contains(dry.output, "3 edits to make\n"));
  CHECK(space.read("broken.yaml") == broken);

  const Outcome fixed = space.run("--fix broken.yaml");
  CHECK(fixed.code == 0);
  CHECK(contains(fixed.output, "3 edits made\n"));
  CHECK(contains(fixed.output, "1 rule, 2 tests: 2 passed, 0 failed\n"));
  CHECK(space.read("broken.yaml") == good);

  const Outcome again = space.run("--fix broken.yaml");
  CHECK(again.code == 0);
  CHECK(again.output == "1 rule, 2 tests: 2 passed, 0 failed\n");
  CHECK(space.run("--dry-run broken.yaml").code == 2);
}

TEST_CASE("rulecheck --fix leaves alone what a person must look at") {
  Workspace space;
  const std::string text = relu_rule(kFires + relu_test("refused", "f32[4]", "%a, %b", "fires: 0"));
  space.write("unsure.yaml", text);
  const Outcome outcome = space.run("--fix unsure.yaml");
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.output, "QR0433"));
  CHECK(space.read("unsure.yaml") == text);
}

}  // namespace
