// See code.h. Works on tokens, never on meaning: what the lexer of the rule language reads is printed again, so a text
// with a mistake in it keeps the mistake.

#include <rulecheck/format/code.h>

#include <algorithm>

#include <qrules/rules/lexer.h>

namespace qrules::tools {
namespace {

using syntax::Token;
using syntax::TokenKind;

struct Piece {
  Token token;
  std::string gap;  // the text before it, since the piece before
  int depth = 0;    // of brackets around it; a bracket itself stands outside
  bool unary = false;
};

// A statement, a comment on a line of its own, or (with neither) a blank line.
struct Item {
  std::vector<Piece> pieces;
  std::string comment;  // with its #
};

std::vector<std::string_view> continuations(CodeKind kind) {
  if (kind == CodeKind::pattern) return {"|"};
  return {"and", "or"};
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

bool is_keyword(const Token& token) {
  static constexpr std::string_view kWords[] = {"and", "or", "not", "in", "if", "else", "for", "with", "each", "like"};
  return token.kind == TokenKind::word &&
         std::find(std::begin(kWords), std::end(kWords), token.text) != std::end(kWords);
}

bool is_operator(const Token& token) {
  static constexpr std::string_view kSymbols[] = {
      "=", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "//", "%", "|"};
  return token.kind == TokenKind::symbol &&
         std::find(std::begin(kSymbols), std::end(kSymbols), token.text) != std::end(kSymbols);
}

std::vector<Item> read(CodeKind kind, const MappedText& text) {
  syntax::Lexer lexer(text, continuations(kind));
  const std::string& all = text.text();
  std::vector<Item> items;
  Item current;
  size_t end = 0;  // of what was read
  int depth = 0;
  while (true) {
    const Token token = lexer.next();
    const std::string gap = all.substr(end, token.begin - end);
    end = token.end;
    if (token.kind == TokenKind::newline || token.kind == TokenKind::end) {
      current.comment = trimmed(gap);
      const bool last = token.kind == TokenKind::end;
      if (!last || !current.pieces.empty() || !current.comment.empty()) items.push_back(std::move(current));
      current = Item();
      depth = 0;
      if (last) return items;
      continue;
    }
    Piece piece{token, gap, depth, false};
    if (token.is("(") || token.is("[")) ++depth;
    if ((token.is(")") || token.is("]")) && depth > 0) piece.depth = --depth;
    if (token.is("-")) {
      const Token* before = current.pieces.empty() ? nullptr : &current.pieces.back().token;
      piece.unary = !before || is_operator(*before) || is_keyword(*before) || before->is("(") || before->is("[") ||
                    before->is(",");
    }
    current.pieces.push_back(std::move(piece));
  }
}

bool space_between(CodeKind kind, const Piece& a, const Piece& b) {
  const Token &left = a.token, &right = b.token;
  if (right.is(",") || right.is(")") || right.is("]") || left.is("(") || left.is("[")) return false;
  if (left.is(",")) return true;
  // Pieces of templates (${name}) may be parts of a word.
  if (left.kind == TokenKind::bad || right.kind == TokenKind::bad) return !b.gap.empty();
  if (left.is("=") || right.is("=")) return b.depth == 0;
  if (right.is("(")) return is_keyword(left) || is_operator(left);
  if (left.is("-") && a.unary) return false;
  if (kind == CodeKind::pattern) return !right.is("?") && !right.is("*") && !right.is("+");
  return true;
}

std::string_view written(const std::string& all, const Token& token) {
  return std::string_view(all).substr(token.begin, token.end - token.begin);
}

bool may_break_before(CodeKind kind, const Piece* before, const Piece& piece) {
  if (!before) return false;
  if (before->token.is(",")) return piece.depth > 0 && !piece.token.is(")") && !piece.token.is("]");
  if (kind == CodeKind::pattern) return piece.token.is("|");
  return piece.token.is_word("and") || piece.token.is_word("or");
}

// Alternatives of a statement that is more than a line have a line each.
bool begins_line(CodeKind kind, const Piece& piece) {
  return kind == CodeKind::pattern && piece.depth == 0 && piece.token.is("|");
}

// Lines filled as far as they go, broken at places of at most this depth.
std::vector<std::string> fill(CodeKind kind, const std::string& all, const std::vector<Piece>& pieces, size_t width,
                              int deepest) {
  std::vector<std::string> lines;
  std::string line, chunk;  // `chunk`: since the last place where the line may be broken
  bool new_line = false;    // before the chunk
  const auto flush = [&](bool space) {
    if (!line.empty() && (new_line || line.size() + (space ? 1 : 0) + chunk.size() > width)) {
      lines.push_back(std::move(line));
      line = "  ";
      space = false;
    }
    line += (space ? " " : "") + chunk;
    chunk.clear();
  };
  bool pending_space = false;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece* before = i > 0 ? &pieces[i - 1] : nullptr;
    const bool space = before && space_between(kind, *before, pieces[i]);
    if (may_break_before(kind, before, pieces[i]) && pieces[i].depth <= deepest) {
      flush(pending_space);
      pending_space = space;
      new_line = begins_line(kind, pieces[i]);
    } else if (space) {
      chunk += " ";
    }
    chunk += written(all, pieces[i].token);
  }
  flush(pending_space);
  lines.push_back(std::move(line));
  return lines;
}

bool fits(const std::vector<std::string>& lines, size_t width) {
  return std::all_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.size() <= width; });
}

