// Shape and dtype of a call's result, from the operator's definition.
#pragma once

#include <span>

#include <qrules/graph/graph.h>

namespace qrules {

// Infers the type of `op(arguments)` in `graph` (dims may be symbolic). Covers quantized_decomposed.*, onednn.* (ours,
// see docs/operators.md) and the aten operators that rules create or that canonical forms use. Errors: operands that
// the operator refuses, in words ("activation must be u8 or s8, got f32"); an operator without a rule gives an unknown
// type, no error.
Result<ValueType> infer_type(Graph& graph, OpId op, std::span<const Argument> arguments);

// True when infer_type knows the operator.
bool can_infer(const OperatorTable& operators, OpId op);

}  // namespace qrules
