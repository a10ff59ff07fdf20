// What the inference rules of several operators that rules rewrite to have in common. Each refuses what does not fit.
#pragma once

#include "infer_call.h"

namespace qrules::infer {

void require_int8(const TensorType& type, const char* what);

// Products of two differences of 8-bit values reach 255 * 255.
void require_sums_fit(Dim products);

// A scale or zero point for a whole tensor.
void check_one_element(const Call& call, std::string_view parameter);

// The dtype of a result behind the epilogue of docs/operators.md. `operand`: what the operator multiplies. Of f8 the
// result is f8 where that of integers is an integer.
DType check_epilogue(const Call& call, DType operand);

}  // namespace qrules::infer
