// Types that inference gives, operator by operator, and the words in which operands are refused.

#include <qrules/graph/infer.h>

#include <set>

#include "text_helpers.h"

namespace qrules {
namespace {

using testing::one_call;

struct Row {
  const char* inputs;
  const char* call;
  const char* type;
};

// The type of %y, or what is wrong with the call.
std::string outcome(const Row& row) {
  const auto graph = parse_graph("t", one_call(row.inputs, row.call));
  if (!graph) {
    const std::string message = graph.diagnostics().list().front().message();
    const std::string marker = "refuses its operands: ";
    const size_t at = message.find(marker);
    return at == std::string::npos ? message : message.substr(at + marker.size());
  }
  const ValueType& type = graph->find("y")->type();
  if (type.kind == ValueType::Kind::unknown) return "unknown";
  std::string text;
  for (const TensorType& tensor : type.tensors) text += (text.empty() ? "" : ", ") + print(tensor, graph->dims());
  return type.kind == ValueType::Kind::tuple ? "(" + text + ")" : text;
}

constexpr const char* kX = "%x: f32[2,3]";
constexpr const char* kInt = "%x: s32[2,3]";
constexpr const char* kImage = "%x: f32[1,3,8,8]";
constexpr const char* kQ = "%x: f32[2,8], %q: s8[2,8], %s: f64[1], %z: s64[1], %ss: f32[2], %zs: s64[2], %n: s64[]";
constexpr const char* kFloat8 = "%x: f8e4m3[4,4], %w: f8e4m3[4,4], %s8: s8[4,4], %s: f32[4], %f: bf16[4,4]";
constexpr const char* kQLinear =
    "%x: u8[b,16], %w: s8[32,16], %s: f32[32], %one: f32[1], %bias: f32[32], %other: s8[b,32], %row: f32[32], %f: "
    "f32[b,16], %wf: f32[32,16]";
constexpr const char* kQConv =
    "%x: u8[1,4,8,8], %w: s8[6,4,3,3], %s: f32[6], %bias: f32[6], %other: u8[1,6,6,6], %x1: s8[1,4,9], %w1: s8[6,2,3], "
    "%g: s8[6,2,3,3], %x5: s8[1,1,1,1,1]";

const Row kTypes[] = {
    // pointwise
    {kX, "aten.relu.default(%x)", "f32[2,3]"},
    {kX, "aten.hardtanh.default(%x, 0.0, 6.0)", "f32[2,3]"},
    {kX, "aten.hardswish.default(%x)", "f32[2,3]"},
    {kX, "aten.silu.default(%x)", "f32[2,3]"},
    {kX, "aten.gelu.default(%x)", "f32[2,3]"},
    {kX, "aten.elu.default(%x)", "f32[2,3]"},
    {kX, "aten.leaky_relu.default(%x)", "f32[2,3]"},
    {kX, "aten.relu6.default(%x)", "f32[2,3]"},
    {kX, "aten.clamp.default(%x, 0)", "f32[2,3]"},
    {kX, "aten.clamp_min.default(%x, 0)", "f32[2,3]"},
    {kX, "aten.clamp_max.default(%x, 0)", "f32[2,3]"},
    {kInt, "aten.neg.default(%x)", "s32[2,3]"},
    {kInt, "aten.abs.default(%x)", "s32[2,3]"},
    {kX, "aten.dropout.default(%x, 0.5, false)", "f32[2,3]"},
    {kX, "aten.hardsigmoid.default(%x)", "f32[2,3]"},
    {"%x: bf16[n]", "aten.sigmoid.default(%x)", "bf16[n]"},
    {kInt, "aten.sigmoid.default(%x)", "f32[2,3]"},
    {kInt, "aten.tanh.default(%x)", "f32[2,3]"},
    {kX, "aten.erf.default(%x)", "f32[2,3]"},
    {"%x: bool[2]", "aten.exp.default(%x)", "f32[2]"},
    {kX, "aten.sqrt.default(%x)", "f32[2,3]"},
    {kX, "aten.rsqrt.default(%x)", "f32[2,3]"},
    {kX, "aten.reciprocal.default(%x)", "f32[2,3]"},
    {"%x: f64[2]", "aten.log.default(%x)", "f64[2]"},
    {"%x: f32[2,1], %z: f32[3]", "aten.add.Tensor(%x, %z)", "f32[2,3]"},
    {"%x: f32[n,1], %z: f32[1,m]", "aten.add.Tensor(%x, %z)", "f32[n,m]"},
    {"%x: f32[n,4], %z: f32[1,4]", "aten.sub.Tensor(%x, %z)", "f32[n,4]"},
    {"%x: u8[4], %z: s8[4]", "aten.mul.Tensor(%x, %z)", "s16[4]"},
    {"%x: s32[4], %z: f32[]", "aten.mul.Tensor(%x, %z)", "f32[4]"},
    {"%x: bf16[4], %z: f32[]", "aten.mul.Tensor(%x, %z)", "bf16[4]"},
    {"%x: bf16[4], %z: f32[1]", "aten.mul.Tensor(%x, %z)", "f32[4]"},
    {"%x: f32[4], %z: c64[]", "aten.mul.Tensor(%x, %z)", "c64[4]"},
    {kInt, "aten.add.Scalar(%x, 1)", "s32[2,3]"},
    {kInt, "aten.add.Scalar(%x, 1.5)", "f32[2,3]"},
    {"%x: bool[2]", "aten.add.Scalar(%x, 1)", "s64[2]"},
    {"%x: bf16[2]", "aten.sub.Scalar(%x, 1.5)", "bf16[2]"},
    {kX, "aten.mul.Scalar(%x, 2)", "f32[2,3]"},
    {"%x: f32[2], %z: f64[2]", "aten.maximum.default(%x, %z)", "f64[2]"},
    {"%x: s8[2], %z: s8[2]", "aten.minimum.default(%x, %z)", "s8[2]"},
    {"%x: s32[2], %z: s32[2]", "aten.div.Tensor(%x, %z)", "f32[2]"},
    {"%x: c64[2], %z: c64[2]", "aten.div.Tensor(%x, %z)", "c64[2]"},
    {kInt, "aten.div.Scalar(%x, 2)", "f32[2,3]"},
    {kX, "aten.to.dtype(%x, bf16)", "bf16[2,3]"},
    {kX, "aten._to_copy.default(%x)", "f32[2,3]"},
    {kX, "aten._to_copy.default(%x, dtype=s8)", "s8[2,3]"},
    {kX, "prims.convert_element_type.default(%x, f16)", "f16[2,3]"},
    {kX, "aten.softmax.int(%x, -1)", "f32[2,3]"},
    {kX, "aten.softmax.int(%x, 1, f64)", "f64[2,3]"},
    {"%x: f16[2]", "aten._softmax.default(%x, 0, true)", "f32[2]"},
    {kX, "aten.layer_norm.default(%x, [3])", "f32[2,3]"},
    {kX, "aten.native_layer_norm.default(%x, [3], None, None, 1e-5)", "(f32[2,3], f32[2,1], f32[2,1])"},
    {kImage, "aten.mean.dim(%x, [-1, -2])", "f32[1,3]"},
    {kImage, "aten.mean.dim(%x, [-1, -2], true)", "f32[1,3,1,1]"},
    {kImage, "aten.mean.dim(%x, None)", "f32[]"},
    {kImage, "aten.mean.dim(%x, [])", "f32[]"},
    {"%x: f32[]", "aten.mean.dim(%x, [0])", "f32[]"},
    {kInt, "aten.mean.dim(%x, [0], dtype=f32)", "f32[3]"},
    {kInt, "aten.sum.dim_IntList(%x, [0])", "s64[3]"},
    {kImage, "aten.sum.dim_IntList(%x, [-1, -2], true)", "f32[1,3,1,1]"},
    {kInt, "aten.sum.dim_IntList(%x, None, dtype=f32)", "f32[]"},
    {kX, "aten.full.default([2, 3], 1)", "s64[2,3]"},
    {kX, "aten.full.default([2, 0], 1.5)", "f32[2,0]"},
    {kX, "aten.full.default([], true)", "bool[]"},
    {kX, "aten.full.default([2], 1, dtype=bf16)", "bf16[2]"},
    // views
    {"%x: f32[1,3,4,4] strides(48,1,12,3)", "aten.contiguous.default(%x)", "f32[1,3,4,4]"},
    {kX, "aten.clone.default(%x)", "f32[2,3]"},
    {kX, "aten.detach.default(%x)", "f32[2,3]"},
    {kX, "aten.alias.default(%x)", "f32[2,3]"},
    {kX, "aten.lift_fresh_copy.default(%x)", "f32[2,3]"},
    {kX, "aten.view.default(%x, [3, -1])", "f32[3,2]"},
    {"%x: f32[n,4]", "aten.view.default(%x, [-1, 2])", "f32[2*n,2]"},
    {"%x: f32[n,4]", "aten.view.default(%x, [size(n), 2, -1])", "f32[n,2,2]"},
    {"%x: f32[0,4]", "aten.view.default(%x, [-1, 4])", "f32[0,4]"},
    {kX, "aten._unsafe_view.default(%x, [6])", "f32[6]"},
    {kX, "aten.reshape.default(%x, [1, 6])", "f32[1,6]"},
    {"%x: f32[2,3,n]", "aten.permute.default(%x, [2, 0, -2])", "f32[n,2,3]"},
    {"%x: f32[2,3,4]", "aten.transpose.int(%x, 0, -1)", "f32[4,3,2]"},
    {"%x: f32[]", "aten.transpose.int(%x, 0, 0)", "f32[]"},
    {kX, "aten.t.default(%x)", "f32[3,2]"},
    {"%x: f32[3]", "aten.t.default(%x)", "f32[3]"},
    {"%x: f32[n,3,4,5]", "aten.flatten.using_ints(%x, 1)", "f32[n,60]"},
    {"%x: f32[n,3,4,5]", "aten.flatten.using_ints(%x, 0, 1)", "f32[3*n,4,5]"},
    {"%x: f32[]", "aten.flatten.using_ints(%x)", "f32[1]"},
    {kX, "aten.unsqueeze.default(%x, 0)", "f32[1,2,3]"},
    {kX, "aten.unsqueeze.default(%x, -1)", "f32[2,3,1]"},
    {"%x: f32[1,3,1]", "aten.squeeze.dim(%x, 0)", "f32[3,1]"},
    {"%x: f32[1,3,1]", "aten.squeeze.dim(%x, 1)", "f32[1,3,1]"},
    {"%x: f32[1,3,1]", "aten.squeeze.dims(%x, [0, -1])", "f32[3]"},
    {"%x: f32[n]", "aten.squeeze.dim(%x, 0)", "unknown"},
    {"%x: f32[1,3]", "aten.expand.default(%x, [4, 2, -1])", "f32[4,2,3]"},
    {"%x: f32[1,3]", "aten.expand.default(%x, [size(n), 3])", "f32[n,3]"},
    {"%x: f32[2,n], %z: f32[2,3]", "aten.cat.default([%x, %z], 1)", "f32[2,n + 3]"},
    {"%x: u8[2], %z: f32[3]", "aten.cat.default([%x, %z])", "f32[5]"},
    {"%x: f32[2,n,4]", "aten.constant_pad_nd.default(%x, [1, -2, 3, 0], 0.0)", "f32[2,n + 3,3]"},
    {"%x: f32[2,n,4]", "aten.pad.default(%x, [1, -2, 3, 0])", "f32[2,n + 3,3]"},
    {kX, "aten.select.int(%x, 1, 0)", "f32[2]"},
    {kX, "aten.select.int(%x, -2, 0)", "f32[3]"},
    // contractions
    {"%x: f32[b,5,16], %w: f32[32,16]", "aten.linear.default(%x, %w)", "f32[b,5,32]"},
    {"%x: f32[16], %w: f32[16]", "aten.linear.default(%x, %w)", "f32[]"},
    {"%x: f32[2,3], %z: f32[3,n]", "aten.mm.default(%x, %z)", "f32[2,n]"},
    {"%x: f32[7,2,3], %z: f32[7,3,4]", "aten.bmm.default(%x, %z)", "f32[7,2,4]"},
    {"%x: f32[2,3], %z: f32[3,4], %b: f32[4]", "aten.addmm.default(%b, %x, %z)", "f32[2,4]"},
    {"%x: f32[2,3], %z: f32[5,3,4]", "aten.matmul.default(%x, %z)", "f32[5,2,4]"},
    {"%x: f32[3], %z: f32[3]", "aten.matmul.default(%x, %z)", "f32[]"},
    {"%x: f32[3], %z: f32[5,3,4]", "aten.matmul.default(%x, %z)", "f32[5,4]"},
    {"%x: f32[5,2,3], %z: f32[3]", "aten.matmul.default(%x, %z)", "f32[5,2]"},
    {"%x: s8[2,3], %z: s8[3,4]", "aten._int_mm.default(%x, %z)", "s32[2,4]"},
    {"%x: bf16[n,3], %z: s8[4,3], %s: bf16[4]", "aten._weight_int8pack_mm.default(%x, %z, %s)", "bf16[n,4]"},
    {"%x: bf16[n,64], %z: u8[32,32], %s: bf16[2,32,2]", "aten._weight_int4pack_mm_for_cpu.default(%x, %z, 32, %s)",
     "bf16[n,32]"},
    {"%x: f32[1,4,8,8], %w: f32[6,2,3,3]",
     "aten.convolution.default(%x, %w, None, [2, 2], [1, 1], [1, 1], false, [0, 0], 2)", "f32[1,6,4,4]"},
    {"%x: f32[1,4,8], %w: f32[6,4,3]", "aten.convolution.default(%x, %w, None, [1], [0], [1], false, [0], 1)",
     "f32[1,6,6]"},
    {"%x: f32[1,4,8], %w: f32[4,6,3]", "aten.convolution.default(%x, %w, None, [1], [0], [1], true, [0], 1)",
     "unknown"},
    {"%x: f32[1,4,9], %w: f32[6,4,3]", "aten.conv1d.default(%x, %w, None, 2)", "f32[1,6,4]"},
    {"%x: f32[n,4,8,h], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w, None, 1, 1)", "f32[n,6,8,h]"},
    {"%x: f32[4,8,8], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w, None, 1, 0, 2)", "f32[6,4,4]"},
    {"%x: f32[1,2,5,6,7], %w: f32[3,2,2,2,2]", "aten.conv3d.default(%x, %w)", "f32[1,3,4,5,6]"},
    {kImage, "aten.max_pool2d.default(%x, 2)", "f32[1,3,4,4]"},
    {kImage, "aten.max_pool2d.default(%x, [3, 3], [2, 2], [0, 0], [1, 1], true)", "f32[1,3,4,4]"},
    {"%x: f32[1,3,7,7]", "aten.max_pool2d.default(%x, 2, 2, 1, 1, true)", "f32[1,3,4,4]"},
    {"%x: f32[1,3,7,7]", "aten.max_pool2d.default(%x, 2, 4, 1, 1, true)", "f32[1,3,2,2]"},
    {"%x: f32[3,8,8]", "aten.avg_pool2d.default(%x, [2, 4])", "f32[3,4,2]"},
    {kImage, "aten.max_pool2d_with_indices.default(%x, [2, 2])", "(f32[1,3,4,4], s64[1,3,4,4])"},
    {kImage, "aten.adaptive_avg_pool2d.default(%x, [1, 2])", "f32[1,3,1,2]"},
    {kImage, "aten._adaptive_avg_pool2d.default(%x, 1)", "f32[1,3,1,1]"},
    // quantize, dequantize and their parameters
    {kQ, "quantized_decomposed.quantize_per_tensor.default(%x, 0.1, 0, 0, 255, u8)", "u8[2,8]"},
    {kQ, "quantized_decomposed.quantize_per_tensor.tensor(%x, %s, %z, 0, 255, u8)", "u8[2,8]"},
    {kQ, "quantized_decomposed.quantize_per_tensor.tensor2(%x, %s, %z, %n, %n, s8)", "s8[2,8]"},
    {kQ, "quantized_decomposed.quantize_per_channel.default(%x, %ss, %zs, 0, -128, 127, s8)", "s8[2,8]"},
    {kQ, "quantized_decomposed.quantize_per_token.default(%x, %ss, %zs, -128, 127, s8)", "s8[2,8]"},
    {kQ, "quantized_decomposed.quantize_per_channel_group.default(%x, %ss, %zs, -8, 7, s8, 4)", "s8[2,8]"},
    {kQ, "quantized_decomposed.dequantize_per_tensor.default(%q, 0.1, 0, -128, 127, s8)", "f32[2,8]"},
    {kQ, "quantized_decomposed.dequantize_per_tensor.default(%q, 0.1, 0, -128, 127, s8, out_dtype=bf16)", "bf16[2,8]"},
    {kQ, "quantized_decomposed.dequantize_per_tensor.tensor(%q, %s, %z, -128, 127, s8)", "f32[2,8]"},
    {kQ, "quantized_decomposed.dequantize_per_tensor.tensor2(%q, %s, %z, %n, %n, s8)", "f32[2,8]"},
    {kQ, "quantized_decomposed.dequantize_per_channel.default(%q, %ss, None, 0, -128, 127, s8)", "f32[2,8]"},
    {kQ, "quantized_decomposed.dequantize_per_token.default(%q, %ss, %zs, -128, 127, s8, f16)", "f16[2,8]"},
    {kQ, "quantized_decomposed.dequantize_per_channel_group.default(%q, %ss, %zs, -8, 7, s8, 4, f32)", "f32[2,8]"},
    {kFloat8, "torchao.quantize_affine_float8_non_decomposed.default(%f, %s)", "f8e4m3[4,4]"},
    {kFloat8, "torchao.quantize_affine_float8_non_decomposed.default(%f, %s, f8e5m2)", "f8e5m2[4,4]"},
    {kFloat8, "torchao.dequantize_affine_float8_non_decomposed.default(%x, %s, bf16)", "bf16[4,4]"},
    {kFloat8, "onednn.quantize_float8.default(%f, 0.1, 0, -448, 448, f8e4m3)", "f8e4m3[4,4]"},
    {kFloat8, "onednn.dequantize_float8.default(%x, 0.1, 0, -448, 448, f8e4m3)", "f32[4,4]"},
    {kFloat8, "onednn.qlinear.default(%x, 0.1, 0, %w, %s, None, 0.5, 0, f8e4m3)", "f8e4m3[4,4]"},
    {kFloat8, "onednn.qlinear_binary.default(%x, 0.1, 0, %w, %s, None, %x, 0.5, 0)", "f32[4,4]"},
    {kFloat8, "onednn.qcat.default([%x, %x], 1)", "f8e4m3[4,8]"},
    {"%x: f32[2,3], %z: bf16[4,3]", "vector.cat.default([%x, %z], 0, bf16)", "bf16[6,3]"},
    {kFloat8, "onednn.qreshape.default(%x, [2, 8])", "f8e4m3[2,8]"},
    {kQ, "quantized_decomposed.choose_qparams.tensor(%x, 0, 255, 1e-5, u8)", "(f64[1], s64[1])"},
    {kQ, "quantized_decomposed.choose_qparams_symmetric.tensor(%x, -127, 127, 1e-5, s8)", "(f64[1], s64[1])"},
    {kQ, "quantized_decomposed.choose_qparams_per_token.default(%x, s8)", "(f64[2,1], s64[2,1])"},
    {kQ, "quantized_decomposed.choose_qparams_per_token_asymmetric.default(%x, s8)", "(f64[2,1], s64[2,1])"},
    {kQ, "quantized_decomposed.convert_element_type.no_fuse(%x, bf16)", "bf16[2,8]"},
    {"%q: f32[b,3,5,4], %k: f32[b,3,4,7], %v: f32[1,3,7,6], %m: f32[1,1,7]", "vector.attention.default(%q, %k, %v, %m)",
     "f32[b,3,5,6]"},
    {"%q: f32[3,5,4], %k: f32[4,7], %v: f32[7,6]", "vector.attention.default(%q, %k, %v, None, 0.5, 0.1, 3, u8)",
     "u8[3,5,6]"},
    {"%q: bf16[3,5,4], %k: bf16[4,7], %v: bf16[7,6]", "vector.attention.default(%q, %k, %v, out_dtype=bf16)",
     "bf16[3,5,6]"},
    {"%q: u8[b,3,5,4], %k: s8[b,3,4,7], %v: u8[1,3,7,6], %m: bf16[1,1,7]",
     "vector.qattention.default(%q, 0.1, 3, %k, 0.2, -4, %v, 0.3, 5, %m, 0.004, 0, 0.1, 7, s8)", "s8[b,3,5,6]"},
    {"%x: bf16[b,3,8], %w: s8[5,8], %s: bf16[5], %o: f32[b,3,5]", "vector.weight_only_linear.default(%x, %w, %s, %o)",
     "f32[b,3,5]"},
    {"%x: f32[8], %w: s8[5,8], %s: f32[5]", "vector.weight_only_linear.default(%x, %w, %s, out_dtype=bf16)", "bf16[5]"},
    {"%g: bf16[b,8], %v: f32[b,8]", "vector.gate.default(%g, %v, \"silu\", 0.1, 3, u8)", "u8[b,8]"},
    {"%x: bf16[b,3,8], %w: f32[8]", "vector.layer_norm.default(%x, %w, None, 1e-5, false, 0.1, 3, u8)", "u8[b,3,8]"},
    {kQ, "torchao.quantize_affine.default(%x, [1, 8], %ss, %zs, u8)", "u8[2,8]"},
    {kQ, "torchao.dequantize_affine.default(%q, [1, 8], %ss, %zs, s8, output_dtype=bf16)", "bf16[2,8]"},
    {kQ, "torchao.choose_qparams_affine.default(%x, \"SYMMETRIC\", [1, 8], s8)", "(f32[2], f32[2])"},
    {kQ, "torchao.choose_qparams_affine.default(%x, \"ASYMMETRIC\", [2, 4], s8, keepdim=true)", "(f32[1,2], s32[1,2])"},
    // the operators that rules rewrite to
    {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, %bias)", "f32[b,32]"},
    {kQLinear, "onednn.qlinear.default(%x, %one, 3, %w, %one, None, 0.2, 7, u8, \"relu\")", "u8[b,32]"},
    {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, %bias, 0.2, 7, s8, \"hardtanh\", [0.0, 6.0])", "s8[b,32]"},
    {kQLinear,
     "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None, out_dtype=bf16, post_op=\"leaky_relu\", post_op_args=[0.1])",
     "bf16[b,32]"},
    {kQLinear, "onednn.qlinear_binary.default(%x, 0.1, 3, %w, %s, %bias, %other, 0.3, 1)", "f32[b,32]"},
    {"%x: f32[b,2,16], %w: f16[32,16]", "onednn.linear_fp16.default(%x, %w, None)", "f32[b,2,32]"},
    {kQLinear, "onednn.qlinear_binary.default(%x, 0.1, 3, %w, %s, %bias, %row, 1.0, 0, \"mul\", 0.1, 2, u8)",
     "u8[b,32]"},
    {kQConv, "onednn.qconv.default(%x, 0.1, 3, %w, %s, %bias, [1, 1], [0, 0], [1, 1], 1)", "f32[1,6,6,6]"},
    {kQConv, "onednn.qconv.default(%x, 0.1, 3, %g, %s, None, [2], [1], [1], 2, 0.1, 0, s8)", "s8[1,6,4,4]"},
    {kQConv, "onednn.qconv.default(%x1, 0.1, 3, %w1, %s, None, [1], [0], [1], 2)", "f32[1,6,7]"},
    {kQConv,
     "onednn.qconv_binary.default(%x, 0.1, 3, %w, %s, %bias, [1, 1], [0, 0], [1, 1], 1, %other, 0.1, 2, \"add\", 0.5, "
     "3, u8, \"relu\")",
     "u8[1,6,6,6]"},
    {"%x: u8[1,3,8,8]", "onednn.qmaxpool2d.default(%x, [2, 2], [], [0, 0], [1, 1], false)", "u8[1,3,4,4]"},
    {"%x: s8[3,9,9]", "onednn.qmaxpool2d.default(%x, [3], [2], [1], [1], true)", "s8[3,5,5]"},
    {"%x: u8[1,3,9,8]", "onednn.qavgpool2d.default(%x, [2, 2], [], [1, 1], true, true, None, 3)", "u8[1,3,5,5]"},
    {"%x: s8[3,9,9]", "onednn.qavgpool2d.default(%x, [3], [2], [1], false, false, 4, 3)", "s8[3,5,5]"},
    {"%x: u8[n,3,h,8]", "onednn.qadaptive_avgpool2d.default(%x, [1, 2], 3)", "u8[n,3,1,2]"},
    {"%x: u8[b,2,m,8], %z: s8[b,2,8,n]", "onednn.qmatmul.default(%x, 0.1, 3, %z, 0.2, 0)", "f32[b,2,m,n]"},
    {"%x: u8[3,8], %z: u8[2,8,4]", "onednn.qmatmul.default(%x, 0.1, 3, %z, 0.2, 0, 0.5, 7, s8)", "s8[2,3,4]"},
    {"%x: s8[9,n], %i: s64[k], %o: s64[b]", "onednn.qembedding_bag.default(%x, 0.1, 3, %i, %o, 1, false)", "f32[b,n]"},
    {"%x: s8[9,4], %i: s32[k], %o: s32[5]", "onednn.qembedding_bag.default(%x, 0.1, 3, %i, %o, 0, true, 2, 0.5, 1, u8)",
     "u8[4,4]"},
    {"%x: u8[2,n], %z: u8[2,3]", "onednn.qcat.default([%x, %z], -1)", "u8[2,n + 3]"},
    {"%x: s8[n,6]", "onednn.qreshape.default(%x, [-1, 2])", "s8[3*n,2]"},
};

TEST_CASE("Types are inferred") {
  for (const Row& row : kTypes) {
    INFO(row.inputs << "\n" << row.call);
    CHECK(outcome(row) == row.type);
  }
}

TEST_CASE("A call's results are taken apart") {
  const Row rows[] = {{"%x: f32[1,3,8,8]", "_operator.getitem(%p, 1)", "s64[1,3,4,4]"},
                      {"%x: f32[1,3,8,8]", "_operator.getitem(%p, -2)", "f32[1,3,4,4]"},
                      {"%x: f32[1,3,8,8]", "_operator.getitem(%p, 2)", "index 2 is outside a tuple of 2"},
                      {"%x: f32[1,3,8,8]", "_operator.getitem(%p, -3)", "index -3 is outside a tuple of 2"},
                      {"%x: f32[1,3,8,8]", "_operator.getitem(%x, 0)", "getitem takes a tuple, got a tensor"},
                      {"%x: f32[1,3,8,8]", "_operator.getitem(%u, 0)", "unknown"},
                      {"%x: f32[1,3,8,8]", "_operator.getitem(3, 0)", "getitem takes a tuple"},
                      {"%x: f32[1,3,8,8]", "aten.relu.default(%p)", "`self` is a tuple"}};
  for (Row row : rows) {
    const std::string statements =
        "aten.max_pool2d_with_indices.default(%x, 2)\n %u = \"my.op\"(%x)\n %y = " + std::string(row.call);
    const auto graph =
        parse_graph("t", "graph(" + std::string(row.inputs) + ") {\n %p = " + statements + "\n return (%y) }");
    INFO(row.call);
    if (graph) {
      const TensorType* type = graph->find("y")->tensor();
      CHECK((type ? print(*type, graph->dims()) : "unknown") == row.type);
    } else {
      CHECK(graph.diagnostics().list().front().message() ==
            "`" + std::string(row.call).substr(0, std::string(row.call).find('(')) +
                "` refuses its operands: " + row.type);
    }
  }
}

TEST_CASE("Every operator that inference knows is in the table above") {
  OperatorTable table;
  std::set<std::string> tested = {"_operator.getitem"};
  for (const Row& row : kTypes) tested.insert(std::string(row.call).substr(0, std::string(row.call).find('(')));
  size_t known = 0;
  for (const std::string& name : table.known_names()) {
    if (!can_infer(table, *table.find(name))) continue;
    ++known;
    INFO(name);
    CHECK(tested.count(name) == 1);
  }
  CHECK(known == tested.size());  // no rule is for a name that no schema has
}

TEST_CASE("What is not known stays unknown") {
  const Row rows[] = {{"%x: f32[2]", "aten.cumsum.default(%x, 0)", "unknown"},
                      {"%x: f32[2]", "\"my.op\"(%x)", "unknown"},
                      {"%x", "aten.relu.default(%x)", "unknown"},
                      {"%x: f32[2], %z", "aten.add.Tensor(%x, %z)", "unknown"},
                      {"%x: f32[2], %z", "aten.cat.default([%x, %z])", "unknown"},
                      {"%x: f32[1,2,4,4], %w: f32[3,2,k,k]", "aten.conv2d.default(%x, %w)", "unknown"},
                      {"%x: f32[1,2,h,4]", "aten.max_pool2d.default(%x, 2, 2, 0, 1, true)", "unknown"}};
  for (const Row& row : rows) {
    INFO(row.call);
    CHECK(outcome(row) == row.type);
  }
}

TEST_CASE("Operands are refused in words") {
  const Row rows[] = {
      {"%x: f32[2], %z: f32[3]", "aten.add.Tensor(%x, %z)", "sizes 2 and 3 do not broadcast"},
      {kX, "aten.softmax.int(%x, 2)", "dimension 2 is outside rank 2"},
      {kX, "aten.softmax.int(%x, -3)", "dimension -3 is outside rank 2"},
      {kX, "aten.mean.dim(%x, [5])", "dimension 5 is outside rank 2"},
      {kInt, "aten.mean.dim(%x, [0])", "a mean is floating, got s32"},
      {kInt, "aten.layer_norm.default(%x, [3], None, None, 1e-05)", "the input must be floating, got s32"},
      {kX, "aten.full.default([-2], 1)", "a size is a number that is not negative"},
      {kImage, "aten.max_pool2d.default(%x, [2, 2], [2, 2], [2, 0])", "the padding is at most half the window"},
      {kX, "aten.relu.default(3)", "`self` must be a tensor"},
      {"%q: f32[5,4], %k: bf16[4,7], %v: f32[7,6]", "vector.attention.default(%q, %k, %v)",
       "q, k and v must have one dtype"},
      {"%q: f32[5,4], %k: f32[5,7], %v: f32[7,6]", "vector.attention.default(%q, %k, %v)",
       "q and k differ in their inner sizes"},
      {"%q: f32[5,4], %k: f32[4,7], %v: f32[7,6], %m: f32[2,5,7]", "vector.attention.default(%q, %k, %v, %m)",
       "the mask must broadcast to the scores"},
      {"%q: f32[5,4], %k: u8[4,7], %v: u8[7,6]",
       "vector.qattention.default(%q, 0.1, 3, %k, 0.2, 4, %v, 0.3, 5, None, 0.004, 0)", "q must be u8 or s8, got f32"},
      {"%q: u8[5,4], %k: u8[4,7], %v: u8[6,6]",
       "vector.qattention.default(%q, 0.1, 3, %k, 0.2, 4, %v, 0.3, 5, None, 0.004, 0)",
       "k and v differ in their inner sizes"},
      {"%x: f16[3,8], %w: s8[5,8], %s: f16[5]", "vector.weight_only_linear.default(%x, %w, %s)",
       "x must be f32 or bf16, got f16"},
      {"%x: f32[3,8], %w: u8[5,8], %s: f32[5]", "vector.weight_only_linear.default(%x, %w, %s)",
       "the weight must be s8 and have rank 2"},
      {"%x: f32[3,7], %w: s8[5,8], %s: f32[5]", "vector.weight_only_linear.default(%x, %w, %s)",
       "the inner sizes differ"},
      {"%x: f32[3,8], %w: s8[5,8], %s: f32[1]", "vector.weight_only_linear.default(%x, %w, %s)",
       "scales must have an element for each row of the weight"},
      {"%x: f32[3,8], %w: s8[5,8], %s: f32[5]", "vector.weight_only_linear.default(%x, %w, %s, %s)",
       "other must have the sizes of the result"},
      {"%x: f32[3,8], %w: s8[5,8], %s: f32[5]", "vector.weight_only_linear.default(%x, %w, %s, out_dtype=u8)",
       "the result is f32 or bf16"},
      {"%x: f32[3,8], %z: f32[8]", "vector.gate.default(%x, %z, \"silu\")", "gate and value must have the same sizes"},
      {"%x: f32[3,8]", "vector.gate.default(%x, %x, \"tanh\")",
       "the activation is relu, silu, gelu, gelu_tanh or sigmoid, got tanh"},
      {"%x: f64[3,8]", "vector.layer_norm.default(%x, None, None, 1e-5)", "x must be f32 or bf16, got f64"},
      {"%x: f32[3,8], %w: f32[3]", "vector.layer_norm.default(%x, %w, None, 1e-5)",
       "weight must have an element for each of a row"},
      {kQ, "torchao.quantize_affine.default(%x, [1, 3], %ss, %zs, u8)", "block_size does not divide the value's sizes"},
      {kQ, "torchao.quantize_affine.default(%x, [8], %ss, %zs, u8)",
       "block_size needs one number for each dimension of the value"},
      {"%x: u8[4,4], %w: s8[4,4], %s: f32[4]", "onednn.qlinear.default(%x, 1.0, 0, %w, %s, None, 0.5, 0.5, u8)",
       "`out_zero_point` must be an integer"},
      {kX, "aten.view.default(%x, [4])", "6 elements do not fit a shape of 4"},
      {kX, "aten.view.default(%x, [4, -1])", "6 elements do not fill a multiple of 4"},
      {kX, "aten.view.default(%x, [-1, -1])", "a shape takes sizes and at most one -1"},
      {kX, "aten.view.default(%x, [-2])", "a shape takes sizes and at most one -1"},
      {kX, "aten.view.default(%x, [0, -1])", "-1 is ambiguous in a shape with a zero"},
      {kX, "aten.permute.default(%x, [0])", "the order must name every dimension once"},
      {kX, "aten.permute.default(%x, [0, 0])", "the order must name every dimension once"},
      {"%x: f32[2,3,4]", "aten.t.default(%x)", "t takes at most two dimensions"},
      {kX, "aten.flatten.using_ints(%x, 1, 0)", "start_dim comes after end_dim"},
      {kX, "aten.expand.default(%x, [3])", "expand keeps or adds dimensions"},
      {kX, "aten.expand.default(%x, [4, 3])", "only dimensions of size 1 can be expanded"},
      {kX, "aten.expand.default(%x, [-1, 2, 3])", "expand takes sizes, or -1 for a size that stays"},
      {kX, "aten.cat.default([])", "nothing to concatenate"},
      {kX, "aten.cat.default([None])", "`tensors` must be a list of tensors"},
      {"%x: f32[2], %z: f32[2,2]", "aten.cat.default([%x, %z])", "the tensors have different ranks"},
      {"%x: f32[2,3], %z: f32[3,3]", "aten.cat.default([%x, %z], 1)", "sizes differ in dimension 0"},
      {"%x: f32[]", "aten.cat.default([%x])", "tensors without dimensions cannot be concatenated"},
      {"%x: f32[]", "aten.select.int(%x, 0, 0)", "select needs at least one dimension"},
      {"%x: f32[2,3], %w: f32[4,5]", "aten.linear.default(%x, %w)",
       "the input's last size and the weight's differ: 3 and 5"},
      {"%x: f32[2,3], %w: f64[4,3]", "aten.linear.default(%x, %w)", "input and weight have different dtypes"},
      {"%x: f32[], %w: f32[4,3]", "aten.linear.default(%x, %w)",
       "linear takes an input of rank 1 or more and a weight of rank 1 or 2"},
      {"%x: f32[2], %z: f32[2]", "aten.mm.default(%x, %z)", "both operands must have rank 2"},
      {"%x: f32[2,2], %z: f64[2,2]", "aten.mm.default(%x, %z)", "the operands have different dtypes"},
      {"%x: f32[1,2,3], %z: f32[1,2,3]", "aten.bmm.default(%x, %z)", "the inner sizes differ: 3 and 2"},
      {"%x: s8[2,3], %z: s8[2,3]", "aten._int_mm.default(%x, %z)", "the inner sizes differ: 3 and 2"},
      {"%x: bf16[2,3], %z: s8[4,3], %s: f32[4]", "aten._weight_int8pack_mm.default(%x, %z, %s)",
       "the weight must be s8, the scales of the activation's floating-point type"},
      {"%x: f32[2,3], %w: f32[4,3]", "onednn.linear_fp16.default(%x, %w, None)",
       "the weight must be f16 of two dimensions"},
      {"%x: f32[], %z: f32[3]", "aten.matmul.default(%x, %z)", "matmul takes tensors of rank 1 or more"},
      {"%x: f32[2,3], %z: f32[4,2]", "aten.matmul.default(%x, %z)", "the inner sizes differ: 3 and 4"},
      {"%x: f32[8,8], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w)", "the input must have rank 3 or 4"},
      {"%x: f32[1,4,8,8], %w: f32[6,4,3]", "aten.conv2d.default(%x, %w)", "the weight must have rank 4"},
      {"%x: f32[1,4,8,8], %w: f32[6,3,3,3]", "aten.conv2d.default(%x, %w)",
       "the input's channels and groups times the weight's differ: 4 and 3"},
      {"%x: f32[1,4,2,2], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w)",
       "the window is larger than the padded input"},
      {"%x: f32[1,4,8,8], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w, None, 0)",
       "stride, dilation and kernel must be positive, padding not negative"},
      {"%x: f32[1,4,8,8], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w, None, 1, -1)",
       "stride, dilation and kernel must be positive, padding not negative"},
      {"%x: f32[1,4,8,8], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w, None, [1, 2, 3])",
       "`stride` must have 2 elements"},
      {"%x: f32[1,4,8,8], %w: f32[6,4,3,3]", "aten.conv2d.default(%x, %w, None, [])", "`stride` must have 2 elements"},
      {"%x: f32[2,3], %w: f32[2,3]", "aten.convolution.default(%x, %w, None, [1], [0], [1], false, [0], 1)",
       "the weight must have rank 3 or more"},
      {kX, "aten.max_pool2d.default(%x, 2)", "the input must have rank 3 or 4"},
      {kImage, "aten.max_pool2d.default(%x, [])", "`kernel_size` must have 2 elements"},
      {kImage, "aten.max_pool2d.default(%x, 9)", "the window is larger than the padded input"},
      {kImage, "aten.max_pool2d.default(%x, 2, 1, 0, 9223372036854775807)", "the window or the input is too large"},
      {kX, "aten.adaptive_avg_pool2d.default(%x, 1)", "the input must have rank 3 or 4"},
      {kImage, "aten.adaptive_avg_pool2d.default(%x, [-1, 1])", "a size is not negative"},
      {kQ, "quantized_decomposed.quantize_per_tensor.default(%q, 0.1, 0, 0, 255, u8)",
       "the value to quantize must be floating point, got s8"},
      {kQ, "quantized_decomposed.dequantize_per_tensor.default(%q, 0.1, 0, 0, 255, u8)",
       "the value to dequantize is s8, not u8"},
      {kQLinear, "onednn.qlinear.default(%f, 0.1, 3, %w, %s, None)", "the activation must be u8 or s8, got f32"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %wf, %s, None)", "the weight must be s8, got f32"},
      {kQLinear, "onednn.qlinear.default(%x, %row, 3, %w, %s, None)", "`x_scale` must be a number or have one element"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %w, None)", "weight_scale must be f32, got s8"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %wf, None)",
       "weight_scale must have one element, or one for each output channel"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, %w)", "the bias must be floating point"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, %one)",
       "the bias must be a vector with one element for each output channel"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None, 0.5)",
       "a floating-point result needs out_scale 1 and out_zero_point 0"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None, 0.5, 0, s32)",
       "out_dtype must be f32, bf16, u8 or s8, got s32"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None, post_op=\"sin\")", "unknown post_op \"sin\""},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None, post_op=\"relu\", post_op_args=[1.0])",
       "post_op \"relu\" takes 0 numbers"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None, post_op=\"hardtanh\")",
       "post_op \"hardtanh\" takes 2 numbers"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None, post_op=\"hardtanh\", post_op_args=[6.0, 0.0])",
       "hardtanh needs two numbers, the lower first"},
      {kQLinear, "onednn.qlinear.default(%x, 0.1, 3, %s, %s, None)", "the weight must have two dimensions"},
      {"%x: s8[2,65794], %w: s8[1,65794], %s: f32[1]", "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None)",
       "more than 65,793 products overflow the accumulator"},
      {"%x: s8[2,3], %w: s8[1,4], %s: f32[1]", "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None)",
       "the activation's last size and the weight's second differ"},
      {"%x: s8[], %w: s8[1,4], %s: f32[1]", "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None)",
       "the activation must have at least one dimension"},
      {kQLinear, "onednn.qlinear_binary.default(%x, 0.1, 3, %w, %s, None, %f, 1.0, 0)",
       "sizes 16 and 32 do not broadcast"},
      {kQLinear, "onednn.qlinear_binary.default(%x, 0.1, 3, %w, %s, None, %row, 0.5, 0)",
       "a floating-point other has scale 1 and zero point 0"},
      {kQLinear, "onednn.qlinear_binary.default(%x, 0.1, 3, %w, %s, None, %other, 0.5, 0, \"div\")",
       "unknown binary \"div\""},
      {"%x: s8[2,4], %w: s8[1,4], %s: f32[1], %o: s32[2,1]",
       "onednn.qlinear_binary.default(%x, 0.1, 3, %w, %s, None, %o, 1.0, 0)",
       "other must be u8, s8, f8e4m3, f32 or bf16, got s32"},
      {kFloat8, "onednn.qlinear.default(%x, 0.1, 0, %s8, %s, None)",
       "the weight of an f8e4m3 activation must be f8e4m3, got s8"},
      {kFloat8, "onednn.qlinear.default(%x, 0.1, 3, %w, %s, None)", "f8 has no zero point"},
      {kFloat8, "onednn.qlinear.default(%x, 0.1, 0, %w, %s, None, 0.5, 3, f8e4m3)", "f8 has no zero point"},
      {kFloat8, "onednn.qlinear.default(%x, 0.1, 0, %w, %s, None, 0.5, 0, u8)",
       "out_dtype of an f8 operator must be f32, bf16 or f8e4m3, got u8"},
      {kFloat8, "onednn.qlinear_binary.default(%x, 0.1, 0, %w, %s, None, %x, 0.5, 1)", "f8 has no zero point"},
      {kFloat8, "onednn.quantize_float8.default(%f, 0.1, 1, -448, 448, f8e4m3)",
       "f8 has zero point 0 and its whole finite range"},
      {kFloat8, "onednn.quantize_float8.default(%f, 0.1, 0, -128, 127, s8)", "dtype must be f8e4m3 or f8e5m2, got s8"},
      {kFloat8, "onednn.dequantize_float8.default(%x, 0.1, 0, -57344, 57344, f8e5m2)",
       "the value to dequantize is f8e4m3, not f8e5m2"},
      {kFloat8, "torchao.quantize_affine_float8_non_decomposed.default(%s8, %s)",
       "the value to quantize must be floating point, got s8"},
      {kFloat8, "torchao.quantize_affine_float8_non_decomposed.default(%f, %s, u8)",
       "float8_dtype must be f8e4m3 or f8e5m2, got u8"},
      {kFloat8, "torchao.dequantize_affine_float8_non_decomposed.default(%f, %s)",
       "the value to dequantize must be f8e4m3 or f8e5m2, got bf16"},
      {kFloat8, "torchao.dequantize_affine_float8_non_decomposed.default(%x, %f)", "the scale must be f32, got bf16"},
      {kFloat8, "torchao.dequantize_affine_float8_non_decomposed.default(%x, %s, s8)",
       "output_dtype must be floating point, got s8"},
      {kQConv, "onednn.qconv.default(%x5, 0.1, 3, %w, %s, None, [1], [0], [1], 1)",
       "the activation must have rank 3 or 4, got 5"},
      {kQConv, "onednn.qconv.default(%x, 0.1, 3, %w1, %s, None, [1], [0], [1], 1)",
       "activation and weight have different ranks"},
      {kQConv, "onednn.qconv.default(%x, 0.1, 3, %w, %s, None, [1], [0], [1], 0)", "groups must be positive"},
      {kQConv, "onednn.qconv.default(%x, 0.1, 3, %w, %s, None, [1], [0], [1], 2)",
       "the activation's channels are not groups times the weight's"},
      {"%x: s8[1,4,8,8], %w: s8[5,1,3,3], %s: f32[5]",
       "onednn.qconv.default(%x, 0.1, 3, %w, %s, None, [1], [0], [1], 4)", "output channels are no multiple of groups"},
      {kQConv, "onednn.qconv.default(%x, 0.1, 3, %w, %s, None, [1], [], [1], 1)", "`padding` must have 2 elements"},
      {kQConv, "onednn.qconv_binary.default(%x, 0.1, 3, %w, %s, None, [1], [0], [1], 1, %x, 0.1, 2)",
       "other must have the sizes of the result"},
      {kImage, "onednn.qmaxpool2d.default(%x, [2], [], [0], [1], false)", "the activation must be u8 or s8, got f32"},
      {"%x: u8[8,8]", "onednn.qmaxpool2d.default(%x, [2], [], [0], [1], false)",
       "the activation must have rank 3 or 4"},
      {"%x: u8[3,8,8]", "onednn.qmaxpool2d.default(%x, [2], [], [2], [1], false)",
       "padding is more than half of the window"},
      {"%x: u8[3,8,8]", "onednn.qmaxpool2d.default(%x, [2], [], [], [1], false)", "`padding` must have 2 elements"},
      {kX, "aten.constant_pad_nd.default(%x, [1], 0.0)", "padding has two numbers for each of the last dimensions"},
      {kX, "aten.constant_pad_nd.default(%x, [-1, -9], 0.0)", "the padding takes away more than there is"},
      {"%x: u8[3,8,8]", "onednn.qavgpool2d.default(%x, [2], [], [0], false, true, 0, 3)", "the divisor is 0"},
      {"%x: u8[3,8,8]", "onednn.qavgpool2d.default(%x, [2], [], [2], false, true, None, 3)",
       "padding is more than half of the window"},
      {"%x: u8[8,8]", "onednn.qadaptive_avgpool2d.default(%x, [1, 1], 3)", "the activation must have rank 3 or 4"},
      {"%x: u8[8,8,8]", "onednn.qadaptive_avgpool2d.default(%x, [1, -1], 3)", "a size is not negative"},
      {"%x: u8[3,8], %z: u8[7,4]", "onednn.qmatmul.default(%x, 0.1, 3, %z, 0.2, 0)", "the inner sizes differ"},
      {"%x: u8[8], %z: u8[8,4]", "onednn.qmatmul.default(%x, 0.1, 3, %z, 0.2, 0)",
       "a and b must have two dimensions or more"},
      {"%x: u8[1,33026], %z: u8[33026,1]", "onednn.qmatmul.default(%x, 0.1, 3, %z, 0.2, 0)",
       "more than 33,025 products overflow the accumulator"},
      {"%x: s8[9,4], %i: s16[3], %o: s64[2]", "onednn.qembedding_bag.default(%x, 0.1, 3, %i, %o, 0, true)",
       "indices and offsets must be s32 or s64"},
      {"%x: s8[9,4], %i: s64[3], %o: s64[0]", "onednn.qembedding_bag.default(%x, 0.1, 3, %i, %o, 0, true)",
       "the last offset is missing"},
      {"%x: s8[9,4], %i: s64[3], %o: s64[2]", "onednn.qembedding_bag.default(%x, 0.1, 3, %i, %o, 3, true)",
       "the mode is 0 (sum), 1 (mean) or 2 (max)"},
      {"%x: u8[2], %z: s8[2]", "onednn.qcat.default([%x, %z], 0)", "the tensors have different dtypes"},
      {"%x: u8[2], %z: u8[2,2]", "onednn.qcat.default([%x, %z], 0)", "the tensors have different ranks"},
      {"%x: u8[2,3], %z: u8[2,4]", "onednn.qcat.default([%x, %z], 0)", "sizes differ in dimension 1"},
      {kX, "onednn.qcat.default([%x], 0)", "every tensor must be u8 or s8, got f32"},
      {kX, "onednn.qcat.default([], 0)", "nothing to concatenate"},
      {"%x: f64[2]", "vector.cat.default([%x], 0, bf16)", "the tensors are f32 or bf16"},
      {"%x: f32[2]", "vector.cat.default([%x], 0, u8)", "the result is f32 or bf16"},
      {kX, "onednn.qreshape.default(%x, [6])", "the tensor must be u8 or s8, got f32"},
      {"%x: u8[2,3]", "onednn.qreshape.default(%x, [7])", "6 elements do not fit a shape of 7"},
  };
  for (const Row& row : rows) {
    INFO(row.inputs << "\n" << row.call);
    CHECK(outcome(row) == row.type);
  }
}

TEST_CASE("A refusal names the operator") {
  const auto graph = parse_graph("t", one_call("%x: f32[2,3]", "aten.view.default(%x, [4])"));
  REQUIRE_FALSE(graph);
  CHECK(graph.diagnostics().list().front().message() ==
        "`aten.view.default` refuses its operands: 6 elements do not fit a shape of 4");
}

}  // namespace
}  // namespace qrules
