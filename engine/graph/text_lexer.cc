#include "text_lexer.h"

#include <cctype>
#include <charconv>

#include <qrules/graph/diagnostics.h>

namespace qrules::text {
namespace {

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_word_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Four hexadecimal digits at `at`.
std::optional<uint32_t> read_hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  uint32_t code = 0;
  const char* begin = text.data() + at;
  const auto result = std::from_chars(begin, begin + 4, code, 16);
  if (result.ec != std::errc() || result.ptr != begin + 4) return std::nullopt;
  return code;
}

}  // namespace

Lexer::Lexer(Span span) : file_(std::move(span.file)) {
  text_ = file_->text().substr(0, span.end);
  at_ = span.begin;
  advance();
}

Token Lexer::take() {
  Token token = std::move(token_);
  advance();
  return token;
}

bool Lexer::take(char symbol) {
  if (!token_.is(symbol)) return false;
  advance();
  return true;
}

void Lexer::skip_blanks(size_t& at) const {
  while (at < text_.size()) {
    if (std::isspace(static_cast<unsigned char>(text_[at]))) {
      ++at;
    } else if (text_[at] == '#') {
      at = text_.find('\n', at);
      if (at == std::string_view::npos) at = text_.size();
    } else {
      return;
    }
  }
}

char Lexer::after_next() const {
  size_t at = token_.end;
  skip_blanks(at);
  return at < text_.size() ? text_[at] : '\0';
}

Span Lexer::take_raw() {
  const size_t begin = token_.begin;
  size_t end = begin;
  size_t open = 0;
  for (; end < text_.size(); ++end) {
    const char c = text_[end];
    if (c == '\n' || c == '#') break;
    if (c == '(' || c == '[' || c == '{') {
      ++open;
    } else if (c == ')' || c == ']' || c == '}') {
      if (open == 0) break;
      --open;
    } else if (c == ',' && open == 0) {
      break;
    }
  }
  at_ = end;
  while (end > begin && std::isspace(static_cast<unsigned char>(text_[end - 1]))) --end;
  error_.reset();  // a token that was broken may be fine as raw text
  advance();
  return {file_, begin, end};
}

void Lexer::advance() {
  skip_blanks(at_);
  token_ = Token();
  token_.begin = token_.end = at_;
  if (at_ >= text_.size()) return;
  const char c = text_[at_];
  size_t end = at_ + 1;
  if (c == '%') {
    while (end < text_.size() && is_name_char(text_[end])) ++end;
    token_.kind = TokenKind::value;
    token_.text = text_.substr(at_ + 1, end - at_ - 1);
    if (token_.text.empty()) {
      token_.kind = TokenKind::symbol;
    }
  } else if (is_word_start(c)) {
    while (end < text_.size() &&
           (is_name_char(text_[end]) ||
            (text_[end] == '.' && end + 1 < text_.size() && is_word_start(text_[end + 1])))) {
      ++end;
    }
    token_.kind = TokenKind::word;
  } else if (is_digit(c) || (c == '-' && end < text_.size() && is_digit(text_[end])) ||
             (c == '.' && end < text_.size() && is_digit(text_[end]))) {
    token_.kind = c == '.' ? TokenKind::real : TokenKind::integer;
    while (end < text_.size()) {
      const char d = text_[end];
      const bool sign_of_exponent = (d == '-' || d == '+') &&
                                    (text_[end - 1] == 'e' || text_[end - 1] == 'E') &&
                                    end + 1 < text_.size() && is_digit(text_[end + 1]);
      if (!is_name_char(d) && d != '.' && !sign_of_exponent) break;
      if (!is_digit(d)) token_.kind = TokenKind::real;
      ++end;
    }
  } else if (c == '"' || c == '\'') {
    read_quoted(c);
    return;
  } else {
    token_.kind = TokenKind::symbol;
  }
  token_.end = end;
  token_.raw = text_.substr(at_, end - at_);
  at_ = end;
}

void Lexer::read_quoted(char mark) {
  const size_t begin = at_;
  size_t at = at_ + 1;
  std::string text;
  while (at < text_.size() && text_[at] != mark && text_[at] != '\n') {
    if (text_[at] != '\\') {
      text += text_[at++];
      continue;
    }
    const char escape = at + 1 < text_.size() ? text_[at + 1] : '\0';
    const size_t escape_begin = at;
    at += 2;
    switch (escape) {
      case 'n': text += '\n'; break;
      case 't': text += '\t'; break;
      case 'r': text += '\r'; break;
      case 'b': text += '\b'; break;
      case 'f': text += '\f'; break;
      case '"':
      case '\'':
      case '\\':
      case '/': text += escape; break;
      case 'u': {
        auto code = read_hex4(text_, at);
        if (code) at += 4;
        // Two surrogates make one code point.
        if (code && *code >= 0xD800 && *code < 0xDC00 && text_.substr(at, 2) == "\\u") {
          const auto low = read_hex4(text_, at + 2);
          if (low && *low >= 0xDC00 && *low < 0xE000) {
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
            at += 6;
          }
        }
        if (code && (*code < 0xD800 || *code >= 0xE000)) {
          append_utf8(text, *code);
          break;
        }
        [[fallthrough]];
      }
      default: {
        const size_t escape_end = std::min(text_.size(), escape_begin + 2);
        const auto written = text_.substr(escape_begin, escape_end - escape_begin);
        token_.kind = TokenKind::broken;
        token_.end = at_ = text_.size();
        error_ = Diagnostic(kGraphSyntax, Span{file_, escape_begin, escape_end})
                     .with("expected", "an escape such as \\n, \\\" or \\u0041")
                     .with("found", "`" + std::string(written) + "`");
        return;
      }
    }
  }
  if (at >= text_.size() || text_[at] != mark) {
    token_.kind = TokenKind::broken;
    token_.end = at_ = text_.size();
    error_ = Diagnostic(kUnterminatedText, Span{file_, begin, std::min(at, text_.size())});
    return;
  }
  token_.kind = mark == '"' ? TokenKind::quoted : TokenKind::single;
  token_.text = std::move(text);
  token_.end = at_ = at + 1;
  token_.raw = text_.substr(begin, token_.end - begin);
}

std::string quote(std::string_view text, char mark) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(1, mark);
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == mark || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + mark;
}

bool is_word(std::string_view text) {
  if (text.empty() || !is_word_start(text[0])) return false;
  for (size_t i = 1; i < text.size(); ++i) {
    const bool dot = text[i] == '.' && i + 1 < text.size() && is_word_start(text[i + 1]);
    if (!is_name_char(text[i]) && !dot) return false;
  }
  return true;
}

}  // namespace qrules::text
