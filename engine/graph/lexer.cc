#include "lexer.h"

#include <cctype>
#include <cstdio>

namespace qrules::text {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }

}  // namespace

Token Lexer::make(TokenKind kind, size_t begin, size_t text_begin, size_t text_end) const {
  return {kind, span_.file->text().substr(text_begin, text_end - text_begin), {span_.file, begin, at_}};
}

Token Lexer::next() {
  const std::string_view text = span_.file->text();
  while (at_ < span_.end) {
    if (std::isspace(static_cast<unsigned char>(text[at_]))) {
      ++at_;
    } else if (text[at_] == '#') {
      while (at_ < span_.end && text[at_] != '\n') ++at_;
    } else {
      break;
    }
  }
  const size_t begin = at_;
  if (at_ >= span_.end) return make(TokenKind::end, begin, begin, begin);
  const char c = text[at_];
  const auto peek = [&](size_t ahead) { return at_ + ahead < span_.end ? text[at_ + ahead] : '\0'; };
  if (c == '%') {
    ++at_;
    while (at_ < span_.end && (is_word(text[at_]))) ++at_;
    return make(at_ == begin + 1 ? TokenKind::bad : TokenKind::value_name, begin, begin + 1, at_);
  }
  if (std::isdigit(static_cast<unsigned char>(c)) ||
      ((c == '-' || c == '+') &&
       (std::isdigit(static_cast<unsigned char>(peek(1))) || peek(1) == 'i' || peek(1) == 'n'))) {
    ++at_;
    while (at_ < span_.end && (is_word(text[at_]) || ((text[at_] == '-' || text[at_] == '+') &&
                                                      (text[at_ - 1] == 'e' || text[at_ - 1] == 'E'))))
      ++at_;
    return make(TokenKind::number, begin, begin, at_);
  }
  if (is_word(c)) {
    while (at_ < span_.end && is_word(text[at_])) ++at_;
    return make(TokenKind::word, begin, begin, at_);
  }
  if (c == '"') {
    ++at_;
    while (at_ < span_.end && text[at_] != '"' && text[at_] != '\n') at_ += text[at_] == '\\' ? 2 : 1;
    if (at_ >= span_.end || text[at_] != '"') {
      at_ = std::min(at_, span_.end);
      return make(TokenKind::bad, begin, begin, at_);
    }
    ++at_;
    return make(TokenKind::text, begin, begin + 1, at_ - 1);
  }
  at_ += c == '-' && peek(1) == '>' ? 2 : 1;
  static constexpr std::string_view kSymbols = "()[]{}:,=";
  const bool known = kSymbols.find(c) != std::string_view::npos || at_ == begin + 2;
  return make(known ? TokenKind::symbol : TokenKind::bad, begin, begin, at_);
}

Span Lexer::raw_until(std::string_view closers) {
  const std::string_view text = span_.file->text();
  while (at_ < span_.end && std::isspace(static_cast<unsigned char>(text[at_]))) ++at_;
  const size_t begin = at_;
  int depth = 0;
  while (at_ < span_.end && text[at_] != '\n') {
    const char c = text[at_];
    if (depth == 0 && closers.find(c) != std::string_view::npos) break;
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    ++at_;
  }
  size_t end = at_;
  while (end > begin && std::isspace(static_cast<unsigned char>(text[end - 1]))) --end;
  return {span_.file, begin, end};
}

bool unescape(std::string_view quoted, std::string& out) {
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '\\') {
      out += quoted[i];
      continue;
    }
    if (++i >= quoted.size()) return false;
    switch (quoted[i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case '"':
      case '\\':
      case '/': out += quoted[i]; break;
      case 'u': {
        if (i + 4 >= quoted.size()) return false;
        unsigned code = 0;
        for (int k = 0; k < 4; ++k) {
          const char h = quoted[++i];
          if (!std::isxdigit(static_cast<unsigned char>(h))) return false;
          code = code * 16 + static_cast<unsigned>(
                                 std::isdigit(static_cast<unsigned char>(h)) ? h - '0' : std::tolower(h) - 'a' + 10);
        }
        if (code < 0x80) {
          out += static_cast<char>(code);
        } else if (code < 0x800) {
          out += static_cast<char>(0xC0 | (code >> 6));
          out += static_cast<char>(0x80 | (code & 0x3F));
        } else {
          out += static_cast<char>(0xE0 | (code >> 12));
          out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
          out += static_cast<char>(0x80 | (code & 0x3F));
        }
        break;
      }
      default: return false;
    }
  }
  return true;
}

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char buffer[8];
          std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
          out += buffer;
        } else {
          out += c;
        }
    }
  }
  return out;
}

}  // namespace qrules::text
