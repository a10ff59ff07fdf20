// See yaml_advice.h. The text is read once more by lines: those of block scalars are left out, the others have an
// indentation, perhaps dashes, and a key or a value. That is not YAML, but it is how rule files are written.

#include <qrules/rules/yaml_advice.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include <qrules/rules/diagnostics.h>

namespace qrules {
namespace {

// A line outside block scalars.
struct Line {
  size_t start = 0;    // of the line
  size_t content = 0;  // first byte that is not white space
  size_t column = 0;   // of what follows the dashes, counted from 0
  size_t item = 0;     // byte of what follows the dashes
  size_t end = 0;      // past the last byte that is neither white space nor comment
  bool dash = false;
  size_t colon = std::string_view::npos;  // of `key:`, with a space or the end behind it
  bool block = false;                     // ends in `|` or `>`
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

class Reader {
 public:
  Reader(const SourcePtr& file, size_t at, std::string why)
      : file_(file), text_(file->text()), at_(std::min(at, file->text().size())), why_(std::move(why)) {
    read_lines();
  }

  Diagnostic find() {
    if (auto found = tab()) return *found;
    if (auto found = open_quote()) return *found;
    if (auto found = open_bracket()) return *found;
    if (const Line* line = line_at(at_)) {
      if (auto found = special_character(*line)) return *found;
      if (auto found = second_colon(*line)) return *found;
      if (auto found = missing_colon(*line)) return *found;
      if (auto found = indentation(*line)) return *found;
      if (auto found = missing_dash(*line)) return *found;
    }
    if (text_.substr(at_, 1) == "*")
      return error(at_, at_ + 1, "`*` begins the name of a YAML anchor, and there is none of this name")
          .help("a text that begins with `*` or `&` is written in quotes");
    return error(at_, at_ + 1, why_)
        .help("the line reads as `key: value` or `- element`, indented with spaces as its neighbours");
  }

 private:
  Diagnostic error(size_t begin, size_t end, std::string why, std::string label = {}) const {
    end = std::min(std::max(begin, end), text_.size());
    return Diagnostic(kYamlSyntax, Span{file_, begin, end}, std::move(label)).with("why", std::move(why));
  }
  Span span(size_t begin, size_t end) const { return {file_, begin, end}; }
  static std::string spaces(size_t count) { return std::to_string(count) + (count == 1 ? " space" : " spaces"); }

  // Lines up to a little after the place of the error, without those of blocks.
  void read_lines() {
    size_t block_indent = std::string_view::npos;  // of the key that a block belongs to
    for (uint32_t number = 1; number <= file_->line_count(); ++number) {
      Line line;
      line.start = file_->line_start(number);
      const std::string_view all = file_->line(number);
      const size_t first = all.find_first_not_of(" \t\r");
      if (first == std::string_view::npos) continue;
      line.content = line.start + first;
      if (block_indent != std::string_view::npos && first > block_indent) continue;
      block_indent = std::string_view::npos;
      if (all[first] == '#') continue;
      size_t at = first;
      while (at < all.size() && all[at] == '-' && (at + 1 == all.size() || all[at + 1] == ' ')) {
        line.dash = true;
        at = std::min(all.find_first_not_of(' ', at + 1), all.size());
      }
      line.column = at;
      line.item = line.start + at;
      line.end = line.start + content_end(all);
      size_t word = at;
      while (word < all.size() && is_key(all.substr(word, 1))) ++word;
      if (word > at && word < all.size() && all[word] == ':' && (word + 1 == all.size() || is_space(all[word + 1])))
        line.colon = line.start + word;
      const std::string_view tail = text_.substr(line.item, line.end > line.item ? line.end - line.item : 0);
      const size_t bar = tail.find_last_not_of("+-0123456789");
      line.block =
          bar != std::string_view::npos && (tail[bar] == '|' || tail[bar] == '>') && (bar == 0 || tail[bar - 1] == ' ');
      if (line.block) block_indent = line.colon != std::string_view::npos ? line.column : first;
      lines_.push_back(line);
    }
  }

  // One character of a text in quotes: an escape takes the next one with it, and the quote ends the text.
  static void pass_quoted(std::string_view text, size_t& i, char& quote) {
    if (text[i] == '\\' && quote == '"')
      ++i;
    else if (text[i] == quote)
      quote = '\0';
  }

