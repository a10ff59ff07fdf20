// What is wrong with a pattern, condition or rewrite that does not parse, and what was likely meant.
#pragma once

#include <string>

#include <qrules/rules/lexer.h>

namespace qrules::syntax {

// The error of `kind` (arguments `expected` and `found`) at a token where `expected` is due. Brackets that are not
// closed are QR0124 at the bracket. What people write from habit of other languages (`&&`, `:=`, single quotes,
// `aten::relu`, a missing %) gets an edit. `last_end`: past the token before.
Diagnostic syntax_error(const DiagnosticKind& kind, const MappedText& text, const Token& token, size_t last_end,
                        const std::string& expected);

}  // namespace qrules::syntax
