// Models of convolutions, linears and spellings of activations; see explain_models.h.

#include "explain_models.h"

namespace {

using qrules::testing::Change;

// A convolution, an activation, a second convolution with an addend, a pool; everything fuses.
const char* const kConvolutions = R"(graph(%x: u8[1,2,8,8], %o: u8[1,4,6,6]) {
  %w = constant "w" : s8[4,2,3,3] {3}
  %s = constant "s" : f32[4] {0.01, 0.02, 0.03, 0.04}
  %z = constant "z" : s64[4] {0}
  %xf: f32[1,2,8,8] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %wf: f32[4,2,3,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %c: f32[1,4,6,6] = aten.conv2d.default(%xf, %wf, None, [1, 1], [0, 0], [1, 1], 1)
  %of: f32[1,4,6,6] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.3, 17, 0, 255, u8)
  %a: f32[1,4,6,6] = aten.add.Tensor(%c, %of)
  %r: f32[1,4,6,6] = aten.relu.default(%a)
  %q: u8[1,4,6,6] = quantized_decomposed.quantize_per_tensor.default(%r, 0.05, 3, 0, 255, u8)
  %g: f32[1,4,6,6] = quantized_decomposed.dequantize_per_tensor.default(%q, 0.05, 3, 0, 255, u8)
  %p: f32[1,4,3,3] = aten.max_pool2d.default(%g, [2, 2])
  %y: u8[1,4,3,3] = quantized_decomposed.quantize_per_tensor.default(%p, 0.05, 3, 0, 255, u8)
  return (%y)
}
)";

// A linear of three dimensions written as a product of matrices, an activation, a concatenation, a reshape.
const char* const kLinears = R"(graph(%x: u8[2,3,8], %k: u8[2,3,4]) {
  %w = constant "w" : s8[4,8] {-7}
  %s = constant "s" : f32[4] {0.01, 0.02, 0.03, 0.04}
  %z = constant "z" : s64[4] {0}
  %b = constant "b" : f32[4] {1, 2, 3, 4}
  %xf: f32[2,3,8] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %wf: f32[4,8] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %v: f32[6,8] = aten.view.default(%xf, [6, 8])
  %wt: f32[8,4] = aten.permute.default(%wf, [1, 0])
  %m: f32[6,4] = aten.addmm.default(%b, %v, %wt)
  %l: f32[2,3,4] = aten.view.default(%m, [2, 3, 4])
  %t: f32[2,3,4] = aten.gelu.default(%l)
  %q: u8[2,3,4] = quantized_decomposed.quantize_per_tensor.default(%t, 0.05, 3, 0, 255, u8)
  %g: f32[2,3,4] = quantized_decomposed.dequantize_per_tensor.default(%q, 0.05, 3, 0, 255, u8)
  %kf: f32[2,3,4] = quantized_decomposed.dequantize_per_tensor.default(%k, 0.05, 3, 0, 255, u8)
  %d: f32[2,6,4] = aten.cat.default([%g, %kf], 1)
  %e: u8[2,6,4] = quantized_decomposed.quantize_per_tensor.default(%d, 0.05, 3, 0, 255, u8)
  %h: f32[2,6,4] = quantized_decomposed.dequantize_per_tensor.default(%e, 0.05, 3, 0, 255, u8)
  %n: f32[2,24] = aten.view.default(%h, [2, 24])
  %y: u8[2,24] = quantized_decomposed.quantize_per_tensor.default(%n, 0.05, 3, 0, 255, u8)
  return (%y)
}
)";

// Decomposed activations, a pool that returns indices, a convolution with its padding in words, one in bf16.
const char* const kSpellings = R"(graph(%x: u8[1,2,8,8], %i: f32[1,2,8,8]) {
  %w = constant "w" : s8[2,2,3,3] {3}
  %s = constant "s" : f32[2] {0.01, 0.02}
  %z = constant "z" : s64[2] {0}
  %xf: f32[1,2,8,8] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.02, 113, 0, 255, u8)
  %xb: bf16[1,2,8,8] = prims.convert_element_type.default(%xf, bf16)
  %wf: f32[2,2,3,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %wb: bf16[2,2,3,3] = prims.convert_element_type.default(%wf, bf16)
  %c: bf16[1,2,8,8] = aten.conv2d.padding(%xb, %wb, None, [1, 1], "same", [1, 1], 1)
  %f: bf16[1,2,8,8] = aten.clamp.default(%c, 0.0, 6.0)
  %j: (f32[1,2,4,4], s64[1,2,4,4]) = aten.max_pool2d_with_indices.default(%i, [2, 2])
  %u: f32[1,2,4,4] = _operator.getitem(%j, 0)
  %h: f32[1,2,4,4] = aten.add.Scalar(%u, 3)
  %k: f32[1,2,4,4] = aten.hardtanh.default(%h, 0.0, 6.0)
  %l: f32[1,2,4,4] = aten.mul.Tensor(%u, %k)
  %v: f32[1,2,4,4] = aten.div.Scalar(%l, 6)
  return (%f, %v)
}
)";

