// What follows the sum of products of an int8 operator (docs/operators.md): scales, bias, addend, activation, output
// quantization.
#pragma once

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {

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
// qparams, weight, scales or bias that are not known before the run; dtypes that oneDNN has no kernels for.
Result<Int8Call> read_call(PrepareContext& context, int64_t channels, bool dynamic);

// The part of it that every operator with an epilogue has: output quantization and post-op. Error: output qparams that
// are not known before the run.
Status read_output(PrepareContext& context, Int8Call& call);

// Everything of a primitive that is not its geometry.
struct Epilogue {
  dnnl::primitive_attr attributes;
  Sources arguments;                // scales, zero points, binary operand
  std::optional<OwnedMemory> bias;  // with the addend's zero point folded in
  Before before;
};

// `scale_mask`: of the weight's per-channel scales. `result` is the layout of the result, in which an addend must come.
// May call require_layout, write_into. Errors: an addend or activation that cannot be a post-op.
Result<Epilogue> make_epilogue(PrepareContext& context, const Int8Call& call, int scale_mask, int64_t channels,
                               const TensorLayout& result, const dnnl::memory::desc& result_desc);

// The kernel of an int8 primitive: its arguments are x, the packed weight, the bias and those of the epilogue.
// Activation qparams that are tensors are put into scratch in each run.
Prepared make_int8_kernel(PrepareContext& context, const Int8Call& call, Epilogue epilogue,
                          const dnnl::primitive_desc_base& description, const dnnl::primitive& primitive,
                          const OwnedMemory& packed_weight, const dnnl::memory::desc& bias_desc,
                          const dnnl::memory::desc& result_desc);

}  // namespace qrules::onednn
