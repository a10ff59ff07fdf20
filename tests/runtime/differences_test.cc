// Rows of docs/differences.md about how operands reach a convolution or a linear.

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include <qrules/graph/text.h>
#include <qrules/lowerings/register.h>
#include <qrules/runtime/plan.h>

#include "../catch.h"
#include "differences.h"

namespace qrules::test {
namespace {

TEST_CASE("differences: linear", "[differences]") {
  const std::vector<Difference> rows{
      {"B2",
       "addmm with factors",
       "graph(%x: u8[2,3]) {" + dequantized_input("2,3") + kLinearWeight + R"(
  %b = constant "b" : f32[4] {1, 2, -3, 0.5}
  %t: f32[3,4] = aten.permute.default(%wf, [1, 0])
  %y: f32[2,4] = aten.addmm.default(%b, %xf, %t, beta=0.5, alpha=2)
  return (%y)
})",
       {},
       {"addmm-is-linear", "qlinear-prepack"}},
      {"B4",
       "weight quantized along its second dimension",
       "graph(%x: u8[2,3]) {" + dequantized_input("2,3") + R"(
  %w = constant "w" : s8[3,3] {1, -2, 3, 4, -5, 6, 7, 8, -9}
  %s = constant "s" : f32[3] {0.5, 0.25, 1}
  %z = constant "z" : s64[3] {0}
  %wf: f32[3,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 1, -128, 127, s8)
  %y: f32[2,3] = aten.linear.default(%xf, %wf)
  return (%y)
})",
       {},
       {"qlinear-prepack", "qlinear-prepack-transposed"}},
      {"B5",
       "weight zero points",
       "graph(%x: u8[2,3]) {" + dequantized_input("2,3") + R"(
  %w = constant "w" : s8[2,3] {1, -2, 3, 4, -5, 6}
  %s = constant "s" : f32[2] {0.5, 0.25}
  %z = constant "z" : s64[2] {0, 3}
  %wf: f32[2,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %y: f32[2,2] = aten.linear.default(%xf, %wf)
  return (%y)
})",
       {},
       {"qlinear-prepack"}},
      {"B6",
       "a residual after a batched product is no bias",
       "graph(%x: u8[2,5,3], %r: f32[2,5,4]) {" + dequantized_input("2,5,3") + kLinearWeight + R"(
  %t: f32[3,4] = aten.permute.default(%wf, [1, 0])
  %e: f32[2,3,4] = aten.expand.default(%t, [2, 3, 4])
  %l: f32[2,5,4] = aten.bmm.default(%xf, %e)
  %y: f32[2,5,4] = aten.add.Tensor(%l, %r)
  return (%y)
})",
       {"batched-product-is-linear", "qlinear-prepack", "add-float"},
       {"added-vector-is-bias", "added-bias"}},
      {"B7",
       "regrouping that no linear does",
       "graph(%x: u8[2,6]) {" + dequantized_input("2,6") + kLinearWeight + R"(
  %v: f32[4,3] = aten.view.default(%xf, [4, 3])
  %t: f32[3,4] = aten.permute.default(%wf, [1, 0])
  %l: f32[4,4] = aten.mm.default(%v, %t)
  %y: f32[2,8] = aten.view.default(%l, [2, 8])
  return (%y)
})",
       {"addmm-is-linear"},
       {"regrouped-linear"}},
      {"B8",
       "dequantize to bf16",
       R"(graph(%x: u8[2,3]) {
  %xf: bf16[2,3] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.5, 113, 0, 255, u8, out_dtype=bf16)
  %w = constant "w" : s8[2,3] {1, -2, 3, 4, -5, 6}
  %s = constant "s" : f32[2] {0.5, 0.25}
  %z = constant "z" : s64[2] {0}
  %wf: bf16[2,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8, out_dtype=bf16)
  %y: bf16[2,2] = aten.linear.default(%xf, %wf)
  return (%y)
})",
       {"dequantize-to-bf16", "qlinear-prepack"},
       {}},
      {"B9",
       "cast to f16",
       "graph(%x: u8[2,3]) {" + dequantized_input("2,3") + kLinearWeight + R"(
  %xh: f16[2,3] = prims.convert_element_type.default(%xf, f16)
  %wh: f16[4,3] = prims.convert_element_type.default(%wf, f16)
  %y: f16[2,4] = aten.linear.default(%xh, %wh)
  return (%y)
})",
       {},
       {"qlinear-prepack"}},
      {"B23",
       "one weight for two linears",
       "graph(%x: u8[2,3], %v: u8[5,3]) {" + dequantized_input("2,3") + kLinearWeight + R"(
  %vf: f32[5,3] = quantized_decomposed.dequantize_per_tensor.default(%v, 0.25, 7, 0, 255, u8)
  %y: f32[2,4] = aten.linear.default(%xf, %wf)
  %u: f32[5,4] = aten.linear.default(%vf, %wf)
  return (%y, %u)
})",
       {"qlinear-prepack", "qlinear-prepack"},
       {}},
      {"B24",
       "two linears below one regrouping",
       "graph(%x: u8[2,5,3]) {" + dequantized_input("2,5,3") + kLinearWeight + R"(
  %v: f32[10,3] = aten.view.default(%xf, [10, 3])
  %t: f32[3,4] = aten.permute.default(%wf, [1, 0])
  %l: f32[10,4] = aten.mm.default(%v, %t)
  %y: f32[2,5,4] = aten.view.default(%l, [2, 5, 4])
  %b = constant "b" : f32[4] {1, 2, -3, 0.5}
  %m: f32[10,4] = aten.addmm.default(%b, %v, %t)
  %u: f32[2,5,4] = aten.view.default(%m, [2, 5, 4])
  return (%y, %u)
})",
       {"regrouped-linear", "regrouped-linear", "qlinear-prepack", "qlinear-prepack"},
       {}},
      {"B25",
       "a permuted activation of rank 4",
       R"(graph(%f: f32[2,3,5,2]) {
  %r: f32[2,3,5,2] = aten.relu.default(%f)
  %p: f32[2,5,2,3] = aten.permute.default(%r, [0, 2, 3, 1])
  %x: u8[2,5,2,3] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 113, 0, 255, u8))" +
           dequantized_input("2,5,2,3") + kLinearWeight + R"(
  %y: f32[2,5,2,4] = aten.linear.default(%xf, %wf)
  return (%y)
})",
       {"quant-lift-up", "qlinear-prepack"},
       {}},
      {"B29",
       "a weight that is an input",
       "graph(%x: u8[2,3], %w: s8[4,3]) {" + dequantized_input("2,3") + R"(
  %s = constant "s" : f32[4] {0.5, 0.25, 1, 0.125}
  %z = constant "z" : s64[4] {0}
  %wf: f32[4,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %y: f32[2,4] = aten.linear.default(%xf, %wf)
  return (%y)
})",
       {},
       {"qlinear-prepack"}},
      {"B30",
       "f64 scales",
       "graph(%x: u8[2,3]) {" + dequantized_input("2,3") + R"(
  %w = constant "w" : s8[2,3] {1, -2, 3, 4, -5, 6}
  %s = constant "s" : f64[2] {0.1, 0.3}
  %z = constant "z" : s64[2] {0}
  %wf: f32[2,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %y: f32[2,2] = aten.linear.default(%xf, %wf)
  return (%y)
})",
       {"qlinear-prepack"},
       {}},
      {"B31",
       "fp16 weights beyond its range",
       R"(graph(%x: f32[2,2]) {
  %w = constant "w" : f32[2,2] {1.5, -2, 100000, -70000}
  %h: f16[2,2] = quantized_decomposed.convert_element_type.no_fuse(%w, f16)
  %wf: f32[2,2] = quantized_decomposed.convert_element_type.no_fuse(%h, f32)
  %y: f32[2,2] = aten.linear.default(%x, %wf)
  return (%y)
})",
       {"linear-fp16-prepack"},
       {}},
      {"B38",
       "an identity permute of a square weight",
       "graph(%x: u8[2,3]) {" + dequantized_input("2,3") + R"(
  %w = constant "w" : s8[3,3] {1, -2, 3, 4, -5, 6, 7, 8, -9}
  %s = constant "s" : f32[3] {0.5, 0.25, 1}
  %z = constant "z" : s64[3] {0}
  %wf: f32[3,3] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %t: f32[3,3] = aten.permute.default(%wf, [0, 1])
  %y: f32[2,3] = aten.mm.default(%xf, %t)
  return (%y)
})",
       {},
       {"addmm-is-linear", "qlinear-prepack", "qlinear-prepack-transposed"}},
  };
  for (const Difference& row : rows) check_difference(row);
}

