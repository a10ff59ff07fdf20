// A call of aten._weight_int8pack_mm or vector.weight_only_linear (docs/operators.md): s8 weights [N, K] with a scale
// for each row, an activation [..., K] in floating point. As the handlers of several folders read it.
#pragma once

#include <optional>

#include <qrules/lowerings/int8_call.h>

namespace qrules {

struct WeightOnlyCall {
  size_t x_operand = 0, weight_operand = 0, scales_operand = 0;
  TensorLayout x, scales;               // x as a matrix
  std::optional<size_t> other_operand;  // what is added to the scaled sums
  DType other_dtype = DType::f32, out_dtype = DType::f32;
  int64_t rows = 0, size = 0, columns = 0;  // M, K, N

  // Asks for the weight and an addend in rows, and gives the result so. Errors: operands that are no tensors or do not
  // fit; an activation that is not f32, bf16 or f16; a weight that is not s8; scales that are no vector of a float
  // type.
  static Result<WeightOnlyCall> read(PrepareContext& context);

  // Sums of `row_count` rows from `row` on by `column_count` columns from `column` on, [row][column] and rows `step`
  // apart, become elements of the result: scaled, added to, and rounded once.
  void store_sums(const KernelArguments& arguments, int64_t row, int64_t row_count, int64_t column,
                  int64_t column_count, const float* sums, int64_t step) const;
};

}  // namespace qrules
