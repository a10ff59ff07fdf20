// Diagnostics as data: a kind with a stable code, typed arguments, labels and helps. Nothing here prints.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <qrules/support/source.h>

namespace qrules {

enum class Level { error, warning, note };
// "error", "warning", "note".
const char* name(Level level);

// One kind of diagnostic, declared beside the code that emits it (at namespace scope, `inline const`)
// and entered into the registry of all kinds at start-up. `message` names its arguments in braces:
//   inline const DiagnosticKind kUnknownOperator{
//       "QR0101", Level::error, "unknown-operator", "unknown operator `{op}`",
//       "An operator that no signature file declares. ..."};
// Codes never change meaning: QR00xx files and YAML, QR01xx patterns, QR02xx expressions, QR03xx rewrites,
// QR04xx rule sets and tests, QR05xx graph text, QR06xx model archives and tensors, QR07xx running.
struct DiagnosticKind {
  DiagnosticKind(const char* code, Level level, const char* name, const char* message, const char* explanation);
  DiagnosticKind(const DiagnosticKind&) = delete;
  DiagnosticKind& operator=(const DiagnosticKind&) = delete;

  const char* code;
  Level level;
  const char* name;
  const char* message;
  const char* explanation;  // a paragraph for `rulecheck explain`, with what to do
};

// All kinds of the program, ordered by code.
std::vector<const DiagnosticKind*> all_diagnostic_kinds();

using DiagnosticValue = std::variant<std::string, int64_t, double>;

// A marked range of a text with the words beside its caret. The first label of a diagnostic is the primary one.
struct Label {
  Span span;
  std::string text;
};

// Advice, with an edit where there is one: the span's text becomes `replacement` (an empty span inserts, an empty
// replacement deletes; both may hold several lines).
struct Help {
  std::string text;
  Span span;  // empty file: no edit
  std::string replacement;
  bool applicable = false;  // the edit is what was meant, so `rulecheck --fix` makes it without asking
};

struct Diagnostic {
  const DiagnosticKind* kind = nullptr;
  std::vector<std::pair<std::string, DiagnosticValue>> arguments;
  std::vector<Label> labels;
  std::vector<std::string> notes;
  std::vector<Help> helps;

  Diagnostic() = default;
  explicit Diagnostic(const DiagnosticKind& k) : kind(&k) {}
  Diagnostic(const DiagnosticKind& k, Span span, std::string label = {}) : kind(&k) {
    labels.push_back({std::move(span), std::move(label)});
  }
  Diagnostic with(std::string name, DiagnosticValue value) &&;
  Diagnostic label(Span span, std::string text) &&;
  Diagnostic note(std::string text) &&;
  Diagnostic help(std::string text) &&;
  // Advice with an edit that a machine may make.
  Diagnostic fix(std::string text, Span span, std::string replacement) &&;
  // Advice with an edit that a person must look at.
  Diagnostic propose(std::string text, Span span, std::string replacement) &&;
  // Adds "did you mean `@view`?" when a candidate is near to what was written; with a span as an edit of it, which a
  // machine may make when no other candidate is as near. `sigil` (%, @) stands before the name in both. True when
  // there is one.
  bool suggest(std::string_view written, const std::vector<std::string>& candidates, Span span = {},
               std::string_view sigil = {});

  // The message with its arguments filled in.
  std::string message() const;
  // "file:line:col: error[QR0101]: message", one line.
  std::string one_line() const;
};

// What a step found, in order of discovery. `has_errors` is what decides an exit code.
class Diagnostics {
 public:
  void add(Diagnostic diagnostic) { list_.push_back(std::move(diagnostic)); }
  void append(const Diagnostics& other) { list_.insert(list_.end(), other.list_.begin(), other.list_.end()); }
  bool has_errors() const;
  bool empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }
  const std::vector<Diagnostic>& list() const { return list_; }
  Diagnostic& operator[](size_t i) { return list_[i]; }
  // Forgets all but the first `count`.
  void truncate(size_t count) {
    if (count < list_.size()) list_.erase(list_.begin() + static_cast<std::ptrdiff_t>(count), list_.end());
  }

 private:
  std::vector<Diagnostic> list_;
};

// rustc-style text: message line, ` --> file:line:col`, source lines with carets and label texts, notes, helps
// (an edit is shown as a small diff). Ends with a newline.
std::string render_text(const Diagnostic& diagnostic, bool color = false);
std::string render_text(const Diagnostics& diagnostics, bool color = false);

// The candidate nearest to `name` (edit distance without regard to case, at most a third of its length), or nothing.
std::optional<std::string> did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

// The edits that a machine may make, by file and place, those that overlap an earlier one left out; equal ones are one.
std::vector<Help> applicable_edits(const Diagnostics& diagnostics);
// A text with edits of it made. They are ordered and do not overlap.
std::string apply_edits(std::string_view text, const std::vector<Help>& edits);

}  // namespace qrules
