// The maps of a rule file: what it imports and declares. A rule, which has the most keys, is read by read_rule.cc.

#include <qrules/rules/declarations.h>

#include <qrules/rules/declared_names.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/map_forms.h>
#include <qrules/rules/map_reader.h>
#include <qrules/rules/read_rule.h>

namespace qrules {
namespace {

using Kind = YamlNode::Kind;

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
    for (const YamlNode* node : rules) read_rule(*node, file_, diagnostics_);
    return std::move(file_);
  }

 private:
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
      return add_invalid_name(*given, "a class", diagnostics_);
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
    Head head = read_head(*given, "a macro", diagnostics_);
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
    Head head = read_head(*given, "a predicate", diagnostics_);
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
    if (!is_plain_name(phase.name)) return add_invalid_name(*given, "a phase", diagnostics_);
    file_.phases.push_back(std::move(phase));
    file_.phase_spans.push_back(given->span);
  }

  RuleFile file_;
  Diagnostics& diagnostics_;
};

}  // namespace

RuleFile read_declarations(const SourcePtr& source, const YamlNode& root, Diagnostics& diagnostics) {
  return FileReader(source, diagnostics).read(root);
}

}  // namespace qrules
