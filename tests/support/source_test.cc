// Positions in source texts.

#include <qrules/support/source.h>

#include "../catch.h"

namespace qrules {
namespace {

std::string place(const SourceFile& file, size_t offset) {
  const auto position = file.position(offset);
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

TEST_CASE("Positions count lines and columns from one") {
  const SourceFile file("a.yaml", "ab\ncd\n\nx");
  CHECK(file.name() == "a.yaml");
  CHECK(file.line_count() == 4);
  CHECK(place(file, 0) == "1:1");
  CHECK(place(file, 2) == "1:3");  // the newline belongs to its line
  CHECK(place(file, 3) == "2:1");
  CHECK(place(file, 6) == "3:1");
  CHECK(place(file, 7) == "4:1");
}

TEST_CASE("Offsets past the end give the end") {
  const SourceFile file("a", "ab\nc");
  CHECK(place(file, 4) == "2:2");
  CHECK(place(file, 1000) == "2:2");
  CHECK(place(SourceFile("empty", ""), 5) == "1:1");
}

TEST_CASE("Columns count code points, not bytes") {
  const SourceFile file("a", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80x");  // 2, 3 and 4 bytes, then x
  CHECK(place(file, 2) == "1:2");
  CHECK(place(file, 5) == "1:3");
  CHECK(place(file, 9) == "1:4");
}

TEST_CASE("Lines come without their ends") {
  const SourceFile file("a", "one\r\ntwo\n\nfour");
  CHECK(file.line(1) == "one");
  CHECK(file.line(2) == "two");
  CHECK(file.line(3).empty());
  CHECK(file.line(4) == "four");
  CHECK(file.line(0).empty());
  CHECK(file.line(5).empty());
  CHECK(file.line_start(1) == 0);
  CHECK(file.line_start(2) == 5);
  CHECK(file.line_start(4) == 10);
  CHECK(file.line_start(9) == file.text().size());
}

TEST_CASE("A text that ends with a newline has an empty last line") {
  const SourceFile file("a", "one\n");
  CHECK(file.line_count() == 2);
  CHECK(file.line(2).empty());
  CHECK(place(file, 4) == "2:1");
}

TEST_CASE("Spans give their text and parts") {
  const auto file = std::make_shared<SourceFile>("a", "hello world");
  const Span span{file, 6, 11};
  CHECK(span);
  CHECK(span.text() == "world");
  CHECK(span.part(1, 3).text() == "orl");
  CHECK_FALSE(Span{});
  CHECK(Span{}.text().empty());
}

}  // namespace
}  // namespace qrules
