#include <qrules/rules/yaml_tree.h>

#include <cstring>
#include <istream>
#include <map>
#include <streambuf>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/yaml_advice.h>

namespace qrules {
namespace {

// Reads a text without copying it.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // streambuf's interface; nothing writes
    setg(begin, begin, begin + text.size());
  }
};

// Thrown out of yaml-cpp's callbacks to stop it; never leaves parse_yaml.
struct Stopped {};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

// Block scalars: the lines after the indicator, without their common indentation. False when they do not add up to
// `value` (folded blocks do not).
bool map_block(const SourcePtr& file, size_t begin, const std::string& value, MappedText& out) {
  const std::string_view text = file->text();
  size_t at = text.find('\n', begin);
  if (at == std::string_view::npos) return value.empty();
  ++at;
  // The indentation is that of the first line that is not blank.
  size_t indent = 0;
  for (size_t line = at; line < text.size();) {
    size_t end = std::min(text.find('\n', line), text.size());
    if (!is_blank(text.substr(line, end - line))) {
      indent = text.find_first_not_of(' ', line) - line;
      break;
    }
    line = end + 1;
  }
  size_t i = 0;
  while (i < value.size()) {
    if (at > text.size()) return false;
    const size_t end = std::min(text.find('\n', at), text.size());
    size_t column = at;
    for (size_t skipped = 0; skipped < indent && column < end && text[column] == ' '; ++skipped) ++column;
    for (; column < end; ++column) {
      if (text[column] == '\r' && column + 1 == end) break;
      if (i >= value.size() || value[i] != text[column]) return false;
      out.append(value[i++], column, column + 1);
    }
    if (i < value.size()) {
      if (value[i] != '\n') return false;
      out.append('\n', end, end + 1);
      ++i;
    }
    at = end + 1;
  }
  return true;
}

