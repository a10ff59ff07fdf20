#include <qrules/rules/unused_names.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace qrules {
namespace {

// Calls `visit(name, place)` for every %name of a text, outside comments and quotes.
template <typename Visit>
void each_name(const MappedText& mapped, const Visit& visit) {
  const std::string& text = mapped.text();
  const auto is_word = [&](size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
    } else if (text[i] == '%' && is_word(i + 1) && !std::isdigit(static_cast<unsigned char>(text[i + 1]))) {
      size_t end = i + 1;
      while (is_word(end)) ++end;
      visit(text.substr(i + 1, end - i - 1), i, end);
      i = end - 1;
    }
  }
}

}  // namespace

std::vector<std::pair<std::string, Span>> unused_names(const RuleDeclaration& rule) {
  std::map<std::string, size_t> count;
  const auto add = [&](const std::string& name, size_t, size_t) { ++count[name]; };
  for (const MappedText* text : {&rule.match, &rule.members, &rule.where, &rule.rewrite}) each_name(*text, add);
  if (rule.counter_when) each_name(*rule.counter_when, add);
  std::vector<std::pair<std::string, Span>> unused;
  each_name(rule.match, [&](const std::string& name, size_t begin, size_t end) {
    if (count[name] == 1 && name[0] != '_') unused.emplace_back(name, rule.match.span(begin, end));
  });
  return unused;
}

}  // namespace qrules
