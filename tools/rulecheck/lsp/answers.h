// Answers about a place in an open text: what stands there, where it is defined, what may be done.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include <rulecheck/lsp/positions.h>
#include <rulecheck/lsp/workspace.h>

namespace qrules::tools::lsp {

// What an answer is made from. `checked` is of the text as it is now.
struct Question {
  const Workspace& workspace;
  const Document& document;
  const Checked& checked;
  Encoding encoding = Encoding::utf16;
  bool markdown = true;  // else plain text
};

// How a test of a rule went.
struct TestState {
  bool passed = false;
  double milliseconds = 0;
  std::string message;  // when it failed
};
using TestStates = std::map<std::pair<std::string, std::string>, TestState>;  // by rule and test

// The results of the requests of these names; null when there is nothing to say.
nlohmann::json hover(const Question& question, size_t offset);
nlohmann::json definition(const Question& question, size_t offset);
nlohmann::json references(const Question& question, size_t offset);
nlohmann::json document_symbols(const Question& question);
nlohmann::json code_actions(const Question& question, size_t begin, size_t end);
nlohmann::json code_lenses(const Question& question, const TestStates& states);

// The diagnostics of a set as the protocol has them, by URI. Those without a place go to the first line of `fallback`.
std::map<std::string, nlohmann::json> to_protocol(const Workspace& workspace, const Diagnostics& found,
                                                  const std::string& fallback, Encoding encoding);
// The URI of a source: as the editor spells it when it is open.
std::string uri_of(const Workspace& workspace, const SourceFile& source);

}  // namespace qrules::tools::lsp
