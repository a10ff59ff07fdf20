// Types of expressions: which value may stand where which type is wanted, and what is said when it may not.
#pragma once

#include <qrules/rules/expression.h>
#include <qrules/support/diagnostic.h>

namespace qrules {

// Integers and sizes are numbers.
bool is_number(ExpressionType type);
// `any` and None fit everywhere, and any number where one is wanted.
bool fits(ExpressionType wanted, ExpressionType given);
ExpressionType type_of_literal(const Argument& literal);

// What to write instead of `value`, of which `wanted` was expected.
void add_type_advice(const Expression& value, ExpressionType wanted, Diagnostic& diagnostic);

}  // namespace qrules
