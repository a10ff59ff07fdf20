// `rulecheck --watch` and `qrules run --watch`: files are saved, and what is printed is waited for.

#include <csignal>
#include <filesystem>
#include <fstream>

#include "process.h"
#include "workspace.h"

namespace {

namespace fs = std::filesystem;
using qrules::testing::Process;
using qrules::testing::Workspace;

std::string relu_rule(const std::string& condition) {
  return "qrules: 1\n"
         "rules:\n"
         "  - name: relu-twice\n"
         "    doc: Relu of relu is relu.\n"
         "    phase: main\n"
         "    match: |\n"
         "      %r = aten.relu.default(%x)\n"
         "      %y = aten.relu.default(%r)\n"
         "    where: " +
         condition +
         "\n"
         "    rewrite: |\n"
         "      %y = %r\n";
}

constexpr const char* kPipeline = "qrules: 1\nphases: [{name: main}]\n";
constexpr const char* kGraph =
    "graph(%x: f32[4]) {\n"
    "  %r: f32[4] = aten.relu.default(%x)\n"
    "  %y: f32[4] = aten.relu.default(%r)\n"
    "  return (%y)\n"
    "}\n";

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// As editors save: a new file takes the place of the old one.
void save_by_rename(const Workspace& workspace, const std::string& name, const std::string& text) {
  workspace.write(name + ".swp", text);
  fs::rename(workspace.folder() / (name + ".swp"), workspace.folder() / name);
}

TEST_CASE("rulecheck --watch checks what is saved", "[tools][watch]") {
  const Workspace workspace;
  workspace.write("rules/pipeline.yaml", kPipeline);
  workspace.write("rules/a.yaml", relu_rule("rank(%x) == 1"));
  Process process(workspace.folder(), {QRULES_BIN_DIR "/rulecheck", "rules", "--watch"});
  CHECK(contains(process.read_until("watching 2 files\n"), "1 rule, 0 tests"));
  // A broken save is reported, and watching goes on.
  workspace.write("rules/a.yaml", relu_rule("rnk(%x) == 1"));
  std::string text = process.read_until("watching 2 files\n");
  CHECK(contains(text, "changed: rules/a.yaml\n"));
  CHECK(contains(text, "QR0203"));
  save_by_rename(workspace, "rules/a.yaml", relu_rule("rank(%x) == 2"));
  text = process.read_until("watching 2 files\n");
  CHECK(contains(text, "changed: rules/a.yaml\n"));
  CHECK_FALSE(contains(text, "error["));
  // A new file, in a new folder.
  workspace.write("rules/more/b.yaml", "qrules: 1\n");
  CHECK(contains(process.read_until("watching 3 files\n"), "changed: rules/more/b.yaml\n"));
  // Gone and back.
  fs::remove(workspace.folder() / "rules/a.yaml");
  text = process.read_until("watching 2 files\n");
  CHECK(contains(text, "0 rules, 0 tests"));
  workspace.write("rules/a.yaml", relu_rule("rank(%x) == 1"));
  CHECK(contains(process.read_until("watching 3 files\n"), "1 rule, 0 tests"));
  process.send(SIGINT);
  CHECK(process.wait() == 0);
}

TEST_CASE("A file that is imported from elsewhere is watched too", "[tools][watch]") {
  const Workspace workspace;
  workspace.write("one.yaml", std::string(kPipeline) + "import: [lib/missing.yaml]\n");
  Process process(workspace.folder(), {QRULES_BIN_DIR "/rulecheck", "one.yaml", "--watch"});
  CHECK(contains(process.read_until("watching 1 file\n"), "lib/missing.yaml"));
  workspace.write("lib/missing.yaml", "qrules: 1\n");
  const std::string text = process.read_until("watching 2 files\n");
  CHECK(contains(text, "changed: lib/missing.yaml\n"));
  CHECK_FALSE(contains(text, "error["));
  process.send(SIGTERM);
  CHECK(process.wait() == 0);
}

TEST_CASE("qrules run --watch shows the difference in fusions", "[tools][watch]") {
  const Workspace workspace;
  workspace.write("rules/pipeline.yaml", kPipeline);
  workspace.write("rules/a.yaml", relu_rule("rank(%x) == 1"));
  workspace.write("model.txt", kGraph);
  Process process(workspace.folder(), {QRULES_BIN_DIR "/qrules", "run", "model.txt", "--rules", "rules", "--watch"});
  std::string text = process.read_until("watching 2 files\n");
  CHECK(contains(text, "+ relu-twice  1\n"));
  CHECK(contains(text, "dequantizes left: 0; rules "));
  save_by_rename(workspace, "rules/a.yaml", relu_rule("rank(%x) == 2"));
  text = process.read_until("watching 2 files\n");
  CHECK(contains(text, "changed: rules/a.yaml\n"));
  CHECK(contains(text, "- relu-twice  0 (was 1)\n"));
  workspace.write("rules/a.yaml", relu_rule("rank(%x == 1"));
  CHECK(contains(process.read_until("watching 2 files\n"), "error["));
  // Compared with the last rules that could be read.
  workspace.write("rules/a.yaml", relu_rule("rank(%x) == 3"));
  CHECK(contains(process.read_until("watching 2 files\n"), "the same fusions"));
  workspace.write("rules/a.yaml", relu_rule("rank(%x) < 2"));
  CHECK(contains(process.read_until("watching 2 files\n"), "+ relu-twice  1 (was 0)\n"));
  process.send(SIGINT);
  CHECK(process.wait() == 0);
}

TEST_CASE("What --watch cannot do is said at once", "[tools][watch]") {
  const Workspace workspace;
  workspace.write("model.txt", kGraph);
  const auto code = [&](std::vector<std::string> command) {
    Process process(workspace.folder(), std::move(command));
    return process.wait();
  };
  CHECK(code({QRULES_BIN_DIR "/qrules", "run", "model.txt", "--watch", "--no-rules"}) == 2);
  CHECK(code({QRULES_BIN_DIR "/qrules", "run", "model.txt", "--watch", "--json"}) == 2);
  CHECK(code({QRULES_BIN_DIR "/qrules", "run", "missing.pt2", "--watch"}) == 3);
}

}  // namespace