TEST_CASE("differences: weight-only", "[differences]") {
  const std::string weight = R"(
  %w = constant "w" : s8[4,16]
  %s = constant "s" : bf16[4] {0.5, 0.25, 1, 0.125}
)";
  const std::vector<Difference> rows{
      {"B26",
       "two products below one regrouping",
       "graph(%x: bf16[2,5,16]) {" + weight + R"(
  %v: bf16[10,16] = aten.view.default(%x, [10, 16])
  %c: bf16[4,16] = prims.convert_element_type.default(%w, bf16)
  %t: bf16[16,4] = aten.permute.default(%c, [1, 0])
  %l: bf16[10,4] = aten.mm.default(%v, %t)
  %k: bf16[2,5,4] = aten.view.default(%l, [2, 5, 4])
  %y: bf16[2,5,4] = aten.mul.Tensor(%k, %s)
  %w2 = constant "w2" : s8[4,16]
  %d: bf16[4,16] = prims.convert_element_type.default(%w2, bf16)
  %q: bf16[16,4] = aten.permute.default(%d, [1, 0])
  %m: bf16[10,4] = aten.mm.default(%v, %q)
  %n: bf16[2,5,4] = aten.view.default(%m, [2, 5, 4])
  %u: bf16[2,5,4] = aten.mul.Tensor(%n, %s)
  return (%y, %u)
})",
       {"woq-int8-linear", "woq-int8-linear"},
       {}},
      {"B27",
       "two dimensions",
       "graph(%x: bf16[2,16]) {" + weight + R"(
  %c: bf16[4,16] = prims.convert_element_type.default(%w, bf16)
  %l: bf16[2,4] = aten.linear.default(%x, %c)
  %y: bf16[2,4] = aten.mul.Tensor(%l, %s)
  return (%y)
})",
       {"woq-int8-linear"},
       {}},
      {"B27",
       "three dimensions, the transposed spelling",
       "graph(%x: bf16[2,5,16]) {" + weight + R"(
  %t: s8[16,4] = aten.permute.default(%w, [1, 0])
  %c: bf16[16,4] = prims.convert_element_type.default(%t, bf16)
  %l: bf16[2,5,4] = aten.matmul.default(%x, %c)
  %y: bf16[2,5,4] = aten.mul.Tensor(%s, %l)
  return (%y)
})",
       {"woq-int8-linear"},
       {}},
      {"limit",
       "a last size that ATen's kernel does not take",
       R"(graph(%x: bf16[10,3]) {
  %w = constant "w" : s8[4,3]
  %s = constant "s" : bf16[4] {0.5, 0.25, 1, 0.125}
  %c: bf16[4,3] = prims.convert_element_type.default(%w, bf16)
  %l: bf16[10,4] = aten.linear.default(%x, %c)
  %y: bf16[10,4] = aten.mul.Tensor(%l, %s)
  return (%y)
})",
       {"woq-int8-linear"},
       {}},
      {"B37",
       "three int8 linears of one activation, below one regrouping",
       R"(graph(%x: bf16[2,5,16]) {
  %w = constant "w" : s8[4,16] {3}
  %s = constant "s" : bf16[4] {0.5, 0.25, 1, 0.125}
  %c: bf16[4,16] = prims.convert_element_type.default(%w, bf16)
  %l: bf16[2,5,4] = aten.linear.default(%x, %c)
  %y: bf16[2,5,4] = aten.mul.Tensor(%l, %s)
  %w2 = constant "w2" : s8[6,16] {-7}
  %s2 = constant "s2" : bf16[6] {0.5}
  %c2: bf16[6,16] = prims.convert_element_type.default(%w2, bf16)
  %l2: bf16[2,5,6] = aten.linear.default(%x, %c2)
  %y2: bf16[2,5,6] = aten.mul.Tensor(%l2, %s2)
  %w3 = constant "w3" : s8[3,16] {5}
  %s3 = constant "s3" : bf16[3] {0.25}
  %c3: bf16[3,16] = prims.convert_element_type.default(%w3, bf16)
  %l3: bf16[2,5,3] = aten.linear.default(%x, %c3)
  %y3: bf16[2,5,3] = aten.mul.Tensor(%l3, %s3)
  return (%y, %y2, %y3)
})",
       {"woq-int8-linear", "woq-int8-concat-linear"},
       {}},
      {"B35",
       "two int4 linears of one activation",
       R"(graph(%x: bf16[3,64]) {
  %w = constant "w" : u8[64,32] {27}
  %s = constant "s" : bf16[2,64,2] {0.5}
  %w2 = constant "w2" : u8[128,32] {178}
  %s2 = constant "s2" : bf16[2,128,2] {0.25}
  %y: bf16[3,64] = aten._weight_int4pack_mm_for_cpu.default(%x, %w, 32, %s)
  %y2: bf16[3,128] = aten._weight_int4pack_mm_for_cpu.default(%x, %w2, 32, %s2)
  return (%y, %y2)
})",
       {"woq-int4-concat-linear"},
       {}},
      {"B39",
       "int4 linears with scales that are inputs",
       R"(graph(%x: bf16[3,64], %s: bf16[2,64,2], %s2: bf16[2,64,2]) {
  %w = constant "w" : u8[64,32] {27}
  %w2 = constant "w2" : u8[64,32] {178}
  %y: bf16[3,64] = aten._weight_int4pack_mm_for_cpu.default(%x, %w, 32, %s)
  %y2: bf16[3,64] = aten._weight_int4pack_mm_for_cpu.default(%x, %w2, 32, %s2)
  return (%y, %y2)
})",
       {},
       {"woq-int4-concat-linear"}},
      {"B28",
       "one scale for the whole weight",
       R"(graph(%x: bf16[2,16]) {
  %w = constant "w" : s8[4,16]
  %s = constant "s" : bf16[] {0.5}
  %c: bf16[4,16] = prims.convert_element_type.default(%w, bf16)
  %l: bf16[2,4] = aten.linear.default(%x, %c)
  %y: bf16[2,4] = aten.mul.Tensor(%l, %s)
  return (%y)
})",
       {},
       {"woq-int8-linear"}},
      {"B28",
       "scales of rank 2",
       R"(graph(%x: bf16[2,16]) {
  %w = constant "w" : s8[4,16]
  %s = constant "s" : bf16[1,4] {0.5, 0.25, 1, 0.125}
  %c: bf16[4,16] = prims.convert_element_type.default(%w, bf16)
  %l: bf16[2,4] = aten.linear.default(%x, %c)
  %y: bf16[2,4] = aten.mul.Tensor(%l, %s)
  return (%y)
})",
       {},
       {"woq-int8-linear"}},
  };
  for (const Difference& row : rows) check_difference(row);
}

