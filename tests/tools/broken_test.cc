// Broken rule files whose mistake shows when their tests run, and files with warnings: what the program prints for
// them. QRULES_UPDATE_GOLDEN=1 writes the reports anew: read the difference before it is committed.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <qrules/rules/diagnostics.h>
#include <rulecheck/diagnostics.h>

#include "../catch.h"

namespace qrules {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(QRULES_TEST_DIR) / "rules";

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

std::string run(const std::string& arguments) {
  const std::string command = "cd '" + kFolder.string() + "' && '" QRULES_BIN_DIR "/rulecheck' " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  char buffer[4096];
  for (size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, count);
  pclose(pipe);
  return output;
}

// Reports of files that load end in the summary of tests.
bool is_found_later(const std::string& report) { return report.find("failed\n") != std::string::npos; }

TEST_CASE("Mistakes in tests and warnings are reported as expected") {
  const bool update = std::getenv("QRULES_UPDATE_GOLDEN") != nullptr;
  std::set<std::string> missing;
  for (const DiagnosticKind* kind : all_diagnostic_kinds()) {
    const std::string code = kind->code;
    if (code >= "QR042" && code < "QR05") missing.insert(code);
  }
  missing.insert({kUnusedParameter.code, kUnusedVariable.code});
  missing.erase(kCannotUpdate.code);  // of `rulecheck test --update`, not of a rule file
  REQUIRE(missing.size() >= 10);
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder / "broken")) {
    if (entry.path().extension() != ".expected") continue;
    const std::string expected = read(entry.path());
    if (!is_found_later(expected)) continue;
    INFO(entry.path().stem().string());
    const std::string report = run("broken/" + entry.path().stem().string() + ".yaml");
    CHECK(is_found_later(report));
    if (update) std::ofstream(entry.path(), std::ios::binary) << report;
    CHECK(report == expected);
    for (auto code = missing.begin(); code != missing.end();)
      code = report.find("[" + *code + "]") == std::string::npos ? std::next(code) : missing.erase(code);
  }
  for (const std::string& code : missing) FAIL_CHECK(code << " has no file in tests/rules/broken");
}

}  // namespace
}  // namespace qrules
