// Functions of conditions: what can be asked of a match. See docs/rule-language.md.
#pragma once

#include <qrules/rules/functions.h>

namespace qrules {

// Adds the functions below to a registry. None of them changes a graph.
void add_match_functions(FunctionRegistry& registry);

// Adds functions of conditions to a registry, one by its parts (see Function).
struct AddFunction {
  FunctionRegistry& registry;
  Function& operator()(std::string name, std::vector<FunctionParameter> parameters, ExpressionType result, int cost,
                       std::string doc, std::string refusal, decltype(Function::evaluate) evaluate,
                       bool variadic = false) const;
};

// functions_graph.cc: dtype, rank, shape, size, numel, leading, users, users_besides, op, arg, input, output, same,
// depends, single_use, broadcasts, same_padding.
void add_graph_functions(FunctionRegistry& registry);
// functions_values.cc: constant, all_zero, all_equal, scalar, number, is_node, is_none, close, qmin, qmax, len, abs,
// min, max, prod.
void add_value_functions(FunctionRegistry& registry);

}  // namespace qrules