TEST_CASE("differences: convolution", "[differences]") {
  const std::vector<Difference> rows{
      {"B4",
       "weight quantized along its second dimension",
       "graph(%x: u8[1,2,4,4]) {" + dequantized_input("1,2,4,4") + R"(
  %w = constant "w" : s8[2,2,1,1] {1, -2, 3, 4}
  %s = constant "s" : f32[2] {0.5, 0.25}
  %z = constant "z" : s64[2] {0}
  %wf: f32[2,2,1,1] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 1, -128, 127, s8)
  %y: f32[1,2,4,4] = aten.conv2d.default(%xf, %wf)
  return (%y)
})",
       {"conv-is-convolution"},
       {"qconv-prepack"}},
      {"B10",
       "transposed",
       "graph(%x: u8[1,2,3,3]) {" + dequantized_input("1,2,3,3") + R"(
  %w = constant "w" : s8[2,2,2,2] {1, -2, 3, 4, -5, 6, 7, 8, -9, 10, 11, -12, 13, 14, 15, 16}
  %s = constant "s" : f32[2] {0.5, 0.25}
  %z = constant "z" : s64[2] {0}
  %wf: f32[2,2,2,2] = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)
  %y: f32[1,2,4,4] = aten.convolution.default(%xf, %wf, None, [1, 1], [0, 0], [1, 1], true, [0, 0], 1)
  return (%y)
})",
       {},
       {"qconv-prepack"}},
      {"B19",
       "s8 activation, padded",
       R"(graph(%x: s8[1,2,4,4]) {
  %xf: f32[1,2,4,4] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.5, -11, -128, 127, s8))" +
           kConvWeight + R"(
  %y: f32[1,3,6,6] = aten.conv2d.default(%xf, %wf, None, [1, 1], [1, 1])
  return (%y)
})",
       {"qconv-prepack"},
       {}},
  };
  for (const Difference& row : rows) check_difference(row);
}

