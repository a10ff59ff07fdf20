#include <qrules/support/diagnostic.h>

#include <algorithm>
#include <cctype>
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

struct Nearest {
  const std::string* candidate = nullptr;
  bool alone = true;  // no other is as near
};

char lowered(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// By edit distance with exchanged neighbours as one edit (optimal string alignment); case does not count.
Nearest nearest_of(std::string_view name, const std::vector<std::string>& candidates) {
  const size_t limit = std::max<size_t>(1, name.size() / 3);
  size_t best = limit + 1;
  Nearest nearest;
  std::vector<size_t> row, previous, before_previous;
  for (const std::string& candidate : candidates) {
    const size_t longer = std::max(candidate.size(), name.size()), shorter = std::min(candidate.size(), name.size());
    if (longer - shorter > best) continue;
    previous.resize(candidate.size() + 1);
    row.resize(candidate.size() + 1);
    before_previous.resize(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j) previous[j] = j;
    bool hopeless = false;
    for (size_t i = 1; i <= name.size() && !hopeless; ++i) {
      row[0] = i;
      size_t least = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const auto same = [&](size_t a, size_t b) { return lowered(name[a]) == lowered(candidate[b]); };
        row[j] = std::min({previous[j - 1] + (same(i - 1, j - 1) ? 0 : 1), previous[j] + 1, row[j - 1] + 1});
        if (i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1))
          row[j] = std::min(row[j], before_previous[j - 2] + 1);
        least = std::min(least, row[j]);
      }
      std::swap(before_previous, previous);
      std::swap(previous, row);
      hopeless = least > best + 1;  // an exchange can win back one
    }
    if (hopeless) continue;
    const size_t distance = previous[candidate.size()];
    if (distance > limit) continue;
    if (distance < best) {
      best = distance;
      nearest = {&candidate, true};
    } else if (distance == best && nearest.candidate && *nearest.candidate != candidate) {
      nearest.alone = false;
    }
  }
  return nearest;
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
  helps.push_back({std::move(text), {}, {}, false});
  return std::move(*this);
}

Diagnostic Diagnostic::fix(std::string text, Span span, std::string replacement) && {
  helps.push_back({std::move(text), std::move(span), std::move(replacement), true});
  return std::move(*this);
}

Diagnostic Diagnostic::propose(std::string text, Span span, std::string replacement) && {
  helps.push_back({std::move(text), std::move(span), std::move(replacement), false});
  return std::move(*this);
}

bool Diagnostic::suggest(std::string_view written, const std::vector<std::string>& candidates, Span span,
                         std::string_view sigil) {
  const Nearest near = nearest_of(written, candidates);
  if (!near.candidate) return false;
  const std::string name = std::string(sigil) + *near.candidate;
  const bool edit = static_cast<bool>(span);
  // A name of one or two letters is near to every other such name.
  const bool clear = near.alone && written.size() > 2;
  helps.push_back({"did you mean `" + name + "`?", std::move(span), edit ? name : std::string(), edit && clear});
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
  const Nearest near = nearest_of(name, candidates);
  return near.candidate ? std::optional<std::string>(*near.candidate) : std::nullopt;
}

std::vector<Help> applicable_edits(const Diagnostics& diagnostics) {
  std::vector<Help> edits;
  for (const Diagnostic& diagnostic : diagnostics.list()) {
    // Helps of one diagnostic are alternatives: the first that a machine may make.
    const auto first = std::find_if(diagnostic.helps.begin(), diagnostic.helps.end(),
                                    [](const Help& help) { return help.span && help.applicable; });
    if (first != diagnostic.helps.end()) edits.push_back(*first);
  }
  std::stable_sort(edits.begin(), edits.end(), [](const Help& a, const Help& b) {
    if (a.span.file->name() != b.span.file->name()) return a.span.file->name() < b.span.file->name();
    return a.span.begin < b.span.begin;
  });
  std::vector<Help> kept;
  for (Help& edit : edits) {
    // What touches an earlier edit waits for the next run: its place may mean something else by then.
    if (!kept.empty() && kept.back().span.file->name() == edit.span.file->name() &&
        edit.span.begin <= kept.back().span.end)
      continue;
    kept.push_back(std::move(edit));
  }
  return kept;
}

std::string apply_edits(std::string_view text, const std::vector<Help>& edits) {
  std::string result;
  size_t at = 0;
  for (const Help& edit : edits) {
    result += text.substr(at, edit.span.begin - at);
    result += edit.replacement;
    at = edit.span.end;
  }
  return result + std::string(text.substr(at));
}

}  // namespace qrules
