// See format.h.
//
// The tree of the file is written anew (yaml-cpp drops comments, so it is not used for writing). Comments are found as
// what begins with # outside all scalars. One on a line of its own belongs to the next key or list element, one behind
// something to the key of that line. At the end the result is read again: the two trees must say the same.

#include <rulecheck/format/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <qrules/rules/declarations.h>
#include <qrules/rules/syntax.h>
#include <qrules/rules/yaml_tree.h>
#include <rulecheck/format/code.h>

namespace qrules::tools {
namespace {

using Kind = YamlNode::Kind;
using Path = std::vector<std::string>;  // keys around a node, outermost first; lists add none

constexpr size_t kColumns = 120;

struct Unsupported {
  std::string why;
};

std::string squeezed(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (!std::isspace(static_cast<unsigned char>(c)))
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

std::optional<CodeKind> code_kind(const Path& path) {
  if (path.size() < 2) return std::nullopt;
  const std::string& key = path.back();
  const std::string& map = path[path.size() - 2];
  if (map == "rules" && key == "match") return CodeKind::pattern;
  if (map == "rules" && (key == "members" || key == "where")) return CodeKind::condition;
  if (map == "rules" && key == "rewrite") return CodeKind::rewrite;
  if (map == "macros" && (key == "is" || key == "any")) return CodeKind::pattern;
  if (map == "predicates" && key == "is") return CodeKind::condition;
  if (map == "counter" && key == "when") return CodeKind::condition;
  return std::nullopt;
}
bool always_block(const Path& path) { return path.size() == 2 && path[0] == "rules" && code_kind(path); }
bool is_graph(const Path& path) {
  return path.size() > 2 && path[1] == "tests" && (path.back() == "graph" || path.back() == "result");
}

// The order of keys in the maps that have one.
const std::vector<std::string>* order_of(const Path& path) {
  static const std::vector<std::string> kRule = {"name",    "doc",   "phase", "benefit", "before",  "after",  "foreach",
                                                 "match",   "members", "where", "rewrite", "counter", "covers", "tests"};
  static const std::vector<std::string> kDefinition = {"name", "doc", "is", "any", "ops"};
  if (path == Path{"rules"}) return &kRule;
  if (path == Path{"macros"} || path == Path{"predicates"} || path == Path{"classes"}) return &kDefinition;
  return nullptr;
}

struct Comment {
  size_t begin = 0;
  std::string text;
  bool own_line = false;
};

// Places in the source: where nodes end, which comments there are.
class Layout {
 public:
  Layout(const SourceFile& source, const YamlNode& root) : source_(source), text_(source.text()) {
    visit(root, -1, 0);
    find_comments();
  }

  bool is_flow(const YamlNode& node) const {
    const char c = node.span.begin < text_.size() ? text_[node.span.begin] : '\0';
    return node.kind == Kind::list ? c == '[' : node.kind == Kind::map && c == '{';
  }
  bool is_block_text(const YamlNode& node) const {
    return node.kind == Kind::scalar && node.span.begin < text_.size() &&
           (text_[node.span.begin] == '|' || text_[node.span.begin] == '>');
  }
  size_t end_of(const YamlNode& node) const { return ends_.at(&node); }
  std::string_view written(const YamlNode& node) const {
    return text_.substr(node.span.begin, end_of(node) - node.span.begin);
  }
  size_t line_end(size_t at) const { return std::min(text_.find('\n', at), text_.size()); }
  const std::vector<Comment>& comments() const { return comments_; }
  // Where block entries and elements begin, ordered.
  const std::set<size_t>& anchors() const { return anchors_; }
  bool blank_above(size_t at) const {
    const uint32_t line = source_.position(at).line;
    return line > 1 && source_.line(line - 1).find_first_not_of(" \t\r") == std::string_view::npos;
  }

 private:
  // `column`: of the key or dash that the node belongs to.
  void visit(const YamlNode& node, int column, int depth) {
    if (node.span.begin < last_) throw Unsupported{"an alias (*name)"};
    last_ = node.span.begin;
    if (node.span.begin < text_.size() && node.kind != Kind::null) {
      const char c = text_[node.span.begin];
      if (c == '&' || c == '!' || c == '*') throw Unsupported{"an anchor or a tag"};
    }
    switch (node.kind) {
      case Kind::null: ends_[&node] = node.span.begin; return;
      case Kind::scalar: {
        const size_t end = scalar_end(node, column);
        ends_[&node] = end;
        scalars_.push_back({node.span.begin, end, is_block_text(node)});
        return;
      }
      case Kind::list:
      case Kind::map: break;
    }
    if (is_flow(node)) {
      const size_t end = flow_end(node.span.begin);
      ends_[&node] = end;
      flow(node);
      return;
    }
    for (const YamlPtr& element : node.elements) {
      const int inner = column_of(element->span.begin);
      anchors_.insert(element->span.begin);
      visit(*element, element->kind == Kind::scalar ? dash_column(element->span.begin) : inner, depth + 1);
    }
    for (const YamlEntry& entry : node.entries) {
      key(entry);
      anchors_.insert(entry.key_span.begin);
      visit(*entry.value, column_of(entry.key_span.begin), depth + 1);
    }
    ends_[&node] = last_;
  }

  void key(const YamlEntry& entry) {
    if (entry.key_span.begin < last_) throw Unsupported{"an alias (*name)"};
    last_ = entry.key_span.begin;
    const char c = text_[entry.key_span.begin];
    if (c == '&' || c == '!' || c == '*' || c == '?' || c == '|' || c == '>')
      throw Unsupported{"a key that is no plain word"};
    scalars_.push_back({entry.key_span.begin, std::max(entry.key_span.end, entry.key_span.begin), false});
  }

  void flow(const YamlNode& node) {
    const auto inner = [&](const YamlNode& child) {
      if (child.span.begin < last_) throw Unsupported{"an alias (*name)"};
      last_ = child.span.begin;
      if (child.kind == Kind::scalar) {
        ends_[&child] = scalar_end(child, -1);
        scalars_.push_back({child.span.begin, ends_[&child], false});
      } else if (child.kind == Kind::null) {
        ends_[&child] = child.span.begin;
      } else {
        ends_[&child] = is_flow(child) ? flow_end(child.span.begin) : child.span.begin;
        flow(child);
      }
      const char c = child.span.begin < text_.size() ? text_[child.span.begin] : '\0';
      if (child.kind != Kind::null && (c == '&' || c == '!' || c == '*')) throw Unsupported{"an anchor or a tag"};
    };
    for (const YamlPtr& element : node.elements) inner(*element);
    for (const YamlEntry& entry : node.entries) {
      key(entry);
      inner(*entry.value);
    }
  }

  int column_of(size_t at) const { return static_cast<int>(at - source_.line_start(source_.position(at).line)); }
  int dash_column(size_t at) const {
    const uint32_t line = source_.position(at).line;
    const size_t dash = source_.line(line).find_first_not_of(' ');
    return dash == std::string_view::npos ? 0 : static_cast<int>(dash);
  }

  size_t scalar_end(const YamlNode& node, int column) const {
    const size_t begin = node.span.begin;
    if (is_block_text(node)) {
      // Lines that are blank or deeper than the key.
      size_t end = line_end(begin);
      for (size_t at = end + 1; at < text_.size();) {
        const size_t stop = line_end(at);
        const size_t word = text_.find_first_not_of(" \t\r", at);
        if (word < stop) {
          if (static_cast<int>(word - at) <= column) break;
          end = stop;
        }
        at = stop + 1;
      }
      return end;
    }
    return std::max(quoted_end(begin, node.span.end), begin);
  }
  size_t quoted_end(size_t begin, size_t otherwise) const {
    const char quote = begin < text_.size() ? text_[begin] : '\0';
    if (quote != '"' && quote != '\'') return otherwise;
    for (size_t at = begin + 1; at < text_.size(); ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        if (quote != '\'' || at + 1 >= text_.size() || text_[at + 1] != '\'') return at + 1;
        ++at;
      }
    }
    return text_.size();
  }
  // Behind the bracket that closes the one at `begin`.
  size_t flow_end(size_t begin) const {
    int depth = 0;
    for (size_t at = begin; at < text_.size(); ++at) {
      const char c = text_[at];
      const char before = at > 0 ? text_[at - 1] : ' ';
      const bool starts = std::string_view(" \t\n[{,:").find(before) != std::string_view::npos;
      if ((c == '"' || c == '\'') && starts) {
        at = quoted_end(at, at) - 1;
      } else if (c == '#' && (before == ' ' || before == '\n')) {
        at = line_end(at);
      } else if (c == '[' || c == '{') {
        ++depth;
      } else if ((c == ']' || c == '}') && --depth == 0) {
        return at + 1;
      }
    }
    return text_.size();
  }

  void find_comments() {
    size_t next = 0;  // scalar
    for (size_t at = 0; at < text_.size(); ++at) {
      while (next < scalars_.size() && scalars_[next].end <= at) ++next;
      if (next < scalars_.size() && scalars_[next].begin <= at) {
        // A block's first line may end in a comment.
        if (!scalars_[next].block || at >= line_end(scalars_[next].begin)) {
          at = std::max(at, scalars_[next].end - 1);
          ++next;
          continue;
        }
      }
      const size_t start = source_.line_start(source_.position(at).line);
      if (at == start && (text_.substr(at, 3) == "---" || text_.substr(at, 3) == "..." || text_[at] == '%'))
        throw Unsupported{"several documents, or directives"};
      if (text_[at] != '#' || (at > 0 && text_[at - 1] != ' ' && text_[at - 1] != '\t' && text_[at - 1] != '\n'))
        continue;
      std::string_view text = text_.substr(at, line_end(at) - at);
      text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
      const bool own = text_.substr(start, at - start).find_first_not_of(" \t") == std::string_view::npos;
      comments_.push_back({at, std::string(text), own});
      at = line_end(at) - 1;
    }
  }

  struct Scalar {
    size_t begin, end;
    bool block;
  };
  const SourceFile& source_;
  std::string_view text_;
  std::map<const YamlNode*, size_t> ends_;
  std::vector<Scalar> scalars_;
  std::vector<Comment> comments_;
  std::set<size_t> anchors_;
  size_t last_ = 0;
};

class Printer {
 public:
  Printer(const Layout& layout, const YamlNode& root) : layout_(layout), used_(layout.comments().size(), false) {
    if (root.kind != Kind::map || layout.is_flow(root)) throw Unsupported{"a file that is no map in block style"};
    map(root, 0, {}, false);
    for (size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) own_comment(i, 0, true);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string spaces(size_t count) { return std::string(count, ' '); }

  void own_comment(size_t i, size_t indent, bool keep_blank) {
    const Comment& comment = layout_.comments()[i];
    used_[i] = true;
    if (keep_blank && layout_.blank_above(comment.begin)) blank_line();
    out_ += spaces(indent) + comment.text + "\n";
  }
  void blank_line() {
    if (!out_.empty() && out_.size() > 1 && out_.compare(out_.size() - 2, 2, "\n\n") != 0) out_ += "\n";
  }

  // Comments of their own lines that belong to what begins at `anchor`.
  bool lead(size_t anchor, size_t indent, bool keep_blank) {
    bool any = false;
    for (size_t i = 0; i < used_.size(); ++i) {
      const Comment& comment = layout_.comments()[i];
      if (used_[i] || !comment.own_line || comment.begin > anchor) continue;
      auto next = layout_.anchors().upper_bound(comment.begin);
      if (next == layout_.anchors().end() || *next != anchor) continue;
      own_comment(i, indent, keep_blank || any);
      any = true;
    }
    return any;
  }

  // "  # text" of comments between two places that stand behind something.
  std::string trailing(size_t begin, size_t end) {
    std::string result;
    for (size_t i = 0; i < used_.size(); ++i) {
      const Comment& comment = layout_.comments()[i];
      if (used_[i] || comment.begin < begin || comment.begin > end) continue;
      used_[i] = true;
      result += "  " + comment.text;
    }
    return result;
  }

  std::vector<const YamlEntry*> ordered(const YamlNode& node, const Path& path) const {
    std::vector<std::pair<size_t, const YamlEntry*>> ranked;
    const std::vector<std::string>* order = order_of(path);
    size_t rank = 0;
    for (const YamlEntry& entry : node.entries) {
      if (order) {
        const auto known = std::find(order->begin(), order->end(), entry.key);
        // A key without a place follows the one that it stood behind.
        if (known != order->end()) rank = static_cast<size_t>(known - order->begin()) + 1;
      }
      ranked.push_back({rank, &entry});
    }
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const YamlEntry*> result;
    for (const auto& [place, entry] : ranked) result.push_back(entry);
    return result;
  }

  // `inline_first`: the first entry goes on with the line.
  void map(const YamlNode& node, size_t indent, const Path& path, bool inline_first) {
    const bool top = path.empty();
    conditions(node, path);
    for (const YamlEntry* entry : ordered(node, path)) {
      if (!inline_first) {
        const size_t anchor = entry->key_span.begin;
        if (!lead(anchor, indent, top) && top && layout_.blank_above(anchor))
          blank_line();
        else if (top && layout_.blank_above(anchor))
          blank_line();
        out_ += spaces(indent);
      }
      inline_first = false;
      Path inner = path;
      inner.push_back(entry->key);
      out_ += std::string(entry->key_span.text()) + ":";
      value(*entry->value, entry->key_span.begin, indent, inner);
    }
  }

  // What stands behind "key:" or "-", which began at `begin` and stands at column `indent`.
  void value(const YamlNode& node, size_t begin, size_t indent, const Path& path) {
    switch (node.kind) {
      case Kind::null: out_ += trailing(begin, layout_.line_end(begin)) + "\n"; return;
      case Kind::scalar: scalar(node, begin, indent, path); return;
      case Kind::list:
      case Kind::map: break;
    }
    if (layout_.is_flow(node)) {
      flow(node, begin, indent, path);
      return;
    }
    out_ += trailing(begin, layout_.line_end(begin)) + "\n";
    if (node.kind == Kind::list)
      list(node, indent + 2, path);
    else
      map(node, indent + 2, path, false);
  }

  void list(const YamlNode& node, size_t indent, const Path& path) {
    bool first = true;
    for (const YamlPtr& element : node.elements) {
      const size_t anchor = element->span.begin;
      const bool rules = path == Path{"rules"};
      if (!first && rules) blank_line();
      const bool any = lead(anchor, indent, !rules && !first);
      if (!rules && (any || !first) && layout_.blank_above(anchor)) blank_line();
      first = false;
      const bool inner_map = element->kind == Kind::map && !layout_.is_flow(*element);
      if (inner_map) {
        for (const YamlEntry* entry : ordered(*element, path)) {
          lead(entry->key_span.begin, indent, false);
          break;
        }
      }
      out_ += spaces(indent) + "-";
      if (inner_map) {
        out_ += " ";
        map(*element, indent + 2, path, true);
      } else if (element->kind == Kind::list && !layout_.is_flow(*element)) {
        out_ += "\n";
        list(*element, indent + 2, path);
      } else {
        value(*element, anchor, indent, path);
      }
    }
  }

  // --- flow collections

  std::string one_line(const YamlNode& node, const Path& path) {
    if (node.kind == Kind::null) return "";
    if (node.kind == Kind::scalar) return flow_scalar(node, path);
    std::string text;
    for (const YamlPtr& element : node.elements) text += (text.empty() ? "" : ", ") + one_line(*element, path);
    for (const YamlEntry& entry : node.entries) {
      Path inner = path;
      inner.push_back(entry.key);
      const std::string given = one_line(*entry.value, inner);
      text +=
          (text.empty() ? "" : ", ") + std::string(entry.key_span.text()) + ":" + (given.empty() ? "" : " " + given);
    }
    return node.kind == Kind::list ? "[" + text + "]" : "{" + text + "}";
  }

  bool has_comment(size_t begin, size_t end) const {
    return std::any_of(layout_.comments().begin(), layout_.comments().end(),
                       [&](const Comment& comment) { return comment.begin >= begin && comment.begin < end; });
  }

  void flow(const YamlNode& node, size_t begin, size_t indent, const Path& path) {
    const size_t end = layout_.end_of(node);
    if (has_comment(node.span.begin, end)) {
      // Left as it is, with its comments.
      for (size_t i = 0; i < used_.size(); ++i) {
        const size_t at = layout_.comments()[i].begin;
        if (at >= node.span.begin && at < end) used_[i] = true;
      }
      out_ += " " + std::string(layout_.written(node)) + trailing(end, layout_.line_end(end)) + "\n";
      return;
    }
    const std::string text = one_line(node, path);
    const size_t column = out_.size() - (out_.rfind('\n') == std::string::npos ? 0 : out_.rfind('\n') + 1);
    const std::string comment = trailing(begin, layout_.line_end(end));
    if (column + 1 + text.size() <= kColumns || (node.elements.empty() && node.entries.empty())) {
      out_ += " " + text + comment + "\n";
    } else if (node.kind == Kind::list) {
      out_ += " " + filled(node, column + 1, indent + 2, path) + comment + "\n";
    } else {
      // One key on each line, the first one behind the dash of a list.
      bool first = out_.back() == '-';
      if (!first) out_ += comment + "\n";
      for (const YamlEntry& entry : node.entries) {
        Path inner = path;
        inner.push_back(entry.key);
        const std::string given = one_line(*entry.value, inner);
        out_ += (first ? " " : spaces(indent + 2)) + std::string(entry.key_span.text()) + ":" +
                (given.empty() ? "" : " " + given) + (first ? comment : "") + "\n";
        first = false;
      }
    }
  }

  std::string filled(const YamlNode& node, size_t column, size_t indent, const Path& path) {
    std::string text = "[";
    size_t at = column + 1;
    for (size_t i = 0; i < node.elements.size(); ++i) {
      std::string element = one_line(*node.elements[i], path) + (i + 1 < node.elements.size() ? "," : "]");
      if (i > 0 && at + 1 + element.size() > kColumns) {
        text += "\n" + spaces(indent);
        at = indent;
      } else if (i > 0) {
        text += " ";
        ++at;
      }
      at += element.size();
      text += element;
    }
    return text;
  }

  // --- scalars

  // The conditions of a rule as they were and as they become: a test's `because` follows.
  void conditions(const YamlNode& node, const Path& path) {
    if (path != Path{"rules"}) return;
    because_.clear();
    const YamlEntry* where = node.find("where");
    if (!where || where->value->kind != Kind::scalar) return;
    Diagnostics reported;
    for (const syntax::ConditionLine& line : syntax::parse_conditions(where->value->text, reported)) {
      MappedText text(where->value->text.file());
      text.append(line.text, 0, 0);
      const std::vector<std::string> printed = format_code(CodeKind::condition, text, std::string::npos);
      if (printed.size() == 1) because_[squeezed(line.text)] = printed[0];
    }
  }

  std::string quoted(const YamlNode& node, const std::string& text) const {
    const char quote = layout_.written(node).empty() ? '\0' : layout_.written(node).front();
    if (quote == '\'') {
      std::string result = "'";
      for (const char c : text) result += c == '\'' ? "''" : std::string(1, c);
      return result + "'";
    }
    if (quote != '"') return text;
    std::string result = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
    return result + "\"";
  }

  // A scalar that is not a block, on one line.
  std::string flow_scalar(const YamlNode& node, const Path& path) {
    const std::string& text = node.text.text();
    if (path.size() > 2 && path.back() == "because") {
      if (auto known = because_.find(squeezed(text)); known != because_.end()) return quoted(node, known->second);
    }
    if (const auto kind = code_kind(path)) {
      const std::vector<std::string> lines = format_code(*kind, node.text, std::string::npos);
      if (lines.size() == 1) return quoted(node, lines[0]);
    }
    const std::string_view written = layout_.written(node);
    if (written.find('\n') == std::string_view::npos) return std::string(written);
    if (text.find('\n') != std::string::npos) throw Unsupported{"a text in quotes with line ends"};
    return quoted(node, text);
  }

  void block(const std::string& indicator, const std::vector<std::string>& lines, const std::string& comment,
             size_t indent) {
    out_ += " " + indicator + comment + "\n";
    for (const std::string& line : lines) out_ += line.empty() ? "\n" : spaces(indent + 2) + line + "\n";
  }

  void scalar(const YamlNode& node, size_t begin, size_t indent, const Path& path) {
    const bool is_block = layout_.is_block_text(node);
    const std::string& text = node.text.text();
    const std::string comment = trailing(begin, layout_.line_end(is_block ? node.span.begin : layout_.end_of(node)));
    const size_t column = out_.size() - (out_.rfind('\n') == std::string::npos ? 0 : out_.rfind('\n') + 1);
    const bool blank = node.text.empty();
    if (const auto kind = code_kind(path); kind && !blank) {
      if (!is_block && !always_block(path)) {
        const std::vector<std::string> lines = format_code(*kind, node.text, std::string::npos);
        if (lines.size() == 1 && lines[0].find('#') == std::string::npos) {
          const std::string whole = quoted(node, lines[0]);
          if (column + 1 + whole.size() <= kColumns) {
            out_ += " " + whole + comment + "\n";
            return;
          }
        }
      }
      block("|", format_code(*kind, node.text, kColumns - indent - 2), comment, indent);
      return;
    }
    if (is_graph(path) && !blank) {
      block("|", graph_lines(text), comment, indent);
      return;
    }
    if (is_block && blank) throw Unsupported{"an empty block"};
    const bool doc = path.back() == "doc";
    if (!is_block) {
      const std::string whole = flow_scalar(node, path);
      if (!doc || column + 1 + whole.size() <= kColumns || text.find('\n') != std::string::npos) {
        out_ += " " + whole + comment + "\n";
        return;
      }
    }
    if (doc && squeezed(text) == text) {
      block(">-", wrapped(text, kColumns - indent - 2), comment, indent);
      return;
    }
    const bool newline = !text.empty() && text.back() == '\n';
    if (newline && text.size() > 1 && text[text.size() - 2] == '\n')
      throw Unsupported{"a block with blank lines at its end"};
    if (doc && squeezed(text) + "\n" == text && text.size() + indent + 1 > kColumns) {
      block(">", wrapped(text, kColumns - indent - 2), comment, indent);
      return;
    }
    block(newline ? "|" : "|-", lines_of(text), comment, indent);
  }

  static std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      std::string line = text.substr(at, end - at);
      line.erase(line.find_last_not_of(" \t\r") + 1);
      lines.push_back(std::move(line));
      at = end + 1;
    }
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
  }

