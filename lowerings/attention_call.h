// A call of vector.attention or vector.qattention (docs/operators.md) as the handlers of several folders read it.
#pragma once

#include <cstdint>
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

  // Of an operand whose elements are T.
  template <typename T>
  const T* start(const KernelArguments& arguments, int64_t head) const {
    return static_cast<const T*>(arguments.inputs[operand]) + starts[static_cast<size_t>(head)];
  }
};

// A quantized operand, read as u8: s8 is shifted by 128, and its zero point with it.
struct QuantizedBytes {
  double scale = 1;
  int32_t zero_point = 0;
  uint8_t flip = 0;  // what turns an element into u8

  int32_t difference(uint8_t element) const { return (element ^ flip) - zero_point; }
};

// What vector.qattention has beyond vector.attention. The weights are the probabilities, as u8.
struct AttentionQuantization {
  QuantizedBytes q, k, v;
  double weights_scale = 1;
  float inverse_weights_scale = 1;  // as quantize_per_tensor inverts it
  int32_t weights_zero_point = 0;
};

struct AttentionCall {
  std::vector<int64_t> batch;
  int64_t rows = 0, depth = 0, keys = 0, columns = 0;  // q [rows, depth], k [depth, keys], v [keys, columns]
  BatchedMatrices q, k, v;
  std::optional<BatchedMatrices> mask;
  DType dtype = DType::f32, mask_dtype = DType::f32;  // of q, k and v; f32, bf16, or u8 of quantized ones
  double scale = 1;                                   // of the sums of products, of integers if they are quantized
  std::optional<AttentionQuantization> quantization;

  // Errors: operands that are no tensors, have other dtypes, or do not fit each other and the result.
  static Result<AttentionCall> read(PrepareContext& context);
};

}  // namespace qrules
