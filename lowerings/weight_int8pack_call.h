// A call of aten._weight_int8pack_mm (s8 weights [N, K] with a scale for each row, an activation [M, K] in floating
// point) as the handlers of several folders read it.
#pragma once

#include <qrules/lowerings/int8_call.h>

namespace qrules {

struct WeightInt8PackCall {
  size_t x_operand = 0, weight_operand = 0, scales_operand = 0;
  TensorLayout x, scales, out;
  int64_t rows = 0, size = 0, columns = 0;  // M, K, N

  // Asks for the weight in rows. Errors: operands that are no tensors or do not fit; an activation that is not f32,
  // bf16 or f16; a weight that is not s8; scales that are no vector of a float type.
  static Result<WeightInt8PackCall> read(PrepareContext& context);

  // Sums of `row_count` rows from `row` on by `column_count` columns from `column` on, [row][column] and rows `step`
  // apart, become elements of the result: scaled, and rounded once.
  void store_sums(const KernelArguments& arguments, int64_t row, int64_t row_count, int64_t column,
                  int64_t column_count, const float* sums, int64_t step) const;
};

}  // namespace qrules
