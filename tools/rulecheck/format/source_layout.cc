#include <rulecheck/format/source_layout.h>

namespace qrules::tools {
namespace {

using Kind = YamlNode::Kind;

}  // namespace

void SourceLayout::visit(const YamlNode& node, int column, int depth) {
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

void SourceLayout::key(const YamlEntry& entry) {
  if (entry.key_span.begin < last_) throw Unsupported{"an alias (*name)"};
  last_ = entry.key_span.begin;
  const char c = text_[entry.key_span.begin];
  if (c == '&' || c == '!' || c == '*' || c == '?' || c == '|' || c == '>')
    throw Unsupported{"a key that is no plain word"};
  scalars_.push_back({entry.key_span.begin, std::max(entry.key_span.end, entry.key_span.begin), false});
}

void SourceLayout::flow(const YamlNode& node) {
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

size_t SourceLayout::scalar_end(const YamlNode& node, int column) const {
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

size_t SourceLayout::quoted_end(size_t begin, size_t otherwise) const {
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
size_t SourceLayout::flow_end(size_t begin) const {
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

void SourceLayout::find_comments() {
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

}  // namespace qrules::tools