// Plain and quoted scalars: each byte of the value follows in the file, escapes and folded line ends stand for several
// bytes. False when the correspondence is not seen. `end`: past the scalar.
bool map_flow(const SourcePtr& file, size_t begin, const std::string& value, MappedText& out, size_t& end) {
  const std::string_view text = file->text();
  const char quote = begin < text.size() && (text[begin] == '"' || text[begin] == '\'') ? text[begin] : '\0';
  size_t at = begin + (quote ? 1 : 0);
  for (size_t i = 0; i < value.size(); ++i) {
    if (at >= text.size()) return false;
    size_t length = 1;
    if (quote == '"' && text[at] == '\\') {
      static constexpr std::string_view kFrom = "\"\\/ntr0", kTo = "\"\\/\n\t\r\0";
      const size_t escape = at + 1 < text.size() ? kFrom.find(text[at + 1]) : std::string_view::npos;
      if (escape == std::string_view::npos || kTo.substr(escape, 1) != value.substr(i, 1)) return false;
      length = 2;
    } else if (quote == '\'' && text.substr(at, 2) == "''") {
      if (value[i] != '\'') return false;
      length = 2;
    } else if (text[at] == '\n' || text[at] == '\r' ||
               ((text[at] == ' ' || text[at] == '\t') && value[i] == ' ' &&
                text.find_first_not_of(" \t\r", at) < text.size() &&
                text[text.find_first_not_of(" \t\r", at)] == '\n')) {
      // A folded line end: one newline is a space, n + 1 newlines are n.
      size_t next = text.find_first_not_of(" \t\r\n", at);
      if (next == std::string_view::npos) return false;
      if (value[i] != ' ' && value[i] != '\n') return false;
      while (value[i] == '\n' && i + 1 < value.size() && value[i + 1] == '\n') {
        out.append('\n', at, next);
        ++i;
      }
      length = next - at;
    } else if (text[at] != value[i]) {
      return false;
    }
    out.append(value[i], at, at + length);
    at += length;
  }
  end = at + (quote && at < text.size() && text[at] == quote ? 1 : 0);
  return true;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(SourcePtr file, const LoadLimits& limits) : file_(std::move(file)), limits_(limits) {}

  Diagnostics& diagnostics() { return diagnostics_; }
  YamlPtr take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = make(YamlNode::Kind::null, mark);
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(kYamlSyntax, mark, "an alias inside the value that it stands for");
    add(clone(*found->second), YAML::NullAnchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = make(YamlNode::Kind::scalar, mark);
    node->quoted = tag == "!";
    const std::string_view text = file_->text();
    const size_t begin = node->span.begin;
    MappedText mapped(file_);
    size_t end = begin;
    bool exact = false;
    if (begin < text.size() && (text[begin] == '|' || text[begin] == '>')) {
      node->quoted = true;
      exact = map_block(file_, begin, value, mapped);
      end = begin + 1;
    } else {
      exact = map_flow(file_, begin, value, mapped, end);
    }
    if (!exact) {
      // Rare forms (folded blocks, unicode escapes): the value as a whole stands at its beginning.
      mapped = MappedText(file_);
      const size_t line_end = std::min(text.find('\n', begin), text.size());
      mapped.append(value, begin, line_end);
      end = line_end;
    }
    mapped.set_place(begin, std::max(end, begin));
    node->span = {file_, begin, std::max(end, begin)};
    node->text = std::move(mapped);
    add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(YamlNode::Kind::list, mark), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(YamlNode::Kind::map, mark), anchor);
  }
  void OnMapEnd() override { close(); }

  Span span_at(const YAML::Mark& mark) const {
    // yaml-cpp counts code points; the file counts bytes.
    if (mark.line < 0) return {file_, 0, 0};
    size_t at = file_->line_start(static_cast<uint32_t>(mark.line) + 1);
    const std::string_view text = file_->text();
    for (int column = 0; column < mark.column && at < text.size() && text[at] != '\n'; ++column) {
      ++at;
      while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    }
    return {file_, at, std::min(at + 1, text.size())};
  }

 private:
  struct Open {
    YamlPtr node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    YamlPtr key;  // of a map: read, its value is next
  };

  [[noreturn]] void fail(const DiagnosticKind& kind, const YAML::Mark& mark, std::string why) {
    diagnostics_.add(Diagnostic(kind, span_at(mark)).with("why", std::move(why)));
    throw Stopped();
  }
  [[noreturn]] void over_limit(const Span& span, std::string what, size_t limit) {
    diagnostics_.add(
        Diagnostic(kLimitExceeded, span).with("what", std::move(what)).with("limit", static_cast<int64_t>(limit)));
    throw Stopped();
  }
  void count(const Span& span) {
    if (++nodes_ > limits_.yaml_nodes)
      over_limit(span, "the number of YAML nodes (aliases expanded)", limits_.yaml_nodes);
  }
  YamlPtr make(YamlNode::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_unique<YamlNode>();
    node->kind = kind;
    node->span = span_at(mark);
    count(node->span);
    return node;
  }
  YamlPtr clone(const YamlNode& node) {
    count(node.span);
    auto copy = std::make_unique<YamlNode>();
    copy->kind = node.kind;
    copy->span = node.span;
    copy->text = node.text;
    copy->quoted = node.quoted;
    for (const YamlPtr& element : node.elements) copy->elements.push_back(clone(*element));
    for (const YamlEntry& entry : node.entries)
      copy->entries.push_back({entry.key, entry.key_span, clone(*entry.value)});
    return copy;
  }
  void open(YamlPtr node, YAML::anchor_t anchor) {
    if (open_.size() >= limits_.yaml_depth) over_limit(node->span, "the depth of nesting", limits_.yaml_depth);
    open_.push_back({std::move(node), anchor, nullptr});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }
  void add(YamlPtr node, YAML::anchor_t anchor) {
    const YamlNode* added = node.get();
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (Open& parent = open_.back(); parent.node->kind == YamlNode::Kind::list) {
      parent.node->elements.push_back(std::move(node));
    } else if (!parent.key) {
      if (node->kind != YamlNode::Kind::scalar) {
        diagnostics_.add(Diagnostic(kYamlSyntax, node->span).with("why", "keys are plain words"));
        throw Stopped();
      }
      if (const YamlEntry* first = parent.node->find(node->text.text())) {
        diagnostics_.add(Diagnostic(kDuplicateKey, node->span, "given again here")
                             .with("key", first->key)
                             .label(first->key_span, "first given here")
                             .help("keep one of the two"));
      }
      parent.key = std::move(node);
      return;  // an anchor on a key names nothing we use
    } else {
      YamlPtr key = std::move(parent.key);
      parent.node->entries.push_back({key->text.text(), key->span, std::move(node)});
    }
    if (anchor != YAML::NullAnchor) anchors_[anchor] = added;
  }

  SourcePtr file_;
  const LoadLimits& limits_;
  Diagnostics diagnostics_;
  YamlPtr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, const YamlNode*> anchors_;
  size_t nodes_ = 0;
};

