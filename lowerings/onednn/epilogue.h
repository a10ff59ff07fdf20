// What follows the sum of products of an int8 operator (docs/operators.md): scales, bias, addend, activation, output quantization.
#pragma once

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {

// The operands and numbers that onednn.qconv, onednn.qlinear and their binary forms have in common.
struct Int8Call {
  size_t x = 0, weight = 0;
  std::optional<size_t> bias, other;
  std::optional<size_t> x_scale_operand, x_zero_point_operand;  // one-element tensors, read in each run
  float x_scale = 1, other_scale = 1, out_scale = 1;
  int32_t x_zero_point = 0, other_zero_point = 0, out_zero_point = 0;
  DType out_dtype = DType::f32;
  std::string post_op, binary;
  std::vector<float> post_op_args;
  std::vector<float> scales;       // weight_scale, times x_scale when that is known: one, or one for each output channel
  std::vector<float> bias_values;  // empty without a bias
};

// Reads the call. `dynamic`: the activation's qparams may be tensors. Errors: other
// qparams, weight, scales or bias that are not known before the run; dtypes that oneDNN has no kernels for.
Result<Int8Call> read_call(const PrepareContext& context, int64_t channels, bool dynamic);

// How the addend comes into the result.
struct Addend {
  bool sum = false;        // the result's buffer holds it before the primitive runs
  bool in_place = false;   // it is the result's buffer; else it is copied (or dequantized) into it first
  bool binary = false;     // an operand of its own, f32
};

// Everything of a primitive that is not its geometry.
struct Epilogue {
  dnnl::primitive_attr attributes;
  std::map<int, Source> arguments;   // scales, zero points, binary operand
  std::optional<OwnedMemory> bias;   // with the addend's zero point folded in
  Before before;
  // Scratch that `before` uses, 128 bytes at the offset that `place_scratch` is given: qparams that are read in each run.
  bool reads_qparams = false;
};

// Completes an epilogue that reads qparams, once the primitive's own scratchpad size is known.
void place_scratch(PrepareContext& context, const Int8Call& call, size_t scratchpad_bytes, Epilogue& epilogue);

// `scale_mask`: of the weight's per-channel scales. `result` is the layout of the result, in which an addend must come. May call
// require_layout, write_into. Errors: an addend or activation that cannot be a post-op.
Result<Epilogue> make_epilogue(PrepareContext& context, const Int8Call& call, int scale_mask, int64_t channels, const TensorLayout& result,
                               const dnnl::memory::desc& result_desc);

}  // namespace qrules::onednn
