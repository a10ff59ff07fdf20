#include <qrules/rules/syntax_advice.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include <qrules/rules/diagnostics.h>

namespace qrules::syntax {
namespace {

bool is_word_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

class Advice {
 public:
  Advice(const DiagnosticKind& kind, const MappedText& mapped, const Token& token, size_t last_end,
         std::string expected)
      : kind_(kind),
        mapped_(mapped),
        text_(mapped.text()),
        token_(token),
        last_end_(last_end),
        expected_(std::move(expected)) {
    read_brackets();
  }

  Diagnostic give() {
    if (expected_.find("fewer levels") == 0)
      return error(token_.begin, token_.end).help("name the parts: a statement or predicate for each");
    if (auto found = folded()) return *found;
    if (auto found = other_language()) return *found;
    if (auto found = brackets()) return *found;
    if (auto found = small_slips()) return *found;
    if (expected_.find("stands last") != std::string::npos)
      return error(token_.begin, token_.end)
          .help("write the other arguments before `...`; those after it are given by name, or left free by it");
    return error(token_.begin, token_.end)
        .help(pattern() ? "a pattern is `%x`, `_`, a literal, `op(...)`, `[...]`, or several joined with `|`"
              : condition()
                  ? "a condition compares values or asks a predicate: `rank(%x) == 2`, `constant(%w)`"
                  : "a line of a rewrite is `%name = op(...)`, `%name = %n with (...)` or `%name = expression`");
  }

 private:
  bool condition() const { return &kind_ == &kExpressionSyntax; }
  bool pattern() const { return &kind_ == &kPatternSyntax; }
  bool rewrite() const { return &kind_ == &kRewriteSyntax; }
  std::string_view at(size_t begin, size_t length) const {
    return begin < text_.size() ? std::string_view(text_).substr(begin, length) : std::string_view();
  }
  Span span(size_t begin, size_t end) const { return mapped_.span(begin, end); }
  Diagnostic error(size_t begin, size_t end, std::string label = {}) const {
    return Diagnostic(kind_, span(begin, end), label.empty() ? "expected " + expected_ : std::move(label))
        .with("expected", expected_)
        .with("found", describe(token_));
  }
  std::optional<Diagnostic> replace(size_t begin, size_t end, std::string advice, std::string replacement) const {
    return error(begin, end).fix(std::move(advice), span(begin, end), std::move(replacement));
  }

  // Calls visit(i) for each byte up to `end` that is neither in quotes nor in a comment; stops when it gives false.
  template <typename Visit>
  void each_code(size_t begin, size_t end, const Visit& visit) const {
    for (size_t i = begin; i < end && i < text_.size(); ++i) {
      if (text_[i] == '#') {
        i = std::min(text_.find('\n', i), text_.size());
        if (i >= end) return;
      } else if (text_[i] == '"') {
        size_t close = i + 1;
        while (close < text_.size() && text_[close] != '"' && text_[close] != '\n')
          close += text_[close] == '\\' ? 2 : 1;
        i = std::min(close, text_.size());
        continue;
      }
      if (!visit(i)) return;
    }
  }

  // Brackets that are open at the token.
  void read_brackets() {
    each_code(0, token_.begin, [&](size_t i) {
      if (text_[i] == '(' || text_[i] == '[') open_.push_back(i);
      if ((text_[i] == ')' || text_[i] == ']') && !open_.empty()) open_.pop_back();
      return true;
    });
  }

  // A line that begins a statement: `%name =`.
  bool begins_statement(size_t newline) const {
    size_t i = text_.find_first_not_of(" \t\r\n", newline);
    if (i == std::string::npos || text_[i] != '%') return false;
    ++i;
    while (i < text_.size() && is_word_part(text_[i])) ++i;
    i = text_.find_first_not_of(" \t", i);
    return i != std::string::npos && text_[i] == '=' && at(i + 1, 1) != "=";
  }

  bool is_closed(size_t bracket) const {
    int depth = 0;
    bool closed = false;
    each_code(bracket, text_.size(), [&](size_t i) {
      if (text_[i] == '(' || text_[i] == '[') ++depth;
      if (text_[i] == ')' || text_[i] == ']') --depth;
      if (depth == 0) closed = true;
      return !closed && !(text_[i] == '\n' && begins_statement(i));
    });
    return closed;
  }

