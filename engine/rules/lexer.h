// Tokens of patterns, conditions and rewrites.
#pragma once

#include <string>
#include <string_view>

#include <qrules/rules/mapped_text.h>
#include <qrules/support/diagnostic.h>

namespace qrules::syntax {

// `value_name`: %x (text without the sign); `class_name`: @view; `word`: an operator, macro, function or literal word,
// with its dots (aten.add.Tensor); `text`: a string in quotes, unescaped; `newline` ends a statement: not inside
// brackets.
enum class TokenKind : uint8_t { end, newline, value_name, class_name, word, number, text, symbol, bad };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  size_t begin = 0, end = 0;  // bytes of the mapped text

  bool is(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
  bool is_word(std::string_view word) const { return kind == TokenKind::word && text == word; }
};

// White space separates, `#` starts a comment. A newline is dropped while a bracket is open, and when the next line
// begins with one of `continuations` (symbols or words).
class Lexer {
 public:
  Lexer(const MappedText& text, std::vector<std::string_view> continuations);

  const Token& peek() const { return token_; }
  Token next();
  Span span(const Token& token) const { return text_.span(token.begin, token.end); }
  Span span(size_t begin, size_t end) const { return text_.span(begin, end); }
  const MappedText& text() const { return text_; }
  // Past the last token taken.
  size_t last_end() const { return last_end_; }

 private:
  Token scan();
  Token scan_raw();
  bool continues(size_t at) const;

  const MappedText& text_;
  std::vector<std::string_view> continuations_;
  size_t at_ = 0;
  int depth_ = 0;
  size_t last_end_ = 0;
  Token token_;
};

// "the end of the text", "`)`", "a new line": for messages.
std::string describe(const Token& token);

}  // namespace qrules::syntax
