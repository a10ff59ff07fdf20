// See completion.h. The text is usually broken where a person types, so the place is found by indentation (schema.h)
// and by the brackets before it; what there is to offer comes from the index of the last loading.

#include <rulecheck/lsp/completion.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include <qrules/graph/dtype.h>
#include <rulecheck/listing.h>
#include <rulecheck/lsp/schema.h>

namespace qrules::tools::lsp {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr size_t kMost = 400;
// CompletionItemKind.
constexpr int kMethod = 2, kFunction = 3, kField = 5, kVariable = 6, kClass = 7, kModule = 9, kProperty = 10,
              kValue = 12, kFile = 17, kConstant = 21;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

class Completion {
 public:
  Completion(const Question& question, size_t offset)
      : question_(question), source_(*question.document.source), text_(source_.text()), offset_(offset) {
    begin_ = offset;
    while (begin_ > 0 && (is_word(text_[begin_ - 1]) || text_[begin_ - 1] == '.' || text_[begin_ - 1] == '-')) --begin_;
    // A minus belongs to names of rules and phases, and not to those of patterns.
    sign_ = begin_ > 0 ? text_[begin_ - 1] : '\0';
    auto file = question.checked.index->files.find(source_.name());
    if (file != question.checked.index->files.end()) scope_ = &file->second.scope;
  }

  json list() {
    const YamlPlace place = place_at(source_, offset_);
    place_ = &place;
    if (place.in_value)
      value(place.path);
    else
      keys(place.path);
    std::sort(items_.begin(), items_.end(), [](const json& a, const json& b) {
      return a["sortText"].get_ref<const std::string&>() < b["sortText"].get_ref<const std::string&>();
    });
    const bool cut = items_.size() > kMost;
    if (cut) items_.resize(kMost);
    return {{"isIncomplete", cut}, {"items", std::move(items_)}};
  }

