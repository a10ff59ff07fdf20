// The sub-commands that print what the language has: explain, codes, functions.
#pragma once

#include <ostream>
#include <string>

#include <qrules/rules/functions.h>

namespace qrules::tools {

// The explanation of a kind by its code or name, as paragraphs of at most 100 columns. False (with a message on
// `errors`) when there is none.
bool print_explanation(const std::string& code, bool color, std::ostream& out, std::ostream& errors);
// All kinds by code: code, level, name and message.
void print_codes(bool color, std::ostream& out);
// All functions and predicates of conditions and rewrites, with their signatures and what they are.
void print_functions(bool color, std::ostream& out);

// "close(a: number, b: number, rel: number = 1e-05) -> boolean".
std::string signature_of(const Function& function);

}  // namespace qrules::tools
