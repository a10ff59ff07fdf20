// Every family with sizes that are known only at run time: the rules fire on symbols, and the answer is the same where
// each symbol is 1, 2 and 5.

#include "../catch.h"
#include "differences.h"

namespace qrules::test {
namespace {

void check(const std::vector<Difference>& graphs) {
  for (const Difference& graph : graphs) check_difference(graph);
}

TEST_CASE("Dynamic shapes: linear", "[dynamic]") {
  check({
      {"batch and sequence",
       "with relu and a quantize",
       "graph(%x: u8[b,s,3]) {" + dequantized_input("b,s,3") + kLinearWeight + R"(
  %l: f32[b,s,4] = aten.linear.default(%xf, %wf)
  %r: f32[b,s,4] = aten.relu.default(%l)
  %y: u8[b,s,4] = quantized_decomposed.quantize_per_tensor.default(%r, 0.5, 7, 0, 255, u8)
  return (%y)
})",
       {"qlinear-prepack", "post-op", "quantized-output"},
       {}},
      {"batch and sequence",
       "an addend of the same sizes",
       "graph(%x: u8[b,s,3], %o: u8[b,s,4]) {" + dequantized_input("b,s,3") + kLinearWeight + R"(
  %l: f32[b,s,4] = aten.linear.default(%xf, %wf)
  %of: f32[b,s,4] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 3, 0, 255, u8)
  %y: f32[b,s,4] = aten.add.Tensor(%l, %of)
  return (%y)
})",
       {"qlinear-prepack", "add-dequantized"},
       {}},
      {"batch and sequence",
       "an addend whose sizes may be others",
       "graph(%x: u8[b,s,3], %o: u8[b,t,4]) {" + dequantized_input("b,s,3") + kLinearWeight + R"(
  %l: f32[b,s,4] = aten.linear.default(%xf, %wf)
  %of: f32[b,t,4] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 3, 0, 255, u8)
  %y: f32[b,s,4] = aten.add.Tensor(%l, %of)
  return (%y)
})",
       {"qlinear-prepack"},
       {"add-dequantized"}},
      {"flattened rows",
       "addmm between reshapes",
       "graph(%x: u8[b,s,3]) {" + dequantized_input("b,s,3") + kLinearWeight + R"(
  %b = constant "b" : f32[4] {1, 2, -3, 0.5}
  %t: f32[3,4] = aten.permute.default(%wf, [1, 0])
  %v: f32[b*s,3] = aten.reshape.default(%xf, [-1, 3])
  %l: f32[b*s,4] = aten.addmm.default(%b, %v, %t)
  %y: f32[b,s,4] = aten.view.default(%l, [size(b), size(s), 4])
  return (%y)
})",
       {"addmm-is-linear", "qlinear-prepack"},
       {}},
      {"batch",
       "a scale and a zero point known at run time",
       "graph(%x: u8[b,3], %xs: f32[1], %xz: s64[1]) {" + kLinearWeight + R"(
  %xf: f32[b,3] = quantized_decomposed.dequantize_per_tensor.tensor(%x, %xs, %xz, 0, 255, u8)
  %y: f32[b,4] = aten.linear.default(%xf, %wf)
  return (%y)
})",
       {"qlinear-prepack"},
       {}},
  });
}

