#include <qrules/support/diagnostic.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace qrules {
namespace {

// Filled by the constructors of kinds at start-up, before main, and only read afterwards.
std::vector<const DiagnosticKind*>& registry() {
  static std::vector<const DiagnosticKind*> kinds;
  return kinds;
}

std::string to_text(const DiagnosticValue& value) {
  if (auto* text = std::get_if<std::string>(&value)) return *text;
  if (auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", std::get<double>(value));
  return buffer;
}

}  // namespace

const char* name(Level level) {
  switch (level) {
    case Level::error: return "error";
    case Level::warning: return "warning";
    case Level::note: return "note";
  }
  return "error";
}

DiagnosticKind::DiagnosticKind(const char* code_in, Level level_in, const char* name_in, const char* message_in,
                               const char* explanation_in)
    : code(code_in), level(level_in), name(name_in), message(message_in), explanation(explanation_in) {
  registry().push_back(this);
}

std::vector<const DiagnosticKind*> all_diagnostic_kinds() {
  std::vector<const DiagnosticKind*> kinds = registry();
  std::sort(kinds.begin(), kinds.end(),
            [](const DiagnosticKind* a, const DiagnosticKind* b) { return std::strcmp(a->code, b->code) < 0; });
  return kinds;
}

Diagnostic Diagnostic::with(std::string argument, DiagnosticValue value) && {
  arguments.emplace_back(std::move(argument), std::move(value));
  return std::move(*this);
}

Diagnostic Diagnostic::label(Span span, std::string text) && {
  labels.push_back({std::move(span), std::move(text)});
  return std::move(*this);
}

Diagnostic Diagnostic::note(std::string text) && {
  notes.push_back(std::move(text));
  return std::move(*this);
}

Diagnostic Diagnostic::help(std::string text) && {
  helps.push_back({std::move(text), {}, {}});
  return std::move(*this);
}

Diagnostic Diagnostic::fix(std::string text, Span span, std::string replacement) && {
  helps.push_back({std::move(text), std::move(span), std::move(replacement)});
  return std::move(*this);
}

bool Diagnostic::suggest(std::string_view written, const std::vector<std::string>& candidates, Span span,
                         std::string_view sigil) {
  const auto near = did_you_mean(written, candidates);
  if (!near) return false;
  const std::string name = std::string(sigil) + *near;
  helps.push_back({"did you mean `" + name + "`?", span, span ? name : std::string()});
  return true;
}

std::string Diagnostic::message() const {
  std::string filled;
  const std::string_view pattern = kind->message;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const size_t close = pattern[i] == '{' ? pattern.find('}', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      filled += pattern[i];
      continue;
    }
    const std::string_view wanted = pattern.substr(i + 1, close - i - 1);
    const auto found = std::find_if(arguments.begin(), arguments.end(),
                                    [&](const auto& argument) { return argument.first == wanted; });
    filled += found != arguments.end() ? to_text(found->second) : std::string(pattern.substr(i, close - i + 1));
    i = close;
  }
  return filled;
}

std::string Diagnostic::one_line() const {
  std::string place;
  if (!labels.empty() && labels.front().span) {
    const Span& span = labels.front().span;
    const auto position = span.file->position(span.begin);
    place = span.file->name() + ":" + std::to_string(position.line) + ":" + std::to_string(position.column) + ": ";
  }
  return place + name(kind->level) + "[" + kind->code + "]: " + message();
}

bool Diagnostics::has_errors() const {
  return std::any_of(list_.begin(), list_.end(), [](const Diagnostic& d) { return d.kind->level == Level::error; });
}

std::optional<std::string> did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const size_t limit = std::max<size_t>(1, name.size() / 3);
  size_t best = limit + 1;
  const std::string* nearest = nullptr;
  std::vector<size_t> row, previous, before_previous;
  for (const std::string& candidate : candidates) {
    const size_t longer = std::max(candidate.size(), name.size()), shorter = std::min(candidate.size(), name.size());
    if (longer - shorter >= best) continue;
    // Edit distance with exchanged neighbours as one edit (optimal string alignment).
    previous.resize(candidate.size() + 1);
    row.resize(candidate.size() + 1);
    before_previous.resize(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j) previous[j] = j;
    for (size_t i = 1; i <= name.size(); ++i) {
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const size_t substitution = previous[j - 1] + (name[i - 1] == candidate[j - 1] ? 0 : 1);
        row[j] = std::min({substitution, previous[j] + 1, row[j - 1] + 1});
        if (i > 1 && j > 1 && name[i - 1] == candidate[j - 2] && name[i - 2] == candidate[j - 1]) {
          row[j] = std::min(row[j], before_previous[j - 2] + 1);
        }
      }
      std::swap(before_previous, previous);
      std::swap(previous, row);
    }
    if (previous[candidate.size()] < best) {
      best = previous[candidate.size()];
      nearest = &candidate;
    }
  }
  return nearest ? std::optional<std::string>(*nearest) : std::nullopt;
}

}  // namespace qrules
