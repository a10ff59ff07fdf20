// YAML with places: what is read, where each byte of a text came from, and the limits.

#include <qrules/rules/yaml_tree.h>

#include "../catch.h"

namespace qrules {
namespace {

SourcePtr file(const std::string& text) { return std::make_shared<const SourceFile>("t.yaml", text); }

YamlPtr parsed(const SourcePtr& source) {
  auto tree = parse_yaml(source, LoadLimits());
  if (!tree) FAIL(render_text(tree.diagnostics()) << "\nin\n" << source->text());
  return std::move(*tree);
}

// "line:column message" of the only error.
std::string error_of(const std::string& text, const LoadLimits& limits = {}) {
  auto tree = parse_yaml(file(text), limits);
  if (tree.ok()) return "ok";
  if (tree.diagnostics().size() != 1) return std::to_string(tree.diagnostics().size()) + " diagnostics";
  const Diagnostic& error = tree.diagnostics().list()[0];
  const Span& span = error.labels.at(0).span;
  const auto at = span.file->position(span.begin);
  return std::to_string(at.line) + ":" + std::to_string(at.column) + " " + error.message();
}

// Where a part of a text stands: the place of the bytes that `part` has in the value.
std::string place_of(const MappedText& text, const std::string& part) {
  const size_t at = text.text().find(part);
  REQUIRE(at != std::string::npos);
  const Span span = text.span(at, at + part.size());
  const auto begin = span.file->position(span.begin);
  return std::to_string(begin.line) + ":" + std::to_string(begin.column) + " `" + std::string(span.text()) + "`";
}

const MappedText& value(const YamlPtr& root, const std::string& key) {
  const YamlEntry* entry = root->find(key);
  REQUIRE(entry);
  REQUIRE(entry->value->kind == YamlNode::Kind::scalar);
  return entry->value->text;
}

TEST_CASE("Maps, lists, scalars and nothing", "[rules][yaml]") {
  const YamlPtr root = parsed(file("a: 1\nb: [x, 'y']\nc:\n  d: {e: f}\ng:\nh: \"\"\n"));
  REQUIRE(root->kind == YamlNode::Kind::map);
  REQUIRE(root->entries.size() == 5);
  CHECK(value(root, "a").text() == "1");
  CHECK_FALSE(root->find("a")->value->quoted);
  const YamlNode& list = *root->find("b")->value;
  REQUIRE(list.kind == YamlNode::Kind::list);
  REQUIRE(list.elements.size() == 2);
  CHECK(list.elements[1]->text.text() == "y");
  CHECK(list.elements[1]->quoted);
  CHECK(root->find("c")->value->find("d")->value->find("e")->value->text.text() == "f");
  CHECK(root->find("g")->value->kind == YamlNode::Kind::null);
  CHECK(root->find("h")->value->kind == YamlNode::Kind::scalar);
  CHECK(root->find("i") == nullptr);
  CHECK(root->find("c")->key_span.text() == "c");
}

TEST_CASE("An empty file is nothing", "[rules][yaml]") {
  CHECK(parsed(file(""))->kind == YamlNode::Kind::null);
  CHECK(parsed(file("# words\n\n"))->kind == YamlNode::Kind::null);
}

TEST_CASE("Each byte of a text knows its place", "[rules][yaml]") {
  SECTION("plain, single and double quotes") {
    const YamlPtr root = parsed(file("a: one two\nb: 'it''s here'\nc: \"tab\\there \\\"q\\\" end\"\n"));
    CHECK(place_of(value(root, "a"), "two") == "1:8 `two`");
    CHECK(value(root, "b").text() == "it's here");
    CHECK(place_of(value(root, "b"), "'") == "2:7 `''`");
    CHECK(place_of(value(root, "b"), "here") == "2:11 `here`");
    CHECK(value(root, "c").text() == "tab\there \"q\" end");
    CHECK(place_of(value(root, "c"), "\t") == "3:8 `\\t`");
    CHECK(place_of(value(root, "c"), "q") == "3:17 `q`");
    CHECK(place_of(value(root, "c"), "end") == "3:21 `end`");
  }
  SECTION("blocks, without their indentation") {
    const YamlPtr root = parsed(file("m: |\n    first\n      second\n\n    third\nn: 1\n"));
    CHECK(value(root, "m").text() == "first\n  second\n\nthird\n");
    CHECK(place_of(value(root, "m"), "first") == "2:5 `first`");
    CHECK(place_of(value(root, "m"), "second") == "3:7 `second`");
    CHECK(place_of(value(root, "m"), "third") == "5:5 `third`");
  }
  SECTION("blocks with indicators") {
    const YamlPtr root = parsed(file("m: |-\n  one\nn: |+\n  two\n\no: 3\n"));
    CHECK(value(root, "m").text() == "one");
    CHECK(place_of(value(root, "m"), "one") == "2:3 `one`");
    CHECK(value(root, "n").text() == "two\n\n");
    CHECK(place_of(value(root, "n"), "two") == "4:3 `two`");
  }
  SECTION("folded lines") {
    const YamlPtr root = parsed(file("a: one\n  two\n  three\nb: 1\n"));
    CHECK(value(root, "a").text() == "one two three");
    CHECK(place_of(value(root, "a"), "three") == "3:3 `three`");
  }
  SECTION("folded blocks stand at their beginning as a whole") {
    const YamlPtr root = parsed(file("a: >\n  one\n  two\n"));
    CHECK(value(root, "a").text() == "one two\n");
    CHECK(place_of(value(root, "a"), "two").rfind("1:4", 0) == 0);
  }
  SECTION("behind letters of several bytes, with carriage returns") {
    const YamlPtr root = parsed(file("a: \xC3\xA4\xE2\x82\xAC x y\r\nm: |\r\n  \xC3\xA4 z\r\n  w\r\n"));
    CHECK(place_of(value(root, "a"), "y") == "1:9 `y`");
    CHECK(place_of(value(root, "m"), "z") == "3:5 `z`");
    CHECK(place_of(value(root, "m"), "w") == "4:3 `w`");
  }
  SECTION("the end is behind the last word") {
    const YamlPtr root = parsed(file("m: |\n  word  \n\n\nn: 1\n"));
    const MappedText& text = value(root, "m");
    const Span end = text.span(text.text().size(), text.text().size());
    CHECK(end.file->position(end.begin).line == 2);
    CHECK(end.file->position(end.begin).column == 7);
  }
}

TEST_CASE("Aliases are copies", "[rules][yaml]") {
  const YamlPtr root = parsed(file("a: &x {k: v}\nb: *x\nc: [*x, *x]\n"));
  CHECK(root->find("b")->value->find("k")->value->text.text() == "v");
  CHECK(root->find("c")->value->elements.size() == 2);
}

TEST_CASE("What is not YAML is reported once, at its place", "[rules][yaml]") {
  CHECK(error_of("a: [1, 2\nb: 3\n").rfind("1:4", 0) == 0);
  CHECK(error_of("a: 1\n\tb: 2\n").rfind("2:", 0) == 0);
  CHECK(error_of("a: 1\na: 2\n") == "2:1 key `a` is given twice");
  CHECK(error_of("[a, b]: 1\n").find("keys are plain words") != std::string::npos);
  CHECK(error_of(std::string("a: 1\nb: \0", 9)).find("a zero byte") != std::string::npos);
  CHECK(error_of("a: &x [*x]\n") != "ok");
  CHECK(error_of("a: *unknown\n") != "ok");
}

TEST_CASE("Files are UTF-8", "[rules][yaml]") {
  for (const char* text : {"a: \xC3\xA9", "a: \xE2\x82\xAC", "a: \xF0\x9F\x98\x80", "a: \xF4\x8F\xBF\xBD"}) {
    INFO(text);
    CHECK(error_of(text) == "ok");
  }
  // Latin-1, a lone continuation, cut off, overlong, a surrogate, beyond the last code point.
  for (const char* text : {"a: \xE9ine", "a: \x80", "a: \xE2\x82", "a: \xC0\xAF", "a: \xE0\x80\xAF", "a: \xED\xA0\x80",
                           "a: \xF4\x90\x80\x80", "a: \xF5\x80\x80\x80"}) {
    INFO(text);
    CHECK(error_of(text) == "1:4 not YAML: a byte that is not UTF-8");
  }
}

TEST_CASE("Limits are named", "[rules][yaml]") {
  LoadLimits limits;
  limits.file_bytes = 10;
  CHECK(error_of("a: 12345678\n", limits) == "1:1 the size of the file in bytes is over the limit of 10");
  limits = LoadLimits();
  limits.yaml_depth = 3;
  CHECK(error_of("a: [[[1]]]\n", limits) == "1:6 the depth of nesting is over the limit of 3");
  CHECK(error_of("a: [[1]]\n", limits) == "ok");
  limits = LoadLimits();
  limits.yaml_nodes = 5;
  CHECK(error_of("[1, 2, 3, 4]\n", limits) == "ok");
  CHECK(error_of("[1, 2, 3, 4, 5]\n", limits)
            .find("the number of YAML nodes (aliases expanded) is over the limit of 5") != std::string::npos);
}

TEST_CASE("Files made to exhaust memory or the stack are refused", "[rules][yaml]") {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) laughs += ", " + before;
    laughs += "]\n";
  }
  CHECK(error_of(laughs).find("the number of YAML nodes") != std::string::npos);
  CHECK(error_of(std::string(200'000, '[')).find("the depth of nesting") != std::string::npos);
  CHECK(error_of(std::string(200'000, '{')).find("the depth of nesting") != std::string::npos);
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  CHECK(error_of(dashes + "x\n").find("the depth of nesting") != std::string::npos);
  std::string steps;
  for (int i = 0; i < 400; ++i) steps += std::string(static_cast<size_t>(i), ' ') + "k:\n";
  CHECK(error_of(steps).find("the depth of nesting") != std::string::npos);
}

}  // namespace
}  // namespace qrules