std::vector<std::string> print(CodeKind kind, const std::string& all, const std::vector<Piece>& pieces, size_t width) {
  int depth = 0;
  for (const Piece& piece : pieces) depth = std::max(depth, piece.depth);
  std::vector<std::string> lines;
  for (int deepest = -1; deepest <= depth; ++deepest) {
    lines = fill(kind, all, pieces, width, deepest);
    if (fits(lines, width)) break;
  }
  return lines;
}

bool has_inner_comment(const std::vector<Piece>& pieces) {
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const Piece& piece) { return piece.gap.find('#') != std::string::npos; });
}

// Comments stand between the tokens: the lines stay as they are.
std::vector<std::string> print_as_lines(CodeKind kind, const std::string& all, const std::vector<Piece>& pieces) {
  std::vector<std::string> lines{""};
  for (size_t i = 0; i < pieces.size(); ++i) {
    const std::string& gap = pieces[i].gap;
    if (i > 0 && gap.find('\n') != std::string::npos) {
      for (size_t at = 0; at < gap.size();) {
        const size_t end = std::min(gap.find('\n', at), gap.size());
        const std::string_view part = trimmed(std::string_view(gap).substr(at, end - at));
        if (!part.empty()) lines.back() += (at == 0 ? "  " : "") + std::string(part);
        if (end < gap.size() && (at == 0 || !part.empty())) lines.push_back("  ");
        at = end + 1;
      }
    } else if (i > 0 && space_between(kind, pieces[i - 1], pieces[i])) {
      lines.back() += " ";
    }
    lines.back() += written(all, pieces[i].token);
  }
  return lines;
}

}  // namespace

std::vector<std::string> format_code(CodeKind kind, const MappedText& text, size_t width) {
  std::vector<std::string> lines;
  bool blank = false;
  for (const Item& item : read(kind, text)) {
    if (item.pieces.empty() && item.comment.empty()) {
      blank = !lines.empty();
      continue;
    }
    if (blank) lines.emplace_back();
    blank = false;
    if (item.pieces.empty()) {
      lines.push_back(item.comment);
      continue;
    }
    std::vector<std::string> printed = has_inner_comment(item.pieces) ? print_as_lines(kind, text.text(), item.pieces)
                                                                      : print(kind, text.text(), item.pieces, width);
    if (!item.comment.empty()) printed.back() += "  " + item.comment;
    lines.insert(lines.end(), printed.begin(), printed.end());
  }
  return lines;
}

bool same_code(CodeKind kind, const MappedText& a, const MappedText& b) {
  const auto statements = [&](const MappedText& text) {
    std::vector<std::vector<std::string>> result;
    for (const Item& item : read(kind, text)) {
      if (item.pieces.empty()) continue;
      result.emplace_back();
      for (const Piece& piece : item.pieces) result.back().emplace_back(written(text.text(), piece.token));
    }
    return result;
  };
  return statements(a) == statements(b);
}

std::vector<std::string> comments_of(CodeKind kind, const MappedText& text) {
  std::vector<std::string> result;
  const auto add = [&](std::string_view gap) {
    for (size_t at = 0; at < gap.size();) {
      const size_t end = std::min(gap.find('\n', at), gap.size());
      const std::string_view part = trimmed(gap.substr(at, end - at));
      if (!part.empty()) result.emplace_back(part);
      at = end + 1;
    }
  };
  for (const Item& item : read(kind, text)) {
    for (const Piece& piece : item.pieces) add(piece.gap);
    add(item.comment);
  }
  return result;
}

}  // namespace qrules::tools
