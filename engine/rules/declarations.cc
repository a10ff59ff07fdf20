#include <qrules/rules/declarations.h>

#include <algorithm>
#include <cctype>
#include <limits>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/map_reader.h>

namespace qrules {
namespace {

using Kind = YamlNode::Kind;

bool is_identifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; });
}

const MapForm& file_form() {
  static const MapForm form{
      "a rule file",
      {"qrules", "doc", "import", "operators", "classes", "macros", "predicates", "rules", "phases"},
      {{"version", "qrules"},
       {"description", "doc"},
       {"imports", "import"},
       {"include", "import"},
       {"includes", "import"},
       {"use", "import"},
       {"ops", "operators"},
       {"schemas", "operators"},
       {"groups", "classes"},
       {"sets", "classes"},
       {"patterns", "macros"},
       {"templates", "macros"},
       {"functions", "predicates"},
       {"conditions", "predicates"},
       {"pipeline", "phases"},
       {"passes", "phases"},
       {"stages", "phases"}}};
  return form;
}
const MapForm& class_form() {
  static const MapForm form{"a class",
                            {"name", "doc", "ops"},
                            {{"operators", "ops"},
                             {"members", "ops"},
                             {"is", "ops"},
                             {"any", "ops"},
                             {"description", "doc"},
                             {"comment", "doc"}}};
  return form;
}
const MapForm& macro_form() {
  static const MapForm form{"a macro",
                            {"name", "doc", "is", "any"},
                            {{"match", "is"},
                             {"pattern", "is"},
                             {"body", "is"},
                             {"expands", "is"},
                             {"patterns", "any"},
                             {"alternatives", "any"},
                             {"one_of", "any"},
                             {"description", "doc"},
                             {"comment", "doc"}}};
  return form;
}
const MapForm& predicate_form() {
  static const MapForm form{"a predicate",
                            {"name", "doc", "is"},
                            {{"where", "is"},
                             {"condition", "is"},
                             {"if", "is"},
                             {"body", "is"},
                             {"expr", "is"},
                             {"expression", "is"},
                             {"description", "doc"},
                             {"comment", "doc"}}};
  return form;
}
const MapForm& phase_form() {
  static const MapForm form{"a phase",
                            {"name", "doc", "strategy", "before"},
                            {{"description", "doc"}, {"mode", "strategy"}, {"order", "strategy"}}};
  return form;
}
const MapForm& rule_form() {
  static const MapForm form{
      "a rule",
      {"name", "doc", "phase", "benefit", "before", "after", "foreach", "match", "members", "where", "rewrite",
       "counter", "covers", "tests"},
      {{"id", "name"},          {"rule", "name"},           {"title", "name"},        {"description", "doc"},
       {"comment", "doc"},      {"summary", "doc"},         {"help", "doc"},          {"stage", "phase"},
       {"pass", "phase"},       {"priority", "benefit"},    {"weight", "benefit"},    {"for_each", "foreach"},
       {"for", "foreach"},      {"matrix", "foreach"},      {"template", "foreach"},  {"pattern", "match"},
       {"find", "match"},       {"source", "match"},        {"from", "match"},        {"if", "where"},
       {"when", "where"},       {"guard", "where"},         {"guards", "where"},      {"condition", "where"},
       {"conditions", "where"}, {"constraint", "where"},    {"constraints", "where"}, {"requires", "where"},
       {"replace", "rewrite"},  {"replacement", "rewrite"}, {"then", "rewrite"},      {"to", "rewrite"},
       {"target", "rewrite"},   {"result", "rewrite"},      {"fix", "rewrite"},       {"counts", "counter"},
       {"examples", "tests"},   {"cases", "tests"}}};
  return form;
}
const MapForm& test_form() {
  static const MapForm form{"a rule test",
                            {"name", "graph", "expect", "with"},
                            {{"description", "name"},
                             {"title", "name"},
                             {"id", "name"},
                             {"input", "graph"},
                             {"before", "graph"},
                             {"model", "graph"},
                             {"code", "graph"},
                             {"expected", "expect"},
                             {"expects", "expect"},
                             {"assert", "expect"},
                             {"check", "expect"},
                             {"rules", "with"}}};
  return form;
}
const MapForm& expect_form() {
  static const MapForm form{"`expect`",
                            {"fires", "numerics", "because", "result"},
                            {{"count", "fires"},
                             {"matches", "fires"},
                             {"times", "fires"},
                             {"fired", "fires"},
                             {"reason", "because"},
                             {"why", "because"},
                             {"refused", "because"},
                             {"numeric", "numerics"},
                             {"numerical", "numerics"},
                             {"equal", "numerics"},
                             {"graph", "result"},
                             {"after", "result"},
                             {"output", "result"}}};
  return form;
}
const MapForm& counter_form() {
  static const MapForm form{
      "`counter`", {"name", "when"}, {{"if", "when"}, {"where", "when"}, {"condition", "when"}, {"id", "name"}}};
  return form;
}

