// How much a call has to do, for profiles.
#pragma once

#include <cstdint>
#include <span>

#include <qrules/graph/graph.h>
#include <qrules/runtime/tensor.h>

namespace qrules {

// Operations of a call: two for each multiply-add of a convolution, linear or product of matrices, one for each element
// that a pool reads, otherwise one for each element of the results. `inputs` has a layout for each operand, in order.
int64_t operations_of(const Node& node, std::span<const TensorLayout> inputs, std::span<const TensorLayout> outputs);

// Whether a call is a product of 8-bit integers, of floats, or no product: which peak it is measured against.
enum class WorkKind : uint8_t { int8_product, float_product, other };
WorkKind work_kind_of(const Node& node, std::span<const TensorLayout> inputs);

}  // namespace qrules
