#include <qrules/rules/declarations.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include <qrules/rules/diagnostics.h>

namespace qrules {
namespace {

using Kind = YamlNode::Kind;

// A map of a rule file being read: every key that is not asked for is unknown.
class MapReader {
 public:
  MapReader(const YamlNode& node, std::string where, std::vector<std::string> known, Diagnostics& diagnostics)
      : node_(node), where_(std::move(where)), diagnostics_(diagnostics) {
    if (node.kind != Kind::map) {
      if (node.kind == Kind::null) {
        diagnostics_.add(Diagnostic(kWrongValue, node.span)
                             .with("key", where_)
                             .with("expected", "a map")
                             .with("found", std::string(name(node.kind))));
      } else {
        wrong(where_, node, "a map");
      }
      return;
    }
    valid_ = true;
    for (const YamlEntry& entry : node.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      Diagnostic diagnostic = Diagnostic(kUnknownKey, entry.key_span).with("key", entry.key).with("where", where_);
      if (!diagnostic.suggest(entry.key, known, entry.key_span)) {
        std::string list;
        for (const std::string& key : known) list += (list.empty() ? "" : ", ") + key;
        diagnostic.helps.push_back({"the keys here are " + list, {}, {}});
      }
      diagnostics_.add(std::move(diagnostic));
    }
  }

  bool valid() const { return valid_; }
  const YamlNode* optional(std::string_view key) const {
    const YamlEntry* entry = valid_ ? node_.find(key) : nullptr;
    return entry && entry->value->kind != Kind::null ? entry->value.get() : nullptr;
  }
  const YamlNode* required(std::string_view key) {
    const YamlNode* value = optional(key);
    if (!value && valid_) {
      const YamlEntry* entry = node_.find(key);
      const Span span = entry ? entry->key_span : node_.entries.empty() ? node_.span : node_.entries.front().key_span;
      diagnostics_.add(Diagnostic(kMissingKey, span).with("where", where_).with("key", std::string(key)));
    }
    return value;
  }

  MappedText text(std::string_view key, const YamlNode* value) {
    if (!value) return {};
    if (value->kind != Kind::scalar) {
      wrong(std::string(key), *value, "text");
      return {};
    }
    return value->text;
  }
  std::string plain(std::string_view key, const YamlNode* value) { return text(key, value).text(); }

  std::optional<int> integer(std::string_view key, const YamlNode* value) {
    if (!value) return std::nullopt;
    if (value->kind == Kind::scalar && !value->quoted) {
      const std::string& digits = value->text.text();
      int parsed = 0;
      const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
      if (error == std::errc() && stop == digits.data() + digits.size()) return parsed;
    }
    wrong(std::string(key), *value, "an integer");
    return std::nullopt;
  }

  bool boolean(std::string_view key, const YamlNode* value, bool otherwise) {
    if (!value) return otherwise;
    if (value->kind == Kind::scalar && !value->quoted) {
      if (value->text.text() == "true") return true;
      if (value->text.text() == "false") return false;
    }
    wrong(std::string(key), *value, "true or false");
    return otherwise;
  }

  // A list of texts; a lone text is a list of one.
  std::vector<const YamlNode*> list(std::string_view key, const YamlNode* value, bool lone = false) {
    std::vector<const YamlNode*> result;
    if (!value) return result;
    if (value->kind == Kind::list) {
      for (const YamlPtr& element : value->elements) result.push_back(element.get());
    } else if (lone && value->kind == Kind::scalar) {
      result.push_back(value);
    } else {
      wrong(std::string(key), *value, "a list");
    }
    return result;
  }

  std::vector<NamedReference> names(std::string_view key, const YamlNode* value) {
    std::vector<NamedReference> result;
    for (const YamlNode* element : list(key, value, true)) {
      if (element->kind == Kind::scalar) {
        result.push_back({element->text.text(), element->span});
      } else {
        wrong(std::string(key), *element, "text");
      }
    }
    return result;
  }

  void wrong(const std::string& key, const YamlNode& value, std::string expected) {
    std::string found =
        value.kind == Kind::scalar ? "`" + value.text.text().substr(0, 40) + "`" : std::string(name(value.kind));
    diagnostics_.add(Diagnostic(kWrongValue, value.span)
                         .with("key", key)
                         .with("expected", std::move(expected))
                         .with("found", std::move(found)));
  }

