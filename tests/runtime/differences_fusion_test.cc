// Rows of docs/differences.md about what follows an int8 operator, and about pooling, concatenation and regrouping.

#include <cstring>
#include <vector>

#include <qrules/graph/text.h>
#include <qrules/lowerings/register.h>
#include <qrules/runtime/plan.h>

#include "../catch.h"
#include "differences.h"

namespace qrules::test {
namespace {

// %c: f32[2,4] of an int8 linear.
std::string linear() {
  return dequantized_input("2,3") + kLinearWeight + "  %c: f32[2,4] = aten.linear.default(%xf, %wf)\n";
}

// %c: f32[1,3,4,4] of an int8 convolution.
std::string conv() {
  return dequantized_input("1,2,4,4") + kConvWeight + "  %c: f32[1,3,4,4] = aten.conv2d.default(%xf, %wf)\n";
}

// %c: f32[2,3,5] of an int8 convolution of rank 1.
std::string conv1d() {
  return dequantized_input("2,2,5") + R"(
  %w = constant "w" : s8[3,2,1] {1, -2, 3, 4, -5, 6}
  %s = constant "s" : f32[3] {0.5, 0.25, 1}
  %z = constant "z" : s64[3] {0}
  %wf: f32[3,2,1] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %c: f32[2,3,5] = aten.conv1d.default(%xf, %wf)
)";
}

// %c: bf16[1,1,2,2] of a convolution whose every value a bf16 holds.
std::string conv_bf16() {
  return dequantized_input("1,1,2,2") + R"(
  %xb: bf16[1,1,2,2] = prims.convert_element_type.default(%xf, bf16)
  %w = constant "w" : s8[1,1,1,1] {1}
  %s = constant "s" : f32[1] {1}
  %z = constant "z" : s64[1] {0}
  %wf: f32[1,1,1,1] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %wb: bf16[1,1,1,1] = prims.convert_element_type.default(%wf, bf16)
  %c: bf16[1,1,2,2] = aten.convolution.default(%xb, %wb, None, [1, 1], [0, 0], [1, 1], false, [0, 0], 1)
)";
}

// The input and addend of a convolution, of the sizes that conv() has.
const std::string kConvInputs = "graph(%x: u8[1,2,4,4], %o: u8[1,3,4,4]) {";
const std::string kConvAddend =
    "  %of: f32[1,3,4,4] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 17, 0, 255, u8)\n";
const std::string kLinearInputs = "graph(%x: u8[2,3], %o: u8[2,4]) {";
const std::string kLinearAddend =
    "  %of: f32[2,4] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 17, 0, 255, u8)\n";

