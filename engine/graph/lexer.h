// Tokens of graph text.
#pragma once

#include <string>
#include <string_view>

#include <qrules/support/source.h>

namespace qrules::text {

enum class TokenKind : uint8_t { end, word, value_name, number, text, symbol, bad };

// `word`: graph, aten.relu.default, f32, None; `value_name`: %x (without the sign in `text`); `symbol`: one of ( ) [ ]
// { } : , = or ->.
struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;
  Span span;
};

// Splits a span of a source into tokens. White space separates, `#` starts a comment to the end of the line.
class Lexer {
 public:
  explicit Lexer(Span span) : span_(std::move(span)), at_(span_.begin) {}
  Token next();
  // Up to (not including) one of `closers` at bracket depth 0, as written: sizes of a type are expressions.
  Span raw_until(std::string_view closers);
  size_t offset() const { return at_; }
  void reset(size_t offset) { at_ = offset; }

 private:
  Token make(TokenKind kind, size_t begin, size_t text_begin, size_t text_end) const;

  Span span_;
  size_t at_;
};

// The text between double quotes with its JSON escapes resolved; false when an escape is wrong.
bool unescape(std::string_view quoted, std::string& out);
std::string escape(std::string_view text);

}  // namespace qrules::text
