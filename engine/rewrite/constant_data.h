// Elements of constants, for functions that compute with them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <qrules/graph/constant.h>
#include <qrules/rules/functions.h>

namespace qrules {

// Whether the dtype, integral or bool, has the value.
bool fits(DType dtype, int64_t value);
// Real, integral or bool: what the functions compute with. Complex is not.
bool is_computable(DType dtype);

std::optional<int64_t> product_of(std::span<const int64_t> sizes);  // nothing when it overflows
std::vector<int64_t> strides_of(std::span<const int64_t> sizes);    // row-major, in elements

// Makes a constant node in front of context.insert_before. `base`: the node whose name the new one is derived from, or
// null.
Evaluated constant_node(const FunctionContext& context, ConstantPtr constant, const Node* base,
                        const std::string& suffix);

// Reading arguments. Each gives the value or the reason in words why it cannot be used.
std::variant<const Node*, Unknown> constant_argument(const Argument& argument, const std::string& what);
std::variant<std::vector<int64_t>, Unknown> integers_argument(const Argument& argument, const std::string& what);
std::variant<int64_t, Unknown> integer_argument(const Argument& argument, const std::string& what);

}  // namespace qrules
