// Diagnostics as text: exact renderings.

#include <qrules/support/diagnostic.h>

#include "../catch.h"

namespace qrules {
namespace {

inline const DiagnosticKind kTestError{"QR9902", Level::error, "test-error", "wrong {what}", "Only for tests."};
inline const DiagnosticKind kTestNote{"QR9903", Level::note, "test-note", "look", "Only for tests."};

SourcePtr source(std::string text) { return std::make_shared<SourceFile>("a.yaml", std::move(text)); }
Diagnostic wrong(Span span, std::string label = {}) {
  return Diagnostic(kTestError, std::move(span), std::move(label)).with("what", "thing");
}

TEST_CASE("A diagnostic without a place is its message, notes and helps") {
  CHECK(render_text(Diagnostic(kTestError).with("what", "x").note("n").help("h")) ==
        "error[QR9902]: wrong x\n  = note: n\n  = help: h\n");
  CHECK(render_text(Diagnostic(kTestNote)) == "note[QR9903]: look\n");
}

TEST_CASE("A label shows its line and carets") {
  CHECK(render_text(wrong({source("one\ntwo three\n"), 8, 13}, "here")) ==
        "error[QR9902]: wrong thing\n"
        " --> a.yaml:2:5\n"
        "  |\n"
        "2 | two three\n"
        "  |     ^^^^^ here\n");
}

TEST_CASE("Later labels have dashes, and another file its own line") {
  const SourcePtr first = source("abc def\n");
  const auto second = std::make_shared<SourceFile>("b.yaml", "xyz\n");
  CHECK(render_text(wrong({first, 0, 3}, "p").label({first, 4, 7}, "s").label({second, 1, 2}, "t")) ==
        "error[QR9902]: wrong thing\n"
        " --> a.yaml:1:1\n"
        "  |\n"
        "1 | abc def\n"
        "  | ^^^ p\n"
        "  |     --- s\n"
        " ::: b.yaml:1:2\n"
        "  |\n"
        "1 | xyz\n"
        "  |  - t\n");
}

TEST_CASE("A fix is shown as a change of the line") {
  const SourcePtr file = source("a\nuse rleu now\n");
  CHECK(render_text(wrong({file, 6, 10}).fix("did you mean relu?", {file, 6, 10}, "relu")) ==
        "error[QR9902]: wrong thing\n"
        " --> a.yaml:2:5\n"
        "  |\n"
        "2 | use rleu now\n"
        "  |     ^^^^\n"
        "  = help: did you mean relu?\n"
        "2 - use rleu now\n"
        "2 + use relu now\n");
}

TEST_CASE("The gutter fits the largest line number") {
  std::string text;
  for (int i = 0; i < 11; ++i) text += "l\n";
  const std::string out = render_text(wrong({source(text), 20, 21}));
  CHECK(out ==
        "error[QR9902]: wrong thing\n"
        "  --> a.yaml:11:1\n"
        "   |\n"
        "11 | l\n"
        "   | ^\n");
}

TEST_CASE("Carets stand under what they mark") {
  SECTION("behind a tab, which shows as a space") {
    CHECK(render_text(wrong({source("\tx\n"), 1, 2})).find("1 |  x\n  |  ^\n") != std::string::npos);
  }
  SECTION("behind letters of several bytes") {
    CHECK(render_text(wrong({source("\xC3\xA9\xE2\x82\xAC x\n"), 6, 7})).find("  |    ^\n") != std::string::npos);
  }
  SECTION("a span over several lines ends at the end of its first") {
    CHECK(render_text(wrong({source("abcd\nefgh\n"), 2, 8})).find("1 | abcd\n  |   ^^\n") != std::string::npos);
  }
  SECTION("an empty span has one caret, also at the end of the text") {
    CHECK(render_text(wrong({source("ab"), 2, 2})).find("1 | ab\n  |   ^\n") != std::string::npos);
    CHECK(render_text(wrong({source(""), 0, 0})).find("1 | \n  | ^\n") != std::string::npos);
  }
}

TEST_CASE("Long lines are cut between code points") {
  std::string text(239, 'a');
  text += "\xC3\xA9 and more that is not shown";
  const std::string out = render_text(wrong({source(text), 0, 1}));
  CHECK(out.find(std::string(239, 'a') + "\xC3\xA9...\n") != std::string::npos);
  const std::string far = render_text(wrong({source(std::string(5000, 'b')), 4000, 4900}, "far"));
  for (size_t begin = 0; begin < far.size(); begin = far.find('\n', begin) + 1)
    CHECK(far.find('\n', begin) - begin < 300);
}

TEST_CASE("Of a long line the part around the mark is shown") {
  const std::string line = std::string(400, 'a') + "WRONG" + std::string(400, 'b');
  const SourcePtr file = source(line + "\n");
  const std::string text = render_text(wrong({file, 400, 405}));
  const size_t shown = text.find("...aaa");
  REQUIRE(shown != std::string::npos);
  CHECK(text.find("bbb...\n") != std::string::npos);
  // The carets stand under what is marked.
  const size_t at = text.find("WRONG"), caret = text.find("^^^^^");
  REQUIRE(at != std::string::npos);
  REQUIRE(caret != std::string::npos);
  CHECK(at - text.rfind('\n', at) == caret - text.rfind('\n', caret));
  CHECK(text.find("^^^^^^") == std::string::npos);
  // Near the beginning nothing is left out in front.
  CHECK(render_text(wrong({file, 5, 9})).find("| aaaa") != std::string::npos);
  // A second label that lies outside has its own copy of the line.
  const std::string two = render_text(wrong({file, 5, 9}).label(Span{file, 790, 793}, "there"));
  CHECK(two.find("| ...") != std::string::npos);
  CHECK(two.find("--- there") != std::string::npos);
}

TEST_CASE("Colours are the same text with escapes") {
  const Diagnostic diagnostic = wrong({source("two three\n"), 4, 9}, "here").note("n");
  std::string plain;
  const std::string colored = render_text(diagnostic, true);
  for (size_t i = 0; i < colored.size(); ++i) {
    if (colored[i] == '\033') {
      i = colored.find('m', i);
    } else {
      plain += colored[i];
    }
  }
  CHECK(colored != plain);
  CHECK(plain == render_text(diagnostic));
}

TEST_CASE("Several diagnostics are apart by an empty line") {
  Diagnostics list;
  list.add(Diagnostic(kTestNote));
  list.add(Diagnostic(kTestNote));
  CHECK(render_text(list) == "note[QR9903]: look\n\nnote[QR9903]: look\n");
  CHECK(render_text(Diagnostics()).empty());
}

}  // namespace
}  // namespace qrules
