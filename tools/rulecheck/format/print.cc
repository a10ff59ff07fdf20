// See print.h. A comment on a line of its own belongs to the next key or list element, one behind something to the key
// of that line.

#include <rulecheck/format/print.h>

#include <algorithm>
#include <map>

#include <common/squeezed.h>
#include <qrules/rules/syntax.h>
#include <rulecheck/format/code.h>
#include <rulecheck/format/places.h>
#include <rulecheck/format/text_lines.h>

namespace qrules::tools {
namespace {

using Kind = YamlNode::Kind;

constexpr size_t kColumns = 120;

class Printer {
 public:
  Printer(const SourceLayout& layout, const YamlNode& root) : layout_(layout), used_(layout.comments().size(), false) {
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

  const SourceLayout& layout_;
  std::vector<bool> used_;
  std::map<std::string, std::string> because_;
  std::string out_;
};

}  // namespace

std::string print_rules(const SourceLayout& layout, const YamlNode& root) { return Printer(layout, root).take(); }

}  // namespace qrules::tools
