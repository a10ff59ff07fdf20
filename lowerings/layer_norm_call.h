// A call of vector.layer_norm (docs/operators.md) as the handlers of several folders read it.
#pragma once

#include <optional>

#include <qrules/runtime/kernel.h>

namespace qrules {

struct LayerNormCall {
  size_t x = 0;
  std::optional<size_t> weight, bias;
  DType dtype = DType::f32, weight_dtype = DType::f32, bias_dtype = DType::f32;  // f32 or bf16
  int64_t rows = 0, size = 0;                                                    // x is normalised along its rows
  double eps = 0;
  bool centered = true;  // false: by the root of the mean square alone

  // Asks for x, weight and bias one element after the other. Errors: operands that are no tensors, have other dtypes,
  // or do not fit each other.
  static Result<LayerNormCall> read(PrepareContext& context);
};

}  // namespace qrules
