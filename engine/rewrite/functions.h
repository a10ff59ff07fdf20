// Functions of rewrites: they make constants from constants, and calls from calls. See docs/rule-language.md.
#pragma once

#include <qrules/rules/functions.h>

namespace qrules {

// Adds the functions below to a registry. All have `makes_values` set; a refusal drops the match.
void add_rewrite_functions(FunctionRegistry& registry);

// functions_shape.cc: transpose, reshape, concat, broadcast, slice. They move elements and keep their bits.
void add_shape_functions(FunctionRegistry& registry);
// functions_arithmetic.cc: fill, cast, add, subtract, multiply, divide, negate, sqrt, reciprocal, sum_over.
void add_arithmetic_functions(FunctionRegistry& registry);
// functions_calls.cc: replay, duplicate_for_users.
void add_call_functions(FunctionRegistry& registry);

}  // namespace qrules
