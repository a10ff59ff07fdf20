// See listing.h. The headers of all kinds are included so that each is in the registry, whatever else is linked.

#include <rulecheck/listing.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

#include <common/output.h>
#include <qrules/graph/diagnostics.h>
#include <qrules/graph/text.h>
#include <qrules/rewrite/diagnostics.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/functions.h>
#include <qrules/runtime/diagnostics.h>
#include <qrules/runtime/diagnostics_model.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {
namespace {

std::string wrapped(const std::string& text, const std::string& indent) {
  constexpr size_t kColumns = 100;
  std::string result, line = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() > indent.size() && line.size() + 1 + word.size() > kColumns) {
      result += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
  }
  return result + line + "\n";
}

// Several parts declare their kinds in headers, which every library that includes them enters once more.
std::vector<const DiagnosticKind*> kinds() {
  std::vector<const DiagnosticKind*> all = all_diagnostic_kinds();
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace

std::string signature_of(const Function& function) {
  const DimTable no_symbols;
  std::string result = function.name + "(";
  for (size_t i = 0; i < function.parameters.size(); ++i) {
    const FunctionParameter& parameter = function.parameters[i];
    result += (i ? ", " : "") + parameter.name;
    if (parameter.type != ExpressionType::any) result += ": " + std::string(name(parameter.type));
    if (parameter.has_default) result += " = " + print(parameter.default_value, no_symbols);
    if (function.variadic && i + 1 == function.parameters.size()) result += "...";
  }
  return result + ") -> " + std::string(name(function.result));
}

bool print_explanation(const std::string& code, bool color, std::ostream& out, std::ostream& errors) {
  std::string wanted = code;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::vector<std::string> candidates;
  for (const DiagnosticKind* kind : kinds()) {
    candidates.emplace_back(kind->code);
    candidates.emplace_back(kind->name);
    if (wanted != kind->code && code != kind->name) continue;
    out << paint(std::string(name(kind->level)) + "[" + kind->code + "] " + kind->name, Color::bold, color) << ": "
        << kind->message << "\n\n"
        << wrapped(kind->explanation, "");
    return true;
  }
  errors << "rulecheck: there is no diagnostic `" << code << "`";
  if (auto near = did_you_mean(code, candidates)) errors << "; did you mean `" << *near << "`?";
  errors << " `rulecheck codes` lists them.\n";
  return false;
}

void print_codes(bool color, std::ostream& out) {
  for (const DiagnosticKind* kind : kinds()) {
    out << paint(kind->code, Color::bold, color) << "  " << name(kind->level)
        << std::string(9 - std::string(name(kind->level)).size(), ' ') << kind->name << ": " << kind->message << "\n";
  }
}

void print_functions(bool color, std::ostream& out) {
  const FunctionRegistry registry = FunctionRegistry::builtin();
  for (const bool makes_values : {false, true}) {
    out << (makes_values ? "\nIn rewrites only:\n\n" : "In conditions and rewrites:\n\n");
    for (const Function* function : registry.all()) {
      if (function->makes_values != makes_values) continue;
      out << "  " << paint(signature_of(*function), Color::bold, color) << "\n" << wrapped(function->doc, "      ");
    }
  }
}

}  // namespace qrules::tools
