#include <rulecheck/fix.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include <common/line_diff.h>
#include <common/output.h>
#include <qrules/support/file_replacement.h>

namespace qrules::tools {
namespace {

namespace fs = std::filesystem;

// False when the file cannot be read or is not what was checked.
bool is_unchanged(const std::string& path, std::string_view checked) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return stream && std::move(text).str() == checked;
}

bool replace(const std::string& path, const std::string& text) {
  std::error_code error;
  // The file itself, where the path is a link to it.
  const fs::path target = fs::weakly_canonical(path, error);
  if (error) return false;
  FileReplacement file(target.string());
  file.write(text);
  file.keep_permissions();
  return file.finish().empty();
}

}  // namespace

FixOutcome apply_fixes(const Diagnostics& diagnostics, bool dry_run, std::ostream& out, std::ostream& errors) {
  FixOutcome outcome;
  std::map<std::string, std::vector<Help>> by_file;
  for (Help& edit : applicable_edits(diagnostics)) by_file[edit.span.file->name()].push_back(std::move(edit));
  for (const auto& [path, edits] : by_file) {
    const std::string_view before = edits.front().span.file->text();
    if (!is_unchanged(path, before)) {
      errors << "rulecheck: " << path << " has changed since it was read; nothing is fixed in it\n";
      outcome.failed = true;
      continue;
    }
    const std::string after = apply_edits(before, edits);
    if (!dry_run && !replace(path, after)) {
      errors << "rulecheck: cannot write " << path << "\n";
      outcome.failed = true;
      continue;
    }
    outcome.edits += edits.size();
    for (const Help& edit : edits) {
      const auto place = edit.span.file->position(edit.span.begin);
      out << path << ":" << place.line << ":" << place.column << ": " << (dry_run ? "would fix" : "fixed") << ": "
          << edit.text << "\n";
    }
    if (dry_run) {
      for (const std::string& line : line_diff(std::string(before), after)) {
        if (!line.starts_with("  ")) out << line << "\n";
      }
    }
  }
  if (outcome.edits > 0) out << counted(outcome.edits, "edit") << (dry_run ? " to make" : " made") << "\n\n";
  return outcome;
}

}  // namespace qrules::tools
