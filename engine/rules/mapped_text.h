// A text that was cut out of a file, with its places.
#pragma once

#include <string>
#include <vector>

#include <qrules/support/source.h>

namespace qrules {

// The decoded text of a YAML scalar (escapes resolved, indentation of blocks removed, templates filled in) that knows
// for each byte which bytes of the file it came from. That is what puts carets into pattern text exactly.
class MappedText {
 public:
  MappedText() = default;
  explicit MappedText(SourcePtr file) : file_(std::move(file)) {}

  void append(char c, size_t begin, size_t end) {
    text_.push_back(c);
    places_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  }
  // A text that stands for the file's bytes [begin, end) as a whole.
  void append(std::string_view text, size_t begin, size_t end) {
    for (char c : text) append(c, begin, end);
  }
  // Where the text is empty or ends.
  void set_place(size_t begin, size_t end) {
    begin_ = begin;
    end_ = end;
  }

  const std::string& text() const { return text_; }
  const SourcePtr& file() const { return file_; }
  bool empty() const { return text_.find_first_not_of(" \t\r\n") == std::string::npos; }

  // The place of bytes [begin, end) of the text; at the end of the text the end of the scalar.
  Span span(size_t begin, size_t end) const {
    if (places_.empty()) return {file_, begin_, end_};
    if (begin >= places_.size()) {
      // Behind the last thing that was written, not on the line below it.
      size_t last = text_.find_last_not_of(" \t\r\n");
      if (last == std::string::npos) last = 0;
      return {file_, places_[last].end, places_[last].end};
    }
    if (end <= begin) return {file_, places_[begin].begin, places_[begin].begin};
    size_t stop = places_[std::min(end, places_.size()) - 1].end;
    return {file_, places_[begin].begin, std::max<size_t>(stop, places_[begin].end)};
  }
  Span span() const { return places_.empty() ? Span{file_, begin_, end_} : span(0, places_.size()); }
  size_t place_begin(size_t i) const { return places_[i].begin; }
  size_t place_end(size_t i) const { return places_[i].end; }

 private:
  struct Place {
    uint32_t begin, end;
  };
  SourcePtr file_;
  std::string text_;
  std::vector<Place> places_;
  size_t begin_ = 0, end_ = 0;
};

}  // namespace qrules