TEST_CASE("differences: addend", "[differences]") {
  const std::vector<Difference> rows{
      {"B1",
       "a linear, alpha 2",
       kLinearInputs + linear() + kLinearAddend + R"(
  %y: f32[2,4] = aten.add.Tensor(%c, %of, alpha=2)
  return (%y)
})",
       {"qlinear-prepack"},
       {"add-dequantized", "add-float", "added-bias"}},
      {"B1",
       "a convolution, alpha 2",
       kConvInputs + conv() + kConvAddend + R"(
  %y: f32[1,3,4,4] = aten.add.Tensor(%of, %c, alpha=2)
  return (%y)
})",
       {"qconv-prepack"},
       {"add-dequantized", "add-float"}},
      {"B3",
       "the addend is also a result",
       "graph(%x: u8[2,3], %o: f32[2,4]) {" + linear() + R"(
  %y: f32[2,4] = aten.add.Tensor(%c, %o)
  return (%y, %o)
})",
       {"add-float"},
       {}},
      {"B3",
       "the addend is read afterwards",
       kConvInputs + conv() + kConvAddend + R"(
  %p: u8[1,3,4,4] = aten.relu.default(%o)
  %pf: f32[1,3,4,4] = quantized_decomposed.dequantize_per_tensor.default(%p, 0.25, 17, 0, 255, u8)
  %a: f32[1,3,4,4] = aten.add.Tensor(%c, %pf)
  %y: u8[1,3,4,4] = quantized_decomposed.quantize_per_tensor.default(%a, 0.7319, 3, 0, 255, u8)
  %yf: f32[1,3,4,4] = quantized_decomposed.dequantize_per_tensor.default(%y, 0.7319, 3, 0, 255, u8)
  %u: f32[1,3,4,4] = aten.sub.Tensor(%yf, %pf)
  return (%u)
})",
       {"add-dequantized", "quantized-output"},
       {}},
      {"B16",
       "s8 addend, u8 result",
       R"(graph(%x: u8[1,2,4,4], %o: s8[1,3,4,4]) {)" + conv() + R"(
  %of: f32[1,3,4,4] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, -7, -128, 127, s8)
  %a: f32[1,3,4,4] = aten.add.Tensor(%c, %of)
  %y: u8[1,3,4,4] = quantized_decomposed.quantize_per_tensor.default(%a, 0.75, 3, 0, 255, u8)
  return (%y)
})",
       {"add-dequantized", "quantized-output"},
       {}},
      {"B17",
       "a linear's result added to itself",
       "graph(%x: u8[2,3]) {" + linear() + R"(
  %y: f32[2,4] = aten.add.Tensor(%c, %c)
  return (%y)
})",
       {"qlinear-prepack"},
       {"add-float", "add-dequantized"}},
      {"B20",
       "a sum after a convolution of rank 1",
       "graph(%x: u8[2,2,5], %o: u8[2,3,5]) {" + conv1d() + R"(
  %of: f32[2,3,5] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 17, 0, 255, u8)
  %a: f32[2,3,5] = aten.add.Tensor(%c, %of)
  %y: u8[2,3,5] = quantized_decomposed.quantize_per_tensor.default(%a, 0.75, 3, 0, 255, u8)
  return (%y)
})",
       {"qconv-prepack", "add-dequantized", "quantized-output"},
       {}},
      {"B36",
       "a linear and a dequantized addend",
       kLinearInputs + linear() + kLinearAddend + R"(
  %y: f32[2,4] = aten.add.Tensor(%c, %of)
  return (%y)
})",
       {"add-dequantized"},
       {}},
      {"B41",
       "bf16 convolution, f32 addend, bf16 result",
       "graph(%x: u8[1,1,2,2], %o: u8[1,1,2,2]) {" + conv_bf16() + R"(
  %of: f32[1,1,2,2] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 17, 0, 255, u8)
  %a: f32[1,1,2,2] = aten.add.Tensor(%c, %of)
  %y: bf16[1,1,2,2] = prims.convert_element_type.default(%a, bf16)
  return (%y)
})",
       {"add-dequantized", "cast-output"},
       {}},
      {"B41",
       "the same with relu",
       "graph(%x: u8[1,1,2,2], %o: u8[1,1,2,2]) {" + conv_bf16() + R"(
  %of: f32[1,1,2,2] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.25, 17, 0, 255, u8)
  %a: f32[1,1,2,2] = aten.add.Tensor(%c, %of)
  %r: f32[1,1,2,2] = aten.relu.default(%a)
  %y: bf16[1,1,2,2] = prims.convert_element_type.default(%r, bf16)
  return (%y)
})",
       {"add-dequantized", "post-op", "cast-output"},
       {}},
      {"B42",
       "bf16 addend through a cast",
       "graph(%x: u8[1,1,2,2], %o: u8[1,1,2,2]) {" + conv_bf16() + R"(
  %of: f32[1,1,2,2] = quantized_decomposed.dequantize_per_tensor.default(%o, 0.5, 17, 0, 255, u8)
  %ob: bf16[1,1,2,2] = prims.convert_element_type.default(%of, bf16)
  %a: bf16[1,1,2,2] = aten.add.Tensor(%c, %ob)
  %y: u8[1,1,2,2] = quantized_decomposed.quantize_per_tensor.default(%a, 0.5, 0, 0, 255, u8)
  return (%y)
})",
       {"add-dequantized", "quantized-output"},
       {}},
  };
  for (const Difference& row : rows) check_difference(row);
}

