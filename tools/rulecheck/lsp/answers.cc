// See answers.h. Everything is looked up in the index that the loader filled (qrules/rules/index.h).

#include <rulecheck/lsp/answers.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>

#include <qrules/rules/load.h>
#include <rulecheck/listing.h>
#include <rulecheck/lsp/schema.h>

namespace qrules::tools::lsp {
namespace {

using nlohmann::json;

constexpr int kMethod = 6, kFunction = 12, kClass = 5, kEvent = 24, kNamespace = 3;  // of SymbolKind

// Text for people: markdown, or the same without its signs.
class Page {
 public:
  explicit Page(bool markdown) : markdown_(markdown) {}
  Page& code(const std::string& text) { return add(markdown_ ? "```qrules\n" + text + "\n```" : text); }
  Page& text(const std::string& text) { return text.empty() ? *this : add(text); }
  bool empty() const { return text_.empty(); }
  json contents() const { return {{"kind", markdown_ ? "markdown" : "plaintext"}, {"value", text_}}; }

 private:
  Page& add(const std::string& text) {
    if (!text_.empty()) text_ += "\n\n";
    text_ += text;
    return *this;
  }
  bool markdown_;
  std::string text_;
};

std::string call_of(const std::string& name, const std::vector<std::string>& arguments) {
  std::string text = name + "(";
  for (size_t i = 0; i < arguments.size(); ++i) text += (i ? ", " : "") + arguments[i];
  return text + ")";
}

// A body with each parameter replaced by what a use gives for it. `sign` stands before names in the body (%, nothing).
std::string expand(const std::string& body, const std::string& sign, const std::vector<std::string>& parameters,
                   const std::vector<std::string>& arguments) {
  const auto is_word = [&](size_t i) {
    return i < body.size() && (std::isalnum(static_cast<unsigned char>(body[i])) || body[i] == '_');
  };
  std::string result;
  for (size_t i = 0; i < body.size();) {
    const bool starts = body.compare(i, sign.size(), sign) == 0 &&
                        (sign.empty() ? i == 0 || (!is_word(i - 1) && body[i - 1] != '.' && body[i - 1] != '%') : true);
    size_t end = i + sign.size();
    while (is_word(end)) ++end;
    const std::string word = body.substr(i + sign.size(), end - i - sign.size());
    const auto found = std::find(parameters.begin(), parameters.end(), word);
    const auto at = static_cast<size_t>(found - parameters.begin());
    if (starts && !word.empty() && found != parameters.end() && at < arguments.size()) {
      result += arguments[at];
      i = end;
    } else {
      result += body[i++];
    }
  }
  return result;
}

const IndexedFile* file_of(const Question& question) {
  auto found = question.checked.index->files.find(question.document.source->name());
  return found == question.checked.index->files.end() ? nullptr : &found->second;
}

void hover_op(const Question& question, const std::string& name, Page& page) {
  const OperatorTable& operators = *question.checked.operators;
  if (const auto op = operators.find(name); op && operators.signature(*op)) {
    page.code(describe(name, *operators.signature(*op)));
    if (operators.commutative(*op)) page.text("Its first two operands may be exchanged.");
    return;
  }
  std::string all;
  for (const std::string& overload : operators.overloads(name)) {
    if (const auto op = operators.find(overload); op && operators.signature(*op))
      all += (all.empty() ? "" : "\n") + describe(overload, *operators.signature(*op));
  }
  if (!all.empty()) page.code(all);
}

void hover_macro(const Mention& mention, const Scope& scope, Page& page) {
  auto found = scope.macros.find(mention.name);
  if (found == scope.macros.end()) return;
  const MacroDeclaration& macro = *found->second;
  page.code(call_of(macro.name, macro.parameters)).text(macro.doc);
  std::string bodies;
  for (const syntax::PatternPtr& alternative : macro.alternatives) {
    const std::string body(alternative->span.text());
    bodies += (bodies.empty() ? "" : "\n| ") + expand(body, "%", macro.parameters, mention.arguments);
  }
  page.text(mention.arguments.empty() ? "It stands for" : "Here it stands for").code(bodies);
}

void hover_predicate(const Mention& mention, const Scope& scope, Page& page) {
  auto found = scope.predicates.find(mention.name);
  if (found == scope.predicates.end()) return;
  const PredicateDeclaration& predicate = *found->second;
  page.code(call_of(predicate.name, predicate.parameters)).text(predicate.doc);
  if (!predicate.body) return;
  const std::string body(predicate.body->span.text());
  page.text(mention.arguments.empty() ? "It stands for" : "Here it stands for")
      .code(expand(body, "", predicate.parameters, mention.arguments));
}

void hover_class(const std::string& name, const Scope& scope, Page& page) {
  auto found = scope.classes.find(name);
  if (found == scope.classes.end()) return;
  std::string members;
  for (const MappedText& entry : found->second->entries) members += (members.empty() ? "" : "\n") + entry.text();
  page.code("@" + name).text(found->second->doc).code(members);
}

void hover_value(const Mention& mention, Page& page) {
  page.code("%" + mention.name + (mention.type.empty() ? "" : ": " + mention.type));
  if (!mention.role.empty()) page.text("binds").code(mention.role);
}

void hover_import(const Mention& mention, const RuleIndex& index, Page& page) {
  auto found = index.files.find(mention.role);
  if (found == index.files.end()) return;
  const RuleFile& file = *found->second.file;
  std::string all;
  const auto add = [&](const std::string& text) { all += (all.empty() ? "" : "\n") + text; };
  for (const ClassDeclaration& declared : file.classes) add("@" + declared.name);
  for (const MacroDeclaration& declared : file.macros) add(call_of(declared.name, declared.parameters));
  for (const PredicateDeclaration& declared : file.predicates) add(call_of(declared.name, declared.parameters));
  page.text("What it declares:").code(all.empty() ? "nothing" : all);
}

void hover_mention(const Question& question, const Mention& mention, Page& page) {
  const RuleIndex& index = *question.checked.index;
  static const Scope kNothing;
  const IndexedFile* file = file_of(question);
  const Scope& scope = file ? file->scope : kNothing;
  switch (mention.kind) {
    case MentionKind::op: hover_op(question, mention.name, page); break;
    case MentionKind::macro: hover_macro(mention, scope, page); break;
    case MentionKind::predicate: hover_predicate(mention, scope, page); break;
    case MentionKind::function:
      if (const Function* function = question.checked.functions->find(mention.name))
        page.code(signature_of(*function)).text(function->doc);
      break;
    case MentionKind::class_name: hover_class(mention.name, scope, page); break;
    case MentionKind::value: hover_value(mention, page); break;
    case MentionKind::parameter: page.code(mention.name).text("A parameter: what a use gives for it."); break;
    case MentionKind::argument:
      if (!mention.role.empty()) page.code(mention.role);
      break;
    case MentionKind::phase:
      for (const Phase& phase : index.phases) {
        if (phase.name != mention.name) continue;
        page.code("phase " + phase.name)
            .text(phase.doc)
            .text(phase.fixpoint ? "Repeated until no rule matches." : "Every node is visited once.");
      }
      break;
    case MentionKind::rule:
      for (const auto& [path, indexed] : index.files) {
        for (const RuleDeclaration& rule : indexed.file->rules) {
          if (rule.name.text() == mention.name) page.code("rule " + mention.name).text(rule.doc);
        }
      }
      break;
    case MentionKind::import: hover_import(mention, index, page); break;
  }
}

// A word of the language of patterns at a place in one.
struct Form {
  const char* doc;
  size_t begin, end;
};
std::optional<std::pair<std::string, Form>> form_at(const SourceFile& source, size_t offset) {
  const std::string_view text = source.text();
  const auto is_word = [&](size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
  };
  size_t begin = std::min(offset, text.size()), end = begin;
  while (begin > 0 && is_word(begin - 1)) --begin;
  while (is_word(end)) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  const YamlPlace place = place_at(source, offset);
  if (place.path.empty() || place.path.back() != "match" || !place.in_value) return std::nullopt;
  if (word == "siblings") {
    return std::pair(std::string("siblings(%a, ...) pattern"),
                     Form{"All calls that match the pattern and agree in the names in parentheses, two or more. Those "
                          "names bind one value, all others lists. Only as the whole last statement.",
                          begin, end});
  }
  if (word == "each") {
    return std::pair(std::string("[each pattern]"),
                     Form{"A list of one or more elements, each matched by the pattern in its own scope. Names in it "
                          "bind lists.",
                          begin, end});
  }
  return std::nullopt;
}

json location(const Question& question, const Span& span) {
  return {{"uri", uri_of(question.workspace, *span.file)},
          {"range", to_range(*span.file, span.begin, span.end, question.encoding)}};
}

Span primary_of(const Diagnostic& diagnostic) {
  return diagnostic.labels.empty() ? Span() : diagnostic.labels.front().span;
}

std::string message_of(const Diagnostic& diagnostic) {
  std::string text = diagnostic.message();
  if (!diagnostic.labels.empty() && !diagnostic.labels.front().text.empty())
    text += "\n" + diagnostic.labels.front().text;
  for (const std::string& note : diagnostic.notes) text += "\nnote: " + note;
  for (const Help& help : diagnostic.helps) text += "\nhelp: " + help.text;
  return text;
}

}  // namespace

std::string uri_of(const Workspace& workspace, const SourceFile& source) {
  const std::string path = canonical_path(source.name());
  auto open = workspace.documents().find(path);
  return open == workspace.documents().end() ? to_uri(path) : open->second.uri;
}

json hover(const Question& question, size_t offset) {
  Page page(question.markdown);
  const SourceFile& source = *question.document.source;
  json range = nullptr;
  if (const Mention* mention = question.checked.index->at(source.name(), offset)) {
    hover_mention(question, *mention, page);
    range = to_range(source, mention->span.begin, mention->span.end, question.encoding);
  }
  if (page.empty()) {
    if (const auto form = form_at(source, offset)) {
      page.code(form->first).text(form->second.doc);
      range = to_range(source, form->second.begin, form->second.end, question.encoding);
    }
  }
  if (page.empty()) {
    if (const auto key = key_at(source, offset)) {
      page.code(key->name).text(key->doc);
      range = to_range(source, key->begin, key->end, question.encoding);
    }
  }
  for (const Diagnostic& diagnostic : question.checked.found.list()) {
    const Span span = primary_of(diagnostic);
    if (!span || span.file->name() != source.name() || offset < span.begin || offset > span.end) continue;
    page.text(std::string(diagnostic.kind->code) + " " + diagnostic.kind->name + ": " + diagnostic.kind->explanation);
    if (range.is_null()) range = to_range(source, span.begin, span.end, question.encoding);
  }
  if (page.empty()) return nullptr;
  return {{"contents", page.contents()}, {"range", std::move(range)}};
}

json definition(const Question& question, size_t offset) {
  const Mention* mention = question.checked.index->at(question.document.source->name(), offset);
  if (!mention) return nullptr;
  if (mention->kind == MentionKind::import) {
    const json start = {{"line", 0}, {"character", 0}};
    const SourceFile target(mention->role, "");
    return {{"uri", uri_of(question.workspace, target)}, {"range", {{"start", start}, {"end", start}}}};
  }
  return mention->definition ? location(question, mention->definition) : json();
}

json references(const Question& question, size_t offset) {
  const RuleIndex& index = *question.checked.index;
  const Mention* asked = index.at(question.document.source->name(), offset);
  json result = json::array();
  if (!asked) return result;
  for (const Mention& mention : index.mentions) {
    if (mention.kind != asked->kind || mention.name != asked->name) continue;
    const bool own = mention.kind == MentionKind::value || mention.kind == MentionKind::parameter;
    if (own && (mention.rule != asked->rule || mention.definition.begin != asked->definition.begin ||
                mention.definition.file != asked->definition.file))
      continue;
    result.push_back(location(question, mention.span));
  }
  return result;
}

json document_symbols(const Question& question) {
  const IndexedFile* indexed = file_of(question);
  json result = json::array();
  if (!indexed) return result;
  const RuleFile& file = *indexed->file;
  const SourceFile& source = *file.source;
  struct Symbol {
    std::string name, detail;
    int kind;
    Span span;
    const std::vector<RuleTest>* tests;
  };
  std::vector<Symbol> symbols;
  for (size_t i = 0; i < file.phases.size(); ++i)
    symbols.push_back({file.phases[i].name, "phase", kNamespace, file.phase_spans[i], nullptr});
  for (const ClassDeclaration& declared : file.classes)
    symbols.push_back({"@" + declared.name, "class", kClass, declared.span, nullptr});
  for (const MacroDeclaration& declared : file.macros)
    symbols.push_back({call_of(declared.name, declared.parameters), "macro", kFunction, declared.span, nullptr});
  for (const PredicateDeclaration& declared : file.predicates)
    symbols.push_back({call_of(declared.name, declared.parameters), "predicate", kFunction, declared.span, nullptr});
  for (const RuleDeclaration& rule : file.rules)
    symbols.push_back({rule.name.text(), rule.phase.name, kMethod, rule.name.span(), &rule.tests});
  std::sort(symbols.begin(), symbols.end(),
            [](const Symbol& a, const Symbol& b) { return a.span.begin < b.span.begin; });
  for (size_t i = 0; i < symbols.size(); ++i) {
    const Symbol& symbol = symbols[i];
    const auto range = [&](const Span& span, size_t end) {
      return to_range(source, source.line_start(source.position(span.begin).line), std::max(end, span.end),
                      question.encoding);
    };
    // Up to the line of the next one.
    const size_t end = i + 1 < symbols.size() ? source.line_start(source.position(symbols[i + 1].span.begin).line)
                                              : source.text().size();
    json entry = {{"name", symbol.name},
                  {"detail", symbol.detail},
                  {"kind", symbol.kind},
                  {"range", range(symbol.span, end)},
                  {"selectionRange", to_range(source, symbol.span.begin, symbol.span.end, question.encoding)}};
    if (symbol.tests && !symbol.tests->empty()) {
      json children = json::array();
      for (const RuleTest& test : *symbol.tests) {
        if (!test.span || test.span.file->name() != source.name() || test.name.empty()) continue;
        children.push_back({{"name", test.name},
                            {"detail", "test"},
                            {"kind", kEvent},
                            {"range", range(test.span, test.graph.end)},
                            {"selectionRange", to_range(source, test.span.begin, test.span.end, question.encoding)}});
      }
      entry["children"] = std::move(children);
    }
    result.push_back(std::move(entry));
  }
  return result;
}

json code_actions(const Question& question, size_t begin, size_t end) {
  json result = json::array();
  const SourceFile& source = *question.document.source;
  for (const Diagnostic& diagnostic : question.checked.found.list()) {
    const Span span = primary_of(diagnostic);
    if (!span || span.file->name() != source.name() || span.end < begin || span.begin > end) continue;
    const auto has_edit = [](const Help& help) { return !!help.span; };
    const auto count = std::count_if(diagnostic.helps.begin(), diagnostic.helps.end(), has_edit);
    for (const Help& help : diagnostic.helps) {
      if (!has_edit(help)) continue;
      const json edit = {{"range", to_range(*help.span.file, help.span.begin, help.span.end, question.encoding)},
                         {"newText", help.replacement}};
      result.push_back({{"title", help.text},
                        {"kind", "quickfix"},
                        {"isPreferred", count == 1},
                        {"edit", {{"changes", {{uri_of(question.workspace, *help.span.file), json::array({edit})}}}}}});
    }
  }
  return result;
}

json code_lenses(const Question& question, const TestStates& states) {
  json result = json::array();
  const IndexedFile* indexed = file_of(question);
  if (!indexed) return result;
  for (const RuleDeclaration& rule : indexed->file->rules) {
    for (const RuleTest& test : rule.tests) {
      if (!test.span || test.span.file->name() != question.document.source->name()) continue;
      auto state = states.find({rule.name.text(), test.name});
      if (state == states.end()) continue;
      char time[32];
      std::snprintf(time, sizeof time, "%.1f ms", state->second.milliseconds);
      const std::string title = state->second.passed ? std::string("passed in ") + time
                                                     : "failed in " + std::string(time) + ": " + state->second.message;
      result.push_back({{"range", to_range(*test.span.file, test.span.begin, test.span.end, question.encoding)},
                        {"command", {{"title", title}, {"command", ""}}}});
    }
  }
  return result;
}

std::map<std::string, json> to_protocol(const Workspace& workspace, const Diagnostics& found,
                                        const std::string& fallback, Encoding encoding) {
  std::map<std::string, json> result;
  for (const Diagnostic& diagnostic : found.list()) {
    const Span span = primary_of(diagnostic);
    const json start = {{"line", 0}, {"character", 0}};
    json entry = {
        {"range", span ? to_range(*span.file, span.begin, span.end, encoding) : json{{"start", start}, {"end", start}}},
        {"severity", diagnostic.kind->level == Level::error     ? 1
                     : diagnostic.kind->level == Level::warning ? 2
                                                                : 3},
        {"code", diagnostic.kind->code},
        {"source", "rulecheck"},
        {"message", message_of(diagnostic)}};
    json related = json::array();
    for (size_t i = 1; i < diagnostic.labels.size(); ++i) {
      const Label& label = diagnostic.labels[i];
      if (!label.span) continue;
      related.push_back({{"location",
                          {{"uri", uri_of(workspace, *label.span.file)},
                           {"range", to_range(*label.span.file, label.span.begin, label.span.end, encoding)}}},
                         {"message", label.text}});
    }
    if (!related.empty()) entry["relatedInformation"] = std::move(related);
    json& list = result[span ? uri_of(workspace, *span.file) : fallback];
    if (list.is_null()) list = json::array();
    list.push_back(std::move(entry));
  }
  return result;
}

}  // namespace qrules::tools::lsp
