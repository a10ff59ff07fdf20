// Models of attention, pools, residuals, integer products and joined linears; see explain_models.h.

#include "explain_models.h"

namespace {

using qrules::testing::Change;

// Queries and keys, their product divided, its softmax times the values.
const char* const kAttention = R"(graph(%x: u8[2,3,8], %k: u8[2,5,8], %v: u8[2,5,4]) {
  %xf: f32[2,3,8] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %kf: f32[2,5,8] = quantized_decomposed.dequantize_per_tensor.default(%k, 0.03, 7, 0, 255, u8)
  %kt: f32[2,8,5] = aten.transpose.int(%kf, -2, -1)
  %s: f32[2,3,5] = aten.matmul.default(%xf, %kt)
  %d: f32[2,3,5] = aten.div.Tensor(%s, 4.0)
  %m: f32[2,3,5] = aten._softmax.default(%d, -1, false)
  %q: u8[2,3,5] = quantized_decomposed.quantize_per_tensor.default(%m, 0.004, 0, 0, 255, u8)
  %mf: f32[2,3,5] = quantized_decomposed.dequantize_per_tensor.default(%q, 0.004, 0, 0, 255, u8)
  %vf: f32[2,5,4] = quantized_decomposed.dequantize_per_tensor.default(%v, 0.05, 9, 0, 255, u8)
  %o: f32[2,3,4] = aten.bmm.default(%mf, %vf)
  %y: u8[2,3,4] = quantized_decomposed.quantize_per_tensor.default(%o, 0.06, 4, 0, 255, u8)
  return (%y)
}
)";

// A padded depthwise convolution with a clamp, an average pool, the mean of the image, a flatten.
const char* const kPools = R"(graph(%x: u8[1,4,8,8]) {
  %w = constant "w" : s8[4,1,2,2] {3}
  %s = constant "s" : f32[4] {0.01, 0.02, 0.03, 0.04}
  %z = constant "z" : s64[4] {0}
  %b = constant "b" : f32[4] {0.5}
  %xf: f32[1,4,8,8] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %p: f32[1,4,9,9] = aten.constant_pad_nd.default(%xf, [0, 1, 0, 1], 0.0)
  %wf: f32[4,1,2,2] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %c: f32[1,4,8,8] = aten.conv2d.default(%p, %wf, %b, [1, 1], [0, 0], [1, 1], 4)
  %h: f32[1,4,8,8] = aten.hardtanh.default(%c, 0.0, 6.0)
  %q: u8[1,4,8,8] = quantized_decomposed.quantize_per_tensor.default(%h, 0.03, 0, 0, 255, u8)
  %g: f32[1,4,8,8] = quantized_decomposed.dequantize_per_tensor.default(%q, 0.03, 0, 0, 255, u8)
  %a: f32[1,4,4,4] = aten.avg_pool2d.default(%g, [2, 2], [2, 2])
  %aq: u8[1,4,4,4] = quantized_decomposed.quantize_per_tensor.default(%a, 0.03, 0, 0, 255, u8)
  %af: f32[1,4,4,4] = quantized_decomposed.dequantize_per_tensor.default(%aq, 0.03, 0, 0, 255, u8)
  %n: f32[1,4,1,1] = aten.mean.dim(%af, [2, 3], true)
  %nq: u8[1,4,1,1] = quantized_decomposed.quantize_per_tensor.default(%n, 0.03, 0, 0, 255, u8)
  %nf: f32[1,4,1,1] = quantized_decomposed.dequantize_per_tensor.default(%nq, 0.03, 0, 0, 255, u8)
  %t: f32[1,4] = aten.flatten.using_ints(%nf, 1)
  %y: u8[1,4] = quantized_decomposed.quantize_per_tensor.default(%t, 0.03, 0, 0, 255, u8)
  return (%y)
}
)";