// "name(a, b)" in its parts; `why` it cannot be, or empty.
struct Head {
  std::string name;
  std::vector<std::string> parameters;
  std::string why;
  size_t begin = 0, end = 0;  // of what is wrong, in the text
  std::string mended;         // what was meant, where that is clear
};

Head split_head(const std::string& text) {
  Head head;
  const size_t open = text.find('(');
  head.name = text.substr(0, open);
  while (!head.name.empty() && head.name.back() == ' ') head.name.pop_back();
  head.end = text.size();
  if (!is_identifier(head.name)) {
    head.why = head.name.empty() ? "a name comes first" : "`" + head.name + "` is no word of letters, digits and `_`";
    head.end = std::min(open, text.size());
    std::string word = head.name;
    std::replace_if(
        word.begin(), word.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    if (is_identifier(word)) head.mended = word + (open == std::string::npos ? "" : text.substr(open));
    head.name = word;
    return head;
  }
  if (open == std::string::npos) {
    if (head.name.size() == text.size()) return head;
    head.why = "something follows the name";
    head.begin = head.name.size();
    return head;
  }
  const size_t close = text.find_last_not_of(' ');
  if (text[close] != ')') {
    head.why = "`(` is not closed";
    head.begin = open;
    head.end = open + 1;
    head.mended = text.substr(0, close + 1) + ")";
    return head;
  }
  for (size_t at = open + 1; at < close;) {
    const size_t comma = std::min(text.find(',', at), close);
    size_t begin = at, end = comma;
    while (begin < end && (text[begin] == ' ' || text[begin] == '%')) ++begin;
    while (end > begin && text[end - 1] == ' ') --end;
    const std::string parameter = text.substr(begin, end - begin);
    const bool twice = std::find(head.parameters.begin(), head.parameters.end(), parameter) != head.parameters.end();
    if (twice || !is_identifier(parameter)) {
      head.why = twice               ? "`" + parameter + "` is named twice"
                 : parameter.empty() ? "a parameter has no name"
                                     : "`" + parameter + "` is no name of a parameter";
      head.begin = begin;
      head.end = std::max(end, begin + 1);
      return head;
    }
    head.parameters.push_back(parameter);
    at = comma + 1;
  }
  return head;
}

class FileReader {
 public:
  FileReader(const SourcePtr& source, Diagnostics& diagnostics) : diagnostics_(diagnostics) { file_.source = source; }

  RuleFile read(const YamlNode& root) {
    if (root.kind == Kind::null) {
      diagnostics_.add(Diagnostic(kMissingKey, Span{file_.source, 0, 0})
                           .with("where", "a rule file")
                           .with("key", "qrules")
                           .help("the file is empty; a rule file begins with `qrules: 1`"));
      return std::move(file_);
    }
    MapReader map(root, file_form(), diagnostics_);
    if (!map.valid()) return std::move(file_);
    if (const YamlNode* version = map.required("qrules", "1", true)) {
      if (version->kind != Kind::scalar || version->text.text() != "1") {
        diagnostics_.add(Diagnostic(kUnsupportedVersion, version->span, "this program reads version 1")
                             .with("version", version->kind == Kind::scalar ? version->text.text()
                                                                            : std::string(name(version->kind)))
                             .propose("the version of the language is 1", version->span, "1"));
      }
    }
    map.plain("doc", map.optional("doc"));
    const size_t errors = diagnostics_.size();
    file_.imports = map.names("import", map.optional("import"));
    read_operators(map);
    const std::vector<const YamlNode*> classes = map.list("classes", map.optional("classes"));
    const std::vector<const YamlNode*> macros = map.list("macros", map.optional("macros"));
    const std::vector<const YamlNode*> predicates = map.list("predicates", map.optional("predicates"));
    if (diagnostics_.size() > errors || map.has_unknown_keys()) file_.names_missing = true;
    for (const YamlNode* node : classes) read_class(*node);
    for (const YamlNode* node : macros) read_macro(*node);
    for (const YamlNode* node : predicates) read_predicate(*node);
    read_phases(map);
    const size_t before_rules = diagnostics_.size();
    const std::vector<const YamlNode*> rules = map.list("rules", map.optional("rules"));
    if (diagnostics_.size() > before_rules || map.has_unknown_keys()) file_.rules_missing = true;
    for (const YamlNode* node : rules) read_rule(*node);
    return std::move(file_);
  }

 private:
  void invalid_name(const YamlNode& given, std::string what) {
    const std::string& written = given.text.text();
    std::string plain = written;
    std::replace_if(
        plain.begin(), plain.end(),
        [&](char c) {
          return !(std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (c == '-' && what != "a class"));
        },
        what == "a class" ? '_' : '-');
    Diagnostic diagnostic = Diagnostic(kInvalidName, given.span).with("name", written).with("what", what);
    const bool class_name = what == "a class";
    if (class_name ? is_identifier(plain) : is_plain_name(plain)) {
      diagnostic = std::move(diagnostic)
                       .fix(class_name ? "classes are named with letters, digits and `_`"
                                       : "names have letters, digits, `-` and `_`",
                            given.span, plain);
    } else {
      diagnostic = std::move(diagnostic).help("give it a name of letters, digits, `-` and `_`");
    }
    diagnostics_.add(std::move(diagnostic));
  }

  // The parts of a macro's or predicate's name; what is wrong with it is reported.
  Head head_of(const YamlNode& given, const std::string& what) {
    Head head = split_head(given.text.text());
    if (head.why.empty()) return head;
    Diagnostic diagnostic = Diagnostic(kInvalidName, given.text.span(head.begin, head.end), head.why)
                                .with("name", given.text.text())
                                .with("what", what);
    if (!head.mended.empty()) {
      diagnostic =
          std::move(diagnostic)
              .fix("a name with parameters is `name(a, b)`", given.text.span(0, given.text.text().size()), head.mended);
    } else {
      diagnostic = std::move(diagnostic).help("a name with parameters is `name(a, b)`, each named once");
    }
    diagnostics_.add(std::move(diagnostic));
    return head;
  }

  void read_operators(MapReader& map) {
    const YamlNode* node = map.optional("operators");
    if (!node) return;
    if (node->kind != Kind::map) {
      diagnostics_.add(MapReader::wrong("`operators`", *node, "a map")
                           .help("operators are declared as `my.op.default: \"(Tensor x) -> Tensor\"`"));
      return;
    }
    for (const YamlEntry& entry : node->entries) {
      if (entry.value->kind != Kind::scalar) {
        diagnostics_.add(MapReader::wrong("`" + entry.key + "`", *entry.value, "a schema")
                             .help("a schema is a text like \"(Tensor x, int dim=0) -> Tensor\""));
        continue;
      }
      file_.operators.push_back({entry.key, entry.value->text.text(), entry.value->span});
    }
  }

  void read_class(const YamlNode& node) {
    const size_t errors = diagnostics_.size();
    MapReader map(node, class_form(), diagnostics_);
    ClassDeclaration declared;
    const YamlNode* given = map.valid() ? map.required("name", "my_class") : nullptr;
    declared.name = map.plain("name", given);
    declared.doc = map.plain("doc", map.optional("doc"));
    const YamlNode* ops = map.valid() ? map.required("ops", "[aten.relu.default]") : nullptr;
    for (const YamlNode* element : map.list("ops", ops, true)) {
      MappedText text = map.text("an element of ops", element);
      if (!text.text().empty()) declared.entries.push_back(std::move(text));
    }
    if (!given || given->kind != Kind::scalar) {
      file_.names_missing = true;
      return;
    }
    declared.span = given->span;
    if (!is_identifier(declared.name)) {
      file_.names_missing = true;
      return invalid_name(*given, "a class");
    }
    declared.broken = diagnostics_.size() > errors;
    file_.classes.push_back(std::move(declared));
  }

  void read_macro(const YamlNode& node) {
    const size_t errors = diagnostics_.size();
    MapReader map(node, macro_form(), diagnostics_);
    MacroDeclaration declared;
    const YamlNode* given = map.valid() ? map.required("name", "\"my_macro(x)\"") : nullptr;
    declared.doc = map.plain("doc", map.optional("doc"));
    std::vector<const YamlNode*> bodies = map.list("any", map.optional("any"), true);
    if (const YamlNode* body = map.optional("is"))
      bodies.push_back(body);
    else if (bodies.empty() && map.valid())
      map.required("is", "aten.relu.default(%x)");
    for (const YamlNode* body : bodies) {
      MappedText text = map.text("is", body);
      if (body->kind != Kind::scalar) continue;
      if (syntax::PatternPtr parsed = syntax::parse_pattern(text, diagnostics_))
        declared.alternatives.push_back(std::move(parsed));
    }
    if (!given || given->kind != Kind::scalar) {
      file_.names_missing = true;
      return;
    }
    Head head = head_of(*given, "a macro");
    declared.span = given->span;
    declared.name = std::move(head.name);
    declared.parameters = std::move(head.parameters);
    declared.broken = diagnostics_.size() > errors || declared.alternatives.empty();
    file_.macros.push_back(std::move(declared));
  }

  void read_predicate(const YamlNode& node) {
    const size_t errors = diagnostics_.size();
    MapReader map(node, predicate_form(), diagnostics_);
    PredicateDeclaration declared;
    const YamlNode* given = map.valid() ? map.required("name", "\"my_predicate(x)\"") : nullptr;
    declared.doc = map.plain("doc", map.optional("doc"));
    if (const YamlNode* body = map.valid() ? map.required("is", "rank(x) == 2") : nullptr) {
      MappedText text = map.text("is", body);
      if (body->kind == Kind::scalar) declared.body = syntax::parse_expression(text, diagnostics_);
    }
    if (!given || given->kind != Kind::scalar) {
      file_.names_missing = true;
      return;
    }
    Head head = head_of(*given, "a predicate");
    declared.span = given->span;
    declared.name = std::move(head.name);
    declared.parameters = std::move(head.parameters);
    declared.broken = diagnostics_.size() > errors || !declared.body;
    file_.predicates.push_back(std::move(declared));
  }

  void read_phases(MapReader& map) {
    const size_t errors = diagnostics_.size();
    const YamlNode* phases = map.optional("phases");
    if (phases && phases->kind == Kind::scalar) {
      diagnostics_.add(MapReader::wrong("`phases`", *phases, "a list")
                           .fix("a list of phases", phases->span, "[{name: " + phases->text.text() + "}]"));
      named_phase(*phases);
    } else {
      for (const YamlNode* node : map.list("phases", phases)) read_phase(*node);
    }
    if (diagnostics_.size() > errors) file_.phases_missing = true;
  }

  void named_phase(const YamlNode& node) {
    if (!is_plain_name(node.text.text())) return;
    Phase phase;
    phase.name = node.text.text();
    file_.phases.push_back(std::move(phase));
    file_.phase_spans.push_back(node.span);
  }

  void read_phase(const YamlNode& node) {
    if (node.kind == Kind::scalar) {
      diagnostics_.add(MapReader::wrong("a phase", node, "a map")
                           .fix("a phase is a map with a name", node.span, "{name: " + node.text.text() + "}"));
      return named_phase(node);
    }
    MapReader map(node, phase_form(), diagnostics_);
    if (!map.valid()) return;
    Phase phase;
    const YamlNode* given = map.required("name", "main");
    phase.name = map.plain("name", given);
    phase.doc = map.plain("doc", map.optional("doc"));
    if (const YamlNode* strategy = map.optional("strategy")) {
      const std::string text = map.plain("strategy", strategy);
      phase.fixpoint = text != "once";
      if (text != "once" && text != "fixpoint" && strategy->kind == Kind::scalar) {
        Diagnostic diagnostic = MapReader::wrong("`strategy`", *strategy, "`fixpoint` or `once`");
        if (!diagnostic.suggest(text, {"fixpoint", "once"}, strategy->span))
          diagnostic.helps.push_back(
              {"`fixpoint` applies the rules until none matches, `once` visits each node once", {}, {}});
        diagnostics_.add(std::move(diagnostic));
      }
    }
    for (const NamedReference& step : map.names("before", map.optional("before"))) {
      if (step.name == "merge-duplicates") {
        phase.merge_duplicates = true;
        continue;
      }
      diagnostics_.add(Diagnostic(kWrongValue, step.span, "expected `merge-duplicates`")
                           .with("key", "`before`")
                           .with("expected", "`merge-duplicates`")
                           .with("found", "`" + step.name + "`")
                           .propose("the one step there is before a phase", step.span, "merge-duplicates"));
    }
    if (!given || given->kind != Kind::scalar) return;
    if (!is_plain_name(phase.name)) return invalid_name(*given, "a phase");
    file_.phases.push_back(std::move(phase));
    file_.phase_spans.push_back(given->span);
  }

  void read_rule(const YamlNode& node) {
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
      invalid_name(*given, "a rule");
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

  RuleFile file_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool is_plain_name(std::string_view given) {
  if (given.empty()) return false;
  return std::all_of(given.begin(), given.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; });
}

RuleFile read_declarations(const SourcePtr& source, const YamlNode& root, Diagnostics& diagnostics) {
  return FileReader(source, diagnostics).read(root);
}

MappedText substitute(const MappedText& text, const std::map<std::string, MappedText>& values, Diagnostics& diagnostics,
                      std::vector<Substitution>* made) {
  const std::string& from = text.text();
  MappedText result(text.file());
  result.set_place(text.span().begin, text.span().end);
  for (size_t i = 0; i < from.size();) {
    if (from.compare(i, 2, "${") != 0) {
      result.append(from[i], text.place_begin(i), text.place_end(i));
      ++i;
      continue;
    }
    size_t close = i + 2;
    const auto is_part = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' || c == ' ';
    };
    while (close < from.size() && is_part(from[close])) ++close;
    if (close == from.size() || from[close] != '}') {
      diagnostics.add(Diagnostic(kUnclosedTemplate, text.span(i, i + 2), "opened here")
                          .fix("close it", text.span(close, close), "}"));
      return result;
    }
    const std::string key = from.substr(i + 2, close - i - 2);
    const Span span = text.span(i, close + 1);
    auto found = values.find(key);
    if (found == values.end()) {
      std::vector<std::string> known;
      for (const auto& [candidate, value] : values) known.push_back(candidate);
      Diagnostic diagnostic = Diagnostic(kUnknownTemplateName, span).with("name", key);
      if (known.empty()) {
        diagnostic.helps.push_back(
            {"the rule has no `foreach`; `foreach: {" + key + ": [a, b]}` makes one rule for each element", {}, {}});
      } else if (auto near = did_you_mean(key, known)) {
        diagnostic = std::move(diagnostic).fix("did you mean `" + *near + "`?", span, "${" + *near + "}");
      } else {
        std::string list;
        for (const std::string& name : known) list += (list.empty() ? "${" : ", ${") + name + "}";
        diagnostic.helps.push_back({"`foreach` gives " + list, {}, {}});
      }
      diagnostics.add(std::move(diagnostic));
    } else {
      result.append(found->second.text(), text.place_begin(i), text.place_end(close));
      if (made) made->push_back({span, found->second.span(), key, found->second.text()});
    }
    i = close + 1;
  }
  return result;
}

}  // namespace qrules
