// docs/coverage.md: each function of PyTorch's quantization passes with what covers it here. Rules say so in `covers`,
// everything else in docs/coverage/features.yaml. With QRULES_UPDATE_GOLDEN=1 the test writes the page anew.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <qrules/rules/functions.h>
#include <qrules/rules/load.h>
#include <qrules/rules/yaml_tree.h>
#include <qrules/runtime/kernel.h>

#include "../catch.h"

namespace qrules {
namespace {

const std::string kRoot = QRULES_SOURCE_DIR;

std::string read_text(const std::string& path) {
  std::ifstream stream(kRoot + "/" + path);
  INFO(path);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The functions of the reference, outer.inner, in the order of its file.
std::vector<std::string> reference_functions() {
  std::istringstream lines(read_text("docs/coverage/reference.txt"));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) names.push_back(line);
  return names;
}

struct Entry {
  std::string name, kind;
  std::vector<std::string> covers, tests;
};

struct Features {
  std::vector<Entry> entries;
  std::set<std::string> missing;
};

std::vector<std::string> texts(const YamlNode& list) {
  std::vector<std::string> found;
  for (const YamlPtr& element : list.elements) found.push_back(element->text.text());
  return found;
}

Features read_features() {
  const std::string path = "docs/coverage/features.yaml";
  const auto file = std::make_shared<const SourceFile>(path, read_text(path));
  const auto tree = parse_yaml(file, LoadLimits{});
  if (!tree.ok()) FAIL(render_text(tree.diagnostics()));
  Features features;
  const YamlEntry* covered = (*tree)->find("covered");
  REQUIRE(covered);
  for (const YamlPtr& element : covered->value->elements) {
    Entry entry;
    for (const YamlEntry& field : element->entries) {
      if (field.key == "name") {
        entry.name = field.value->text.text();
      } else if (field.key == "kind") {
        entry.kind = field.value->text.text();
      } else if (field.key == "covers") {
        entry.covers = texts(*field.value);
      } else if (field.key == "tests") {
        entry.tests = texts(*field.value);
      } else {
        FAIL("unknown key " << field.key);
      }
    }
    features.entries.push_back(std::move(entry));
  }
  if (const YamlEntry* missing = (*tree)->find("missing")) {
    for (const std::string& name : texts(*missing->value)) features.missing.insert(name);
  }
  return features;
}

const RuleSet& shipped() {
  static const RuleSet rules = [] {
    auto loaded = load_rules({kRoot + "/rules"});
    if (!loaded.ok()) FAIL(render_text(loaded.diagnostics()));
    return std::move(*loaded);
  }();
  return rules;
}

// One entry for each rule that covers something; its tests are those of all its instances.
std::vector<Entry> rule_entries() {
  std::map<std::string, Entry> rules;
  for (const Rule& rule : shipped().rules) {
    Entry& entry = rules[rule.base_name];
    entry.name = rule.base_name;
    entry.kind = "rule";
    if (entry.covers.empty()) entry.covers = rule.covers;
    for (const RuleTest& test : rule.tests) entry.tests.push_back(test.name);
  }
  std::vector<Entry> entries;
  for (auto& [name, entry] : rules)
    if (!entry.covers.empty()) entries.push_back(std::move(entry));
  return entries;
}

std::set<std::string> handler_names() {
  std::set<std::string> names;
  const auto registry = HandlerRegistry::builtin();
  for (OpId op = 0; op < shipped().operators->size(); ++op) {
    for (const Handler* handler : registry->find(shipped().operators->name(op)))
      names.insert(std::string(handler->name()));
  }
  return names;
}

std::string joined(const std::vector<std::string>& parts, const std::string& between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

std::string page() {
  const Features features = read_features();
  const std::vector<Entry> rules = rule_entries();
  std::ostringstream out;
  out << "# What covers the reference\n\n"
         "Each function of PyTorch's quantization passes (`torch/_inductor/fx_passes/quantization.py`, 2.13), what "
         "stands for it here, and the\n"
         "tests that fail when that is broken. Made of `covers` in the rules and of `docs/coverage/features.yaml`:\n"
         "`QRULES_UPDATE_GOLDEN=1 build/bin/tools_tests \"[coverage]\"` writes this page anew. A rule's tests are "
         "listed below the table.\n\n"
         "| reference function | rules | handlers, macros, functions, features | tests |\n| --- | --- | --- | --- |\n";
  for (const std::string& function : reference_functions()) {
    std::vector<std::string> by_rule, by_other, tests;
    const auto covers = [&](const Entry& entry) {
      return std::find(entry.covers.begin(), entry.covers.end(), function) != entry.covers.end();
    };
    for (const Entry& entry : rules)
      if (covers(entry)) by_rule.push_back("`" + entry.name + "`");
    if (!by_rule.empty()) tests.push_back(by_rule.size() == 1 ? "of the rule" : "of the rules");
    for (const Entry& entry : features.entries) {
      if (!covers(entry)) continue;
      by_other.push_back(entry.kind == "feature" ? entry.name : entry.kind + " `" + entry.name + "`");
      for (const std::string& test : entry.tests)
        if (std::find(tests.begin(), tests.end(), test) == tests.end()) tests.push_back(test);
    }
    if (by_rule.empty() && by_other.empty()) by_other.push_back("nothing yet");
    out << "| `" << function << "` | " << joined(by_rule, ", ") << " | " << joined(by_other, "; ") << " | "
        << joined(tests, "; ") << " |\n";
  }
  out << "\n## Tests of rules\n\n| rule | tests |\n| --- | --- |\n";
  for (const Entry& entry : rules) out << "| `" << entry.name << "` | " << joined(entry.tests, "; ") << " |\n";
  return out.str();
}

}  // namespace

TEST_CASE("Every name in `covers` is one of the reference's, and every function of the reference has a row",
          "[coverage]") {
  const std::vector<std::string> functions = reference_functions();
  const std::set<std::string> known(functions.begin(), functions.end());
  CHECK(functions.size() == 119);
  CHECK(known.size() == functions.size());
  const Features features = read_features();
  std::vector<Entry> entries = rule_entries();
  entries.insert(entries.end(), features.entries.begin(), features.entries.end());
  std::set<std::string> covered;
  for (const Entry& entry : entries) {
    INFO(entry.kind << " " << entry.name);
    CHECK_FALSE(entry.covers.empty());
    CHECK_FALSE(entry.tests.empty());
    for (const std::string& name : entry.covers) {
      INFO(name);
      CHECK(known.count(name) == 1);
      covered.insert(name);
    }
  }
  for (const std::string& name : functions) {
    INFO(name);
    CHECK(covered.count(name) + features.missing.count(name) == 1);
  }
  for (const std::string& name : features.missing) {
    INFO(name);
    CHECK(known.count(name) == 1);
  }
}

TEST_CASE("What covers something exists, and so do the tests that are named", "[coverage]") {
  const std::set<std::string> handlers = handler_names();
  const FunctionRegistry functions = FunctionRegistry::builtin();
  const std::string library = read_text("rules/lib/quantized.yaml");
  for (const Entry& entry : read_features().entries) {
    INFO(entry.kind << " " << entry.name);
    if (entry.kind == "handler") {
      CHECK(handlers.count(entry.name) == 1);
    } else if (entry.kind == "function") {
      CHECK(functions.find(entry.name) != nullptr);
    } else if (entry.kind == "macro" || entry.kind == "predicate") {
      CHECK(library.find("name: \"" + entry.name + "(") != std::string::npos);
    } else if (entry.kind == "class") {
      CHECK(library.find("name: " + entry.name + "\n") != std::string::npos);
    } else {
      CHECK(entry.kind == "feature");
    }
    for (const std::string& test : entry.tests) {
      INFO(test);
      const size_t colon = test.find(": ");
      REQUIRE(colon != std::string::npos);
      const std::string file = test.substr(0, colon), name = test.substr(colon + 2), text = read_text(file);
      CHECK((text.find("\"" + name + "\"") != std::string::npos ||
             text.find("- name: " + name + "\n") != std::string::npos));
    }
  }
}

TEST_CASE("docs/coverage.md is what the rules and features say", "[coverage]") {
  const std::string text = page();
  const std::string path = "docs/coverage.md";
  if (std::getenv("QRULES_UPDATE_GOLDEN")) {
    std::ofstream stream(kRoot + "/" + path);
    stream << text;
    REQUIRE(stream.good());
  }
  CHECK(read_text(path) == text);
}

}  // namespace qrules
