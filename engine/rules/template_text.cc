#include <qrules/rules/template_text.h>

#include <cctype>

#include <qrules/rules/diagnostics.h>

namespace qrules {

MappedText substitute(const MappedText& text, const std::map<std::string, MappedText>& values, Diagnostics& diagnostics,
                      std::vector<Substitution>* made) {
  const std::string& from = text.text();
  MappedText result(text.file());
  result.set_place(text.span().begin, text.span().end);
  for (size_t i = 0; i < from.size();) {
    if (from.compare(i, 2, "${") != 0) {
      result.append(from[i], text.place_begin(i), text.place_end(i));
      ++i;
      continue;
    }
    size_t close = i + 2;
    const auto is_part = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' || c == ' ';
    };
    while (close < from.size() && is_part(from[close])) ++close;
    if (close == from.size() || from[close] != '}') {
      diagnostics.add(Diagnostic(kUnclosedTemplate, text.span(i, i + 2), "opened here")
                          .fix("close it", text.span(close, close), "}"));
      return result;
    }
    const std::string key = from.substr(i + 2, close - i - 2);
    const Span span = text.span(i, close + 1);
    auto found = values.find(key);
    if (found == values.end()) {
      std::vector<std::string> known;
      for (const auto& [candidate, value] : values) known.push_back(candidate);
      Diagnostic diagnostic = Diagnostic(kUnknownTemplateName, span).with("name", key);
      if (known.empty()) {
        diagnostic.helps.push_back(
            {"the rule has no `foreach`; `foreach: {" + key + ": [a, b]}` makes one rule for each element", {}, {}});
      } else if (auto near = did_you_mean(key, known)) {
        diagnostic = std::move(diagnostic).fix("did you mean `" + *near + "`?", span, "${" + *near + "}");
      } else {
        std::string list;
        for (const std::string& name : known) list += (list.empty() ? "${" : ", ${") + name + "}";
        diagnostic.helps.push_back({"`foreach` gives " + list, {}, {}});
      }
      diagnostics.add(std::move(diagnostic));
    } else {
      result.append(found->second.text(), text.place_begin(i), text.place_end(close));
      if (made) made->push_back({span, found->second.span(), key, found->second.text()});
    }
    i = close + 1;
  }
  return result;
}

}  // namespace qrules
