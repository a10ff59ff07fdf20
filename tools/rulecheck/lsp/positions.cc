// See positions.h.

#include <rulecheck/lsp/positions.h>

#include <algorithm>
#include <cctype>

namespace qrules::tools::lsp {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Bytes of the character at `at`; a stray byte counts as one.
size_t length_at(std::string_view text, size_t at) {
  size_t length = 1;
  while (at + length < text.size() && length < 4 && continues(text[at + length])) ++length;
  return length;
}

size_t units(std::string_view text, size_t at, size_t length, Encoding encoding) {
  switch (encoding) {
    case Encoding::utf8: return length;
    case Encoding::utf16: return (static_cast<unsigned char>(text[at]) & 0xF8) == 0xF0 ? 2 : 1;
    case Encoding::utf32: return 1;
  }
  return 1;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

nlohmann::json to_position(const SourceFile& source, size_t offset, Encoding encoding) {
  const uint32_t line = source.position(offset).line;
  const std::string_view text = source.line(line);
  const size_t wanted = std::min(offset, source.text().size()) - source.line_start(line);
  size_t character = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t length = length_at(text, at);
    if (at + length > wanted) break;
    character += units(text, at, length, encoding);
    at += length;
  }
  return {{"line", line - 1}, {"character", character}};
}

nlohmann::json to_range(const SourceFile& source, size_t begin, size_t end, Encoding encoding) {
  return {{"start", to_position(source, begin, encoding)},
          {"end", to_position(source, std::max(begin, end), encoding)}};
}

size_t to_offset(const SourceFile& source, const nlohmann::json& position, Encoding encoding) {
  const auto line = position.at("line").get<int64_t>();
  const auto character = position.at("character").get<int64_t>();
  if (line < 0) return 0;
  if (line >= static_cast<int64_t>(source.line_count())) return source.text().size();
  const auto number = static_cast<uint32_t>(line + 1);
  std::string_view text = source.line(number);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  size_t at = 0;
  for (int64_t left = character; at < text.size() && left > 0;) {
    const size_t length = length_at(text, at);
    const auto size = static_cast<int64_t>(units(text, at, length, encoding));
    if (size > left) break;
    left -= size;
    at += length;
  }
  return source.line_start(number) + at;
}

std::string to_path(std::string_view uri) {
  constexpr std::string_view kScheme = "file://";
  if (uri.substr(0, kScheme.size()) != kScheme) return std::string(uri);
  std::string_view rest = uri.substr(kScheme.size());
  rest.remove_prefix(std::min(rest.find('/'), rest.size()));  // a host
  std::string path;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '%' && i + 2 < rest.size() && hex(rest[i + 1]) >= 0 && hex(rest[i + 2]) >= 0) {
      path += static_cast<char>(hex(rest[i + 1]) * 16 + hex(rest[i + 2]));
      i += 2;
    } else {
      path += rest[i];
    }
  }
  // No path holds a zero byte.
  path.erase(std::remove(path.begin(), path.end(), '\0'), path.end());
  return path;
}

std::string to_uri(std::string_view path) {
  if (path.empty() || path[0] != '/') return std::string(path);
  static constexpr std::string_view kPlain = "/-._~";
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = "file://";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || kPlain.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += '%';
      uri += kDigits[byte >> 4];
      uri += kDigits[byte & 15];
    }
  }
  return uri;
}

}  // namespace qrules::tools::lsp