  std::optional<Diagnostic> brackets() const {
    if (open_.empty()) {
      if (token_.is(")") || token_.is("]"))
        return error(token_.begin, token_.end, "nothing is open here")
            .fix("remove it", span(token_.begin, token_.end), "");
      return std::nullopt;
    }
    const size_t bracket = open_.back();
    const std::string wanted(1, text_[bracket] == '(' ? ')' : ']');
    if ((token_.is(")") || token_.is("]")) && token_.text != wanted)
      return error(token_.begin, token_.end)
          .label(span(bracket, bracket + 1), "opened here")
          .fix("close what was opened", span(token_.begin, token_.end), wanted);
    if (is_closed(bracket)) return std::nullopt;
    const size_t end = std::max(last_end_, bracket + 1);
    Diagnostic diagnostic = Diagnostic(kUnclosedBracket, span(bracket, bracket + 1), "opened here")
                                .with("bracket", std::string(1, text_[bracket]));
    const Span place{mapped_.file(), mapped_.place_end(end - 1), mapped_.place_end(end - 1)};
    // Where a condition's bracket ends is not clear.
    if (condition()) return std::move(diagnostic).propose("close it", place, wanted);
    return std::move(diagnostic).fix("close it", place, wanted);
  }

  // A block that begins with `>` has no lines.
  std::optional<Diagnostic> folded() const {
    if (text_.empty() || !mapped_.file()) return std::nullopt;
    const size_t begin = mapped_.place_begin(0);
    if (mapped_.file()->text().substr(begin, 1) != ">") return std::nullopt;
    return error(0, 0, "`>` joins the lines of the block to one")
        .fix("a block with lines begins with `|`", Span{mapped_.file(), begin, begin + 1}, "|");
  }

  // Habits of other languages.
  std::optional<Diagnostic> other_language() const {
    const size_t begin = token_.begin;
    if (at(begin, 2) == "&&") return replace(begin, begin + 2, "conditions are joined with `and`", "and");
    if (condition() && at(begin, 2) == "||") return replace(begin, begin + 2, "conditions are joined with `or`", "or");
    if (at(begin, 1) == "!" && at(begin, 2) != "!=")
      return replace(begin, begin + 1, "negation is written `not`", "not ");
    if (at(begin, 2) == "=>" && condition()) return replace(begin, begin + 2, "at least is written `>=`", ">=");
    if (begin > 0 && at(begin - 1, 2) == "<>") return replace(begin - 1, begin + 1, "unequal is written `!=`", "!=");
    if (at(begin, 2) == "::") {
      size_t from = begin, to = begin + 2;
      while (from > 0 && (is_word_part(text_[from - 1]) || text_[from - 1] == '.')) --from;
      while (to < text_.size() && (is_word_part(text_[to]) || text_[to] == '.')) ++to;
      std::string name = text_.substr(from, begin - from) + "." + text_.substr(begin + 2, to - begin - 2);
      return replace(from, to, "operators are named with dots", std::move(name));
    }
    if (at(begin, 2) == ":=") return replace(begin, begin + 2, "a name is given with `=`", "=");
    if (condition() && token_.is("=")) return replace(begin, token_.end, "equality is written `==`", "==");
    if (!condition() && token_.is("==") && open_.empty())
      return replace(begin, token_.end, "a name is given with `=`", "=");
    if (at(begin, 2) == "->" || at(begin, 2) == "=>") {
      if (rewrite()) return replace(begin, begin + 2, "a name is given with `=`", "=");
      return error(begin, begin + 2)
          .help("a statement is `%name = pattern`; what takes its place is said in `rewrite`");
    }
    if (at(begin, 1) == ";") return replace(begin, begin + 1, "a line ends without a sign", "");
    if (at(begin, 1) == "$" && is_word_part(at(begin + 1, 1).empty() ? ' ' : text_[begin + 1]))
      return replace(begin, begin + 1, "names begin with `%`", "%");
    if (at(begin, 1) == "'") {
      const size_t close = text_.find('\'', begin + 1);
      if (close != std::string::npos && text_.substr(begin, close - begin).find('\n') == std::string::npos)
        return replace(begin, close + 1, "text is written in double quotes",
                       "\"" + text_.substr(begin + 1, close - begin - 1) + "\"");
    }
    if (condition() && token_.is_word("is")) {
      const bool negated = at(begin, 7) == "is not ";
      return replace(begin, begin + (negated ? 6 : 2), "equality is written `==`", negated ? "!=" : "==");
    }
    if (token_.is(":") && begin > 0) return colon();
    return std::nullopt;
  }

