// Places in the source of a rule file: where nodes end, which comments there are. A comment is what begins with #
// outside all scalars.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <qrules/rules/yaml_tree.h>

namespace qrules::tools {

// Thrown for a form that is not formatted; `why` follows "it has".
struct Unsupported {
  std::string why;
};

struct Comment {
  size_t begin = 0;
  std::string text;
  bool own_line = false;
};

class SourceLayout {
 public:
  // Both must outlive this. Throws Unsupported.
  SourceLayout(const SourceFile& source, const YamlNode& root) : source_(source), text_(source.text()) {
    visit(root, -1, 0);
    find_comments();
  }

  bool is_flow(const YamlNode& node) const {
    const char c = node.span.begin < text_.size() ? text_[node.span.begin] : '\0';
    return node.kind == YamlNode::Kind::list ? c == '[' : node.kind == YamlNode::Kind::map && c == '{';
  }
  bool is_block_text(const YamlNode& node) const {
    return node.kind == YamlNode::Kind::scalar && node.span.begin < text_.size() &&
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
  struct Scalar {
    size_t begin, end;
    bool block;
  };

  // `column`: of the key or dash that the node belongs to.
  void visit(const YamlNode& node, int column, int depth);
  void key(const YamlEntry& entry);
  void flow(const YamlNode& node);
  int column_of(size_t at) const { return static_cast<int>(at - source_.line_start(source_.position(at).line)); }
  int dash_column(size_t at) const {
    const uint32_t line = source_.position(at).line;
    const size_t dash = source_.line(line).find_first_not_of(' ');
    return dash == std::string_view::npos ? 0 : static_cast<int>(dash);
  }
  size_t scalar_end(const YamlNode& node, int column) const;
  size_t quoted_end(size_t begin, size_t otherwise) const;
  size_t flow_end(size_t begin) const;
  void find_comments();

  const SourceFile& source_;
  std::string_view text_;
  std::map<const YamlNode*, size_t> ends_;
  std::vector<Scalar> scalars_;
  std::vector<Comment> comments_;
  std::set<size_t> anchors_;
  size_t last_ = 0;
};

}  // namespace qrules::tools
