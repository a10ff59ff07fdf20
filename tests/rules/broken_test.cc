// Broken rule files and what is said of them. tests/rules/broken/NAME.yaml holds one mistake; NAME.expected is the
// report as a person sees it. QRULES_UPDATE_GOLDEN=1 writes the reports anew: read the difference before it is
// committed.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/load.h>

#include "../catch.h"

namespace qrules {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(QRULES_TEST_DIR) / "rules" / "broken";

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

std::set<fs::path> broken_files() {
  std::set<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") files.insert(entry.path());
  }
  return files;
}

Result<RuleSet> load(const fs::path& path) {
  LoadOptions options;
  options.operators = std::make_shared<OperatorTable>();  // declarations of one file are no other's
  return load_rules_text("broken/" + path.filename().string(), read(path), options);
}

// Kinds that loading gives: QR00 to QR041.
std::map<std::string, std::string> kinds() {
  std::map<std::string, std::string> result;
  for (const DiagnosticKind* kind : all_diagnostic_kinds()) {
    if (std::string(kind->code) < "QR042") result[kind->code] = kind->name;
  }
  return result;
}

// Reports that only the program rulecheck makes end in its summary.
bool is_found_later(const std::string& report) { return report.find("failed\n") != std::string::npos; }

TEST_CASE("Broken rule files are reported as expected", "[rules][golden]") {
  const bool update = std::getenv("QRULES_UPDATE_GOLDEN") != nullptr;
  for (const fs::path& path : broken_files()) {
    INFO(path.filename().string());
    const Result<RuleSet> rules = load(path);
    const fs::path golden = fs::path(path).replace_extension(".expected");
    if (rules.ok()) {
      // A mistake that shows when tests run, or a warning: tests/tools/broken_test.cc has the report.
      CHECK(is_found_later(read(golden)));
      continue;
    }
    const std::string report = render_text(rules.diagnostics());
    CHECK_FALSE(is_found_later(report));
    if (update) std::ofstream(golden, std::ios::binary) << report;
    CHECK(report == read(golden));
  }
}

TEST_CASE("Every kind of mistake in a rule file has a broken file", "[rules][golden]") {
  std::map<std::string, std::string> missing = kinds();
  REQUIRE(missing.size() > 40);
  REQUIRE(missing.count(kPatternSyntax.code) == 1);
  for (const fs::path& path : broken_files()) {
    const Result<RuleSet> rules = load(path);
    if (rules.ok()) continue;
    for (const Diagnostic& diagnostic : rules.diagnostics().list()) missing.erase(diagnostic.kind->code);
  }
  for (const DiagnosticKind* warning : {&kUnusedParameter, &kUnusedVariable})
    missing.erase(warning->code);  // files load
  for (const auto& [code, name] : missing) FAIL_CHECK(code << " " << name << " has no file in tests/rules/broken");
}

TEST_CASE("There are many broken files, and each says what to do", "[rules][golden]") {
  size_t count = 0;
  for (const fs::path& path : broken_files()) {
    INFO(path.filename().string());
    ++count;
    const Result<RuleSet> rules = load(path);
    if (rules.ok()) continue;
    for (const Diagnostic& diagnostic : rules.diagnostics().list()) CHECK_FALSE(diagnostic.helps.empty());
  }
  CHECK(count >= 250);
}

// Of the edits of all broken files: what a machine may make leaves a file with fewer mistakes.
TEST_CASE("Edits that a machine may make mend the file", "[rules][golden]") {
  std::set<std::string> mended;
  for (const fs::path& path : broken_files()) {
    INFO(path.filename().string());
    const Result<RuleSet> rules = load(path);
    if (rules.ok()) continue;
    const std::vector<Help> edits = applicable_edits(rules.diagnostics());
    if (edits.empty()) continue;
    LoadOptions options;
    options.operators = std::make_shared<OperatorTable>();
    const Result<RuleSet> again =
        load_rules_text("broken/" + path.filename().string(), apply_edits(read(path), edits), options);
    const std::string code = rules.diagnostics().list().front().kind->code;
    if (again.ok())
      mended.insert(code);
    else
      CHECK(again.diagnostics().list().front().one_line() != rules.diagnostics().list().front().one_line());
  }
  // At least three in ten of the kinds that a rule file can give when it is loaded have such an edit.
  CHECK(10 * mended.size() >= 3 * kinds().size());
}

TEST_CASE("A broken file holds one mistake, at a place in it, of the kind that it is named after", "[rules][golden]") {
  const std::map<std::string, std::string> known = kinds();
  for (const fs::path& path : broken_files()) {
    INFO(path.filename().string());
    const Result<RuleSet> rules = load(path);
    if (rules.ok()) continue;  // failed above
    const std::vector<Diagnostic>& list = rules.diagnostics().list();
    CHECK(list.size() == 1);  // no cascade
    for (const Diagnostic& diagnostic : list) {
      CHECK(path.stem().string().rfind(known.at(diagnostic.kind->code), 0) == 0);
      // Only the absence of phases has no place.
      if (diagnostic.kind == &kNoPhases) continue;
      REQUIRE_FALSE(diagnostic.labels.empty());
      CHECK(diagnostic.labels.front().span);
    }
  }
}

}  // namespace
}  // namespace qrules