// Two linears of a symbolic batch: a bias and a silu apart, an addend that is quantized.
const char* const kResidual = R"(graph(%x: u8[s0,8], %r: u8[s0,4]) {
  %w = constant "w" : s8[4,8] {-7}
  %s = constant "s" : f32[4] {0.01, 0.02, 0.03, 0.04}
  %z = constant "z" : s64[4] {0}
  %v = constant "v" : s8[4,4] {5}
  %vs = constant "vs" : f32[4] {0.02}
  %vz = constant "vz" : s64[4] {0}
  %b = constant "b" : f32[4] {1, 2, 3, 4}
  %xf: f32[s0,8] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %wf: f32[4,8] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %l: f32[s0,4] = aten.linear.default(%xf, %wf)
  %lb: f32[s0,4] = aten.add.Tensor(%l, %b)
  %sg: f32[s0,4] = aten.sigmoid.default(%lb)
  %si: f32[s0,4] = aten.mul.Tensor(%lb, %sg)
  %q: u8[s0,4] = quantized_decomposed.quantize_per_tensor.default(%si, 0.05, 3, 0, 255, u8)
  %g: f32[s0,4] = quantized_decomposed.dequantize_per_tensor.default(%q, 0.05, 3, 0, 255, u8)
  %vf: f32[4,4] = quantized_decomposed.dequantize_per_channel.default(%v, %vs, %vz, 0, -128, 127, s8)
  %l2: f32[s0,4] = aten.linear.default(%g, %vf, %b)
  %rf: f32[s0,4] = quantized_decomposed.dequantize_per_tensor.default(%r, 0.07, 11, 0, 255, u8)
  %a: f32[s0,4] = aten.add.Tensor(%l2, %rf)
  %u: f32[s0,4] = aten.relu.default(%a)
  %y: u8[s0,4] = quantized_decomposed.quantize_per_tensor.default(%u, 0.06, 0, 0, 255, u8)
  return (%y)
}
)";

// Products of integers that torchao writes, and of a bf16 activation with an s8 weight.
const char* const kIntegers = R"(graph(%a: s8[4,3], %as: f32[4,1], %x: bf16[2,32], %sc: bf16[16]) {
  %w = constant "w" : s8[3,4] {1, -2, 3, 4, -5, 6, 7, 8, -9, 10, 11, -12}
  %ws = constant "ws" : f32[4] {0.01, 0.02, 0.03, 0.04}
  %k = constant "k" : s8[16,32] {2}
  %i: s32[4,4] = aten._int_mm.default(%a, %w)
  %f: f32[4,4] = prims.convert_element_type.default(%i, f32)
  %m: f32[4,4] = aten.mul.Tensor(%f, %as)
  %n: f32[4,4] = aten.mul.Tensor(%m, %ws)
  %ge: f32[4,4] = aten.gelu.default(%n)
  %c: bf16[16,32] = prims.convert_element_type.default(%k, bf16)
  %l: bf16[2,16] = aten.linear.default(%x, %c)
  %y: bf16[2,16] = aten.mul.Tensor(%l, %sc)
  return (%ge, %y)
}
)";

// Two linears of one activation.
const char* const kHeads = R"(graph(%x: u8[3,16]) {
  %w = constant "w" : s8[8,16] {1}
  %w2 = constant "w2" : s8[8,16] {2}
  %s = constant "s" : f32[8] {0.01}
  %z = constant "z" : s64[8] {0}
  %xf: f32[3,16] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %xg: f32[3,16] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %wf: f32[8,16] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %wg: f32[8,16] = quantized_decomposed.dequantize_per_channel.default(%w2, %s, %z, 0, -128, 127, s8)
  %l: f32[3,8] = aten.linear.default(%xf, %wf)
  %k: f32[3,8] = aten.linear.default(%xg, %wg)
  %y: u8[3,8] = quantized_decomposed.quantize_per_tensor.default(%l, 0.05, 3, 0, 255, u8)
  %u: u8[3,8] = quantized_decomposed.quantize_per_tensor.default(%k, 0.05, 3, 0, 255, u8)
  return (%y, %u)
}
)";