TEST_CASE("differences: activation and output", "[differences]") {
  const std::vector<Difference> rows{
      {"B14",
       "half of the range",
       "graph(%x: u8[2,3]) {" + linear() + R"(
  %y: u8[2,4] = quantized_decomposed.quantize_per_tensor.default(%c, 0.75, 3, 0, 127, u8)
  return (%y)
})",
       {"qlinear-prepack"},
       {"quantized-output"}},
      {"B15",
       "s16 result",
       "graph(%x: u8[2,3]) {" + linear() + R"(
  %y: s16[2,4] = quantized_decomposed.quantize_per_tensor.default(%c, 0.75, 3, -32768, 32767, s16)
  return (%y)
})",
       {"qlinear-prepack"},
       {"quantized-output"}},
      {"B18",
       "clamp with tensors",
       "graph(%x: u8[1,2,4,4], %low: f32[], %high: f32[]) {" + conv() + R"(
  %y: f32[1,3,4,4] = aten.clamp.Tensor(%c, %low, %high)
  return (%y)
})",
       {"qconv-prepack"},
       {"post-op", "clamp-is-hardtanh"}},
      {"B18",
       "clamp with its bounds in the wrong order",
       "graph(%x: u8[1,2,4,4]) {" + conv() + R"(
  %y: f32[1,3,4,4] = aten.clamp.default(%c, 2.0, 1.0)
  return (%y)
})",
       {"qconv-prepack"},
       {"post-op", "clamp-is-hardtanh"}},
      {"B18",
       "hardtanh with its bounds in the wrong order",
       "graph(%x: u8[1,2,4,4]) {" + conv() + R"(
  %y: f32[1,3,4,4] = aten.hardtanh.default(%c, 2.0, 1.0)
  return (%y)
})",
       {"qconv-prepack"},
       {"post-op"}},
      {"B20",
       "hardtanh after a convolution of rank 1",
       "graph(%x: u8[2,2,5]) {" + conv1d() + R"(
  %y: f32[2,3,5] = aten.hardtanh.default(%c, -20.0, 30.0)
  return (%y)
})",
       {"qconv-prepack", "post-op"},
       {}},
      {"B20",
       "hardswish after a convolution of rank 1",
       "graph(%x: u8[2,2,5]) {" + conv1d() + R"(
  %a: f32[2,3,5] = aten.hardswish.default(%c)
  %y: u8[2,3,5] = quantized_decomposed.quantize_per_tensor.default(%a, 0.75, 3, 0, 255, u8)
  return (%y)
})",
       {"qconv-prepack", "post-op", "quantized-output"},
       {}},
      {"B20",
       "silu after a convolution of rank 1",
       "graph(%x: u8[2,2,5]) {" + conv1d() + R"(
  %y: f32[2,3,5] = aten.silu.default(%c)
  return (%y)
})",
       {"qconv-prepack", "post-op"},
       {}},
      {"B33",
       "ties, odd zero point",
       "graph(%x: u8[2,3]) {" + linear() + R"(
  %y: u8[2,4] = quantized_decomposed.quantize_per_tensor.default(%c, 0.5, 3, 0, 255, u8)
  return (%y)
})",
       {"qlinear-prepack", "quantized-output"},
       {}},
  };
  for (const Difference& row : rows) check_difference(row);
}

TEST_CASE("differences: pooling and movement", "[differences]") {
  const std::vector<Difference> rows{
      {"B11",
       "ceil mode",
       "graph(%x: u8[1,2,7,7]) {" + dequantized_input("1,2,7,7") + R"(
  %p: f32[1,2,4,4] = aten.max_pool2d.default(%xf, [2, 2], [2, 2], [0, 0], [1, 1], true)
  %y: u8[1,2,4,4] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {"qmaxpool2d"},
       {}},
      {"B11",
       "ceil mode, the decomposed spelling",
       "graph(%x: u8[1,2,7,7]) {" + dequantized_input("1,2,7,7") + R"(
  %i: (f32[1,2,4,4], s64[1,2,4,4]) = aten.max_pool2d_with_indices.default(%xf, [2, 2], [2, 2], [0, 0], [1, 1], true)
  %p: f32[1,2,4,4] = _operator.getitem(%i, 0)
  %y: u8[1,2,4,4] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {"pool-with-unused-indices", "qmaxpool2d"},
       {}},
      {"B12",
       "another scale",
       "graph(%x: u8[1,2,6,6]) {" + dequantized_input("1,2,6,6") + R"(
  %p: f32[1,2,3,3] = aten.max_pool2d.default(%xf, [2, 2])
  %y: u8[1,2,3,3] = quantized_decomposed.quantize_per_tensor.default(%p, 0.25, 113, 0, 255, u8)
  return (%y)
})",
       {},
       {"qmaxpool2d"}},
      {"B13",
       "s8 of rank 3",
       R"(graph(%x: s8[2,7,7]) {
  %xf: f32[2,7,7] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.5, -3, -128, 127, s8)
  %p: f32[2,4,4] = aten.max_pool2d.default(%xf, [3, 3], [2, 2], [1, 1])
  %y: s8[2,4,4] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, -3, -128, 127, s8)
  return (%y)
})",
       {"qmaxpool2d"},
       {}},
      {"B21",
       "u8 regrouped to s8",
       "graph(%x: u8[2,6]) {" + dequantized_input("2,6") + R"(
  %v: f32[3,4] = aten.view.default(%xf, [3, 4])
  %y: s8[3,4] = quantized_decomposed.quantize_per_tensor.default(%v, 0.5, 113, -128, 127, s8)
  return (%y)
})",
       {},
       {"qreshape", "requantized-equally"}},
      {"B21",
       "u8 and s8 concatenated",
       "graph(%x: u8[2,6], %v: s8[2,6]) {" + dequantized_input("2,6") + R"(
  %vf: f32[2,6] = quantized_decomposed.dequantize_per_tensor.default(%v, 0.5, 113, -128, 127, s8)
  %k: f32[2,12] = aten.cat.default([%xf, %vf], 1)
  %y: u8[2,12] = quantized_decomposed.quantize_per_tensor.default(%k, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {},
       {"qcat"}},
      {"B21",
       "u8 concatenated to s8",
       "graph(%x: u8[2,6], %v: u8[2,6]) {" + dequantized_input("2,6") + R"(
  %vf: f32[2,6] = quantized_decomposed.dequantize_per_tensor.default(%v, 0.5, 113, 0, 255, u8)
  %k: f32[2,12] = aten.cat.default([%xf, %vf], 1)
  %y: s8[2,12] = quantized_decomposed.quantize_per_tensor.default(%k, 0.5, 113, -128, 127, s8)
  return (%y)
})",
       {},
       {"qcat"}},
      {"B22",
       "concatenation along the default dimension",
       "graph(%x: u8[2,6], %v: u8[3,6]) {" + dequantized_input("2,6") + R"(
  %vf: f32[3,6] = quantized_decomposed.dequantize_per_tensor.default(%v, 0.5, 113, 0, 255, u8)
  %k: f32[5,6] = aten.cat.default([%xf, %vf])
  %y: u8[5,6] = quantized_decomposed.quantize_per_tensor.default(%k, 0.5, 113, 0, 255, u8)
  return (%y)
})",
       {"qcat"},
       {}},
  };
  for (const Difference& row : rows) check_difference(row);
}