  // Without a comment and the white space before it.
  static size_t content_end(std::string_view line) {
    size_t end = line.size();
    char quote = '\0';
    for (size_t i = 0; i < line.size(); ++i) {
      if (quote) {
        pass_quoted(line, i, quote);
      } else if ((line[i] == '"' || line[i] == '\'') &&
                 (i == 0 || std::string_view(" [{,:-").find(line[i - 1]) != std::string_view::npos)) {
        quote = line[i];
      } else if (line[i] == '#' && (i == 0 || is_space(line[i - 1]))) {
        end = i;
        break;
      }
    }
    while (end > 0 && is_space(line[end - 1])) --end;
    return end;
  }

  const Line* line_at(size_t at) const {
    const Line* found = nullptr;
    for (const Line& line : lines_) {
      if (line.start <= at) found = &line;
    }
    return found;
  }
  const Line* before(const Line& line) const { return &line == lines_.data() ? nullptr : &line - 1; }
  // The value behind the colon (or the dash), as written.
  size_t value_begin(const Line& line) const {
    size_t begin = line.colon == std::string_view::npos ? line.item : line.colon + 1;
    while (begin < line.end && text_[begin] == ' ') ++begin;
    return begin;
  }
  std::string key_of(const Line& line) const {
    return line.colon == std::string_view::npos ? std::string()
                                                : std::string(text_.substr(line.item, line.colon - line.item));
  }

  std::optional<Diagnostic> tab() const {
    const uint32_t last = file_->position(at_).line;
    for (uint32_t number = last; number + 1 >= last && number > 0; --number) {
      const size_t start = file_->line_start(number);
      const std::string_view line = file_->line(number);
      const size_t content = std::min(line.find_first_not_of(" \t"), line.size());
      const size_t tab = line.substr(0, content).find('\t');
      if (tab == std::string_view::npos) continue;
      return error(start + tab, start + content, "a tab in the indentation", "tabs")
          .propose("YAML is indented with spaces", span(start, start + content), std::string(indent_for(start), ' '));
    }
    return std::nullopt;
  }

  // How far a line is likely to be indented: as the line above, a key as the keys above.
  size_t indent_for(size_t start) const {
    const size_t end = std::min(text_.find('\n', start), text_.size());
    const std::string_view content = text_.substr(start, end - start);
    const size_t first = content.find_first_not_of(" \t");
    const size_t colon = content.find(':');
    const bool key = first != std::string_view::npos && colon != std::string_view::npos &&
                     is_key(content.substr(first, colon - first));
    if (key) {
      const Line* found = nullptr;
      for (const Line& line : lines_) {
        if (line.start < start && line.colon != std::string_view::npos) found = &line;
      }
      return found ? found->column : 0;
    }
    const uint32_t number = file_->position(start).line;
    const std::string_view above = number > 1 ? file_->line(number - 1) : std::string_view();
    const size_t indent = above.find_first_not_of(" \t");
    return indent == std::string_view::npos ? 0 : indent;
  }

  // Is the place of the error behind the end of a text in quotes that began on an earlier line?
  bool behind_end_of(size_t begin, char quote) const {
    size_t end = begin + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' && quote == '"' ? 2 : 1;
    return end < at_ && file_->position(end).line == file_->position(at_).line;
  }

  // A quote that is opened and does not end on its line, up to the place of the error.
  std::optional<Diagnostic> open_quote() const {
    const bool elsewhere = why_.find("flow") == std::string::npos && why_.find("scalar") == std::string::npos &&
                           why_.find("quote") == std::string::npos && why_.find("illegal EOF") == std::string::npos;
    if (elsewhere && why_.find("end of map") == std::string::npos) return std::nullopt;
    for (const Line& line : lines_) {
      if (line.start > at_) break;
      char quote = '\0';
      size_t begin = 0;
      size_t open = 0;
      for (size_t i = line.item; i < line.end; ++i) {
        const char c = text_[i];
        if (quote) {
          pass_quoted(text_, i, quote);
        } else if ((c == '"' || c == '\'') && std::string_view(" [{,:-").find(text_[i - 1]) != std::string_view::npos) {
          quote = c;
          begin = i;
        } else if (c == '[' || c == '{') {
          ++open;
        } else if ((c == ']' || c == '}') && open > 0) {
          --open;
        }
      }
      if (!quote || (elsewhere && !behind_end_of(begin, quote))) continue;
      size_t end = line.end;
      while (open > 0 && end > begin + 1 && (text_[end - 1] == ']' || text_[end - 1] == '}')) {
        --end;
        --open;
      }
      return error(begin, begin + 1, "a text in quotes that does not end on its line", "opened here")
          .propose("close it", span(end, end), std::string(1, quote));
    }
    return std::nullopt;
  }

