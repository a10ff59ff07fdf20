// Rule sets on disk: folders, pipelines, imports, and all errors of all files at once.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "rule_helpers.h"

namespace qrules {
namespace {

namespace fs = std::filesystem;

// A folder that goes away with the test.
class Folder {
 public:
  Folder() {
    static int number = 0;
    path_ =
        fs::temp_directory_path() / ("qrules_load_test_" + std::to_string(::getpid()) + "_" + std::to_string(++number));
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

const char* const kPipeline =
    "qrules: 1\nphases:\n  - {name: early, strategy: once, before: [merge-duplicates]}\n  - {name: main, doc: words}\n";

std::string rules(const std::string& name, const std::string& match = "%y = aten.relu.default(%x)",
                  const std::string& head = {}) {
  return "qrules: 1\n" + head + "rules:\n" + testing::rule_text(name, match, "", "%y = %x");
}

std::string codes(const Result<RuleSet>& result) {
  if (result.ok()) return "ok";
  std::string text;
  for (const Diagnostic& diagnostic : result.diagnostics().list())
    text += std::string(text.empty() ? "" : " ") + diagnostic.kind->code;
  return text;
}

TEST_CASE("A folder is its pipeline and every file below it, in path order", "[rules][load]") {
  Folder folder;
  folder.write("pipeline.yaml", kPipeline);
  folder.write("b/two.yaml", rules("two"));
  folder.write("a/one.yaml", rules("one"));
  folder.write("a/notes.txt", "no rules");
  folder.write("c.yaml", rules("three"));
  const auto set = load_rules({folder.path()});
  if (!set.ok()) FAIL(render_text(set.diagnostics()));
  REQUIRE(set->phases.size() == 2);
  CHECK(set->phases[0].merge_duplicates);
  CHECK_FALSE(set->phases[0].fixpoint);
  CHECK(set->phases[1].fixpoint);
  CHECK(set->phases[1].doc == "words");
  REQUIRE(set->rules.size() == 3);
  CHECK(set->rules[0].name == "one");
  CHECK(set->rules[1].name == "two");
  CHECK(set->rules[2].name == "three");
  CHECK(set->warnings.empty());
}

TEST_CASE("A file finds its phases in the nearest pipeline above it, or has its own", "[rules][load]") {
  Folder folder;
  folder.write("pipeline.yaml", kPipeline);
  folder.write("deep/er/one.yaml", rules("one"));
  CHECK(codes(load_rules({folder / "deep/er/one.yaml"})) == "ok");
  CHECK(load_rules({folder / "deep/er/one.yaml"})->phases.size() == 2);
  Folder alone;
  alone.write("one.yaml", rules("one"));
  alone.write("own.yaml", "qrules: 1\nphases: [{name: main}]\nrules:\n" +
                              testing::rule_text("own", "%y = aten.relu.default(%x)", "", "%y = %x"));
  CHECK(codes(load_rules({alone / "one.yaml"})) == "QR0405 QR0401");
  CHECK(codes(load_rules({alone / "own.yaml"})) == "ok");
}

TEST_CASE("Imports make definitions visible, through other imports too", "[rules][load]") {
  Folder folder;
  folder.write("pipeline.yaml", kPipeline);
  folder.write(
      "lib/base.yaml",
      "qrules: 1\nmacros:\n  - {name: \"twice(x)\", is: \"aten.neg.default(aten.neg.default(%x))\"}\nclasses:\n  - "
      "{name: unary, ops: [aten.neg.default, aten.abs.default]}\n");
  folder.write("lib/more.yaml", "qrules: 1\nimport: [base.yaml]\npredicates:\n  - {name: flat(n), is: rank(n) == 1}\n");
  folder.write("direct.yaml", rules("direct", "%y = twice(@unary(%x))", "import: [lib/base.yaml]\n"));
  folder.write("through.yaml", rules("through", "%y = twice(%x)", "import: [lib/more.yaml, lib/base.yaml]\n"));
  CHECK(codes(load_rules({folder.path()})) == "ok");
  // Without the import the name is unknown.
  folder.write("direct.yaml", rules("direct", "%y = twice(%x)"));
  CHECK(codes(load_rules({folder.path()})) == "QR0104");
}

TEST_CASE("Import cycles and missing imports are told where they are written", "[rules][load]") {
  Folder folder;
  folder.write("pipeline.yaml", kPipeline);
  folder.write("a.yaml", "qrules: 1\nimport: [b.yaml]\n");
  folder.write("b.yaml", "qrules: 1\nimport: [a.yaml]\n");
  const auto cycle = load_rules({folder / "a.yaml"});
  REQUIRE(codes(cycle) == "QR0009");
  CHECK(cycle.diagnostics().list()[0].message().find("a.yaml -> b.yaml -> a.yaml") != std::string::npos);
  folder.write("b.yaml", "qrules: 1\nimport: [gone.yaml]\n");
  const auto missing = load_rules({folder / "a.yaml"});
  REQUIRE(codes(missing) == "QR0001");
  REQUIRE(missing.diagnostics().list()[0].labels.size() == 1);
  CHECK(missing.diagnostics().list()[0].labels[0].span.text() == "gone.yaml");
}

TEST_CASE("All errors of all files are reported", "[rules][load]") {
  Folder folder;
  folder.write("pipeline.yaml", kPipeline);
  folder.write("a.yaml", rules("one", "%y = aten.rellu.default(%x)"));
  folder.write("b.yaml", "qrules: 1\nrules: [\n");
  folder.write("c.yaml", rules("three", "%y = @none(%x)"));
  folder.write("d.yaml", rules("fine"));
  CHECK(codes(load_rules({folder.path()})) == "QR0002 QR0102 QR0103");
}

TEST_CASE("What is not there or too large", "[rules][load]") {
  Folder folder;
  CHECK(codes(load_rules({folder / "nothing.yaml"})).rfind("QR0001", 0) == 0);
  CHECK(codes(load_rules({folder / "nothing"})).rfind("QR0001", 0) == 0);
  folder.write("pipeline.yaml", kPipeline);
  folder.write("big.yaml", rules("big") + std::string(5000, '#'));
  LoadOptions options;
  options.limits.file_bytes = 4000;
  CHECK(codes(load_rules({folder / "big.yaml"}, options)) == "QR0007");
}

TEST_CASE("Names are unique in a rule set", "[rules][load]") {
  Folder folder;
  folder.write("pipeline.yaml", kPipeline);
  folder.write("a.yaml", rules("same"));
  folder.write("b.yaml", rules("same"));
  const auto result = load_rules({folder.path()});
  REQUIRE(codes(result) == "QR0402");
  const std::vector<Label>& labels = result.diagnostics().list()[0].labels;
  REQUIRE(labels.size() == 2);
  CHECK(labels[0].span.file->name().find("b.yaml") != std::string::npos);
  CHECK(labels[1].span.file->name().find("a.yaml") != std::string::npos);
  // A file given twice is one file.
  folder.write("b.yaml", rules("other"));
  CHECK(load_rules({folder / "a.yaml", folder / "a.yaml", folder / "b.yaml"})->rules.size() == 2);
}

TEST_CASE("A file declares operators for its rules and for graphs", "[rules][load]") {
  LoadOptions options;
  options.operators = std::make_shared<OperatorTable>();
  const std::string text =
      "qrules: 1\nphases: [{name: main}]\noperators:\n  mine.scale.default: \"(Tensor self, float factor=2.0) -> "
      "Tensor\"\nrules:\n" +
      testing::rule_text("r", "%y = mine.scale.default(%x, %f)", "%f > 1", "%y = %x");
  CHECK(testing::load_error(text, options) == "ok");
  const auto graph = parse_graph("g", "graph(%x: f32[2]) {\n  %y: f32[2] = mine.scale.default(%x)\n  return (%y)\n}",
                                 options.operators);
  REQUIRE(graph.ok());
  CHECK(print(graph->find("y")->argument(1), graph->dims()) == "2.0");
  CHECK(testing::load_error(text, options) == "ok");  // again: the same declaration
}

}  // namespace
}  // namespace qrules
