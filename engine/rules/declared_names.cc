#include <qrules/rules/declared_names.h>

#include <algorithm>
#include <cctype>

#include <qrules/rules/diagnostics.h>

namespace qrules {
namespace {

Head split_head(const std::string& text) {
  Head head;
  const size_t open = text.find('(');
  head.name = text.substr(0, open);
  while (!head.name.empty() && head.name.back() == ' ') head.name.pop_back();
  head.end = text.size();
  if (!is_identifier(head.name)) {
    head.why = head.name.empty() ? "a name comes first" : "`" + head.name + "` is no word of letters, digits and `_`";
    head.end = std::min(open, text.size());
    std::string word = head.name;
    std::replace_if(
        word.begin(), word.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    if (is_identifier(word)) head.mended = word + (open == std::string::npos ? "" : text.substr(open));
    head.name = word;
    return head;
  }
  if (open == std::string::npos) {
    if (head.name.size() == text.size()) return head;
    head.why = "something follows the name";
    head.begin = head.name.size();
    return head;
  }
  const size_t close = text.find_last_not_of(' ');
  if (text[close] != ')') {
    head.why = "`(` is not closed";
    head.begin = open;
    head.end = open + 1;
    head.mended = text.substr(0, close + 1) + ")";
    return head;
  }
  for (size_t at = open + 1; at < close;) {
    const size_t comma = std::min(text.find(',', at), close);
    size_t begin = at, end = comma;
    while (begin < end && (text[begin] == ' ' || text[begin] == '%')) ++begin;
    while (end > begin && text[end - 1] == ' ') --end;
    const std::string parameter = text.substr(begin, end - begin);
    const bool twice = std::find(head.parameters.begin(), head.parameters.end(), parameter) != head.parameters.end();
    if (twice || !is_identifier(parameter)) {
      head.why = twice               ? "`" + parameter + "` is named twice"
                 : parameter.empty() ? "a parameter has no name"
                                     : "`" + parameter + "` is no name of a parameter";
      head.begin = begin;
      head.end = std::max(end, begin + 1);
      return head;
    }
    head.parameters.push_back(parameter);
    at = comma + 1;
  }
  return head;
}

}  // namespace

bool is_identifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; });
}

bool is_plain_name(std::string_view given) {
  if (given.empty()) return false;
  return std::all_of(given.begin(), given.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; });
}

void add_invalid_name(const YamlNode& given, const std::string& what, Diagnostics& diagnostics) {
  const std::string& written = given.text.text();
  std::string plain = written;
  std::replace_if(
      plain.begin(), plain.end(),
      [&](char c) {
        return !(std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (c == '-' && what != "a class"));
      },
      what == "a class" ? '_' : '-');
  Diagnostic diagnostic = Diagnostic(kInvalidName, given.span).with("name", written).with("what", what);
  const bool class_name = what == "a class";
  if (class_name ? is_identifier(plain) : is_plain_name(plain)) {
    diagnostic = std::move(diagnostic)
                     .fix(class_name ? "classes are named with letters, digits and `_`"
                                     : "names have letters, digits, `-` and `_`",
                          given.span, plain);
  } else {
    diagnostic = std::move(diagnostic).help("give it a name of letters, digits, `-` and `_`");
  }
  diagnostics.add(std::move(diagnostic));
}

Head read_head(const YamlNode& given, const std::string& what, Diagnostics& diagnostics) {
  Head head = split_head(given.text.text());
  if (head.why.empty()) return head;
  Diagnostic diagnostic = Diagnostic(kInvalidName, given.text.span(head.begin, head.end), head.why)
                              .with("name", given.text.text())
                              .with("what", what);
  if (!head.mended.empty()) {
    diagnostic =
        std::move(diagnostic)
            .fix("a name with parameters is `name(a, b)`", given.text.span(0, given.text.text().size()), head.mended);
  } else {
    diagnostic = std::move(diagnostic).help("a name with parameters is `name(a, b)`, each named once");
  }
  diagnostics.add(std::move(diagnostic));
  return head;
}

}  // namespace qrules
