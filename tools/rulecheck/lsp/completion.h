// What may be written at a place.
#pragma once

#include <nlohmann/json.hpp>

#include <rulecheck/lsp/answers.h>

namespace qrules::tools::lsp {

// A CompletionList. The text around the place need not be a correct rule file.
nlohmann::json completion(const Question& question, size_t offset);

}  // namespace qrules::tools::lsp
