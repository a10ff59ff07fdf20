// Messages of the language server protocol on file descriptors: headers, an empty line, a body of Content-Length bytes.
#pragma once

#include <cstddef>
#include <string>

namespace qrules::tools::lsp {

struct Received {
  enum class Kind { message, malformed, end };
  Kind kind = Kind::end;
  std::string text;  // message: the body; malformed: what is wrong
};

// Reads message by message. What is no header is skipped up to the next line with a Content-Length, so that one broken
// frame does not end the session; a body over `limit` is read and thrown away.
class MessageReader {
 public:
  static constexpr size_t kLongestHeader = 4096;

  explicit MessageReader(int descriptor, size_t limit = size_t{32} << 20) : descriptor_(descriptor), limit_(limit) {}

  // Blocks. `end` when the stream ends, also inside a frame.
  Received next();

 private:
  bool fill();
  bool read_line(std::string& line);
  bool read_body(size_t length, std::string* body);

  int descriptor_;
  size_t limit_;
  std::string buffer_;
  size_t at_ = 0;
};

// Writes a frame; false when nobody reads any more.
bool write_message(int descriptor, const std::string& body);

}  // namespace qrules::tools::lsp
