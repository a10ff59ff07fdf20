// Source text with positions: what every diagnostic points into.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qrules {

// A text that was read (rule file, graph text, archive member) under the name a person knows it by.
// Offsets are bytes, lines and columns start at 1, columns count UTF-8 code points.
class SourceFile {
 public:
  SourceFile(std::string name, std::string text);

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }

  struct Position {
    uint32_t line = 1;
    uint32_t column = 1;
  };
  // The position of a byte offset; offsets past the end give the end.
  Position position(size_t offset) const;
  // The text of a line (without its newline); empty when there is no such line.
  std::string_view line(uint32_t number) const;
  uint32_t line_count() const { return static_cast<uint32_t>(line_starts_.size()); }
  size_t line_start(uint32_t number) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<size_t> line_starts_;
};

using SourcePtr = std::shared_ptr<const SourceFile>;

// A range of bytes [begin, end) of a source file. A null file means "nowhere in a text".
struct Span {
  SourcePtr file;
  size_t begin = 0;
  size_t end = 0;

  explicit operator bool() const { return file != nullptr; }
  // The part of this span that starts `offset` bytes in and is `length` long.
  Span part(size_t offset, size_t length) const { return {file, begin + offset, begin + offset + length}; }
  std::string_view text() const { return file ? file->text().substr(begin, end - begin) : std::string_view(); }
};

}  // namespace qrules