  std::optional<Diagnostic> open_bracket() const {
    if (why_.find("flow") == std::string::npos) return std::nullopt;
    std::vector<size_t> open;
    for (const Line& line : lines_) {
      if (line.start > at_) break;
      // A new key or element does not continue what is open: that ended on the line above.
      if (!open.empty() && (line.colon != std::string_view::npos || line.dash)) break;
      char quote = '\0';
      for (size_t i = line.item; i < line.end; ++i) {
        const char c = text_[i];
        if (quote) {
          pass_quoted(text_, i, quote);
        } else if (c == '"' || c == '\'') {
          quote = c;
        } else if ((c == '[' || c == '{') && (!open.empty() || i == value_begin(line))) {
          open.push_back(i);
        } else if ((c == ']' || c == '}') && !open.empty()) {
          const char wanted = text_[open.back()] == '[' ? ']' : '}';
          if (c != wanted) {
            return error(i, i + 1, "`" + std::string(1, c) + "` where `" + std::string(1, wanted) + "` is due")
                .label(span(open.back(), open.back() + 1), "opened here")
                .fix("close what was opened", span(i, i + 1), std::string(1, wanted));
          }
          open.pop_back();
        }
      }
    }
    if (open.empty()) return std::nullopt;
    const Line& line = *line_at(open.back());
    const char wanted = text_[open.back()] == '[' ? ']' : '}';
    return error(open.back(), open.back() + 1, "`" + std::string(1, text_[open.back()]) + "` is not closed",
                 "opened here")
        .fix("close it at the end of the line", span(line.end, line.end), std::string(1, wanted));
  }

  // Texts that begin with what YAML keeps for itself.
  std::optional<Diagnostic> special_character(const Line& line) const {
    if (why_.find("unknown token") == std::string::npos) return std::nullopt;
    const Line* above = before(line);
    if (above && at_ == line.item && above->block && above->colon != std::string_view::npos) {
      // The lines of the block up to the next key.
      size_t stop = line.start;
      std::string moved;
      for (const Line* next = &line; next < lines_.data() + lines_.size() && next->colon == std::string_view::npos;
           ++next) {
        const size_t end = std::min(text_.find('\n', next->start), text_.size());
        moved += (moved.empty() ? "" : "\n") + std::string(above->column + 2, ' ') +
                 std::string(text_.substr(next->content, end - next->content));
        stop = end;
      }
      return error(at_, line.end, "the lines of `" + key_of(*above) + "` are not indented",
                   "indented as the key, so the block is empty")
          .label(span(above->item, above->colon), "the key")
          .fix("indent them more than the key", span(line.start, stop), std::move(moved));
    }
    if (above && at_ == line.item && above->colon != std::string_view::npos && value_begin(*above) >= above->end) {
      return error(at_, at_ + 1, std::string("a text that begins with `") + text_[at_] + "` and is in no block")
          .label(span(above->item, above->colon), "the key has no `|`")
          .fix("begin a block with `|`", span(above->colon + 1, above->end), " |");
    }
    size_t end = line.end;
    const size_t begin = value_begin(line);
    size_t open = 0;
    for (size_t i = begin; i < at_; ++i) {
      open += text_[i] == '{' || text_[i] == '[' ? 1 : 0;
      open -= open > 0 && (text_[i] == '}' || text_[i] == ']') ? 1 : 0;
    }
    for (; open > 0 && end > at_ && (text_[end - 1] == '}' || text_[end - 1] == ']'); --open) --end;
    return error(at_, end, std::string("a text that begins with `") + text_[at_] + "` must be in quotes")
        .fix("put it in quotes", span(at_, end), quoted(text_.substr(at_, end - at_)));
  }

  static std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) result += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
    return result + "\"";
  }

  std::optional<Diagnostic> second_colon(const Line& line) const {
    if (why_.find("map value") == std::string::npos || line.colon == std::string_view::npos || at_ <= line.colon)
      return std::nullopt;
    const size_t begin = value_begin(line);
    return error(at_, at_ + 1, "a text with `: ` in it must be in quotes", "this reads as another key")
        .fix("put the text in quotes", span(begin, line.end), quoted(text_.substr(begin, line.end - begin)));
  }

