// See command.h.

#include <rulecheck/format/command.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <common/line_diff.h>
#include <common/output.h>
#include <qrules/support/file_replacement.h>
#include <rulecheck/format/format.h>

namespace qrules::tools {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      if (it->is_regular_file(error) && it->path().extension() == ".yaml") inside.push_back(it->path().string());
    }
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

std::optional<std::string> read_file(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return std::nullopt;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

// Through a file beside it, so that nobody sees half of one; the permissions stay. A link stays one.
bool replace_file(const std::string& path, const std::string& text, std::string& why) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  if (error) return why = error.message(), false;
  FileReplacement file(target.string());
  file.write(text);
  if (!file.ok()) return why = "the folder is not writable", false;
  file.keep_permissions();
  why = file.finish();
  return why.empty();
}

// Lines that differ with two around them.
void print_diff(const std::string& path, const std::string& before, const std::string& after, bool color,
                std::ostream& out) {
  constexpr size_t kAround = 2;
  out << paint("--- " + path, Color::bold, color) << "\n" << paint("+++ " + path, Color::bold, color) << "\n";
  const std::vector<std::string> lines = line_diff(before, after);
  size_t number = 1;  // in the old file
  size_t shown = 0;   // lines up to here are printed
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i][0] != ' ') {
      const size_t from = std::max(shown, i - std::min(i, kAround));
      if (from > shown || shown == 0) out << "@@ line " << number - (i - from) << "\n";
      for (size_t j = from; j < i; ++j) out << lines[j] << "\n";
      size_t last = i, kept = 0;
      for (size_t j = i; j < lines.size() && kept <= 2 * kAround; ++j) {
        kept = lines[j][0] == ' ' ? kept + 1 : 0;
        if (lines[j][0] != ' ') last = j;
      }
      const size_t end = std::min(lines.size(), last + 1 + kAround);
      for (size_t j = i; j < end; ++j) {
        const Color shade = lines[j][0] == '-' ? Color::red : Color::green;
        out << (lines[j][0] == ' ' ? lines[j] : paint(lines[j], shade, color)) << "\n";
        number += lines[j][0] != '+' ? 1 : 0;
      }
      shown = end;
      i = end - 1;
      continue;
    }
    ++number;
  }
}

}  // namespace

int format_command(const FormatOptions& options, std::ostream& out, std::ostream& errors) {
  constexpr int kFine = 0, kErrors = 1, kCannotRead = 3;
  int code = kFine;
  size_t changed = 0;
  const std::vector<std::string> files = files_in(options.paths);
  for (const std::string& path : files) {
    const std::optional<std::string> text = read_file(path);
    if (!text) {
      errors << "rulecheck fmt: cannot read `" << path << "`\n";
      code = std::max(code, kCannotRead);
      continue;
    }
    const Formatted formatted = format_rules(std::make_shared<const SourceFile>(path, *text));
    if (!formatted.text) {
      errors << render_text(formatted.found, options.color);
      errors << "rulecheck fmt: " << path << " is left alone" << (formatted.why.empty() ? "" : ": " + formatted.why)
             << "\n";
      code = std::max(code, kErrors);
      continue;
    }
    if (*formatted.text == *text) continue;
    ++changed;
    if (options.check || options.diff) {
      if (options.check) {
        out << path << " is not formatted\n";
        code = std::max(code, kErrors);
      }
      if (options.diff) print_diff(path, *text, *formatted.text, options.color, out);
      continue;
    }
    std::string why;
    if (!replace_file(path, *formatted.text, why)) {
      errors << "rulecheck fmt: cannot write `" << path << "`: " << why << "\n";
      code = std::max(code, kCannotRead);
      continue;
    }
    out << path << "\n";
  }
  if (!options.check && !options.diff) out << counted(files.size(), "file") << ", " << changed << " changed\n";
  return code;
}

}  // namespace qrules::tools
