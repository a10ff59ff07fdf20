// `rulecheck fmt`: what it changes, what it keeps, what it leaves alone.

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <qrules/graph/text.h>
#include <qrules/rules/load.h>

#include "workspace.h"

namespace {

namespace fs = std::filesystem;
using namespace qrules;

const fs::path kRules = fs::path(QRULES_SOURCE_DIR) / "rules";
const fs::path kBroken = fs::path(QRULES_TEST_DIR) / "rules" / "broken";
// Folders whose files are as the formatter lays them out.
const std::vector<fs::path> kFormatted = {kRules};

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Outcome {
  int code = -1;
  std::string output;
};

class Workspace : public testing::Workspace {
 public:
  Outcome fmt(const std::string& arguments) const {
    const std::string command =
        "cd '" + folder().string() + "' && '" QRULES_BIN_DIR "/rulecheck' fmt " + arguments + " 2>&1";
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
  // The text as the formatter leaves it.
  std::string formatted(const std::string& text) const {
    write("one.yaml", text);
    fmt("one.yaml");
    return content_of(folder() / "one.yaml");
  }
};

// Everything that a rule set says, as text: two sets that print alike do the same.
class Printer {
 public:
  std::string print(const RuleSet& set) {
    for (const Phase& phase : set.phases) line("phase", phase.name, phase.doc, phase.fixpoint, phase.merge_duplicates);
    for (const Rule& rule : set.rules) print(rule);
    return std::move(out_);
  }

 private:
  static std::string text(const std::string& value) {
    std::string result;
    for (const char c : value) {
      const bool space = c == ' ' || c == '\n';
      if (!space) result += c;
      if (space && !result.empty() && result.back() != ' ') result += ' ';
    }
    while (!result.empty() && result.back() == ' ') result.pop_back();
    return result;
  }
  static std::string text(const char* value) { return value; }
  static std::string text(const Argument& value) { return qrules::print(value, DimTable()); }
  template <typename Number>
  static std::string text(Number value) {
    return std::to_string(value);
  }
  template <typename... Values>
  void line(const Values&... values) {
    ((out_ += text(values) + "; "), ...);
    out_ += "\n";
  }
  void print(const Expression& given) {
    line("expression", static_cast<int>(given.kind), static_cast<int>(given.type), given.literal, given.slot,
         given.function ? given.function->name : "", given.operands.size());
    for (const SlotId slot : given.loop_slots) line("loop", slot);
    for (const Expression& operand : given.operands) print(operand);
  }
  void print(const Rule& rule) {
    line("rule", rule.name, rule.base_name, rule.doc, rule.phase, rule.benefit, rule.root);
    for (const std::string& other : rule.before) line("before", other);
    for (const std::string& other : rule.after) line("after", other);
    for (const std::string& covered : rule.covers) line("covers", covered);
    for (const Slot& slot : rule.slots)
      line("slot", slot.name, static_cast<int>(slot.type), slot.is_list, slot.may_be_unbound, slot.pattern);
    for (const Pattern& pattern : rule.patterns) {
      line("pattern", static_cast<int>(pattern.kind), pattern.optional, pattern.node_required, pattern.literal,
           pattern.operators.text, pattern.operators.ops.size(), pattern.commutative, pattern.minimum);
      for (const SlotId slot : pattern.slots) line("binds", slot);
      for (const PatternArgument& argument : pattern.arguments) line("argument", argument.parameter, argument.pattern);
      for (const auto& [parameter, value] : pattern.defaults) line("default", parameter, value);
      for (const PatternId child : pattern.children) line("child", child);
    }
    for (const PatternId id : rule.extra_roots) line("root", id);
    for (const Condition& condition : rule.conditions) print(condition.expression);
    for (const RewriteStatement& statement : rule.rewrite) {
      line("statement", static_cast<int>(statement.kind), statement.result, statement.op,
           statement.like.value_or(9999));
      for (const RewriteStatement::Value& value : statement.values) {
        line("value", value.parameter);
        print(value.value);
      }
      if (statement.kind == RewriteStatement::Kind::expression) print(statement.expression);
    }
    for (const SlotId slot : rule.replaced) line("replaces", slot);
    if (rule.counter) {
      line("counter", rule.counter->name);
      if (rule.counter->when) print(rule.counter->when->expression);
    }
    for (const RuleTest& test : rule.tests) {
      line("test", test.name, std::string(test.graph.text()), test.fires.value_or(-1), test.numerics);
      if (test.result) line("result", std::string(test.result->text()));
      for (const std::string& other : test.with) line("with", other);
    }
  }