 private:
  const YamlNode& node_;
  std::string where_;
  Diagnostics& diagnostics_;
  bool valid_ = false;
};

bool is_identifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; });
}

// "name(a, b)" into its parts.
bool split_head(const std::string& head, std::string& head_name, std::vector<std::string>& parameters) {
  const size_t open = head.find('(');
  head_name = head.substr(0, open);
  if (!is_identifier(head_name)) return false;
  if (open == std::string::npos) return true;
  if (head.back() != ')') return false;
  std::string inside = head.substr(open + 1, head.size() - open - 2);
  for (size_t at = 0; at < inside.size();) {
    const size_t comma = std::min(inside.find(',', at), inside.size());
    std::string parameter = inside.substr(at, comma - at);
    parameter.erase(0, parameter.find_first_not_of(" %"));
    parameter.erase(parameter.find_last_not_of(' ') + 1);
    if (!is_identifier(parameter) || std::find(parameters.begin(), parameters.end(), parameter) != parameters.end())
      return false;
    parameters.push_back(std::move(parameter));
    at = comma + 1;
  }
  return true;
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
    MapReader map(root, "a rule file",
                  {"qrules", "doc", "import", "operators", "classes", "macros", "predicates", "rules", "phases"},
                  diagnostics_);
    if (!map.valid()) return std::move(file_);
    if (const YamlNode* version = map.required("qrules")) {
      if (version->kind != Kind::scalar || version->text.text() != "1") {
        diagnostics_.add(Diagnostic(kUnsupportedVersion, version->span)
                             .with("version", version->kind == Kind::scalar ? version->text.text()
                                                                            : std::string(name(version->kind))));
      }
    }
    map.plain("doc", map.optional("doc"));
    file_.imports = map.names("import", map.optional("import"));
    read_operators(map);
    for (const YamlNode* node : map.list("classes", map.optional("classes"))) read_class(*node);
    for (const YamlNode* node : map.list("macros", map.optional("macros"))) read_macro(*node);
    for (const YamlNode* node : map.list("predicates", map.optional("predicates"))) read_predicate(*node);
    for (const YamlNode* node : map.list("phases", map.optional("phases"))) read_phase(*node);
    for (const YamlNode* node : map.list("rules", map.optional("rules"))) read_rule(*node);
    return std::move(file_);
  }

 private:
  void invalid_name(const Span& span, const std::string& given, std::string what) {
    diagnostics_.add(Diagnostic(kInvalidName, span).with("name", given).with("what", std::move(what)));
  }

  void read_operators(MapReader& map) {
    const YamlNode* node = map.optional("operators");
    if (!node) return;
    if (node->kind != Kind::map) return map.wrong("operators", *node, "a map");
    for (const YamlEntry& entry : node->entries) {
      if (entry.value->kind != Kind::scalar) {
        map.wrong(entry.key, *entry.value, "a schema");
        continue;
      }
      file_.operators.push_back({entry.key, entry.value->text.text(), entry.value->span});
    }
  }

  void read_class(const YamlNode& node) {
    MapReader map(node, "a class", {"name", "doc", "ops"}, diagnostics_);
    if (!map.valid()) return;
    ClassDeclaration declared;
    const YamlNode* given = map.required("name");
    declared.name = map.plain("name", given);
    declared.doc = map.plain("doc", map.optional("doc"));
    const YamlNode* ops = map.required("ops");
    for (const YamlNode* element : map.list("ops", ops, true)) {
      MappedText text = map.text("ops", element);
      if (!text.text().empty()) declared.entries.push_back(std::move(text));
    }
    if (!given) return;
    declared.span = given->span;
    if (!is_identifier(declared.name)) return invalid_name(given->span, declared.name, "a class");
    file_.classes.push_back(std::move(declared));
  }

  void read_macro(const YamlNode& node) {
    MapReader map(node, "a macro", {"name", "doc", "is", "any"}, diagnostics_);
    if (!map.valid()) return;
    MacroDeclaration declared;
    const YamlNode* given = map.required("name");
    declared.doc = map.plain("doc", map.optional("doc"));
    std::vector<const YamlNode*> bodies = map.list("any", map.optional("any"), true);
    if (const YamlNode* body = map.optional("is"))
      bodies.push_back(body);
    else if (bodies.empty())
      map.required("is");
    for (const YamlNode* body : bodies) {
      MappedText text = map.text("is", body);
      if (body->kind != Kind::scalar) continue;
      if (syntax::PatternPtr parsed = syntax::parse_pattern(text, diagnostics_))
        declared.alternatives.push_back(std::move(parsed));
    }
    if (!given) return;
    declared.span = given->span;
    const std::string head = map.plain("name", given);
    if (!split_head(head, declared.name, declared.parameters)) return invalid_name(given->span, head, "a macro");
    file_.macros.push_back(std::move(declared));
  }

  void read_predicate(const YamlNode& node) {
    MapReader map(node, "a predicate", {"name", "doc", "is"}, diagnostics_);
    if (!map.valid()) return;
    PredicateDeclaration declared;
    const YamlNode* given = map.required("name");
    declared.doc = map.plain("doc", map.optional("doc"));
    if (const YamlNode* body = map.required("is")) {
      MappedText text = map.text("is", body);
      if (body->kind == Kind::scalar) declared.body = syntax::parse_expression(text, diagnostics_);
    }
    if (!given) return;
    declared.span = given->span;
    const std::string head = map.plain("name", given);
    if (!split_head(head, declared.name, declared.parameters)) return invalid_name(given->span, head, "a predicate");
    file_.predicates.push_back(std::move(declared));
  }

  void read_phase(const YamlNode& node) {
    MapReader map(node, "a phase", {"name", "doc", "strategy", "before"}, diagnostics_);
    if (!map.valid()) return;
    Phase phase;
    const YamlNode* given = map.required("name");
    phase.name = map.plain("name", given);
    phase.doc = map.plain("doc", map.optional("doc"));
    if (const YamlNode* strategy = map.optional("strategy")) {
      const std::string text = map.plain("strategy", strategy);
      phase.fixpoint = text != "once";
      if (text != "once" && text != "fixpoint") map.wrong("strategy", *strategy, "`fixpoint` or `once`");
    }
    if (const YamlNode* before = map.optional("before")) {
      for (const NamedReference& step : map.names("before", before)) {
        if (step.name == "merge-duplicates") {
          phase.merge_duplicates = true;
        } else {
          diagnostics_.add(Diagnostic(kWrongValue, step.span)
                               .with("key", "before")
                               .with("expected", "`merge-duplicates`")
                               .with("found", "`" + step.name + "`"));
        }
      }
    }
    if (!given) return;
    if (!is_plain_name(phase.name)) return invalid_name(given->span, phase.name, "a phase");
    file_.phases.push_back(std::move(phase));
    file_.phase_spans.push_back(given->span);
  }

  void read_rule(const YamlNode& node) {
    MapReader map(node, "a rule",
                  {"name", "doc", "phase", "benefit", "before", "after", "foreach", "match", "members", "where", "rewrite",
                   "counter", "covers", "tests"},
                  diagnostics_);
    if (!map.valid()) return;
    RuleDeclaration rule;
    const YamlNode* given = map.required("name");
    rule.name = map.text("name", given);
    rule.doc = map.plain("doc", map.required("doc"));
    const YamlNode* phase = map.required("phase");
    if (phase) rule.phase = {map.plain("phase", phase), phase->span};
    rule.benefit = map.integer("benefit", map.optional("benefit")).value_or(0);
    rule.before = map.names("before", map.optional("before"));
    rule.after = map.names("after", map.optional("after"));
    const YamlNode* variables = map.optional("foreach");
    const bool variables_read = !variables || read_foreach(map, *variables, rule);
    const YamlNode* match = map.required("match");
    rule.match = map.text("match", match);
    rule.members = map.text("members", map.optional("members"));
    rule.where = map.text("where", map.optional("where"));
    const YamlNode* rewrite = map.required("rewrite");
    rule.rewrite = map.text("rewrite", rewrite);
    read_counter(map, rule);
    for (const NamedReference& covered : map.names("covers", map.optional("covers")))
      rule.covers.push_back(covered.name);
    for (const YamlNode* test : map.list("tests", map.optional("tests"))) read_test(*test, rule);
    if (!given || !phase || !match || !rewrite || !variables_read) return;
    if (!is_plain_name(rule.name.text())) return invalid_name(given->span, rule.name.text(), "a rule");
    file_.rules.push_back(std::move(rule));
  }

  // False when something is wrong with it: the rule's texts would be wrong for that reason alone.
  bool read_foreach(MapReader& map, const YamlNode& node, RuleDeclaration& rule) {
    const size_t errors = diagnostics_.size();
    if (node.kind != Kind::map) map.wrong("foreach", node, "a map of names to lists");
    for (const YamlEntry& entry : node.entries) {
      ForeachVariable variable{entry.key, entry.key_span, {}};
      if (entry.value->kind != Kind::list || entry.value->elements.empty()) {
        map.wrong(entry.key, *entry.value, "a list with at least one element");
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
              map.wrong(value.key, *value.value, "text");
          }
          // The first value names the instance.
          if (!element->entries.empty() && element->entries.front().value->kind == Kind::scalar)
            values[""] = element->entries.front().value->text;
        } else {
          map.wrong(entry.key, *element, "text or a map of texts");
        }
        variable.elements.push_back(std::move(values));
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
    MapReader counter(*node, "`counter`", {"name", "when"}, diagnostics_);
    if (!counter.valid()) return;
    rule.counter = counter.text("name", counter.required("name"));
    if (const YamlNode* when = counter.required("when")) rule.counter_when = counter.text("when", when);
  }

  // The place of a text in its file, as its reader will see it.
  static Span raw(const MappedText& text) {
    if (text.text().empty()) return text.span();
    return {text.file(), text.place_begin(0), text.place_end(text.text().size() - 1)};
  }

  void read_test(const YamlNode& node, RuleDeclaration& rule) {
    MapReader map(node, "a rule test", {"name", "graph", "expect", "with"}, diagnostics_);
    if (!map.valid()) return;
    RuleTest test;
    const YamlNode* given = map.required("name");
    test.name = map.plain("name", given);
    if (given) test.span = given->span;
    const YamlNode* graph = map.required("graph");
    if (graph) test.graph = raw(map.text("graph", graph));
    for (const NamedReference& other : map.names("with", map.optional("with"))) test.with.push_back(other.name);
    if (const YamlNode* expect = map.required("expect")) {
      MapReader expected(*expect, "`expect`", {"fires", "numerics", "because", "result"}, diagnostics_);
      if (expected.valid()) {
        test.fires = expected.integer("fires", expected.required("fires"));
        test.numerics = expected.boolean("numerics", expected.optional("numerics"), false);
        test.because = expected.plain("because", expected.optional("because"));
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

MappedText substitute(const MappedText& text, const std::map<std::string, MappedText>& values,
                      Diagnostics& diagnostics) {
  const std::string& from = text.text();
  MappedText result(text.file());
  result.set_place(text.span().begin, text.span().end);
  for (size_t i = 0; i < from.size();) {
    const size_t close = from.compare(i, 2, "${") == 0 ? from.find('}', i) : std::string::npos;
    if (close == std::string::npos) {
      result.append(from[i], text.place_begin(i), text.place_end(i));
      ++i;
      continue;
    }
    const std::string key = from.substr(i + 2, close - i - 2);
    auto found = values.find(key);
    if (found == values.end()) {
      std::vector<std::string> known;
      for (const auto& [candidate, value] : values) known.push_back(candidate);
      const Span span = text.span(i, close + 1);
      Diagnostic diagnostic = Diagnostic(kUnknownTemplateName, span).with("name", key);
      if (auto near = did_you_mean(key, known))
        diagnostic.helps.push_back({"did you mean `" + *near + "`?", span, "${" + *near + "}"});
      diagnostics.add(std::move(diagnostic));
    } else {
      result.append(found->second.text(), text.place_begin(i), text.place_end(close));
    }
    i = close + 1;
  }
  return result;
}

}  // namespace qrules