  std::optional<Diagnostic> colon() const {
    const size_t begin = token_.begin;
    if (!open_.empty()) return replace(begin, begin + 1, "an argument is named with `=`", "=");
    // %r: f32[4] = ..., as graphs are written.
    const size_t line_end = std::min(text_.find('\n', begin), text_.size());
    const size_t equal = text_.find('=', begin);
    if (equal != std::string::npos && equal < line_end)
      return error(begin, equal > begin && text_[equal - 1] == ' ' ? equal - 1 : equal)
          .fix("patterns and rewrites have no types; `where` has conditions on them",
               span(begin, text_[equal - 1] == ' ' ? equal - 1 : equal), "");
    return std::nullopt;
  }

  std::optional<Diagnostic> small_slips() const {
    const size_t begin = token_.begin;
    if (token_.kind == TokenKind::bad && at(begin, 1) == "\"")
      return error(begin, token_.end).propose("end the text", span(token_.end, token_.end), "\"");
    if (at(begin, 1) == "." && begin > 0 && is_word_part(text_[begin - 1])) {
      size_t from = begin, to = begin + 1;
      while (from > 0 && is_word_part(text_[from - 1])) --from;
      while (to < text_.size() && is_word_part(text_[to])) ++to;
      if (from > 0 && text_[from - 1] == '%') --from;
      const std::string name = text_.substr(begin + 1, to - begin - 1);
      if (text_[from] == '%' && !name.empty())
        return error(begin, to).fix("functions are called with the value", span(from, to),
                                    name + "(" + text_.substr(from, begin - from) + ")");
    }
    if (token_.is("[") && begin > 0 && begin == last_end_) {
      const bool called = is_word_part(text_[begin - 1]) && !condition();
      if (called && is_closed(begin)) {
        size_t close = text_.find(']', begin);
        if (close != std::string::npos)
          return error(begin, begin + 1)
              .fix("arguments stand in `(` and `)`", span(begin, close + 1),
                   "(" + text_.substr(begin + 1, close - begin - 1) + ")");
      }
      return error(begin, begin + 1).help("there is no indexing; a size of %x is `size(%x, 0)`");
    }
    if (!open_.empty() && token_.is(",") && begin >= last_end_ && last_end_ > 0 && text_[last_end_ - 1] == ',')
      return error(begin, begin + 1).fix("one comma between arguments", span(last_end_, begin + 1), "");
    const bool value = token_.kind == TokenKind::value_name || token_.kind == TokenKind::class_name ||
                       token_.kind == TokenKind::number || token_.kind == TokenKind::text ||
                       token_.kind == TokenKind::word;
    const bool after_value = last_end_ > 0 && last_end_ <= begin &&
                             (is_word_part(text_[last_end_ - 1]) || text_[last_end_ - 1] == ')' ||
                              text_[last_end_ - 1] == ']' || text_[last_end_ - 1] == '"');
    if (!open_.empty() && value && after_value &&
        expected_.find("`)`") + expected_.find("`]`") != 2 * std::string::npos)
      return error(begin, token_.end).fix("a comma between them", span(last_end_, last_end_), ",");
    if (token_.is("...") && !pattern())
      return error(begin, token_.end)
          .help("arguments that are not given take their default; `like %n` takes them over from a matched call");
    if (rewrite() && open_.empty() && (last_end_ == 0 || text_[last_end_ - 1] == '\n' || begins_line(begin)) &&
        token_.kind == TokenKind::word)
      return error(begin, token_.end).propose("name what it makes", span(begin, begin), "%y = ");
    if (token_.is("...")) return error(begin, token_.end).help("`...` stands last in a call");
    if (expected_.find("comparisons do not chain") != std::string::npos)
      return error(begin, token_.end).help("write `1 < a and a < 4`");
    if (token_.kind == TokenKind::end || token_.kind == TokenKind::newline)
      return error(begin, token_.end).help("the line ends too early");
    if (condition() && expected_ == "the end of the condition")
      return error(begin, token_.end).help("each line is one condition; join several with `and`");
    return std::nullopt;
  }

  bool begins_line(size_t begin) const {
    const size_t line = begin == 0 ? 0 : text_.rfind('\n', begin - 1);
    const size_t from = line == std::string::npos ? 0 : line + (begin == 0 ? 0 : 1);
    return text_.find_first_not_of(" \t", from) == begin;
  }

  const DiagnosticKind& kind_;
  const MappedText& mapped_;
  const std::string& text_;
  const Token& token_;
  size_t last_end_;
  std::string expected_;
  std::vector<size_t> open_;
};

}  // namespace

Diagnostic syntax_error(const DiagnosticKind& kind, const MappedText& text, const Token& token, size_t last_end,
                        const std::string& expected) {
  return Advice(kind, text, token, last_end, expected).give();
}

}  // namespace qrules::syntax