  std::string out_;
};

std::string meaning(const fs::path& path) {
  LoadOptions options;
  options.operators = std::make_shared<OperatorTable>();
  const Result<RuleSet> rules = load_rules({path.string()}, options);
  return rules.ok() ? Printer().print(*rules) : "";
}

// Lines that are comments, in any order.
std::multiset<std::string> comments_in(const fs::path& folder) {
  std::multiset<std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream stream(entry.path());
    for (std::string line; std::getline(stream, line);) {
      const size_t at = line.find_first_not_of(' ');
      if (at != std::string::npos && line[at] == '#') result.insert(line.substr(at));
    }
  }
  return result;
}

TEST_CASE("Formatting the shipped rules changes no rule, and once is enough", "[tools][fmt]") {
  const Workspace workspace;
  fs::copy(kRules, workspace.folder() / "rules", fs::copy_options::recursive);
  const std::string before = meaning(workspace.folder() / "rules");
  REQUIRE(before.size() > 10000);
  const auto comments = comments_in(workspace.folder() / "rules");
  REQUIRE(comments.size() >= 10);
  REQUIRE(workspace.fmt("rules").code == 0);
  CHECK(meaning(workspace.folder() / "rules") == before);
  CHECK(comments_in(workspace.folder() / "rules") == comments);
  CHECK(workspace.fmt("--check rules").code == 0);
  // Tests name conditions as they are written.
  const std::string command = "'" QRULES_BIN_DIR "/rulecheck' -q '" + (workspace.folder() / "rules").string() + "'";
  CHECK(std::system(command.c_str()) == 0);
}

TEST_CASE("Files that are formatted stay so", "[tools][fmt]") {
  const Workspace workspace;
  for (const fs::path& folder : kFormatted) {
    const Outcome outcome = workspace.fmt("--check --diff '" + folder.string() + "'");
    INFO(outcome.output);
    CHECK(outcome.code == 0);
  }
}

TEST_CASE("Broken files that parse are formatted, the others are left alone", "[tools][fmt]") {
  const Workspace workspace;
  std::map<std::string, std::string> before;
  for (const auto& entry : fs::directory_iterator(kBroken)) {
    if (entry.path().extension() == ".yaml") before[entry.path().filename().string()] = content_of(entry.path());
  }
  for (const auto& [name, text] : before) workspace.write("broken/" + name, text);
  const Outcome outcome = workspace.fmt("broken");
  CHECK(outcome.code == 1);
  CHECK(outcome.output.find("mistake of this program") == std::string::npos);
  const auto codes = [](const std::string& text) {
    LoadOptions options;
    options.operators = std::make_shared<OperatorTable>();
    const Result<RuleSet> rules = load_rules_text("one.yaml", text, options);
    std::vector<std::string> result;
    if (!rules.ok()) {
      for (const Diagnostic& diagnostic : rules.diagnostics().list()) result.emplace_back(diagnostic.kind->code);
    }
    return result;
  };
  std::string formatted;
  size_t count = 0, left = 0;
  for (const auto& [name, text] : before) {
    INFO(name);
    const std::string after = content_of(workspace.folder() / "broken" / name);
    if (outcome.output.find("broken/" + name + " is left alone") != std::string::npos) {
      ++left;
      CHECK(after == text);
      continue;
    }
    ++count;
    formatted += " broken/" + name;
    CHECK(codes(after) == codes(text));  // as broken as before
  }
  CHECK(count > 40);
  CHECK(left > 10);
  CHECK(workspace.fmt("--check" + formatted).output.empty());
}

TEST_CASE("Maps in braces that are too long become one line for each key, also in lists", "[tools][fmt]") {
  const Workspace workspace;
  const std::string words(100, 'x');
  const std::string once =
      workspace.formatted("qrules: 1\nphases:\n  - {name: main, doc: " + words + ", strategy: once}  # c\n");
  CHECK(once == "qrules: 1\nphases:\n  - name: main  # c\n    doc: " + words + "\n    strategy: once\n");
  CHECK(workspace.formatted(once) == once);
}

TEST_CASE("The layout of a rule", "[tools][fmt]") {
  const Workspace workspace;
  CHECK(workspace.formatted(
            "# about the file\n"
            "qrules:   1\n"
            "phases: [ {name: main} ]   # one\n"
            "rules:\n"
            "# the first\n"
            "- rewrite: |\n"
            "      %y=aten.add.Tensor( %x,%x , alpha = 2 )\n"
            "  # why\n"
            "  where: |\n"
            "      # all of them\n"
            "      rank( %x )==- 1  and (users(%r)<2   or not(rank(%x) in [1,2]))  # both\n"
            "\n"
            "\n"
            "      size(%x,0)%2==0\n"
            "  match: '%y = aten.relu.default(%r) '\n"
            "  phase: main\n"
            "  name:  one  # its name\n"
            "  doc:   d\n"
            "  tests:\n"
            "  - {name: t, graph: \"graph(%x: f32[1]) { return (%x) }\", expect: {fires: 0, because: "
            "\"size(%x,0)%2==0\"}}\n"
            "- {name: two, doc: d, phase: main, match: \"%y = aten.relu.default(%x)\", rewrite: \"%y = %x\"}\n"
            "# the end\n") ==
        "# about the file\n"
        "qrules: 1\n"
        "phases: [{name: main}]  # one\n"
        "rules:\n"
        "  # the first\n"
        "  - name: one  # its name\n"
        "    doc: d\n"
        "    phase: main\n"
        "    match: |\n"
        "      %y = aten.relu.default(%r)\n"
        "    # why\n"
        "    where: |\n"
        "      # all of them\n"
        "      rank(%x) == -1 and (users(%r) < 2 or not (rank(%x) in [1, 2]))  # both\n"
        "\n"
        "      size(%x, 0) % 2 == 0\n"
        "    rewrite: |\n"
        "      %y = aten.add.Tensor(%x, %x, alpha=2)\n"
        "    tests:\n"
        "      - {name: t, graph: \"graph(%x: f32[1]) { return (%x) }\", expect: {fires: 0, because: \"size(%x, 0) % 2 "
        "== 0\"}}\n"
        "\n"
        "  - {name: two, doc: d, phase: main, match: \"%y = aten.relu.default(%x)\", rewrite: \"%y = %x\"}\n"
        "# the end\n");
}

TEST_CASE("What is not formatted is said, and stays", "[tools][fmt]") {
  const Workspace workspace;
  const auto left_alone = [&](const std::string& text, const std::string& why) {
    workspace.write("one.yaml", text);
    const Outcome outcome = workspace.fmt("one.yaml");
    INFO(outcome.output);
    CHECK(outcome.code == 1);
    CHECK(outcome.output.find(why) != std::string::npos);
    CHECK(content_of(workspace.folder() / "one.yaml") == text);
  };
  left_alone("qrules: 1\ndoc: &a text\nrules: []\n", "it has an anchor");
  left_alone("qrules: 1\n---\nqrules: 2\n", "it has several documents");
  left_alone("{qrules: 1}\n", "it has a file that is no map in block style");
  left_alone("qrules: 1\nrules: [\n", "QR0002");
  CHECK(workspace.fmt("missing.yaml").code == 3);
  CHECK(workspace.fmt("").code == 2);
}

TEST_CASE("--check and --diff write nothing", "[tools][fmt]") {
  const Workspace workspace;
  const std::string text = "qrules:  1\n";
  workspace.write("one.yaml", text);
  Outcome outcome = workspace.fmt("--check one.yaml");
  CHECK(outcome.code == 1);
  CHECK(outcome.output == "one.yaml is not formatted\n");
  outcome = workspace.fmt("--diff one.yaml");
  CHECK(outcome.code == 0);
  CHECK(outcome.output == "--- one.yaml\n+++ one.yaml\n@@ line 1\n- qrules:  1\n+ qrules: 1\n");
  CHECK(content_of(workspace.folder() / "one.yaml") == text);
  // Through a link: the link stays, its file changes, and so do no permissions.
  fs::create_symlink("one.yaml", workspace.folder() / "link.yaml");
  fs::permissions(workspace.folder() / "one.yaml", fs::perms::owner_read | fs::perms::owner_write);
  CHECK(workspace.fmt("link.yaml").code == 0);
  CHECK(fs::is_symlink(workspace.folder() / "link.yaml"));
  CHECK(content_of(workspace.folder() / "one.yaml") == "qrules: 1\n");
  CHECK(fs::status(workspace.folder() / "one.yaml").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

}  // namespace
