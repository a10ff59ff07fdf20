// See format.h.
//
// The tree of the file is written anew (yaml-cpp drops comments, so it is not used for writing). At the end the result
// is read again: the two trees must say the same.

#include <rulecheck/format/format.h>

#include <set>

#include <common/squeezed.h>
#include <qrules/rules/declarations.h>
#include <qrules/rules/syntax.h>
#include <qrules/rules/yaml_tree.h>
#include <rulecheck/format/code.h>
#include <rulecheck/format/places.h>
#include <rulecheck/format/print.h>
#include <rulecheck/format/source_layout.h>

namespace qrules::tools {
namespace {

using Kind = YamlNode::Kind;

bool same_words(const std::string& a, const std::string& b) { return squeezed(a) == squeezed(b); }

bool same_tree(const YamlNode& a, const YamlNode& b, const Path& path) {
  if (a.kind != b.kind || a.elements.size() != b.elements.size() || a.entries.size() != b.entries.size()) return false;
  if (a.kind == Kind::scalar) {
    if (const auto kind = code_kind(path))
      return same_code(*kind, a.text, b.text) && comments_of(*kind, a.text) == comments_of(*kind, b.text);
    if (is_graph(path) || path.back() == "doc") return same_words(a.text.text(), b.text.text());
    if (path.back() == "because")
      return same_words(a.text.text(), b.text.text()) || same_code(CodeKind::condition, a.text, b.text);
    const auto is_word = [](const YamlNode& node) { return !node.quoted; };
    return a.text.text() == b.text.text() && is_word(a) == is_word(b);
  }
  for (size_t i = 0; i < a.elements.size(); ++i) {
    if (!same_tree(*a.elements[i], *b.elements[i], path)) return false;
  }
  for (const YamlEntry& entry : a.entries) {
    const YamlEntry* other = b.find(entry.key);
    Path inner = path;
    inner.push_back(entry.key);
    if (!other || !same_tree(*entry.value, *other->value, inner)) return false;
  }
  return true;
}

std::multiset<std::string> comment_texts(const SourceLayout& layout) {
  std::multiset<std::string> texts;
  for (const Comment& comment : layout.comments()) texts.insert(comment.text);
  return texts;
}

// What is wrong with the texts of rules: those of macros and predicates are read with the declarations.
void parse_texts(const RuleFile& file, Diagnostics& diagnostics) {
  for (const RuleDeclaration& rule : file.rules) {
    if (!rule.foreach_variables.empty()) continue;  // templates are parsed when they are filled in
    syntax::parse_match(rule.match, diagnostics);
    syntax::parse_conditions(rule.members, diagnostics);
    syntax::parse_conditions(rule.where, diagnostics);
    syntax::parse_rewrite(rule.rewrite, diagnostics);
  }
}

}  // namespace

Formatted format_rules(const SourcePtr& source) {
  Formatted result;
  const Result<YamlPtr> tree = parse_yaml(source, LoadLimits{});
  if (!tree.ok()) {
    result.found = tree.diagnostics();
    return result;
  }
  parse_texts(read_declarations(source, **tree, result.found), result.found);
  if (result.found.has_errors()) return result;
  try {
    const SourceLayout layout(*source, **tree);
    std::string text = print_rules(layout, **tree);
    const auto written = std::make_shared<const SourceFile>(source->name(), text);
    const Result<YamlPtr> again = parse_yaml(written, LoadLimits{});
    if (!again.ok() || !same_tree(**tree, **again, {}) ||
        comment_texts(layout) != comment_texts(SourceLayout(*written, **again))) {
      result.why = "it would not say the same afterwards, which is a mistake of this program";
      return result;
    }
    result.text = std::move(text);
  } catch (const Unsupported& unsupported) {
    result.why = "it has " + unsupported.why;
  }
  return result;
}

}  // namespace qrules::tools