// yaml-cpp's parser recurses on nested flow collections before it emits events, so the depth of brackets is bounded
// first. Brackets in quotes, comments and blocks are counted too, but balance or stay far below the bound in any file a
// person writes.
size_t deepest_brackets(std::string_view text, size_t& where) {
  size_t depth = 0, deepest = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == '{') {
      if (++depth > deepest) {
        deepest = depth;
        where = i;
      }
    } else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

// Block collections nest by indentation or by "- - -" on one line; the scanner keeps a stack, the parser recurses.
size_t deepest_dashes(std::string_view text, size_t& where) {
  size_t run = 0, deepest = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const bool indicator =
        (text[i] == '-' || text[i] == '?' || text[i] == ':') && (text[i + 1] == ' ' || text[i + 1] == '\n');
    if (indicator) {
      if (++run > deepest) {
        deepest = run;
        where = i;
      }
    } else if (text[i] != ' ' && text[i] != '\n') {
      run = 0;
    }
  }
  return deepest;
}

size_t deepest_indentation(const SourceFile& file, size_t& where) {
  std::vector<size_t> levels;
  size_t deepest = 0;
  for (uint32_t number = 1; number <= file.line_count(); ++number) {
    const std::string_view line = file.line(number);
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string_view::npos) continue;
    while (!levels.empty() && levels.back() >= indent) levels.pop_back();
    levels.push_back(indent);
    if (levels.size() > deepest) {
      deepest = levels.size();
      where = file.line_start(number) + indent;
    }
  }
  return deepest;
}

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string_view name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null: return "nothing";
    case YamlNode::Kind::scalar: return "text";
    case YamlNode::Kind::list: return "a list";
    case YamlNode::Kind::map: return "a map";
  }
  return "";
}

namespace {

// Where the first byte stands that is no UTF-8: a lone or missing continuation, an overlong form, a surrogate, or what
// is beyond U+10FFFF.
std::optional<size_t> first_bad_byte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) -> unsigned { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(i);
    const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return i;
    for (size_t j = i + 1; j < i + length; ++j) {
      if ((byte(j) & 0xC0) != 0x80) return i;
    }
    if ((lead == 0xE0 && byte(i + 1) < 0xA0) || (lead == 0xED && byte(i + 1) > 0x9F) ||
        (lead == 0xF0 && byte(i + 1) < 0x90) || (lead == 0xF4 && byte(i + 1) > 0x8F))
      return i;
    i += length;
  }
  return std::nullopt;
}

}  // namespace

Result<YamlPtr> parse_yaml(const SourcePtr& file, const LoadLimits& limits) {
  const auto too_big = [&](size_t at, std::string what, size_t limit) {
    return Diagnostic(kLimitExceeded, Span{file, at, at + 1})
        .with("what", std::move(what))
        .with("limit", static_cast<int64_t>(limit));
  };
  if (file->text().size() > limits.file_bytes) return too_big(0, "the size of the file in bytes", limits.file_bytes);
  size_t where = 0;
  const size_t brackets = 4 * limits.yaml_depth;
  if (deepest_brackets(file->text(), where) > brackets)
    return too_big(where, "the depth of nesting", limits.yaml_depth);
  if (deepest_dashes(file->text(), where) > brackets) return too_big(where, "the depth of nesting", limits.yaml_depth);
  if (deepest_indentation(*file, where) > brackets) return too_big(where, "the depth of nesting", limits.yaml_depth);
  if (const size_t zero = file->text().find('\0'); zero != std::string_view::npos) {
    return Diagnostic(kYamlSyntax, Span{file, zero, zero + 1}).with("why", "a zero byte: this is no text file");
  }
  if (const std::optional<size_t> bad = first_bad_byte(file->text())) {
    return Diagnostic(kYamlSyntax, Span{file, *bad, *bad + 1})
        .with("why", "a byte that is not UTF-8")
        .help("save the file as UTF-8; editors call it the encoding of the file");
  }

  TreeBuilder builder(file, limits);
  try {
    TextBuffer buffer(file->text());
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& error) {
    builder.diagnostics().add(yaml_error(file, builder.span_at(error.mark).begin, error.msg));
  } catch (const Stopped&) {
    // The builder has said why.
  }
  if (builder.diagnostics().has_errors()) return builder.diagnostics();
  YamlPtr root = builder.take_root();
  if (!root) {
    root = std::make_unique<YamlNode>();
    root->span = {file, 0, 0};
  }
  return root;
}

}  // namespace qrules