TEST_CASE("differences: a one-sided range (B32)", "[differences]") {
  const auto graph = rewritten(R"(graph(%x: f32[4]) {
  %p: (f64[1], s64[1]) = quantized_decomposed.choose_qparams.tensor(%x, 0, 255, 1.1920928955078125e-07, u8)
  %s: f64[1] = _operator.getitem(%p, 0)
  %z: s64[1] = _operator.getitem(%p, 1)
  %q: u8[4] = quantized_decomposed.quantize_per_tensor.tensor(%x, %s, %z, 0, 255, u8)
  %y: f32[4] = quantized_decomposed.dequantize_per_tensor.tensor(%q, %s, %z, 0, 255, u8)
  return (%y)
})");
  auto plan = Plan::prepare(graph, {});
  if (!plan.ok()) FAIL(render_text(plan.diagnostics()));
  const auto context = (*plan)->make_context();
  // All of one sign: the range is widened to zero, so no value is further than half a step of 2/255 away.
  for (const float sign : {1.0F, -1.0F}) {
    const std::array<float, 4> values{sign * 1.0F, sign * 1.3F, sign * 1.7F, sign * 2.0F};
    const std::array<const void*, 1> inputs{values.data()};
    context->run(inputs);
    std::array<float, 4> found{};
    std::memcpy(found.data(), context->outputs()[0], sizeof(found));
    for (size_t i = 0; i < values.size(); ++i) CHECK(std::abs(found[i] - values[i]) <= 1.01 / 255);
  }
}