// Runs the graph twice on the same inputs: they must not be written, and the answer must not change.
void check_inputs_survive(const std::string& what, const std::string& text) {
  INFO(what);
  const auto graph = rewritten(text);
  INFO(print(*graph));
  auto prepared = Plan::prepare(graph, {});
  if (!prepared.ok()) FAIL(render_text(prepared.diagnostics()));
  const auto& plan = *prepared;
  std::vector<std::vector<unsigned char>> inputs;
  std::vector<const void*> pointers;
  for (const TensorLayout& layout : plan->input_layouts()) {
    std::vector<unsigned char> bytes(layout.byte_extent());
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i * 37 % 61);
    inputs.push_back(std::move(bytes));
  }
  for (const auto& bytes : inputs) pointers.push_back(bytes.data());
  const auto kept = inputs;
  const auto context = plan->make_context();
  const size_t size = plan->output_layouts().at(0).byte_extent();
  context->run(pointers);
  std::vector<unsigned char> first(size);
  std::memcpy(first.data(), context->outputs()[0], size);
  CHECK(inputs == kept);
  context->run(pointers);
  CHECK(std::memcmp(first.data(), context->outputs()[0], size) == 0);
  CHECK(inputs == kept);
}

TEST_CASE("differences: an addend is not overwritten while it is needed (B3)", "[differences]") {
  check_inputs_survive("f32 addend of a linear", "graph(%x: u8[2,3], %o: f32[2,4]) {" + linear() + R"(
  %y: f32[2,4] = aten.add.Tensor(%c, %o)
  return (%y)
})");
  check_inputs_survive("u8 addend of a convolution", kConvInputs + conv() + kConvAddend + R"(
  %a: f32[1,3,4,4] = aten.add.Tensor(%c, %of)
  %r: f32[1,3,4,4] = aten.relu.default(%a)
  %y: u8[1,3,4,4] = quantized_decomposed.quantize_per_tensor.default(%r, 0.5, 3, 0, 255, u8)
  return (%y)
})");
  check_inputs_survive("a view of the input", "graph(%x: u8[2,3], %v: f32[8]) {" + linear() + R"(
  %o: f32[2,4] = aten.view.default(%v, [2, 4])
  %y: f32[2,4] = aten.add.Tensor(%c, %o)
  return (%y)
})");
  check_inputs_survive("a constant", "graph(%x: u8[2,3]) {" + linear() + R"(
  %o = constant "o" : f32[2,4] {1, 2, 3, 4, 5, 6, 7, 8}
  %y: f32[2,4] = aten.add.Tensor(%c, %o)
  return (%y)
})");
}

}  // namespace
}  // namespace qrules::test