  // The line before a key that YAML did not expect has a value without a key.
  std::optional<Diagnostic> missing_colon(const Line& line) const {
    const Line* above = &line;
    for (int i = 0; i < 2 && above; ++i, above = before(*above)) {
      if (above->colon != std::string_view::npos) continue;
      const std::string_view content = text_.substr(above->item, above->end - above->item);
      size_t word = 0;
      while (word < content.size() && is_key(content.substr(word, 1))) ++word;
      if (word == 0) continue;
      const std::string key(content.substr(0, word));
      if (above->dash && content.find(' ') == std::string_view::npos && content.find(':') == std::string_view::npos)
        continue;  // an element of a list
      if (word < content.size() && content[word] == ':')
        return error(above->item, above->item + word + 1, "a colon needs a space behind it",
                     "read as one word with what follows")
            .fix("`key: value`", span(above->item + word + 1, above->item + word + 1), " ");
      if (word < content.size() && content[word] == ' ')
        return error(above->item, above->item + word, "`" + key + "` has no colon", "expected `" + key + ": ...`")
            .fix("a key ends with a colon", span(above->item + word, above->item + word), ":");
      if (word < content.size() && content[word] == '=')
        return error(above->item + word, above->item + word + 1, "`=` where `:` is due")
            .fix("a key ends with a colon", span(above->item + word, above->item + word + 1), ": ");
      if (word == content.size())
        return error(above->item, above->end, "`" + key + "` has no colon", "expected `" + key + ":`")
            .fix("a key ends with a colon", span(above->end, above->end), ":");
    }
    return std::nullopt;
  }

  // A key that stands in no column of the keys above it.
  std::optional<Diagnostic> indentation(const Line& line) const {
    if (line.colon == std::string_view::npos && !line.dash) return std::nullopt;
    const size_t own = line.dash ? line.content - line.start : line.column;
    const Line* above = before(line);
    if (!above) return std::nullopt;
    std::optional<size_t> nearest;
    size_t lowest = std::string_view::npos;
    bool fits = false;
    for (const Line* other = above;; other = before(*other)) {
      // Columns that are still open: less than all below them.
      for (const size_t column : {other->column, other->content - other->start}) {
        if (column >= lowest && lowest != std::string_view::npos) continue;
        const bool same_form = line.dash ? other->dash && column == other->content - other->start
                                         : other->colon != std::string_view::npos && column == other->column;
        if (same_form) {
          fits = fits || column == own;
          const auto distance = [&](size_t c) { return c > own ? c - own : own - c; };
          if (!nearest || distance(column) < distance(*nearest)) nearest = column;
        }
        lowest = column;
      }
      if (lowest == 0 || !before(*other)) break;
    }
    const bool after_scalar = above->colon != std::string_view::npos &&
                              (above->block || value_begin(*above) < above->end) && own > above->column;
    if ((fits && !after_scalar) || !nearest) return std::nullopt;
    if (after_scalar) nearest = above->column;
    // An element whose dash is missing: its other keys are indented as if it were there.
    const Line* list = before(*above);
    if (after_scalar && !line.dash && !above->dash && own == above->column + 2 && list && !list->block &&
        list->colon != std::string_view::npos && value_begin(*list) >= list->end && list->column < above->column)
      return error(above->item, above->colon, "`" + key_of(*above) + "` begins an element of `" + key_of(*list) + "`",
                   "expected `- `")
          .fix("the elements of a list begin with a dash", span(above->item, above->item), "- ");
    const std::string what = line.dash ? "`-`" : "`" + key_of(line) + "`";
    return error(line.content, line.dash ? line.content + 1 : line.colon,
                 what + " is indented by " + spaces(own) + ", its neighbours by " + std::to_string(*nearest))
        .fix("indent it as its neighbours", span(line.start, line.start + own), std::string(*nearest, ' '));
  }

  // A key where elements of a list stand.
  std::optional<Diagnostic> missing_dash(const Line& line) const {
    if (line.dash || line.colon == std::string_view::npos) return std::nullopt;
    for (const Line* other = before(line); other; other = before(*other)) {
      const size_t column = other->content - other->start;
      if (column < line.column) break;
      if (!other->dash || column != line.column) continue;
      return error(line.item, line.colon, "`" + key_of(line) + "` stands among the elements of a list", "expected `- `")
          .label(span(other->content, other->content + 1), "an element of the list")
          .propose("the elements of a list begin with a dash", span(line.item, line.item), "- ");
    }
    return std::nullopt;
  }

  SourcePtr file_;
  std::string_view text_;
  size_t at_;
  std::string why_;
  std::vector<Line> lines_;
};

}  // namespace

Diagnostic yaml_error(const SourcePtr& file, size_t at, const std::string& why) { return Reader(file, at, why).find(); }

}  // namespace qrules
