// What loading says of places in rule files, of texts that are not on disk, and of files that were read before.

#include <qrules/rules/file_cache.h>
#include <qrules/rules/index.h>

#include "rule_helpers.h"

namespace qrules {
namespace {

constexpr const char* kText =
    "qrules: 1\n"
    "phases: [{name: main}]\n"
    "classes: [{name: view, ops: [aten.view.default]}]\n"
    "macros:\n"
    "  - {name: \"twice(a)\", is: \"aten.relu.default(aten.relu.default(%a))\"}\n"
    "predicates:\n"
    "  - {name: \"flat(a)\", is: \"rank(a) == 1\"}\n"
    "rules:\n"
    "  - name: r\n"
    "    doc: d\n"
    "    phase: main\n"
    "    match: |\n"
    "      %v = @view(%x, %size)\n"
    "      %y = twice(%v)\n"
    "    where: |\n"
    "      flat(%x) and len(%size) == 1\n"
    "    rewrite: |\n"
    "      %y = aten.add.Tensor(%x, %v, alpha=2)\n";

// The mention at the n-th occurrence of a text, one byte in.
const Mention* mention_at(const RuleIndex& index, const std::string& text, const std::string& what, int nth = 0) {
  size_t at = text.find(what);
  while (nth-- > 0) at = text.find(what, at + 1);
  REQUIRE(at != std::string::npos);
  return index.at("a.yaml", at + 1);
}

std::string defined_at(const Mention& mention) { return std::string(mention.definition.text()); }

TEST_CASE("The index knows what stands at a place", "[rules][index]") {
  const std::string text = kText;
  RuleIndex index;
  LoadOptions options;
  options.index = &index;
  REQUIRE(load_rules_text("a.yaml", text, options).ok());
  const Mention* mention = mention_at(index, text, "@view");
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::class_name);
  CHECK(defined_at(*mention) == "view");
  mention = mention_at(index, text, "twice(%v)");
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::macro);
  CHECK(defined_at(*mention) == "\"twice(a)\"");
  CHECK(mention->arguments == std::vector<std::string>{"%v"});
  mention = mention_at(index, text, "%size", 1);
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::value);
  CHECK(mention->rule == "r");
  CHECK(mention->definition.begin == text.find("%size"));
  mention = mention_at(index, text, "%v", 2);
  REQUIRE(mention);
  CHECK(mention->role == "@view(%x, %size)");
  CHECK(mention->type == "a node");
  mention = mention_at(index, text, "flat(%x)");
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::predicate);
  mention = mention_at(index, text, "len(");
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::function);
  mention = mention_at(index, text, "alpha");
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::argument);
  CHECK(mention->role == "Scalar alpha=1 of aten.add.Tensor");
  mention = mention_at(index, text, "%a");
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::parameter);
  mention = mention_at(index, text, "main", 1);
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::phase);
  CHECK(mention->definition.begin == text.find("main"));
  CHECK(mention_at(index, text, "doc: d") == nullptr);
}

TEST_CASE("The index is filled as far as a broken rule goes", "[rules][index]") {
  std::string text = kText;
  text.replace(text.find("flat(%x)"), 8, "flta(%x)");
  RuleIndex index;
  LoadOptions options;
  options.index = &index;
  REQUIRE_FALSE(load_rules_text("a.yaml", text, options).ok());
  const Mention* mention = mention_at(index, text, "aten.add");
  REQUIRE(mention);
  CHECK(mention->kind == MentionKind::op);
  mention = mention_at(index, text, "%size", 1);
  REQUIRE(mention);
  CHECK_FALSE(mention->type.empty());
}

TEST_CASE("Texts that an editor holds stand for files", "[rules][index]") {
  LoadOptions options;
  const auto open = [&](const std::string& path, const std::string& text) {
    options.open_texts[canonical_path(path)] = std::make_shared<const SourceFile>(path, text);
  };
  open("/no/such/folder/a.yaml", std::string("import: [lib.yaml]\n") + kText);
  open("/no/such/folder/lib.yaml", "qrules: 1\npredicates: [{name: \"round(a)\", is: \"rank(a) == 1\"}]\n");
  RuleIndex index;
  options.index = &index;
  REQUIRE(load_rules({"/no/such/folder/a.yaml"}, options).ok());
  CHECK(index.files.size() == 2);
  CHECK(index.paths == std::vector<std::string>{"/no/such/folder/a.yaml", "/no/such/folder/lib.yaml"});
  CHECK(index.files.at("/no/such/folder/a.yaml").scope.predicates.count("round") == 1);
}

TEST_CASE("A file that did not change is not read again, with the same result", "[rules][index]") {
  FileCache cache;
  LoadOptions options;
  options.cache = &cache;
  const auto codes = [&](const std::string& text) {
    const Result<RuleSet> rules = load_rules_text("a.yaml", text, options);
    std::string result;
    if (!rules.ok()) {
      for (const Diagnostic& diagnostic : rules.diagnostics().list())
        result += std::string(diagnostic.kind->code) + " ";
    }
    return result;
  };
  const std::string good = kText, bad = good + "oops: 1\n";
  CHECK(codes(good) == "");
  REQUIRE(cache.files.size() == 1);
  const RuleFile* read = cache.files.begin()->second.file.get();
  CHECK(codes(good) == "");
  CHECK(cache.files.begin()->second.file.get() == read);
  // What is wrong with a file is said again.
  CHECK(codes(bad) == "QR0004 ");
  CHECK(cache.files.begin()->second.file.get() != read);
  CHECK(codes(bad) == "QR0004 ");
  CHECK(codes("qrules: [\n") == "QR0002 ");
  CHECK(codes(good) == "");
}

}  // namespace
}  // namespace qrules
