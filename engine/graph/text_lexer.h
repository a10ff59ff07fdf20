// Tokens of the graph's text form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <qrules/support/diagnostic.h>
#include <qrules/support/source.h>

namespace qrules::text {

enum class TokenKind : uint8_t {
  value,    // %name
  word,     // identifiers with dots: aten.relu.default, None, channels_last
  integer,  // 12, -3
  real,     // 1.5, -1e-05
  quoted,   // "JSON escapes"
  single,   // 'a keyword that is no word'
  symbol,   // one character
  end,
  broken,   // not a token; `Lexer::error` says why
};

struct Token {
  TokenKind kind = TokenKind::end;
  size_t begin = 0;  // offsets in the file
  size_t end = 0;
  std::string_view raw;  // as written
  std::string text;      // of quoted and single: without quotes and escapes; of a value: its name

  bool is(char symbol) const { return kind == TokenKind::symbol && raw[0] == symbol; }
  bool is(std::string_view word) const { return kind == TokenKind::word && raw == word; }
};

// Reads one token ahead. Blank space and comments (`#` to the end of the line) separate tokens.
class Lexer {
 public:
  explicit Lexer(Span span);

  const Token& peek() const { return token_; }
  Token take();
  // Skips `symbol` when it comes next.
  bool take(char symbol);

  // Text from the next token up to a comma or closing bracket outside of brackets; `end_of_raw` of
  // it is where it stopped. For size expressions, which have a reader of their own.
  Span take_raw();
  // The character after the next token, blanks and comments skipped; 0 at the end.
  char after_next() const;

  Span span(const Token& token) const { return {file_, token.begin, token.end}; }
  const SourcePtr& file() const { return file_; }
  // Set when a broken token was met.
  const std::optional<Diagnostic>& error() const { return error_; }

 private:
  void advance();
  void skip_blanks(size_t& at) const;
  void read_quoted(char quote);

  SourcePtr file_;
  std::string_view text_;  // the file up to the end of the span
  size_t at_ = 0;
  Token token_;
  std::optional<Diagnostic> error_;
};

// The text between double quotes with JSON escapes; `quote` is escaped too.
std::string quote(std::string_view text, char mark = '"');

// True when the text is one word token.
bool is_word(std::string_view text);

}  // namespace qrules::text
