#include <qrules/rules/lexer.h>

#include <cctype>

#include <qrules/graph/lexer.h>

namespace qrules::syntax {
namespace {

bool is_word_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_word_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Lexer::Lexer(const MappedText& text, std::vector<std::string_view> continuations)
    : text_(text), continuations_(std::move(continuations)) {
  token_ = scan();
}

Token Lexer::next() {
  Token taken = token_;
  last_end_ = taken.end;
  token_ = scan();
  return taken;
}

bool Lexer::continues(size_t at) const {
  const std::string& text = text_.text();
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) ++at;
  for (std::string_view word : continuations_) {
    if (text.compare(at, word.size(), word) != 0) continue;
    if (!is_word_part(word.back()) || at + word.size() >= text.size() || !is_word_part(text[at + word.size()]))
      return true;
  }
  return false;
}

Token Lexer::scan() {
  while (true) {
    Token token = scan_raw();
    if (token.is("(") || token.is("[")) ++depth_;
    if ((token.is(")") || token.is("]")) && depth_ > 0) --depth_;
    if (token.kind == TokenKind::newline && (depth_ > 0 || continues(token.end))) continue;
    return token;
  }
}

Token Lexer::scan_raw() {
  const std::string& text = text_.text();
  while (at_ < text.size() && (text[at_] == ' ' || text[at_] == '\t' || text[at_] == '\r')) ++at_;
  if (at_ < text.size() && text[at_] == '#') at_ = std::min(text.find('\n', at_), text.size());
  Token token;
  token.begin = at_;
  if (at_ >= text.size()) {
    token.end = at_;
    return token;
  }
  const auto finish = [&](TokenKind kind, size_t end, size_t skip = 0) {
    token.kind = kind;
    token.end = end;
    token.text = text.substr(token.begin + skip, end - token.begin - skip);
    at_ = end;
    return token;
  };
  const char c = text[at_];
  const auto word_end = [&](size_t at) {
    while (at < text.size() && is_word_part(text[at])) ++at;
    return at;
  };
  if (c == '\n') return finish(TokenKind::newline, at_ + 1);
  if ((c == '%' || c == '@') && at_ + 1 < text.size() && is_word_start(text[at_ + 1])) {
    return finish(c == '%' ? TokenKind::value_name : TokenKind::class_name, word_end(at_ + 1), 1);
  }
  if (is_word_start(c)) {
    size_t end = word_end(at_);
    while (end + 1 < text.size() && text[end] == '.' && is_word_start(text[end + 1])) end = word_end(end + 1);
    return finish(TokenKind::word, end);
  }
  if (is_digit(c) || (c == '.' && at_ + 1 < text.size() && is_digit(text[at_ + 1]))) {
    size_t end = at_;
    while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
    if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
      if (exponent < text.size() && is_digit(text[exponent])) {
        end = exponent;
        while (end < text.size() && is_digit(text[end])) ++end;
      }
    }
    return finish(TokenKind::number, end);
  }
  if (c == '"') {
    size_t end = at_ + 1;
    while (end < text.size() && text[end] != '"' && text[end] != '\n')
      end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
    if (end >= text.size() || text[end] != '"') return finish(TokenKind::bad, std::min(end, text.size()));
    std::string value;
    const std::string_view quoted = std::string_view(text).substr(at_ + 1, end - at_ - 1);
    if (!qrules::text::unescape(quoted, value)) return finish(TokenKind::bad, end + 1);
    finish(TokenKind::text, end + 1);
    token.text = std::move(value);
    return token;
  }
  static constexpr std::string_view kLong[] = {"...", "==", "!=", "<=", ">=", "//"};
  for (std::string_view symbol : kLong) {
    if (text.compare(at_, symbol.size(), symbol) == 0) return finish(TokenKind::symbol, at_ + symbol.size());
  }
  if (std::string_view("()[],=|?*+-/%<>:").find(c) != std::string_view::npos) return finish(TokenKind::symbol, at_ + 1);
  size_t end = at_ + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    ++end;  // the rest of a code point
  return finish(TokenKind::bad, end);
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "the end of the text";
    case TokenKind::newline: return "the end of the line";
    case TokenKind::value_name: return "`%" + token.text + "`";
    case TokenKind::class_name: return "`@" + token.text + "`";
    case TokenKind::text: return "a text in quotes";
    case TokenKind::bad:
      return token.text.rfind('"', 0) == 0 ? "a text in quotes that does not end well" : "`" + token.text + "`";
    default: return "`" + token.text + "`";
  }
}

}  // namespace qrules::syntax
