// See update.h.

#include <rulecheck/update.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <rulecheck/diagnostics.h>

namespace qrules::tools {
namespace {

struct Edit {
  size_t begin = 0, end = 0;  // bytes of the file
  std::string text;
};

// The lines of the text behind the block's own indentation. Nothing when the span is no block of whole lines.
std::optional<Edit> edit_of(const Span& span, const std::string& text) {
  const std::string_view file = span.file->text();
  size_t line = file.rfind('\n', span.begin == 0 ? 0 : span.begin - 1);
  line = line == std::string_view::npos ? 0 : line + 1;
  if (span.begin < file.size() && file[span.begin] == ' ') line = span.begin;
  const size_t word = file.find_first_not_of(' ', line);
  if (word == std::string_view::npos || word < span.begin) return std::nullopt;
  const std::string indent(word - line, ' ');
  size_t end = span.end;
  while (end > line && (file[end - 1] == '\n' || file[end - 1] == ' ')) --end;
  std::string written;
  std::istringstream lines(text);
  for (std::string one; std::getline(lines, one);) written += (written.empty() ? "" : "\n") + indent + one;
  return Edit{line, end, written};
}

}  // namespace

Result<size_t> update_results(const std::vector<TestOutcome>& outcomes) {
  std::map<SourcePtr, std::vector<Edit>> edits;
  size_t count = 0;
  for (const TestOutcome& outcome : outcomes) {
    if (outcome.kind() != Outcome::wrong_rewrite || outcome.result.empty() || !outcome.test->result) continue;
    const Span& span = *outcome.test->result;
    if (auto edit = edit_of(span, outcome.result)) {
      edits[span.file].push_back(std::move(*edit));
      ++count;
    }
  }
  for (auto& [file, list] : edits) {
    std::sort(list.begin(), list.end(), [](const Edit& a, const Edit& b) { return a.begin > b.begin; });
    std::string text(file->text());
    for (const Edit& edit : list) text.replace(edit.begin, edit.end - edit.begin, edit.text);
    std::ofstream stream(file->name(), std::ios::binary);
    stream << text;
    stream.close();
    if (!stream) return Diagnostic(kCannotUpdate).with("path", file->name());
  }
  return count;
}

}  // namespace qrules::tools
