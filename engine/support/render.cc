// Diagnostics as text, in the manner of rustc: the message, the place, the line with a caret,
// labels, notes and helps.

#include <algorithm>
#include <map>

#include <qrules/support/diagnostic.h>

namespace qrules {
namespace {

struct Style {
  bool color;
  std::string paint(const char* code, const std::string& text) const {
    return color ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
  }
};

// Tabs and control characters would move the carets away from what they mark.
std::string visible(std::string_view line) {
  std::string shown;
  for (char c : line) shown += (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) ? ' ' : c;
  return shown;
}

constexpr size_t kWidestLine = 240;
constexpr size_t kBefore = 80;  // kept in front of a mark when the beginning is left out

// A code point each, as columns count them.
std::vector<std::string_view> points_of(std::string_view text) {
  std::vector<std::string_view> points;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    points.push_back(text.substr(at, end - at));
    at = end;
  }
  return points;
}

// The part of a line around a column (from 1), with dots for what is left out.
struct Clip {
  std::string text;
  size_t first = 0;  // columns left out in front
  size_t columns = 0;
  size_t dots = 0;  // columns of the dots in front
};
Clip clip(std::string_view line, size_t column) {
  const std::vector<std::string_view> points = points_of(line);
  Clip clipped;
  if (points.size() <= kWidestLine) {
    clipped.text = line;
    clipped.columns = points.size();
    return clipped;
  }
  // As little is left out in front as shows the mark with something behind it.
  if (column + kBefore > kWidestLine) {
    clipped.first = std::min(column > kBefore ? column - kBefore : 0, points.size() - kWidestLine);
    clipped.dots = 3;
    clipped.text = "...";
  }
  clipped.columns = std::min(kWidestLine, points.size() - clipped.first);
  for (size_t i = 0; i < clipped.columns; ++i) clipped.text += points[clipped.first + i];
  if (clipped.first + clipped.columns < points.size()) clipped.text += "...";
  return clipped;
}

// What was printed last: several labels stand below one copy of their line.
struct Shown {
  uint32_t line = 0;
  Clip clip;
};

void render_label(std::string& out, const Label& label, bool primary, const std::string& gutter, const Style& style,
                  Shown& shown) {
  const SourceFile& file = *label.span.file;
  const auto from = file.position(label.span.begin);
  const auto to = file.position(std::max(label.span.end, label.span.begin));
  const std::string number = std::to_string(from.line);
  const auto outside = [&] {
    return from.column <= shown.clip.first || from.column > shown.clip.first + shown.clip.columns + 1;
  };
  if (shown.line != from.line || outside()) {
    shown = {from.line, clip(visible(file.line(from.line)), from.column)};
    out += style.paint("34", std::string(gutter.size() - number.size(), ' ') + number + " | ") + shown.clip.text + "\n";
  }
  const size_t columns = shown.clip.first + shown.clip.columns;
  size_t width =
      to.line == from.line ? to.column - from.column : columns + 1 - std::min<size_t>(from.column, columns + 1);
  width = std::clamp<size_t>(width, 1, std::max<size_t>(1, columns + 1 - std::min<size_t>(from.column, columns)));
  const size_t indent = from.column - 1 - std::min<size_t>(shown.clip.first, from.column - 1) + shown.clip.dots;
  const std::string marks(width, primary ? '^' : '-');
  out += style.paint("34", gutter + " | ") + std::string(indent, ' ') +
         style.paint(primary ? "31;1" : "34;1", marks + (label.text.empty() ? "" : " " + label.text)) + "\n";
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

// The lines that the edit touches, before and after, without those that stay as they are.
void render_fix(std::string& out, const Help& help, const std::string& gutter, const Style& style) {
  const SourceFile& file = *help.span.file;
  const std::string_view text = file.text();
  const size_t begin = std::min(help.span.begin, text.size());
  const size_t end = std::min(std::max(help.span.end, begin), text.size());
  const uint32_t first_line = file.position(begin).line;
  const size_t start = file.line_start(first_line);
  const size_t stop = std::min(text.find('\n', end), text.size());
  const std::string changed =
      std::string(text.substr(start, begin - start)) + help.replacement + std::string(text.substr(end, stop - end));
  const std::vector<std::string_view> before = lines_of(text.substr(start, stop - start)), after = lines_of(changed);
  size_t same = 0, same_end = 0;
  const size_t least = std::min(before.size(), after.size());
  while (same < least && before[same] == after[same]) ++same;
  while (same + same_end < least && before[before.size() - 1 - same_end] == after[after.size() - 1 - same_end])
    ++same_end;
  // Where the first of them changes.
  size_t differs = 0;
  if (same < before.size() && same < after.size()) {
    const size_t shorter = std::min(before[same].size(), after[same].size());
    while (differs < shorter && before[same][differs] == after[same][differs]) ++differs;
  }
  const auto line = [&](size_t index, char sign, const char* color, std::string_view shown) {
    const std::string number = std::to_string(first_line + index);
    const std::string pad(gutter.size() > number.size() ? gutter.size() - number.size() : 0, ' ');
    const size_t column =
        points_of(same < before.size() ? before[same].substr(0, differs) : std::string_view()).size() + 1;
    std::string kept = clip(visible(shown), column).text;
    while (!kept.empty() && (kept.back() == ' ' || kept.back() == '\r')) kept.pop_back();
    out += style.paint("34", pad + number + " ") + style.paint(color, std::string(1, sign) + " " + kept) + "\n";
  };
  for (size_t i = same; i + same_end < before.size(); ++i) line(i, '-', "31", before[i]);
  for (size_t i = same; i + same_end < after.size(); ++i) line(i, '+', "32", after[i]);
}

}  // namespace

std::string render_text(const Diagnostic& diagnostic, bool color) {
  const Style style{color};
  static constexpr const char* kColors[] = {"31;1", "33;1", "36;1"};
  const auto level = static_cast<size_t>(diagnostic.kind->level);
  std::string out =
      style.paint(kColors[level], std::string(name(diagnostic.kind->level)) + "[" + diagnostic.kind->code + "]") +
      style.paint("1", ": " + diagnostic.message()) + "\n";

  size_t widest = 1;
  for (const Label& label : diagnostic.labels) {
    if (label.span) widest = std::max(widest, std::to_string(label.span.file->position(label.span.begin).line).size());
  }
  for (const Help& help : diagnostic.helps) {
    if (help.span) widest = std::max(widest, std::to_string(help.span.file->position(help.span.begin).line).size());
  }
  const std::string gutter(widest, ' ');
  const SourceFile* shown = nullptr;
  Shown last;
  for (size_t i = 0; i < diagnostic.labels.size(); ++i) {
    const Label& label = diagnostic.labels[i];
    if (!label.span) continue;
    const auto position = label.span.file->position(label.span.begin);
    if (label.span.file.get() != shown) {
      out += style.paint("34", gutter + (i == 0 ? "--> " : "::: ")) + label.span.file->name() + ":" +
             std::to_string(position.line) + ":" + std::to_string(position.column) + "\n";
      out += style.paint("34", gutter + " |") + "\n";
      shown = label.span.file.get();
      last = {};
    }
    render_label(out, label, i == 0, gutter, style, last);
  }
  for (const std::string& note : diagnostic.notes) out += style.paint("34", gutter + " = ") + "note: " + note + "\n";
  for (const Help& help : diagnostic.helps) {
    out += style.paint("34", gutter + " = ") + style.paint("36", "help: ") + help.text + "\n";
    if (help.span) render_fix(out, help, gutter, style);
  }
  return out;
}

std::string render_text(const Diagnostics& diagnostics, bool color) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics.list()) {
    if (!out.empty()) out += "\n";
    out += render_text(diagnostic, color);
  }
  return out;
}

}  // namespace qrules
