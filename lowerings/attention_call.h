// A call of vector.attention (docs/operators.md) as the handlers of several folders read it.
#pragma once

#include <optional>
#include <vector>

#include <qrules/runtime/kernel.h>

namespace qrules {

// The matrices of a tensor, its last two dimensions, for each batch. Steps are in elements, 0 where it is repeated.
struct BatchedMatrices {
  size_t operand = 0;
  std::vector<int64_t> batch_steps;
  int64_t row_step = 0, column_step = 0;

  // Nothing when the layout does not broadcast to batch, rows and columns.
  static std::optional<BatchedMatrices> of(const TensorLayout& layout, size_t operand,
                                           const std::vector<int64_t>& batch, int64_t rows, int64_t columns);
};

// The same with the place of each batch's matrix: where its first element is.
struct HeadMatrices {
  size_t operand = 0;
  int64_t row_step = 0, column_step = 0;
  std::vector<int64_t> starts;

  HeadMatrices(const BatchedMatrices& of, const std::vector<int64_t>& batch);
};

struct AttentionCall {
  std::vector<int64_t> batch;
  int64_t rows = 0, depth = 0, keys = 0, columns = 0;  // q [rows, depth], k [depth, keys], v [keys, columns]
  BatchedMatrices q, k, v;
  std::optional<BatchedMatrices> mask;
  DType dtype = DType::f32, mask_dtype = DType::f32;  // of q, k and v; f32 or bf16
  double scale = 1;

  // Errors: operands that are no tensors, have other dtypes, or do not fit each other and the result.
  static Result<AttentionCall> read(PrepareContext& context);
};

}  // namespace qrules