const Change kChanges[] = {
    {"scale behind a pool", kConvolutions, {{"(%p, 0.05, 3", "(%p, 0.06, 3"}}, "qmaxpool2d", "y", "0.06"},
    {"zero point behind a pool",
     kConvolutions,
     {{"(%p, 0.05, 3", "(%p, 0.05, 4"}},
     "qmaxpool2d",
     "y",
     "%out_zero_point is 4"},
    {"half of the range behind a pool",
     kConvolutions,
     {{"(%p, 0.05, 3, 0, 255", "(%p, 0.05, 3, 0, 127"}},
     "qmaxpool2d",
     "y",
     "127"},
    {"the pool is a result too",
     kConvolutions,
     {{"return (%y)", "return (%y, %p)"}},
     "qmaxpool2d",
     "y",
     "the other user is the graph's output"},
    {"another dtype behind a pool",
     kConvolutions,
     {{"%y: u8", "%y: s8"}, {"(%p, 0.05, 3, 0, 255, u8)", "(%p, 0.05, 3, -128, 127, s8)"}},
     "qmaxpool2d",
     "y",
     "s8"},
    {"the activation is a result too",
     kConvolutions,
     {{"return (%y)", "return (%y, %r)"}},
     "quantized-output",
     "q",
     "the other user is the graph's output"},
    {"half of the range behind the convolution",
     kConvolutions,
     {{"(%r, 0.05, 3, 0, 255", "(%r, 0.05, 3, 0, 127"}},
     "quantized-output",
     "q",
     "127"},
    {"the sum is used twice", kConvolutions, {{"return (%y)", "return (%y, %a)"}}, "post-op", "r", "%a has 2 users"},
    {"the convolution is used twice",
     kConvolutions,
     {{"return (%y)", "return (%y, %c)"}},
     "add-dequantized",
     "a",
     "%c has 2 users"},
    {"alpha of the sum",
     kConvolutions,
     {{"(%c, %of)", "(%c, %of, alpha=2)"}},
     "add-dequantized",
     "a",
     "`alpha` of %a is 2, the rule wants 1"},
    {"an addend of other sizes",
     kConvolutions,
     {{"%o: u8[1,4,6,6]", "%o: u8[1,4,1,1]"}, {"%of: f32[1,4,6,6]", "%of: f32[1,4,1,1]"}},
     "add-dequantized",
     "a",
     "[1, 4, 1, 1]"},
    {"axis of the weight",
     kConvolutions,
     {{"%z, 0, -128", "%z, 1, -128"},
      {"s\" : f32[4] {0.01, 0.02, 0.03, 0.04}", "s\" : f32[2] {0.01, 0.02}"},
      {"s64[4]", "s64[2]"}},
     "qconv-prepack",
     "c",
     "`axis` of %wf is 1, the rule wants 0"},
    {"a zero point of the weight",
     kConvolutions,
     {{"s64[4] {0}", "s64[4] {0, 0, 5, 0}"}},
     "qconv-prepack",
     "c",
     "element 2 of %z is 5, not zero"},
    {"the weight is an input",
     kConvolutions,
     {{"%o: u8[1,4,6,6])", "%o: u8[1,4,6,6], %w: s8[4,2,3,3])"}, {"  %w = constant \"w\" : s8[4,2,3,3] {3}\n", ""}},
     "qconv-prepack",
     "c",
     "%w is no constant"},
    {"an unsigned weight",
     kConvolutions,
     {{"constant \"w\" : s8", "constant \"w\" : u8"}, {"-128, 127, s8", "0, 255, u8"}},
     "qconv-prepack",
     "c",
     "%w is u8"},
    {"an activation of 16 bits",
     kConvolutions,
     {{"%x: u8", "%x: s16"}, {"(%x, 0.02, 113, 0, 255, u8)", "(%x, 0.02, 113, -32768, 32767, s16)"}},
     "qconv-prepack",
     "c",
     "%x is s16"},
    {"a cast to f16",
     kConvolutions,
     {{"  %c: f32[1,4,6,6] = aten.conv2d.default(%xf, %wf",
       "  %xh: f16[1,2,8,8] = prims.convert_element_type.default(%xf, f16)\n  %wh: f16[4,2,3,3] = "
       "prims.convert_element_type.default(%wf, f16)\n  %c: f16[1,4,6,6] = aten.conv2d.default(%xh, %wh"}},
     "qconv-prepack",
     "c",
     "`dtype` of %xh is f16, the rule wants bf16"},
    {"a transposed convolution",
     kConvolutions,
     {{"aten.conv2d.default(%xf, %wf, None, [1, 1], [0, 0], [1, 1], 1)",
       "aten.convolution.default(%xf, %wf, None, [1, 1], [0, 0], [1, 1], true, [0, 0], 1)"},
      {"s8[4,2,3,3]", "s8[2,4,3,3]"},
      {"%wf: f32[4,2,3,3]", "%wf: f32[2,4,3,3]"},
      {"s\" : f32[4] {0.01, 0.02, 0.03, 0.04}", "s\" : f32[2] {0.01, 0.02}"},
      {"s64[4]", "s64[2]"},
      {"%c: f32[1,4,6,6]", "%c: f32[1,4,10,10]"},
      {"%o: u8[1,4,6,6]", "%o: u8[1,4,10,10]"},
      {"%of: f32[1,4,6,6]", "%of: f32[1,4,10,10]"},
      {"%a: f32[1,4,6,6]", "%a: f32[1,4,10,10]"},
      {"%r: f32[1,4,6,6]", "%r: f32[1,4,10,10]"},
      {"%q: u8[1,4,6,6]", "%q: u8[1,4,10,10]"},
      {"%g: f32[1,4,6,6]", "%g: f32[1,4,10,10]"},
      {"%p: f32[1,4,3,3]", "%p: f32[1,4,5,5]"},
      {"%y: u8[1,4,3,3]", "%y: u8[1,4,5,5]"}},
     "qconv-prepack",
     "c",
     "`transposed` of %c is true, the rule wants false"},
    {"a scale known only at run time",
     kConvolutions,
     {{"%o: u8[1,4,6,6])", "%o: u8[1,4,6,6], %t: f32[1], %n: s64[1])"},
      {"dequantize_per_tensor.default(%x, 0.02, 113", "dequantize_per_tensor.tensor(%x, %t, %n"}},
     "qconv-prepack",
     "c",
     "`quantized_decomposed.dequantize_per_tensor.tensor`"},
    {"a second user of the dequantized addend's sum",
     kConvolutions,
     {{"  %r: f32[1,4,6,6] = aten.relu", "  %sum: f32[1,4,6,6] = aten.exp.default(%a)\n  %r: f32[1,4,6,6] = aten.relu"},
      {"return (%y)", "return (%y, %sum)"}},
     "post-op",
     "r",
     "the other user is %sum"},
    {"scale of one side of a concatenation",
     kLinears,
     {{"(%k, 0.05, 3", "(%k, 0.07, 3"}},
     "qcat",
     "e",
     "element 1: %s (0.07)"},
    {"zero point of one side of a concatenation",
     kLinears,
     {{"(%k, 0.05, 3", "(%k, 0.05, 9"}},
     "qcat",
     "e",
     "element 1: %z is 9"},
    {"dtype of one side of a concatenation",
     kLinears,
     {{"%k: u8", "%k: s8"}, {"(%k, 0.05, 3, 0, 255, u8)", "(%k, 0.05, 3, -128, 127, s8)"}},
     "qcat",
     "e",
     "element 1: %k is s8"},
    {"one side of a concatenation in floating point",
     kLinears,
     {{"%k: u8", "%k: f32"},
      {"quantized_decomposed.dequantize_per_tensor.default(%k, 0.05, 3, 0, 255, u8)", "aten.relu.default(%k)"}},
     "qcat",
     "e",
     "element 1 of `tensors` of %d"},
    {"scale behind the concatenation",
     kLinears,
     {{"(%d, 0.05", "(%d, 0.08"}, {"(%e, 0.05", "(%e, 0.08"}, {"(%n, 0.05", "(%n, 0.08"}},
     "qcat",
     "e",
     "0.08"},
    {"the concatenation is a result too",
     kLinears,
     {{"return (%y)", "return (%y, %d)"}},
     "qcat",
     "e",
     "%d has 2 users"},
    {"scale behind the reshape", kLinears, {{"(%n, 0.05", "(%n, 0.08"}}, "qreshape", "y", "0.08"},
    {"zero point behind the reshape",
     kLinears,
     {{"(%n, 0.05, 3", "(%n, 0.05, 5"}},
     "qreshape",
     "y",
     "%out_zero_point is 5"},
    {"half of the range behind the reshape",
     kLinears,
     {{"(%n, 0.05, 3, 0, 255", "(%n, 0.05, 3, 0, 127"}},
     "qreshape",
     "y",
     "127"},
    {"a regrouping that does not undo the first",
     kLinears,
     {{"%l: f32[2,3,4] = aten.view.default(%m, [2, 3, 4])", "%l: f32[3,2,4] = aten.view.default(%m, [3, 2, 4])"},
      {"%t: f32[2,3,4]", "%t: f32[3,2,4]"},
      {"%q: u8[2,3,4]", "%q: u8[3,2,4]"},
      {"%g: f32[2,3,4]", "%g: f32[3,2,4]"},
      {"%k: u8[2,3,4]", "%k: u8[3,2,4]"},
      {"%kf: f32[2,3,4]", "%kf: f32[3,2,4]"},
      {"%d: f32[2,6,4]", "%d: f32[3,4,4]"},
      {"%e: u8[2,6,4]", "%e: u8[3,4,4]"},
      {"%h: f32[2,6,4]", "%h: f32[3,4,4]"}},
     "regrouped-linear",
     "l",
     "[3, 2]"},
    {"a weight that is not transposed",
     kLinears,
     {{"aten.permute.default(%wf, [1, 0])", "aten.permute.default(%wf, [0, 1])"},
      {"%w = constant \"w\" : s8[4,8]", "%w = constant \"w\" : s8[8,4]"},
      {"%wf: f32[4,8]", "%wf: f32[8,4]"},
      {"f32[4] {0.01, 0.02, 0.03, 0.04}", "f32[8] {0.01}"},
      {"s64[4]", "s64[8]"}},
     "addmm-is-linear",
     "m",
     "element 0 of `dims` of %wt is 0, the rule wants 1"},
    {"a bias of two dimensions",
     kLinears,
     {{"%b = constant \"b\" : f32[4] {1, 2, 3, 4}", "%b = constant \"b\" : f32[6,4] {1}"}},
     "addmm-is-linear",
     "m",
     "%b has rank 2, the rule wants 1"},
    {"the linear is a result too", kLinears, {{"return (%y)", "return (%y, %l)"}}, "post-op", "t", "%l has 2 users"},
    {"the activation of the linear is a result too",
     kLinears,
     {{"return (%y)", "return (%y, %t)"}},
     "quantized-output",
     "q",
     "%t has 2 users"},
    {"a zero point of the linear's weight",
     kLinears,
     {{"s64[4] {0}", "s64[4] {1}"}},
     "qlinear-prepack",
     "l",
     "element 0 of %z is 1, not zero"},
    {"bounds in the wrong order",
     kSpellings,
     {{"(%c, 0.0, 6.0)", "(%c, 6.0, 0.0)"}},
     "clamp-is-hardtanh",
     "f",
     "%low is 6"},
    {"the indices of the pool are read",
     kSpellings,
     {{"return (%f, %v)", "%idx: s64[1,2,4,4] = _operator.getitem(%j, 1)\n  return (%f, %v, %idx)"}},
     "pool-with-unused-indices",
     "u",
     "the other user is %idx"},
    {"a hardswish with another bound",
     kSpellings,
     {{"%k: f32[1,2,4,4] = aten.hardtanh.default(%h, 0.0, 6.0)",
       "%k: f32[1,2,4,4] = aten.hardtanh.default(%h, 0.0, 5.0)"}},
     "decomposed-hardswish",
     "v",
     "`max_val` of %k is 5"},
};

TEST_CASE("What was changed in a model is named first", "[tools][explain]") {
  qrules::testing::check_changes(kChanges);
}

}  // namespace
