// Code in README.md and docs/*.md is what it claims to be. A comment above a fenced block says how it is tested:
//   <!-- test: rules -->      a rule file that loads without a diagnostic, and whose tests fire as often as they say
//   <!-- test: graph -->      graph text that reads and verifies
//   <!-- test: file PATH -->  the text of that file, which is compiled elsewhere

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <qrules/graph/text.h>
#include <qrules/graph/verify.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>

#include "catch.h"

namespace qrules {
namespace {

namespace fs = std::filesystem;

struct Block {
  std::string place;  // file:line of the comment
  std::string kind;   // rules, graph, file
  std::string argument;
  std::string text;
};

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE(stream);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The marked blocks of one text. A comment without a block after it, and a block without an end, come back with `kind`
// empty.
std::vector<Block> blocks_of(const std::string& name, const std::string& text) {
  std::vector<Block> blocks;
  std::istringstream lines(text);
  std::optional<Block> open;
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const bool fence = line.rfind("```", 0) == 0;
    if (inside) {
      if (!fence) {
        open->text += line + "\n";
        continue;
      }
      blocks.push_back(*std::move(open));
      open.reset();
      inside = false;
    } else if (open) {
      if (fence) {
        inside = true;
      } else {
        blocks.push_back({open->place, "", "", ""});
        open.reset();
      }
    } else if (line.rfind("<!-- test: ", 0) == 0) {
      std::istringstream words(line.substr(11));
      open = Block{name + ":" + std::to_string(number), "", "", ""};
      words >> open->kind >> open->argument;
    }
  }
  if (open) blocks.push_back({open->place, "", "", ""});
  return blocks;
}

std::vector<Block> all_blocks() {
  const fs::path root = QRULES_SOURCE_DIR;
  std::vector<fs::path> files = {root / "README.md", root / "HACKING.md"};
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Block> blocks;
  for (const fs::path& file : files) {
    for (Block& block : blocks_of(fs::relative(file, root).string(), read(file))) blocks.push_back(std::move(block));
  }
  return blocks;
}

// What is wrong with a rule file of the documents; empty when nothing is.
std::string wrong_with_rules(const Block& block) {
  auto rules = load_rules_text(block.place, block.text);
  if (!rules.ok()) return render_text(rules.diagnostics());
  if (rules->rules.empty()) return "no rules";
  std::vector<std::pair<std::string, RuleTest>> tests;
  for (const Rule& rule : rules->rules) {
    for (const RuleTest& test : rule.tests) tests.emplace_back(rule.base_name, test);
  }
  if (tests.empty()) return "no tests";
  const Rewriter rewriter(std::move(*rules));
  for (const auto& [rule, test] : tests) {
    auto graph = parse_graph(test.graph);
    if (!graph.ok()) return render_text(graph.diagnostics());
    RewriteOptions options;
    options.only_rules = test.with;
    options.only_rules.push_back(rule);
    auto report = rewriter.apply(*graph, options);
    if (!report.ok()) return render_text(report.diagnostics());
    const auto fired = report->rules_fired.find(rule);
    const int64_t count = fired == report->rules_fired.end() ? 0 : fired->second;
    if (test.fires && count != *test.fires) return "`" + test.name + "` fired " + std::to_string(count) + " times";
  }
  return "";
}

std::string wrong_with(const Block& block) {
  if (block.kind == "rules") return wrong_with_rules(block);
  if (block.kind == "graph") {
    auto graph = parse_graph(block.place, block.text);
    if (!graph.ok()) return render_text(graph.diagnostics());
    const Diagnostics found = verify(*graph);
    return found.has_errors() ? render_text(found) : "";
  }
  if (block.kind == "file") {
    const fs::path path = fs::path(QRULES_SOURCE_DIR) / block.argument;
    return read(path) == block.text ? "" : "not the text of " + block.argument;
  }
  return "no fenced block follows, or an unknown kind of test";
}

TEST_CASE("Marked blocks of the documents are what they claim", "[docs]") {
  size_t rules = 0, files = 0;
  for (const Block& block : all_blocks()) {
    INFO(block.place);
    CHECK(wrong_with(block) == "");
    rules += block.kind == "rules";
    files += block.kind == "file";
  }
  // The README walks through a rule and shows a program.
  CHECK(rules >= 1);
  CHECK(files >= 1);
}

TEST_CASE("A document with a mistake is found out", "[docs]") {
  const auto wrong = [](const std::string& text) {
    const auto blocks = blocks_of("x.md", text);
    REQUIRE(blocks.size() == 1);
    return wrong_with(blocks[0]);
  };
  const std::string rule = R"text(<!-- test: rules -->
```yaml
qrules: 1
phases: [{name: main}]
rules:
  - name: r
    doc: d
    phase: main
    match: "%y = aten.relu6.default(%x)"
    rewrite: "%y = aten.relu.default(%x)"
    tests:
      - name: t
        graph: |
          graph(%x: f32[4]) {
            %y: f32[4] = aten.relu6.default(%x)
            return (%y)
          }
        expect: {fires: 1}
```
)text";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = rule;
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  CHECK(wrong(rule) == "");
  CHECK(wrong(with("fires: 1", "fires: 2")) == "`t` fired 1 times");
  CHECK(wrong(with("phase: main", "phase: other")) != "");
  CHECK(wrong(with("```yaml\n", "\n```yaml\n")) != "");
  CHECK(wrong(with("rules -->", "rule -->")) != "");
  CHECK(wrong("<!-- test: rules -->\n```\nqrules: 1\n") != "");
  CHECK(wrong("<!-- test: graph -->\n```\ngraph(%x: f32[4]) { return (%y) }\n```\n") != "");
  CHECK(wrong("<!-- test: graph -->\n```\ngraph(%x: f32[4]) { return (%x) }\n```\n") == "");
  CHECK(wrong("<!-- test: file LICENSE -->\n```\nother\n```\n") == "not the text of LICENSE");
}

TEST_CASE("Files that the documents link to are there", "[docs]") {
  const fs::path root = QRULES_SOURCE_DIR;
  for (const fs::path& file :
       {root / "README.md", root / "HACKING.md", root / "docs/cli.md", root / "docs/rule-language.md"}) {
    const std::string text = read(file);
    for (size_t at = 0; (at = text.find("](", at)) != std::string::npos; at += 2) {
      std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
      target = target.substr(0, target.find('#'));
      INFO(file << " links to " << target);
      CHECK((target.empty() || target.find("://") != std::string::npos || fs::exists(file.parent_path() / target)));
    }
  }
}

}  // namespace
}  // namespace qrules