  // Without the indentation that all share; a graph's spaces say nothing.
  static std::vector<std::string> graph_lines(const std::string& text) {
    std::vector<std::string> lines = lines_of(text);
    while (!lines.empty() && lines.front().empty()) lines.erase(lines.begin());
    size_t shared = std::string::npos;
    for (const std::string& line : lines) {
      if (!line.empty()) shared = std::min(shared, line.find_first_not_of(" \t"));
    }
    for (std::string& line : lines) line.erase(0, std::min(shared, line.size()));
    if (!lines.empty()) lines.front().erase(0, lines.front().find_first_not_of(" \t"));
    return lines;
  }

  static std::vector<std::string> wrapped(const std::string& text, size_t width) {
    std::vector<std::string> lines{""};
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find_first_of(" \n", at), text.size());
      const std::string word = text.substr(at, end - at);
      if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
      lines.back() += (lines.back().empty() || word.empty() ? "" : " ") + word;
      at = end + 1;
    }
    return lines;
  }

  const Layout& layout_;
  std::vector<bool> used_;
  std::map<std::string, std::string> because_;
  std::string out_;
};

// --- the proof

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

std::multiset<std::string> comment_texts(const Layout& layout) {
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
    const Layout layout(*source, **tree);
    std::string text = Printer(layout, **tree).take();
    const auto written = std::make_shared<const SourceFile>(source->name(), text);
    const Result<YamlPtr> again = parse_yaml(written, LoadLimits{});
    if (!again.ok() || !same_tree(**tree, **again, {}) ||
        comment_texts(layout) != comment_texts(Layout(*written, **again))) {
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