// A weight in f16, and a pool to a given size.
const char* const kHalves = R"(graph(%x: f32[2,3], %e: u8[1,4,8,8]) {
  %w = constant "w" : f32[4,3] {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2}
  %h: f16[4,3] = quantized_decomposed.convert_element_type.no_fuse(%w, f16)
  %f: f32[4,3] = quantized_decomposed.convert_element_type.no_fuse(%h, f32)
  %l: f32[2,4] = aten.linear.default(%x, %f)
  %r: f32[2,4] = aten.relu.default(%l)
  %ef: f32[1,4,8,8] = quantized_decomposed.dequantize_per_tensor.default(%e, 0.02, 113, 0, 255, u8)
  %ad: f32[1,4,2,2] = aten.adaptive_avg_pool2d.default(%ef, [2, 2])
  %y: u8[1,4,2,2] = quantized_decomposed.quantize_per_tensor.default(%ad, 0.02, 113, 0, 255, u8)
  return (%r, %y)
}
)";

const Change kChanges[] = {
    {"a divisor that is a tensor",
     kAttention,
     {{"%v: u8[2,5,4])", "%v: u8[2,5,4], %t: f32[])"}, {"(%s, 4.0)", "(%s, %t)"}},
     "scaled-qmatmul",
     "d",
     "%t"},
    {"a divisor of zero", kAttention, {{"(%s, 4.0)", "(%s, 0.0)"}}, "scaled-qmatmul", "d", "0"},
    {"the scores are a result too", kAttention, {{"return (%y)", "return (%y, %s)"}}, "scaled-qmatmul", "d", "%s"},
    {"keys of 16 bits",
     kAttention,
     {{"%k: u8", "%k: s16"}, {"(%k, 0.03, 7, 0, 255, u8)", "(%k, 0.03, 7, -32768, 32767, s16)"}},
     "qmatmul-prepack",
     "s",
     "s16"},
    {"keys in floating point, behind a transposition",
     kAttention,
     {{"%k: u8", "%k: f32"},
      {"quantized_decomposed.dequantize_per_tensor.default(%k, 0.03, 7, 0, 255, u8)", "aten.exp.default(%k)"}},
     "view-of-dequantized",
     "kt",
     "%kf is `aten.exp.default`"},
    {"a lowest value of 1",
     kAttention,
     {{"(%o, 0.06, 4, 0, 255", "(%o, 0.06, 4, 1, 255"}},
     "quantized-output",
     "y",
     "1"},
    {"product used twice", kAttention, {{"return (%y)", "return (%y, %o)"}}, "quantized-output", "y", "%o has 2 users"},
    {"zero point outside", kPools, {{"(%x, 0.02, 113", "(%x, 0.02, 300"}}, "qpad", "p", "300"},
    {"clamp is a result", kPools, {{"return (%y)", "return (%y, %h)"}}, "quantized-output", "q", "%h has 2 users"},
    {"conv is a result", kPools, {{"return (%y)", "return (%y, %c)"}}, "post-op", "h", "%c has 2 users"},
    {"avg pool scale",
     kPools,
     {{"(%a, 0.03, 0,", "(%a, 0.04, 0,"},
      {"(%aq, 0.03", "(%aq, 0.04"},
      {"(%n, 0.03", "(%n, 0.04"},
      {"(%nq, 0.03", "(%nq, 0.04"},
      {"(%t, 0.03", "(%t, 0.04"}},
     "qavgpool2d",
     "aq",
     "0.04"},
    {"avg read twice", kPools, {{"return (%y)", "return (%y, %a)"}}, "qavgpool2d", "aq", "%a has 2 users"},
    {"mean over one dim",
     kPools,
     {{"aten.mean.dim(%af, [2, 3], true)", "aten.mean.dim(%af, [2], true)"},
      {"%n: f32[1,4,1,1]", "%n: f32[1,4,1,4]"},
      {"%nq: u8[1,4,1,1]", "%nq: u8[1,4,1,4]"},
      {"%nf: f32[1,4,1,1]", "%nf: f32[1,4,1,4]"},
      {"%t: f32[1,4]", "%t: f32[1,16]"},
      {"%y: u8[1,4]", "%y: u8[1,16]"}},
     "qmean-of-image",
     "nq",
     "2"},
    {"mean of other zero point",
     kPools,
     {{"(%n, 0.03, 0", "(%n, 0.03, 2"}, {"(%nq, 0.03, 0", "(%nq, 0.03, 2"}, {"(%t, 0.03, 0", "(%t, 0.03, 2"}},
     "qmean-of-image",
     "nq",
     "2"},
    {"weight zero points",
     kPools,
     {{"s64[4] {0}", "s64[4] {0, 0, 0, 2}"}},
     "qconv-prepack",
     "c",
     "element 3 of %z is 2"},
    {"residual broadcast",
     kResidual,
     {{"%r: u8[s0,4]", "%r: u8[1,4]"}, {"%rf: f32[s0,4]", "%rf: f32[1,4]"}},
     "add-dequantized",
     "a",
     "[1, 4]"},
    {"an addend of 16 bits, which is added in floating point instead",
     kResidual,
     {{"%r: u8", "%r: s16"}, {"(%r, 0.07, 11, 0, 255, u8)", "(%r, 0.07, 11, -32768, 32767, s16)"}},
     "add-dequantized",
     "a",
     "s16"},
    {"bias is not constant",
     kResidual,
     {{"%r: u8[s0,4])", "%r: u8[s0,4], %bb: f32[4])"}, {"(%l, %b)", "(%l, %bb)"}},
     "added-vector-is-bias",
     "lb",
     "%bb is no constant"},
    {"linear before bias is a result",
     kResidual,
     {{"return (%y)", "return (%y, %l)"}},
     "added-vector-is-bias",
     "lb",
     "%l has 2 users"},
    {"silu of something else",
     kResidual,
     {{"aten.sigmoid.default(%lb)", "aten.sigmoid.default(%l)"}},
     "added-vector-is-bias",
     "lb",
     "the other user is %sg"},
    {"sigmoid read too", kResidual, {{"return (%y)", "return (%y, %sg)"}}, "post-op", "si", "the other user is %sg"},
    {"weight of the second is an input",
     kResidual,
     {{"%r: u8[s0,4])", "%r: u8[s0,4], %v: s8[4,4])"}, {"  %v = constant \"v\" : s8[4,4] {5}\n", ""}},
     "qlinear-prepack",
     "l2",
     "%v is no constant"},
    {"weight without data",
     kResidual,
     {{"constant \"v\" : s8[4,4] {5}", "constant \"v\" : s8[4,4]"}},
     "qlinear-prepack",
     "l2",
     "%v"},
    {"weight per row of other axis", kResidual, {{"%vz, 0, -128", "%vz, 1, -128"}}, "qlinear-prepack", "l2", "axis"},
    {"quantize to s16",
     kResidual,
     {{"%y: u8", "%y: s16"}, {"(%u, 0.06, 0, 0, 255, u8)", "(%u, 0.06, 0, -32768, 32767, s16)"}},
     "quantized-output",
     "y",
     "s16"},
    {"scale per column for activation",
     kIntegers,
     {{"%as: f32[4,1]", "%as: f32[1,4]"}},
     "int-mm-prepack",
     "n",
     "[1, 4]"},
    {"weight scale of rank 2",
     kIntegers,
     {{"%ws = constant \"ws\" : f32[4] {0.01, 0.02, 0.03, 0.04}",
       "%ws = constant \"ws\" : f32[4,1] {0.01, 0.02, 0.03, 0.04}"}},
     "int-mm-prepack",
     "n",
     "rank 2"},
    {"weight scale is an input",
     kIntegers,
     {{"%as: f32[4,1],", "%as: f32[4,1], %ws: f32[4],"},
      {"  %ws = constant \"ws\" : f32[4] {0.01, 0.02, 0.03, 0.04}\n", ""}},
     "int-mm-prepack",
     "n",
     "%ws is no constant"},
    {"int weight is an input",
     kIntegers,
     {{"%as: f32[4,1],", "%as: f32[4,1], %w: s8[3,4],"},
      {"  %w = constant \"w\" : s8[3,4] {1, -2, 3, 4, -5, 6, 7, 8, -9, 10, 11, -12}\n", ""}},
     "int-mm-prepack",
     "n",
     "%w is no constant"},
    {"sum in f16",
     kIntegers,
     {{"%f: f32[4,4] = prims.convert_element_type.default(%i, f32)",
       "%f: f16[4,4] = prims.convert_element_type.default(%i, f16)"}},
     "int-mm-prepack",
     "n",
     "f16"},
    {"unscaled product read too",
     kIntegers,
     {{"return (%ge, %y)", "return (%ge, %y, %l)"}},
     "woq-int8-linear",
     "y",
     "%l has 2 users"},
    {"scales f32",
     kIntegers,
     {{"%sc: bf16", "%sc: f32"}, {"%y: bf16[2,16]", "%y: f32[2,16]"}},
     "woq-int8-linear",
     "y",
     "%sc"},
    {"u8 woq weight", kIntegers, {{"constant \"k\" : s8", "constant \"k\" : u8"}}, "woq-int8-linear", "y", "%k is u8"},
    {"int mm result read twice",
     kIntegers,
     {{"return (%ge, %y)", "return (%ge, %y, %n)"}},
     "post-op",
     "ge",
     "%n has 2 users"},
    {"another scale of one of two joined linears",
     kHeads,
     {{"%xg: f32[3,16] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02",
       "%xg: f32[3,16] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.03"}},
     "qlinear-concat",
     "y",
     "`x_scale` of %u is 0.03, not 0.02"},
    {"another scale of one of two results",
     kHeads,
     {{"(%k, 0.05", "(%k, 0.06"}},
     "qlinear-concat",
     "y",
     "`out_scale` of %u is 0.06, not 0.05"},
    {"rounded to bf16",
     kHalves,
     {{"%h: f16", "%h: bf16"}, {"no_fuse(%w, f16)", "no_fuse(%w, bf16)"}},
     "linear-fp16-prepack",
     "l",
     "bf16"},
    {"half weight input",
     kHalves,
     {{"%e: u8[1,4,8,8])", "%e: u8[1,4,8,8], %w: f32[4,3])"},
      {"  %w = constant \"w\" : f32[4,3] {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2}\n", ""}},
     "linear-fp16-prepack",
     "l",
     "%w is no constant"},
    {"half linear is a result",
     kHalves,
     {{"return (%r, %y)", "return (%r, %y, %l)"}},
     "linear-fp16-relu",
     "r",
     "%l has 2 users"},
    {"adaptive: no batch",
     kHalves,
     {{"%e: u8[1,4,8,8]", "%e: u8[4,8,8]"},
      {"%ef: f32[1,4,8,8]", "%ef: f32[4,8,8]"},
      {"%ad: f32[1,4,2,2]", "%ad: f32[4,2,2]"},
      {"%y: u8[1,4,2,2]", "%y: u8[4,2,2]"}},
     "qadaptive-avgpool2d",
     "y",
     "rank"},
    {"adaptive: s8 out",
     kHalves,
     {{"%y: u8[1", "%y: s8[1"}, {"(%ad, 0.02, 113, 0, 255, u8)", "(%ad, 0.02, 113, -128, 127, s8)"}},
     "qadaptive-avgpool2d",
     "y",
     "s8"},
};

TEST_CASE("What was changed in other models is named first", "[tools][explain]") {
  qrules::testing::check_changes(kChanges);
}

}  // namespace
