// See checks.h.

#include <rulecheck/checks.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <qrules/rules/declarations.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {
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
      visit(text.substr(i + 1, end - i - 1), mapped.span(i, end));
      i = end - 1;
    }
  }
}

// Names that occur once in all texts of a rule, and that in its match. The texts are read again from the file: compiled
// rules no longer know how often a name was written.
void check_names(const RuleDeclaration& rule, Diagnostics& found) {
  std::map<std::string, size_t> count;
  const auto add = [&](const std::string& name, const Span&) { ++count[name]; };
  for (const MappedText* text : {&rule.match, &rule.members, &rule.where, &rule.rewrite}) each_name(*text, add);
  if (rule.counter_when) each_name(*rule.counter_when, add);
  each_name(rule.match, [&](const std::string& name, const Span& span) {
    if (count[name] > 1 || name.starts_with("_")) return;
    found.add(Diagnostic(kUnusedName, span)
                  .with("name", name)
                  .with("rule", rule.name.text())
                  .help("write `_`, or `%_" + name + "` when None must not match"));
  });
}

void check_tests(const Rule& rule, const std::vector<RuleTest>& tests, Diagnostics& found) {
  const auto fires = [](const RuleTest& test) { return test.fires.value_or(0) > 0; };
  if (std::none_of(tests.begin(), tests.end(), fires))
    found.add(Diagnostic(kNoFiringTest, rule.span).with("rule", rule.base_name));
  if (std::all_of(tests.begin(), tests.end(), fires))
    found.add(Diagnostic(kNoRefusedTest, rule.span).with("rule", rule.base_name));
  for (const RuleTest& test : tests) {
    if (!fires(test) && test.because.empty())
      found.add(Diagnostic(kNoReason, test.span).with("test", test.name).with("rule", rule.base_name));
  }
}

}  // namespace

bool chosen(const Rule& rule, const std::string& filter) {
  return filter.empty() || rule.base_name.find(filter) != std::string::npos;
}

Diagnostics check_rules(const RuleSet& rules, const std::string& filter) {
  Diagnostics found;
  std::vector<SourcePtr> files;
  std::set<std::string> names;
  for (const Rule& rule : rules.rules) {
    if (chosen(rule, filter)) names.insert(rule.base_name);
    if (rule.span && std::find(files.begin(), files.end(), rule.span.file) == files.end())
      files.push_back(rule.span.file);
  }
  for (const SourcePtr& file : files) {
    const Result<YamlPtr> tree = parse_yaml(file, LoadLimits{});
    if (!tree.ok()) continue;
    Diagnostics known;  // reported when the rules were loaded
    const RuleFile declared = read_declarations(file, **tree, known);
    for (const RuleDeclaration& declaration : declared.rules) {
      if (names.contains(declaration.name.text())) check_names(declaration, found);
    }
  }
  std::set<std::string> seen;
  for (const Rule& rule : rules.rules) {
    if (!names.contains(rule.base_name) || !seen.insert(rule.base_name).second) continue;
    // Tests are kept on one of the instances.
    std::vector<RuleTest> tests;
    for (const Rule& instance : rules.rules) {
      if (instance.base_name == rule.base_name) tests.insert(tests.end(), instance.tests.begin(), instance.tests.end());
    }
    check_tests(rule, tests, found);
  }
  std::vector<Diagnostic> ordered = found.list();
  std::stable_sort(ordered.begin(), ordered.end(), [](const Diagnostic& a, const Diagnostic& b) {
    const Span& x = a.labels.front().span;
    const Span& y = b.labels.front().span;
    if (!x || !y) return !!x > !!y;
    return x.file->name() != y.file->name() ? x.file->name() < y.file->name() : x.begin < y.begin;
  });
  Diagnostics result;
  for (Diagnostic& diagnostic : ordered) result.add(std::move(diagnostic));
  return result;
}

}  // namespace qrules::tools