TEST_CASE("Dynamic shapes: convolution and pools", "[dynamic]") {
  check({
      {"batch and image",
       "with an addend, relu and a quantize",
       "graph(%x: u8[b,2,h,w], %o: u8[b,3,h,w]) {" + dequantized_input("b,2,h,w") + R"(
  %k = constant "k" : s8[3,2,1,1] {1, -2, 3, 4, -5, 6}
  %s = constant "s" : f32[3] {0.5, 0.25, 1}
  %z = constant "z" : s64[3] {0}
  %kf: f32[3,2,1,1] = quantized_decomposed.dequantize_per_channel.default(%k, %s, %z, 0, -128, 127, s8)
  %c: f32[b,3,h,w] = aten.conv2d.default(%xf, %kf, None, [1, 1], [0, 0], [1, 1], 1)
  %of: f32[b,3,h,w] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 3, 0, 255, u8)
  %a: f32[b,3,h,w] = aten.add.Tensor(%c, %of)
  %r: f32[b,3,h,w] = aten.relu.default(%a)
  %y: u8[b,3,h,w] = quantized_decomposed.quantize_per_tensor.default(%r, 0.5, 7, 0, 255, u8)
  return (%y)
})",
       {"conv-is-convolution", "qconv-prepack", "add-dequantized", "post-op", "quantized-output"},
       {}},
      {"batch and image",
       "max pool",
       "graph(%x: u8[b,2,h + 3,w + 3]) {" + dequantized_input("b,2,h + 3,w + 3") + R"(
  %p: f32[b,2,h + 2,w + 2] = aten.max_pool2d.default(%xf, [2, 2], [1, 1])
  %y: u8[b,2,h + 2,w + 2] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {"qmaxpool2d"},
       {}},
      {"batch and image",
       "mean of the image",
       "graph(%x: u8[b,2,h,w]) {" + dequantized_input("b,2,h,w") + R"(
  %p: f32[b,2] = aten.mean.dim(%xf, [2, 3])
  %y: u8[b,2] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {"qmean-of-image"},
       {}},
      {"batch and image",
       "zeros around it are the padding",
       "graph(%x: f32[b,2,h,w], %k: f32[3,2,1,1]) {"
       R"(
  %p: f32[b,2,h + 2,w + 2] = aten.constant_pad_nd.default(%x, [1, 1, 1, 1], 0.0)
  %y: f32[b,3,h + 2,w + 2] = aten.convolution.default(%p, %k, None, [1, 1], [0, 0], [1, 1], false, [0, 0], 1)
  return (%y)
})",
       {"padded-convolution"},
       {}},
  });
}

TEST_CASE("Dynamic shapes: movement and products of activations", "[dynamic]") {
  check({
      {"batch and sequence",
       "scores of an attention",
       "graph(%x: u8[b,4,s,3], %k: u8[b,4,3,s]) {" + dequantized_input("b,4,s,3") + R"(
  %kf: f32[b,4,3,s] = quantized_decomposed.dequantize_per_tensor.default(%k, 0.03, 7, 0, 255, u8)
  %m: f32[b,4,s,s] = aten.matmul.default(%xf, %kf)
  %y: f32[b,4,s,s] = aten.div.Tensor(%m, 8.0)
  return (%y)
})",
       {"qmatmul-prepack", "scaled-qmatmul"},
       {}},
      {"sequences",
       "one after the other",
       "graph(%x: u8[b,s,3], %o: u8[b,t,3]) {" + dequantized_input("b,s,3") + R"(
  %of: f32[b,t,3] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.5, 113, 0, 255, u8)
  %c: f32[b,s + t,3] = aten.cat.default([%xf, %of], 1)
  %y: u8[b,s + t,3] = quantized_decomposed.quantize_per_tensor.default(%c, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {"qcat"},
       {}},
      {"batch and sequence",
       "rows",
       "graph(%x: u8[b,s,3]) {" + dequantized_input("b,s,3") + R"(
  %v: f32[b*s,3] = aten.view.default(%xf, [-1, 3])
  %y: u8[b*s,3] = quantized_decomposed.quantize_per_tensor.default(%v, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {"qreshape"},
       {}},
  });
}

TEST_CASE("Dynamic shapes: weight-only and fp16 linears", "[dynamic]") {
  check({
      {"batch and sequence",
       "weight-only int8",
       R"(graph(%x: bf16[b,s,16]) {
  %w = constant "w" : s8[16,16] {3}
  %s = constant "s" : bf16[16] {0.125}
  %c: bf16[16,16] = prims.convert_element_type.default(%w, bf16)
  %l: bf16[b,s,16] = aten.linear.default(%x, %c)
  %y: bf16[b,s,16] = aten.mul.Tensor(%l, %s)
  return (%y)
})",
       {"woq-int8-linear"},
       {},
       false},
      {"batch and sequence",
       "rows whose bags are read at run time",
       R"(graph(%w: s8[5,3], %i: s64[n], %o: s64[b]) {
  %f: f32[5,3] = quantized_decomposed.dequantize_per_tensor.default(%w, 0.5, 3, -128, 127, s8)
  %b: (f32[b,3], s64[0], s64[b], s64[b]) = aten.embedding_bag.padding_idx(%f, %i, %o, false, 0, false, None, false, None)
  %y: f32[b,3] = _operator.getitem(%b, 0)
  return (%y)
})",
       {"qembedding-bag"},
       {},
       false},
  });
}

}  // namespace
}  // namespace qrules::test
