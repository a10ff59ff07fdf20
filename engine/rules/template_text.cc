#include <qrules/rules/template_text.h>

#include <algorithm>
#include <cctype>
#include <set>

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

bool check_elements(const RuleDeclaration& declared, Diagnostics& diagnostics) {
  const size_t before = diagnostics.size();
  for (const ForeachVariable& variable : declared.foreach_variables) {
    std::set<std::string> keys;
    for (const auto& element : variable.elements) {
      for (const auto& [key, text] : element) keys.insert(key);
    }
    for (const std::string& key : keys) {
      const std::string use = "${" + variable.name + (key.empty() ? "" : "." + key) + "}";
      const auto uses = [&](const MappedText& text) { return text.text().find(use) != std::string::npos; };
      if (!uses(declared.match) && !uses(declared.where) && !uses(declared.rewrite)) continue;
      for (size_t i = 0; i < variable.elements.size(); ++i) {
        if (variable.elements[i].count(key)) continue;
        const MappedText& text = uses(declared.match)   ? declared.match
                                 : uses(declared.where) ? declared.where
                                                        : declared.rewrite;
        const size_t at = text.text().find(use);
        const Span& place = variable.element_spans[i];
        diagnostics.add(Diagnostic(kMissingKey, place, "`" + key + "` is missing")
                            .with("where", "an element of `" + variable.name + "`")
                            .with("key", key)
                            .label(text.span(at, at + use.size()), "used here")
                            .propose("give it", place.part(0, 0), key + ": ..., "));
      }
    }
  }
  return diagnostics.size() == before;
}

void blame_elements(const std::vector<Substitution>& made, const std::string& instance, size_t before,
                    Diagnostics& diagnostics) {
  for (size_t i = before; i < diagnostics.size(); ++i) {
    Diagnostic& diagnostic = diagnostics[i];
    if (diagnostic.labels.empty()) continue;
    const Span use = diagnostic.labels.front().span;
    const auto inside = [&](const Substitution& s) {
      return s.use.file == use.file && use.begin >= s.use.begin && use.end <= s.use.end;
    };
    const auto overlaps = [&](const Substitution& s) {
      return s.use.file == use.file && use.begin < s.use.end && use.end > s.use.begin;
    };
    auto element = std::find_if(made.begin(), made.end(), inside);
    if (element != made.end()) {
      diagnostic.labels.front() = {element->element, diagnostic.labels.front().text};
      diagnostic.labels.push_back({element->use, "used here"});
      for (Help& help : diagnostic.helps) {
        if (help.span && help.span.begin == use.begin && help.span.end == use.end) help.span = element->element;
      }
    } else if ((element = std::find_if(made.begin(), made.end(), overlaps)) != made.end()) {
      diagnostic.labels.push_back({element->element, "${" + element->name + "} in `" + instance + "`"});
      // The edit would take the template's place.
      for (Help& help : diagnostic.helps) {
        if (help.span && help.span.begin < element->use.end && help.span.end > element->use.begin) {
          help.span = {};
          help.replacement.clear();
          help.applicable = false;
        }
      }
    }
  }
}

}  // namespace qrules
