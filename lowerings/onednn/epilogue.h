// What follows the sum of products of an int8 operator (docs/operators.md): scales, bias, addend, activation, output
// quantization.
#pragma once

#include <qrules/lowerings/int8_call.h>
#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {

using int8::Int8Call;
using int8::read_output;

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