 private:
  // `rank` orders groups: what fits best comes first.
  void add(int rank, const std::string& label, int kind, const std::string& detail, const std::string& doc,
           const std::string& inserted = {}) {
    const std::string_view typed = text_.substr(begin_, offset_ - begin_);
    const auto same = [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    if (std::search(label.begin(), label.end(), typed.begin(), typed.end(), same) == label.end()) return;
    if (!seen_.insert(label).second) return;
    const bool starts = label.compare(0, typed.size(), typed) == 0;
    json item = {{"label", label},
                 {"kind", kind},
                 {"sortText", std::to_string(rank * 2 + (starts ? 0 : 1)) + label},
                 {"filterText", label},
                 {"textEdit",
                  {{"range", to_range(source_, begin_, offset_, question_.encoding)},
                   {"newText", inserted.empty() ? label : inserted}}}};
    if (!detail.empty()) item["detail"] = detail;
    if (!doc.empty()) item["documentation"] = doc;
    items_.push_back(std::move(item));
  }

  void keys(const std::vector<std::string>& path) {
    for (const SchemaKey& key : keys_at(path)) add(0, key.name, kProperty, "", key.doc, key.name + ": ");
  }

  // The last part of the path says what stands here; `is` and `any` are patterns or expressions by their parent.
  void value(const std::vector<std::string>& path) {
    const std::string& key = path.back();
    const std::string parent = path.size() > 1 ? path[path.size() - 2] : "";
    if (key == "match" || (parent == "macros" && (key == "is" || key == "any"))) return code(true, false);
    if (key == "members" || key == "where" || key == "when" || (parent == "predicates" && key == "is"))
      return code(false, false);
    if (key == "rewrite") return code(false, true);
    if (key == "graph" || key == "result") return graph();
    if (key == "phase") return phases();
    if ((key == "before" || key == "after" || key == "with") && parent != "phases") return rules();
    if (key == "ops") return operators(0);
    if (key == "import") return files();
    if (key == "because") return code(false, false);
    const std::vector<std::string> map(path.begin(), path.end() - 1);
    for (const SchemaKey& known : keys_at(map)) {
      if (known.name != key) continue;
      for (const std::string& allowed : known.values) add(0, allowed, kValue, "", "");
    }
    // Inside { }: the keys of that map.
    for (const SchemaKey& inner : keys_at(path)) add(1, inner.name, kProperty, "", inner.doc, inner.name + ": ");
  }

  void code(bool pattern, bool rewrite) {
    if (sign_ == '@') return classes();
    if (sign_ == '%') return names();
    begin_ = offset_;
    while (begin_ > 0 && (is_word(text_[begin_ - 1]) || text_[begin_ - 1] == '.')) --begin_;
    const std::string callee = innermost_call();
    if (pattern && callee == "siblings") return names("%");
    if (!callee.empty()) arguments(callee, pattern);
    if (pattern) {
      add(2, "siblings", kFunction, "siblings(%a, ...) pattern",
          "All calls that match the pattern and agree in these names, two or more.", "siblings(");
      add(2, "each", kFunction, "[each pattern]", "Every element of a list.", "each ");
    }
    if (pattern && scope_) {
      for (const auto& [name, macro] : scope_->macros)
        add(1, name, kFunction, head_of(name, macro->parameters), macro->doc, name + "(");
    }
    if (!pattern) functions(rewrite);
    if (pattern || rewrite) operators(2);
    for (const char* word : {"u8", "s8", "s16", "s32", "s64", "f16", "bf16", "f32", "f64", "bool"}) {
      if (parse_dtype(word)) add(3, word, kConstant, "dtype", "");
    }
    for (const char* word : {"true", "false", "None", "channels_last", "contiguous_format", "preserve_format"})
      add(4, word, kConstant, "", "");
  }

  void classes() {
    if (!scope_) return;
    for (const auto& [name, declared] : scope_->classes) {
      std::string members;
      for (const MappedText& entry : declared->entries) members += (members.empty() ? "" : ", ") + entry.text();
      add(0, name, kClass, members, declared->doc);
    }
  }

  // Names that the rule around this place binds; in a macro or predicate, or when the rule could not be read, those
  // that stand between the keys before and after.
  // `sign`: what has to be put in front of them.
  void names(const std::string& sign = {}) {
    const RuleIndex& index = *question_.checked.index;
    const auto item = item_around();
    std::string rule;
    for (const Mention& mention : index.mentions) {
      if (mention.span && mention.span.file->name() == source_.name() && !mention.rule.empty() &&
          mention.span.begin >= item.first && mention.span.end <= item.second)
        rule = mention.rule;
    }
    for (const Mention& mention : index.mentions) {
      if (mention.kind != MentionKind::value || rule.empty() || mention.rule != rule) continue;
      if (mention.span.begin <= offset_ && offset_ <= mention.span.end &&
          mention.definition.begin == mention.span.begin)
        continue;  // what is being typed
      add(0, sign + mention.name, kVariable, mention.type, mention.role);
    }
    for (size_t at = item.first; at < item.second; ++at) {
      if (text_[at] != '%' || at + 1 == begin_) continue;
      size_t end = at + 1;
      while (end < item.second && is_word(text_[end])) ++end;
      const std::string name(text_.substr(at + 1, end - at - 1));
      if (!name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) && in_code(at))
        add(1, sign + name, kVariable, "", "");
    }
  }

  // True for a place in the texts of a rule, not in the graphs of its tests.
  bool in_code(size_t at) const {
    const std::vector<std::string> path = place_at(source_, at).path;
    return !path.empty() && path.back() != "graph" && path.back() != "result";
  }

  // The element of a list two levels deep ("rules: - ...") around the place.
  std::pair<size_t, size_t> item_around() const {
    const uint32_t number = source_.position(offset_).line;
    const auto starts = [&](uint32_t line) {
      const std::string_view text = source_.line(line);
      const size_t at = text.find_first_not_of(' ');
      return at != std::string_view::npos && at <= 2 && (text.substr(at, 2) == "- " || at == 0);
    };
    uint32_t first = number, last = number;
    while (first > 1 && !starts(first)) --first;
    do {
      ++last;
    } while (last <= source_.line_count() && !starts(last));
    return {source_.line_start(first), last > source_.line_count() ? text_.size() : source_.line_start(last)};
  }

  void functions(bool rewrite) {
    if (scope_) {
      for (const auto& [name, predicate] : scope_->predicates)
        add(1, name, kFunction, head_of(name, predicate->parameters), predicate->doc, name + "(");
    }
    for (const Function* function : question_.checked.functions->all()) {
      if (function->makes_values && !rewrite) continue;
      add(1, function->name, kFunction, signature_of(*function), function->doc, function->name + "(");
    }
    add(1, "bound", kFunction, "bound(%x) -> boolean", "Whether a name was bound in this match.", "bound(");
    for (const char* loop : {"all", "any"})
      add(1, loop, kFunction, std::string(loop) + "(condition for %x in list) -> boolean", "", std::string(loop) + "(");
  }