std::string file_text(const std::string& path) {
  std::ifstream stream(std::string(QRULES_SOURCE_DIR "/") + path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// With one space for every run of spaces and ends of lines: the layout of a source is not what is looked for.
std::string on_one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    if (!space || line.empty() || line.back() != ' ') line += space ? ' ' : c;
  }
  return line;
}

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  for (size_t at = 0;;) {
    const size_t end = text.find(separator, at);
    parts.push_back(text.substr(at, end - at));
    if (end == std::string::npos) return parts;
    at = end + separator.size();
  }
}

TEST_CASE("differences: every row of the table has a test", "[differences]") {
  size_t rows = 0;
  for (const std::string& line : split(file_text("docs/differences.md"), "\n")) {
    if (line.rfind("| B", 0) != 0) continue;
    INFO(line);
    CHECK(line.rfind("| B" + std::to_string(++rows) + " | ", 0) == 0);
    const std::vector<std::string> cells = split(line, " | ");
    REQUIRE(cells.size() == 4);
    const std::string tests = cells[3].substr(0, cells[3].rfind(" |"));
    if (tests.rfind("not yet: ", 0) == 0) continue;
    for (const std::string& test : split(tests, "; ")) {
      INFO(test);
      const std::vector<std::string> parts = split(test, "`: ");
      REQUIRE(parts.size() == 2);
      const std::string path = parts[0].substr(1);
      // In a rule file the words are a test's whole name.
      const bool rules = path.ends_with(".yaml");
      const std::string words = rules ? "- name: " + parts[1] + "\n" : parts[1];
      const std::string text = rules ? file_text(path) : on_one_line(file_text(path));
      CHECK(text.find(words) != std::string::npos);
    }
  }
  CHECK(rows == 43);
}

}  // namespace
}  // namespace qrules::test
