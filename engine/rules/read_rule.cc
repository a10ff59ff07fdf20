#include <qrules/rules/read_rule.h>

#include <algorithm>
#include <limits>

#include <qrules/rules/declared_names.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/map_forms.h>
#include <qrules/rules/map_reader.h>

namespace qrules {
namespace {

using Kind = YamlNode::Kind;

class RuleReader {
 public:
  RuleReader(RuleFile& file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {}

  void read(const YamlNode& node) {
    const size_t errors = diagnostics_.size();
    MapReader map(node, rule_form(), diagnostics_);
    if (!map.valid()) {
      file_.rules_missing = true;
      return;
    }
    RuleDeclaration rule;
    const YamlNode* given = map.required("name", "my-rule");
    rule.name = map.text("name", given);
    rule.doc = map.plain("doc", map.required("doc", "What the rule does, and why it may."));
    const bool lone = file_.phases.size() == 1;
    const YamlNode* phase = map.required("phase", lone ? file_.phases[0].name : "fusion", lone);
    const bool phase_read = phase && phase->kind == Kind::scalar;
    if (phase) rule.phase = {map.plain("phase", phase), phase->span};
    rule.benefit = map.integer("benefit", map.optional("benefit"), std::numeric_limits<int>::min()).value_or(0);
    rule.before = map.names("before", map.optional("before"));
    rule.after = map.names("after", map.optional("after"));
    const YamlNode* variables = map.optional("foreach");
    const bool variables_read = !variables || read_foreach(*variables, rule);
    const YamlNode* match = map.required("match", "|\n  %y = aten.relu.default(%x)");
    rule.match = map.text("match", match);
    rule.members = map.text("members", map.optional("members"));
    const YamlNode* where = map.optional("where");
    rule.where = map.text("where", where);
    const YamlNode* rewrite = map.required("rewrite", "|\n  %y = aten.relu.default(%x)");
    rule.rewrite = map.text("rewrite", rewrite);
    read_counter(map, rule);
    for (const NamedReference& covered : map.names("covers", map.optional("covers")))
      rule.covers.push_back(covered.name);
    read_tests(map, rule);
    if (given && given->kind == Kind::scalar && !is_plain_name(rule.name.text())) {
      add_invalid_name(*given, "a rule", diagnostics_);
      file_.rules_missing = true;
      // Whatever it is called, its texts are looked at.
    }
    const auto is_text = [](const YamlNode* value) { return !value || value->kind == Kind::scalar; };
    rule.complete = given && phase_read && match && rewrite && variables_read && is_text(match) && is_text(where) &&
                    is_text(rewrite) && !map.has_unknown_keys();
    if (!given) file_.rules_missing = true;
    if (!given) return;
    rule.broken = diagnostics_.size() > errors;
    if (!rule.broken) drop_unused_variables(rule);
    file_.rules.push_back(std::move(rule));
  }

 private:
  void drop_unused_variables(RuleDeclaration& rule) {
    std::string texts;
    for (const MappedText* text : {&rule.name, &rule.match, &rule.members, &rule.where, &rule.rewrite})
      texts += text->text() + "\n";
    if (rule.counter) texts += rule.counter->text() + "\n";
    if (rule.counter_when) texts += rule.counter_when->text();
    // A name that there is not is likely one of these, misspelt; that is said where the rule's instances are made.
    for (size_t at = texts.find("${"); at != std::string::npos; at = texts.find("${", at + 2)) {
      const std::string name = texts.substr(at + 2, texts.find_first_of(".}", at) - at - 2);
      const auto is_it = [&](const ForeachVariable& variable) { return variable.name == name; };
      if (std::none_of(rule.foreach_variables.begin(), rule.foreach_variables.end(), is_it)) return;
    }
    std::erase_if(rule.foreach_variables, [&](const ForeachVariable& variable) {
      const std::string use = "${" + variable.name;
      if (texts.find(use + "}") != std::string::npos || texts.find(use + ".") != std::string::npos) return false;
      diagnostics_.add(Diagnostic(kUnusedVariable, variable.span)
                           .with("name", "${" + variable.name + "}")
                           .help("write " + use + "} where its elements differ, or remove it"));
      return true;
    });
  }

  // False when something is wrong with it: the rule's texts would be wrong for that reason alone.
  bool read_foreach(const YamlNode& node, RuleDeclaration& rule) {
    const size_t errors = diagnostics_.size();
    if (node.kind != Kind::map)
      diagnostics_.add(
          MapReader::wrong("`foreach`", node, "a map of names to lists")
              .help("`foreach: {dtype: [f32, bf16]}` makes a rule for each dtype; ${dtype} stands for it"));
    for (const YamlEntry& entry : node.entries) {
      ForeachVariable variable{entry.key, entry.key_span, {}, {}};
      const std::string what = "`" + entry.key + "`";
      if (entry.value->kind != Kind::list || entry.value->elements.empty()) {
        Diagnostic diagnostic = MapReader::wrong(what, *entry.value, "a list with at least one element");
        if (entry.value->kind == Kind::scalar)
          diagnostic = std::move(diagnostic)
                           .fix("a list of one", entry.value->span, "[" + std::string(entry.value->span.text()) + "]");
        else
          diagnostic = std::move(diagnostic).help("the rule is made once for each element of the list");
        diagnostics_.add(std::move(diagnostic));
        continue;
      }
      for (const YamlPtr& element : entry.value->elements) {
        std::map<std::string, MappedText> values;
        if (element->kind == Kind::scalar) {
          values[""] = element->text;
        } else if (element->kind == Kind::map) {
          for (const YamlEntry& value : element->entries) {
            if (value.value->kind == Kind::scalar)
              values[value.key] = value.value->text;
            else
              diagnostics_.add(MapReader::wrong("`" + value.key + "`", *value.value, "a text")
                                   .help("values of an element are texts; put lists and maps in quotes"));
          }
          // The first value names the instance.
          if (!element->entries.empty() && element->entries.front().value->kind == Kind::scalar)
            values[""] = element->entries.front().value->text;
        } else {
          diagnostics_.add(
              MapReader::wrong("an element of " + what, *element, "a text or a map of texts")
                  .help("put a list in quotes, so that it is the text that takes the place of ${" + entry.key + "}"));
        }
        variable.elements.push_back(std::move(values));
        variable.element_spans.push_back(element->entries.empty() ? element->span : element->entries.front().key_span);
      }
      rule.foreach_variables.push_back(std::move(variable));
    }
    return diagnostics_.size() == errors;
  }

  void read_counter(MapReader& map, RuleDeclaration& rule) {
    const YamlNode* node = map.optional("counter");
    if (!node) return;
    if (node->kind == Kind::scalar) {
      rule.counter = node->text;
      return;
    }
    MapReader counter(*node, counter_form(), diagnostics_);
    if (!counter.valid()) return;
    rule.counter = counter.text("name", counter.required("name", "my_counter"));
    if (const YamlNode* when = counter.required("when", "\"users(%y) == 1\""))
      rule.counter_when = counter.text("when", when);
  }

  // The place of a text in its file, as its reader will see it.
  static Span raw(const MappedText& text) {
    if (text.text().empty()) return text.span();
    return {text.file(), text.place_begin(0), text.place_end(text.text().size() - 1)};
  }

  void read_tests(MapReader& map, RuleDeclaration& rule) {
    std::map<std::string, Span> names;
    for (const YamlNode* node : map.list("tests", map.optional("tests"))) {
      const size_t before = rule.tests.size();
      read_test(*node, rule);
      if (rule.tests.size() == before) continue;
      const RuleTest& test = rule.tests.back();
      const auto [first, added] = names.emplace(test.name, test.span);
      if (!added)
        diagnostics_.add(Diagnostic(kDuplicateDefinition, test.span, "named again here")
                             .with("what", "a test")
                             .with("name", test.name)
                             .label(first->second, "first named here")
                             .help("name each test of a rule for what it shows"));
    }
  }

  void read_test(const YamlNode& node, RuleDeclaration& rule) {
    MapReader map(node, test_form(), diagnostics_);
    if (!map.valid()) return;
    RuleTest test;
    const YamlNode* given = map.required("name", "what it shows");
    test.name = map.plain("name", given);
    if (given) test.span = given->span;
    const YamlNode* graph =
        map.required("graph", "|\n  graph(%x: f32[4]) {\n    %y: f32[4] = aten.relu.default(%x)\n    return (%y)\n  }");
    if (graph) test.graph = raw(map.text("graph", graph));
    for (const NamedReference& other : map.names("with", map.optional("with"))) {
      test.with.push_back(other.name);
      test.with_spans.push_back(other.span);
    }
    if (const YamlNode* expect = map.required("expect", "{fires: 1, numerics: true}")) {
      MapReader expected(*expect, expect_form(), diagnostics_);
      if (expected.valid()) {
        test.fires = expected.integer("fires", expected.required("fires", "1"), 0);
        test.numerics = expected.boolean("numerics", expected.optional("numerics"), false);
        if (const YamlNode* because = expected.optional("because")) {
          test.because = expected.plain("because", because);
          test.because_span = because->span;
        }
        if (const YamlNode* result = expected.optional("result")) test.result = raw(expected.text("result", result));
      }
    }
    if (given && graph) rule.tests.push_back(std::move(test));
  }

  RuleFile& file_;
  Diagnostics& diagnostics_;
};

}  // namespace

void read_rule(const YamlNode& node, RuleFile& file, Diagnostics& diagnostics) {
  RuleReader(file, diagnostics).read(node);
}

}  // namespace qrules
