// A call of an int8 operator (docs/operators.md) as the handlers of several folders read it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <qrules/runtime/kernel.h>

namespace qrules::int8 {

using Prepared = Result<std::unique_ptr<Kernel>>;

inline const DiagnosticKind kRefused{
    "QR0740", Level::error, "refused", "{why}",
    "The handler does not take this call; the next handler for the operator is tried, and the report says so."};

inline Diagnostic refuse(std::string why) { return Diagnostic(kRefused).with("why", std::move(why)); }

// One of the floating-point types that the kernels here compute with and give.
inline bool is_real(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

// The elements of a constant operand in row-major order; null when they are not known before the run.
const void* dense_constant(PrepareContext& context, size_t operand);

// The operands and numbers that onednn.qconv, onednn.qlinear and their binary forms have in common.
struct Int8Call {
  size_t x = 0, weight = 0;
  std::optional<size_t> bias, other;
  std::optional<size_t> x_scale_operand, x_zero_point_operand;  // one-element tensors, read in each run
  std::optional<size_t> row_scale_operand;                      // a tensor with a scale for each row of x
  float x_scale = 1, other_scale = 1, out_scale = 1;
  int32_t x_zero_point = 0, other_zero_point = 0, out_zero_point = 0;
  DType out_dtype = DType::f32;
  std::string post_op, binary;
  std::vector<float> post_op_args;
  std::vector<float> scales;  // weight_scale, times x_scale when that is known: one, or one for each output channel
  std::vector<float> bias_values;  // empty without a bias

  bool reads_qparams() const { return x_scale_operand || x_zero_point_operand; }
};

// Reads the call. `dynamic`: the activation's qparams may be tensors. Errors: other
// qparams, weight, scales or bias that are not known before the run; dtypes that docs/operators.md does not have.
Result<Int8Call> read_call(PrepareContext& context, int64_t channels, bool dynamic);

// The part of it that every operator with an epilogue has: output quantization and post-op. Error: output qparams that
// are not known before the run.
Status read_output(PrepareContext& context, Int8Call& call);

}  // namespace qrules::int8