  void operators(int rank) {
    const OperatorTable& table = *question_.checked.operators;
    const std::string_view typed = text_.substr(begin_, offset_ - begin_);
    for (const std::string& name : table.known_names()) {
      // Thousands: the text of those that fit only.
      if (name.find(typed) == std::string::npos) continue;
      const auto op = table.find(name);
      add(rank, name, kMethod, op && table.signature(*op) ? describe(name, *table.signature(*op)) : "", "");
    }
  }

  void arguments(const std::string& callee, bool pattern) {
    const OperatorTable& table = *question_.checked.operators;
    std::vector<std::string> ops{callee};
    for (std::string& overload : table.overloads(callee)) ops.push_back(std::move(overload));
    for (const std::string& name : ops) {
      const auto op = table.find(name);
      const Signature* signature = op ? table.signature(*op) : nullptr;
      if (!signature) continue;
      for (const Parameter& parameter : signature->parameters)
        add(0, parameter.name + "=", kField, describe(parameter), "of " + name);
    }
    if (pattern) {
      if (!scope_) return;
      if (auto macro = scope_->macros.find(callee); macro != scope_->macros.end()) {
        for (const std::string& parameter : macro->second->parameters)
          add(0, parameter + "=", kField, "", "of " + callee);
      }
    } else if (const Function* function = question_.checked.functions->find(callee)) {
      for (const FunctionParameter& parameter : function->parameters)
        add(0, parameter.name + "=", kField, std::string(name(parameter.type)), "of " + callee);
    }
  }

  // The callee of the innermost bracket that is open here.
  std::string innermost_call() const {
    int depth = 0;
    for (size_t at = begin_; at > place_->begin; --at) {
      const char c = text_[at - 1];
      if (c == ')' || c == ']') ++depth;
      if (c == '(' || c == '[') --depth;
      if (depth >= 0) continue;
      depth = 0;
      if (c == '[') continue;
      size_t first = at - 1;
      while (first > place_->begin && (is_word(text_[first - 1]) || text_[first - 1] == '.')) --first;
      return std::string(text_.substr(first, at - 1 - first));
    }
    return "";
  }

  void graph() {
    if (sign_ == '%') {
      const std::string_view all = text_;
      for (size_t at = place_->begin; at + 1 < begin_; ++at) {
        if (all[at] != '%') continue;
        size_t end = at + 1;
        while (end < all.size() && is_word(all[end])) ++end;
        add(0, std::string(all.substr(at + 1, end - at - 1)), kVariable, "", "");
      }
      return;
    }
    operators(0);
  }

  void phases() {
    for (const Phase& phase : question_.checked.index->phases) add(0, phase.name, kModule, "phase", phase.doc);
  }

  void rules() {
    for (const auto& [path, indexed] : question_.checked.index->files) {
      for (const RuleDeclaration& rule : indexed.file->rules)
        add(0, rule.name.text(), kMethod, rule.phase.name, rule.doc);
    }
  }

  void files() {
    const fs::path folder = fs::path(source_.name()).parent_path();
    while (begin_ > place_->begin && std::string_view(" [,\"'").find(text_[begin_ - 1]) == std::string_view::npos)
      --begin_;
    std::error_code error;
    const fs::path top = question_.workspace.set_of(source_.name());
    if (!fs::is_directory(top, error)) return;
    size_t looked_at = 0;
    for (fs::recursive_directory_iterator it(top, error), end; !error && it != end && ++looked_at < 2000;
         it.increment(error)) {
      if (it->path().extension() != ".yaml" || it->path() == source_.name()) continue;
      add(0, it->path().lexically_relative(folder).generic_string(), kFile, "", "");
    }
  }

  static std::string head_of(const std::string& name, const std::vector<std::string>& parameters) {
    std::string text = name + "(";
    for (size_t i = 0; i < parameters.size(); ++i) text += (i ? ", " : "") + parameters[i];
    return text + ")";
  }

  const Question& question_;
  const SourceFile& source_;
  std::string_view text_;
  size_t offset_, begin_ = 0;
  char sign_ = '\0';
  const Scope* scope_ = nullptr;
  const YamlPlace* place_ = nullptr;
  std::set<std::string> seen_;
  std::vector<json> items_;
};

}  // namespace

json completion(const Question& question, size_t offset) { return Completion(question, offset).list(); }

}  // namespace qrules::tools::lsp
