// See transport.h.

#include <rulecheck/lsp/transport.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>

#include <unistd.h>

namespace qrules::tools::lsp {
namespace {

constexpr std::string_view kLength = "content-length:";

// The value of a line that has a Content-Length, also behind other text (the rest of a body that was longer than said).
bool find_length(const std::string& line, std::string& value) {
  std::string lower = line;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const size_t at = lower.rfind(kLength);
  if (at == std::string::npos) return false;
  value = line.substr(at + kLength.size());
  value.erase(0, std::min(value.find_first_not_of(" \t"), value.size()));
  value.erase(value.find_last_not_of(" \t\r") + 1);
  return true;
}

}  // namespace

bool MessageReader::fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  std::array<char, 65536> chunk;
  while (true) {
    const ssize_t count = ::read(descriptor_, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    buffer_.append(chunk.data(), static_cast<size_t>(count));
    return true;
  }
}

// A line without its end; of one that is too long only the last part, where a header may follow garbage.
bool MessageReader::read_line(std::string& line) {
  line.clear();
  while (true) {
    const size_t end = buffer_.find('\n', at_);
    line.append(buffer_, at_, end == std::string::npos ? std::string::npos : end - at_);
    if (line.size() > kLongestHeader) line.erase(0, line.size() - kLongestHeader);
    at_ = end == std::string::npos ? buffer_.size() : end + 1;
    if (end != std::string::npos) break;
    if (!fill()) return false;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

bool MessageReader::read_body(size_t length, std::string* body) {
  while (length > 0) {
    const size_t count = std::min(length, buffer_.size() - at_);
    if (body) body->append(buffer_, at_, count);
    at_ += count;
    length -= count;
    if (length > 0 && !fill()) return false;
  }
  return true;
}

Received MessageReader::next() {
  std::string line, value;
  bool found = false;
  while (true) {
    if (!read_line(line)) return {};
    if (line.empty()) {
      if (found) break;
      continue;
    }
    found = find_length(line, value) || found;
  }
  size_t length = 0;
  const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error != std::errc() || stop != value.data() + value.size() || value.empty())
    return {Received::Kind::malformed, "Content-Length is no number: " + value.substr(0, 40)};
  if (length > limit_) {
    if (!read_body(length, nullptr)) return {};
    return {Received::Kind::malformed, "a message of " + value + " bytes; the limit is " + std::to_string(limit_)};
  }
  std::string body;
  if (!read_body(length, &body)) return {};
  return {Received::Kind::message, std::move(body)};
}

bool write_message(int descriptor, const std::string& body) {
  const std::string frame = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  for (size_t at = 0; at < frame.size();) {
    const ssize_t count = ::write(descriptor, frame.data() + at, frame.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace qrules::tools::lsp
