// The exact reference kernels, against values worked out by hand or taken from PyTorch 2.13.

#include <cmath>
#include <limits>

#include <qrules/lowerings/decomposed/quantize.h>

#include "decomposed_calls.h"

namespace {

using namespace qrules::testing;
using Strides = std::vector<int64_t>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::string quantize(const std::string& in, const std::string& out, const std::string& arguments) {
  return graph("%x: " + in, out, "quantized_decomposed.quantize_per_tensor.default(%x, " + arguments + ")");
}

std::string qlinear(const std::string& x, const std::string& out, const std::string& arguments) {
  return "graph(%x: " + x +
         ") {\n%w = constant \"w\" : s8[2,3] {1, -2, 3, 0, 127, -128}\n%s = constant \"s\" : f32[2] {0.5, 0.25}\n"
         "%b = constant \"b\" : f32[2] {1.0, -0.5}\n%y: " +
         out + " = onednn.qlinear.default(%x, " + arguments + ")\nreturn (%y)\n}\n";
}

}  // namespace

TEST_CASE("quantize rounds ties to even before an odd zero point is added", "[decomposed]") {
  CHECK(run(quantize("f32[7]", "s8[7]", "1.0, 3, -128, 127, s8"), {{0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 3.0}}) ==
        Values{3, 5, 5, 3, 1, 3, 6});
}

TEST_CASE("quantize multiplies by the inverse of the scale in f32", "[decomposed]") {
  // PyTorch's values. A division, in f32 or f64, and a product in f64 all give 5 and 19.
  CHECK(run(quantize("f32[2]", "u8[2]", "0.3, 0, 0, 255, u8"), {{1.649999976158142, 5.849999904632568}}) ==
        Values{6, 20});
}

TEST_CASE("quantize saturates at quant_min and quant_max", "[decomposed]") {
  CHECK(run(quantize("f32[4]", "u8[4]", "0.5, 10, 0, 255, u8"), {{1000, -1000, 122.5, -5}}) == Values{255, 0, 255, 0});
  CHECK(run(quantize("f32[3]", "s8[3]", "0.5, 0, -127, 100, s8"), {{1000, -1000, 1}}) == Values{100, -127, 2});
}

TEST_CASE("quantize of NaN and infinities is what torch gives on x86", "[decomposed]") {
  const Values in{kNan, kInf, -kInf, 0};
  CHECK(run(quantize("f32[4]", "u8[4]", "0.1, 5, 0, 255, u8"), {in}) == Values{0, 255, 0, 5});
  CHECK(run(quantize("f32[4]", "s8[4]", "0.1, 5, -128, 127, s8"), {in}) == Values{0, 127, -128, 5});
  CHECK(run(quantize("f32[4]", "s16[4]", "0.1, 5, -32768, 32767, s16"), {in}) == Values{0, 32767, -32768, 5});
  // 2^31 - 1 is no f32: the clamped value is out of range of the conversion.
  CHECK(run(quantize("f32[4]", "s32[4]", "0.1, 5, -2147483648, 2147483647, s32"), {in}) ==
        Values{-2147483648.0, -2147483648.0, -2147483648.0, 5});
}

// Rows are done 32 elements at a time where the CPU has AVX2: every value at every place among them, and behind the
// last.
TEST_CASE("quantize of long rows is that of each element", "[decomposed]") {
  Values in{0.0,  -0.0,  0.05, 0.15, 0.25,  -0.05, -0.15,   -0.25,        1e30,     -1e30,    24.95,
            25.0, 25.05, 3e9,  -3e9, 1e-40, 12.75, 12.7499, std::nan(""), INFINITY, -INFINITY};
  Values row;
  while (row.size() < 32 * in.size() + 5) row.insert(row.end(), in.begin(), in.end());
  const auto sizes = "[" + std::to_string(row.size()) + "]";
  const auto expect = [&](const char* type, const char* arguments, auto expected) {
    Values values;
    for (double x : row) values.push_back(expected(static_cast<float>(x)));
    CHECK(run(quantize("f32" + sizes, type + sizes, arguments), {row}) == values);
  };
  expect("u8", "0.1, 5, 0, 255, u8",
         [](float x) { return qrules::decomposed::quantize_value<uint8_t>(x, 1.0f / 0.1f, 5.0f, 0.0f, 255.0f); });
  expect("u8", "0.1, 5, 3, 100, u8",
         [](float x) { return qrules::decomposed::quantize_value<uint8_t>(x, 1.0f / 0.1f, 5.0f, 3.0f, 100.0f); });
  expect("s8", "0.1, -7, -128, 127, s8",
         [](float x) { return qrules::decomposed::quantize_value<int8_t>(x, 1.0f / 0.1f, -7.0f, -128.0f, 127.0f); });
}

TEST_CASE("quantize of no element and of a scalar", "[decomposed]") {
  CHECK(run(quantize("f32[0]", "u8[0]", "0.1, 5, 0, 255, u8"), {{}}).empty());
  CHECK(run(quantize("f32[]", "u8[]", "0.1, 5, 0, 255, u8"), {{1.0}}) == Values{15});
}

TEST_CASE("quantize widens bf16 and f16", "[decomposed]") {
  CHECK(run(quantize("bf16[2]", "u8[2]", "0.5, 1, 0, 255, u8"), {{1.25, 3.0}}) == Values{3, 7});
  CHECK(run(quantize("f16[2]", "u8[2]", "0.5, 1, 0, 255, u8"), {{1.25, 60000}}) == Values{3, 255});
}

TEST_CASE("scale, zero point and bounds may be tensors", "[decomposed]") {
  CHECK(run(graph("%x: f32[2], %s: f32[1], %z: s64[]", "u8[2]",
                  "quantized_decomposed.quantize_per_tensor.tensor(%x, %s, %z, 0, 255, u8)"),
            {{1, 2}, {0.5}, {7}}) == Values{9, 11});
  CHECK(run(graph("%x: f32[2], %s: f64[], %z: s32[1], %l: s64[], %h: s64[]", "u8[2]",
                  "quantized_decomposed.quantize_per_tensor.tensor2(%x, %s, %z, %l, %h, u8)"),
            {{1, 200}, {0.5}, {7}, {0}, {100}}) == Values{9, 100});
}

TEST_CASE("a layout without gaps is kept, another becomes contiguous", "[decomposed]") {
  const Values values{1, 2, 3, 4, 5, 6, 7, 8};
  FakeContext channels_last(quantize("f32[1,2,2,2]", "u8[1,2,2,2]", "1.0, 0, 0, 255, u8"));
  channels_last.relayout(0, {8, 1, 4, 2});
  channels_last.fill(0, values);
  CHECK(execute(channels_last).values() == values);
  CHECK(channels_last.output(0).strides == Strides{8, 1, 4, 2});
  FakeContext gaps(quantize("f32[2,2,2]", "u8[2,2,2]", "1.0, 0, 0, 255, u8"));
  gaps.relayout(0, {16, 2, 5});
  gaps.fill(0, values);
  CHECK(execute(gaps).values() == values);
  CHECK(gaps.output(0).strides == Strides{4, 2, 1});
}

TEST_CASE("quantize per channel, the last axis counted from the end", "[decomposed]") {
  CHECK(run(graph("%x: f32[2,3], %s: f32[3], %z: s64[3]", "s8[2,3]",
                  "quantized_decomposed.quantize_per_channel.default(%x, %s, %z, -1, -128, 127, s8)"),
            {{1, 1, 1, 2.5, 2.5, 2.5}, {1, 0.5, 0.25}, {0, 1, -1}}) == Values{1, 3, 3, 2, 6, 9});
  CHECK(run(graph("%x: f32[2,2], %s: f64[2], %z: s32[2]", "u8[2,2]",
                  "quantized_decomposed.quantize_per_channel.default(%x, %s, %z, 0, 0, 255, u8)"),
            {{1, 300, 1, -300}, {1, 0.5}, {3, 4}}) == Values{4, 255, 6, 0});
}

TEST_CASE("quantize per token rounds after the zero point", "[decomposed]") {
  CHECK(run(graph("%x: f32[2,2], %s: f64[2,1], %z: s64[2,1]", "s8[2,2]",
                  "quantized_decomposed.quantize_per_token.default(%x, %s, %z, -128, 127, s8)"),
            {{0.5, 1.5, 0.5, 1.5}, {1, 1}, {1, 0}}) == Values{2, 2, 0, 2});
}

TEST_CASE("dequantize subtracts the zero point in the result's type", "[decomposed]") {
  const auto text = [](const std::string& in, const std::string& out, const std::string& arguments) {
    return graph("%x: " + in, out, "quantized_decomposed.dequantize_per_tensor.default(%x, " + arguments + ")");
  };
  CHECK(run(text("u8[3]", "f32[3]", "0.5, 128, 0, 255, u8"), {{0, 128, 255}}) == Values{-64, 0, 63.5});
  CHECK(run(text("s8[2]", "f64[2]", "0.25, -3, -128, 127, s8, out_dtype=f64"), {{-128, 127}}) == Values{-31.25, 32.5});
  CHECK(run(text("s16[2]", "f32[2]", "2.0, 1, -32768, 32767, s16"), {{-32768, 32767}}) == Values{-65538, 65532});
  // 255 + 2 is 256 in bf16, and 384 after the product; rounding once would give 386.
  CHECK(run(text("u8[2]", "bf16[2]", "1.5, -2, 0, 255, u8, out_dtype=bf16"), {{255, 3}}) == Values{384, 7.5});
  // 2^24 + 1 is no f32.
  CHECK(run(text("s32[1]", "f32[1]", "1.0, 0, -2147483648, 2147483647, s32"), {{16777217}}) == Values{16777216});
}

TEST_CASE("dequantize per channel computes integer differences in the promoted type", "[decomposed]") {
  const auto text = [](const std::string& zero_points) {
    return graph("%x: s8[2,2], %s: f32[2], %z: " + zero_points, "f32[2,2]",
                 "quantized_decomposed.dequantize_per_channel.default(%x, %s, %z, 1, -128, 127, s8)");
  };
  CHECK(run(text("s64[2]"), {{-128, 1, 2, 3}, {0.5, 2}, {1, -1}}) == Values{-64.5, 4, 0.5, 8});
  CHECK(run(text("s8[2]"), {{-128, 1, 2, 3}, {0.5, 2}, {1, -1}}) == Values{63.5, 4, 0.5, 8});  // s8 wraps, as in torch
  CHECK(run(graph("%x: s8[2], %s: f32[2]", "f32[2]",
                  "quantized_decomposed.dequantize_per_channel.default(%x, %s, None, 0, -128, 127, s8)"),
            {{-3, 4}, {0.5, 2}}) == Values{-1.5, 8});
}

TEST_CASE("parameters for a tensor", "[decomposed]") {
  const std::string affine =
      graph("%x: f32[3]", "(f64[1], s64[1])",
            "quantized_decomposed.choose_qparams.tensor(%x, 0, 255, 1.1920928955078125e-07, u8)");
  CHECK(run(affine, {{-1, 0.5, 254}}, 0) == Values{1});
  CHECK(run(affine, {{-1, 0.5, 254}}, 1) == Values{1});
  CHECK(run(affine, {{51, 102, 127.5}}, 0) == Values{0.5});  // zero is always in the range
  CHECK(run(affine, {{0, 0, 0}}, 0) == Values{1.1920928955078125e-07});
  const std::string symmetric =
      graph("%x: f32[2]", "(f64[1], s64[1])",
            "quantized_decomposed.choose_qparams_symmetric.tensor(%x, -127, 127, 1.1920928955078125e-07, s8)");
  CHECK(run(symmetric, {{-254, 3}}, 0) == Values{2});
  CHECK(run(symmetric, {{-254, 3}}, 1) == Values{0});
  CHECK(refusal(graph("%x: f32[0]", "(f64[1], s64[1])",
                      "quantized_decomposed.choose_qparams.tensor(%x, 0, 255, 1e-7, u8)")) != "");
}

TEST_CASE("parameters for tokens", "[decomposed]") {
  const std::string asymmetric = graph("%x: f32[2,2]", "(f64[2,1], s64[2,1])",
                                       "quantized_decomposed.choose_qparams_per_token_asymmetric.default(%x, s8)");
  CHECK(run(asymmetric, {{0, 255, -127.5, 0}}, 0) == Values{1, 0.5});
  CHECK(run(asymmetric, {{0, 255, -127.5, 0}}, 1) == Values{-128, 127});
  const std::string symmetric =
      graph("%x: f32[2,2]", "(f64[2,1], s64[2,1])", "quantized_decomposed.choose_qparams_per_token.default(%x, s8)");
  CHECK(run(symmetric, {{0, 127, -254, 0}}, 0) == Values{1, 2});
  CHECK(run(symmetric, {{0, 127, -254, 0}}, 1) == Values{0, 0});
}

TEST_CASE("casts truncate, wrap and round as torch does", "[decomposed]") {
  const auto cast = [](const std::string& in, const std::string& out, const std::string& dtype) {
    return graph("%x: " + in, out, "prims.convert_element_type.default(%x, " + dtype + ")");
  };
  CHECK(run(cast("f32[6]", "u8[6]", "u8"), {{1.9, -1.5, 300.7, kNan, 3e9, 70000}}) == Values{1, 255, 44, 0, 0, 112});
  CHECK(run(cast("f64[3]", "s32[3]", "s32"), {{-1.9, 5e9, kNan}}) == Values{-1, -2147483648.0, -2147483648.0});
  CHECK(run(cast("f32[3]", "bool[3]", "bool"), {{0, kNan, -2}}) == Values{0, 1, 1});
  CHECK(run(cast("s32[2]", "s8[2]", "s8"), {{129, -129}}) == Values{-127, 127});
  CHECK(run(cast("f32[4]", "bf16[4]", "bf16"), {{1.00390625, 1.01171875, 3.4e38, -kInf}}) ==
        Values{1, 1.015625, kInf, -kInf});
  CHECK(run(cast("f32[6]", "f16[6]", "f16"),
            {{65519, 65520, 5.9604644775390625e-08, 2.98023223876953125e-08, 1.00048828125, -6.1e-05}}) ==
        Values{65504, kInf, 5.9604644775390625e-08, 0, 1, -6.097555160522461e-05});
  const Values nan = run(cast("f32[1]", "f16[1]", "f16"), {{kNan}});
  CHECK(std::isnan(nan[0]));
  CHECK(refusal(cast("f32[1]", "c64[1]", "c64")).find("c64") != std::string::npos);
  FakeContext same(cast("f32[2]", "f32[2]", "f32"));
  execute(same);
  CHECK(same.is_view());
}

TEST_CASE("reshape is a view when strides allow and a copy when not", "[decomposed]") {
  const std::string flatten = graph("%x: u8[1,2,2,2]", "u8[1,8]", "aten.flatten.using_ints(%x, 1, -1)");
  const Values values{1, 2, 3, 4, 5, 6, 7, 8};
  FakeContext contiguous(flatten);
  contiguous.fill(0, values);
  CHECK(execute(contiguous).values() == values);
  CHECK(contiguous.is_view());
  FakeContext channels_last(flatten);
  channels_last.relayout(0, {8, 1, 4, 2});
  channels_last.fill(0, values);
  CHECK(execute(channels_last).values() == values);
  REQUIRE(channels_last.kernel());
  CHECK(channels_last.kernel()->implementation() == "copy");
  // Splitting and dropping dimensions of 1 keep the channels where they are.
  FakeContext split(graph("%x: u8[1,2,4]", "u8[2,2,1,2]", "onednn.qreshape.default(%x, [2, 2, 1, 2])"));
  split.relayout(0, {8, 1, 2});
  split.fill(0, values);
  CHECK(execute(split).values() == values);
  CHECK(split.is_view());
  CHECK(split.output(0).strides == Strides{1, 4, 4, 2});
  FakeContext empty(graph("%x: f32[0,3]", "f32[3,0]", "aten.view.default(%x, [3, -1])"));
  CHECK(execute(empty).values().empty());
}

TEST_CASE("views of every kind show the right elements", "[decomposed]") {
  struct Case {
    const char *in, *out, *call;
    Values expected;
  };
  const std::vector<Case> cases = {
      {"u8[2,3]", "u8[3,2]", "aten.permute.default(%x, [-1, 0])", {1, 4, 2, 5, 3, 6}},
      {"u8[2,3]", "u8[3,2]", "aten.transpose.int(%x, 0, 1)", {1, 4, 2, 5, 3, 6}},
      {"u8[2,3]", "u8[3,2]", "aten.t.default(%x)", {1, 4, 2, 5, 3, 6}},
      {"u8[2,3]", "u8[2,1,3]", "aten.unsqueeze.default(%x, -2)", {1, 2, 3, 4, 5, 6}},
      {"u8[1,6]", "u8[6]", "aten.squeeze.dim(%x, 0)", {1, 2, 3, 4, 5, 6}},
      {"u8[1,6]", "u8[1,6]", "aten.squeeze.dim(%x, 1)", {1, 2, 3, 4, 5, 6}},
      {"u8[2,1]", "u8[2,2,3]", "aten.expand.default(%x, [2, -1, 3])", {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2}},
      {"f32[2,3]", "f32[2,2]", "aten.slice.Tensor(%x, 1, 0, 9223372036854775807, 2)", {1, 3, 4, 6}},
      {"f32[2,3]", "f32[2,1]", "aten.slice.Tensor(%x, -1, -2, -1)", {2, 5}},
      {"f32[2,3]", "f32[0,3]", "aten.slice.Tensor(%x, 0, 2, 5)", {}},
      {"f32[2,3]", "f32[2]", "aten.select.int(%x, 1, -1)", {3, 6}},
      {"f32[2,3]", "f32[2,3]", "aten.dropout.default(%x, 0.5, False)", {1, 2, 3, 4, 5, 6}},
      {"f32[2,3]", "f32[2,3]", "aten.detach.default(%x)", {1, 2, 3, 4, 5, 6}},
  };
  for (const Case& one : cases) {
    INFO(one.call);
    FakeContext context(graph(std::string("%x: ") + one.in, one.out, one.call));
    context.fill(0, {1, 2, 3, 4, 5, 6});
    CHECK(execute(context).values() == one.expected);
    CHECK(context.is_view());
  }
  FakeContext symbolic("graph(%x: f32[n]) {\n%y: f32[n - 1] = aten.slice.Tensor(%x, 0, 1, size(n))\nreturn (%y)\n}\n",
                       {{"n", 3}});
  symbolic.fill(0, {1, 2, 3});
  CHECK(execute(symbolic).values() == Values{2, 3});
  CHECK(symbolic.byte_offset() == 4);
  CHECK(refusal(graph("%x: f32[2]", "f32[2]", "aten.dropout.default(%x, 0.5, True)")) != "");
  CHECK(refusal(graph("%x: f32[2,3]", "f32[2]", "aten.select.int(%x, 1, 3)")) != "");
}

TEST_CASE("cat joins along any dimension, converts, and leaves out empty vectors", "[decomposed]") {
  CHECK(run(graph("%a: u8[2,1], %b: u8[2,2]", "u8[2,3]", "onednn.qcat.default([%a, %b], -1)"),
            {{1, 2}, {3, 4, 5, 6}}) == Values{1, 3, 4, 2, 5, 6});
  CHECK(run(graph("%a: s8[1,2], %b: f32[1,2]", "f32[2,2]", "aten.cat.default([%a, %b])"), {{-1, 2}, {0.5, 4}}) ==
        Values{-1, 2, 0.5, 4});
  CHECK(run(graph("%a: f32[0], %b: f32[1,2]", "f32[1,2]", "aten.cat.default([%a, %b], 1)"), {{}, {3, 4}}) ==
        Values{3, 4});
  FakeContext channels_last(
      graph("%a: u8[1,1,2,2], %b: u8[1,2,2,2]", "u8[1,3,2,2]", "onednn.qcat.default([%a, %b], 1)"));
  channels_last.relayout(1, {8, 1, 4, 2});
  channels_last.fill(0, {1, 2, 3, 4});
  channels_last.fill(1, {5, 6, 7, 8, 9, 10, 11, 12});
  CHECK(execute(channels_last).values() == Values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
}

TEST_CASE("padding never wins in qmaxpool2d", "[decomposed]") {
  CHECK(run(graph("%x: s8[1,1,2,2]", "s8[1,1,2,2]",
                  "onednn.qmaxpool2d.default(%x, [2, 2], [2, 2], [1, 1], [1, 1], False)"),
            {{-128, -5, -100, -7}}) == Values{-128, -5, -100, -7});
  CHECK(run(graph("%x: u8[1,3,3]", "u8[1,2,2]", "onednn.qmaxpool2d.default(%x, [2, 2], [], [0, 0], [1, 1], True)"),
            {{1, 2, 3, 4, 5, 6, 7, 8, 9}}) == Values{5, 6, 8, 9});
  CHECK(run(graph("%x: u8[1,3,3]", "u8[1,1,1]", "onednn.qmaxpool2d.default(%x, [2, 2], [1, 1], [0, 0], [2, 2], False)"),
            {{1, 2, 3, 4, 9, 6, 7, 8, 5}}) == Values{7});
  CHECK(refusal(graph("%x: u8[3,3]", "u8[2,2]", "onednn.qmaxpool2d.default(%x, [2, 2], [], [0, 0], [1, 1], False)"))
            .find("rank 2") != std::string::npos);
}

TEST_CASE("qlinear: exact sums, scales by channel, bias, zero point", "[decomposed]") {
  // x - 10 is (0, -10, 245): sums 755 and -32630.
  CHECK(run(qlinear("u8[1,3]", "f32[1,2]", "0.1, 10, %w, %s, %b"), {{10, 0, 255}}) ==
        Values{static_cast<float>(755 * (0.1 * 0.5) + 1), static_cast<float>(-32630 * (0.1 * 0.25) - 0.5)});
  CHECK(run(qlinear("s8[3]", "f32[2]", "0.5, -1, %w, %s, None"), {{-128, 127, 0}}) == Values{-95, 2016});
  CHECK(run(qlinear("u8[0,3]", "f32[0,2]", "0.5, 0, %w, %s, None"), {{}}).empty());
}

TEST_CASE("qlinear rounds after the zero point was added, half to even", "[decomposed]") {
  // -0.5 + 1 gives 0 and 0.5 + 1 gives 2, where rounding before the zero point would give 1 and 1.
  CHECK(run(qlinear("u8[1,3]", "u8[1,2]", "1.0, 0, %w, %s, None, 1.0, 1, u8"), {{1, 1, 0}}) == Values{0, 33});
  CHECK(run(qlinear("u8[1,3]", "u8[1,2]", "1.0, 0, %w, %s, None, 1.0, 1, u8"), {{1, 0, 0}}) == Values{2, 1});
  CHECK(run(qlinear("u8[1,3]", "s8[1,2]", "1.0, 0, %w, %s, None, 0.5, 0, s8"), {{255, 255, 0}}) == Values{-128, 127});
}

TEST_CASE("qlinear reads scales and zero points at run time", "[decomposed]") {
  const std::string text =
      "graph(%x: u8[1,3], %xs: f32[1], %xz: s32[], %w: s8[2,3], %s: f32[1], %os: f64[1], %oz: s64[1]) {\n"
      "%y: u8[1,2] = onednn.qlinear.default(%x, %xs, %xz, %w, %s, None, %os, %oz, u8)\nreturn (%y)\n}\n";
  // (0, -10, 245) * 0.5 with weights 1: 117.5; with (1, 0, 0): 0. Divided by 2, plus 3.
  CHECK(run(text, {{10, 0, 255}, {0.5}, {10}, {1, 1, 1, 1, 0, 0}, {1}, {2}, {3}}) == Values{62, 3});
}

TEST_CASE("sums beyond s32 are exact", "[decomposed]") {
  // 70,000 products of 255 and -128.
  FakeContext context(graph("%x: u8[1,70000], %w: s8[1,70000], %s: f32[1]", "f32[1,1]",
                            "onednn.qlinear.default(%x, 1.0, 0, %w, %s, None)"));
  context.fill(0, Values(70000, 255));
  context.fill(1, Values(70000, -128));
  context.fill(2, {1});
  CHECK(execute(context).values() == Values{static_cast<float>(-2284800000.0)});
}

TEST_CASE("every post-op", "[decomposed]") {
  struct Case {
    const char* post_op;
    Values expected;  // of -1 and 2, PyTorch 2.13 in f64
  };
  const std::vector<Case> cases = {
      {"\"none\", []", {-1, 2}},
      {"\"relu\", []", {0, 2}},
      {"\"hardtanh\", [-0.5, 1.25]", {-0.5, 1.25}},
      {"\"hardswish\", []", {-0.3333333333333333, 1.6666666666666667}},
      {"\"silu\", []", {-0.2689414213699951, 1.7615941559557649}},
      {"\"gelu\", []", {-0.15865525393145707, 1.9544997361036416}},
      {"\"gelu_tanh\", []", {-0.15880800939172324, 1.954597694087775}},
      {"\"sigmoid\", []", {0.2689414213699951, 0.8807970779778823}},
      {"\"tanh\", []", {-0.7615941559557649, 0.9640275800758169}},
      {"\"elu\", [0.5]", {-0.31606027941427883, 2}},
      {"\"leaky_relu\", [0.125]", {-0.125, 2}},
  };
  for (const Case& one : cases) {
    INFO(one.post_op);
    // Sums -2 and 8, scaled by 0.5 and 0.25.
    const std::string text =
        "graph(%x: u8[1,2], %w: s8[2,2], %s: f32[2]) {\n%y: f32[1,2] = onednn.qlinear.default(%x, 1.0, 0, %w, %s, "
        "None, 1.0, 0, "
        "f32, " +
        std::string(one.post_op) + ")\nreturn (%y)\n}\n";
    const Values got = run(text, {{1, 1}, {-3, 1, 8, 0}, {0.5, 0.25}});
    REQUIRE(got.size() == 2);
    CHECK(got[0] == static_cast<float>(one.expected[0]));
    CHECK(got[1] == static_cast<float>(one.expected[1]));
  }
  CHECK(refusal(qlinear("u8[1,3]", "f32[1,2]", "1.0, 0, %w, %s, None, 1.0, 0, f32, \"elu\", []")) != "");
}

TEST_CASE("qlinear_binary: quantized, floating and broadcast other", "[decomposed]") {
  const auto text = [](const std::string& other, const std::string& rest, const std::string& out = "f32[2,2]") {
    return "graph(%x: u8[2,1], %w: s8[2,1], %s: f32[1], %o: " + other + ") {\n%y: " + out +
           " = onednn.qlinear_binary.default(%x, 1.0, 0, %w, %s, None, %o, " + rest + ")\nreturn (%y)\n}\n";
  };
  // The product alone is (3, -6), (6, -12).
  const Values x{1, 2}, w{3, -6}, s{1};
  CHECK(run(text("u8[2,2]", "0.5, 4, \"add\""), {x, w, s, {4, 6, 0, 255}}) == Values{3, -5, 4, 113.5});
  CHECK(run(text("s8[2,2]", "2.0, -1, \"sub\""), {x, w, s, {-1, 0, 1, 2}}) == Values{3, -8, 2, -18});
  CHECK(run(text("f32[2]", "1.0, 0, \"mul\""), {x, w, s, {0.5, -1}}) == Values{1.5, 6, 3, 12});
  CHECK(run(text("bf16[2,1]", "1.0, 0, \"add\", 1.0, 0, bf16, \"relu\"", "bf16[2,2]"), {x, w, s, {0.25, 7}}) ==
        Values{3.25, 0, 13, 0});
  CHECK(refusal(text("f32[3]", "1.0, 0, \"add\"")) != "");
}

TEST_CASE("qconv: padding is real zero, not the integer zero", "[decomposed]") {
  // x - zx is 2 4 / 6 8 everywhere; a 3x3 window of ones over padding sums all four.
  CHECK(run(graph("%x: s8[1,1,2,2], %w: s8[1,1,3,3], %s: f32[1]", "f32[1,1,2,2]",
                  "onednn.qconv.default(%x, 0.5, -7, %w, %s, None, [1, 1], [1, 1], [1, 1], 1)"),
            {{-5, -3, -1, 1}, Values(9, 1), {1}}) == Values{10, 10, 10, 10});
}

TEST_CASE("qconv: groups, stride, dilation, bias", "[decomposed]") {
  // Two groups of one channel each, kernel (1, 10) with dilation 2, stride 2.
  CHECK(run(graph("%x: u8[1,2,5], %w: s8[2,1,2], %s: f32[2], %b: f32[2]", "f32[1,2,2]",
                  "onednn.qconv.default(%x, 1.0, 1, %w, %s, %b, [2], [0], [2], 2)"),
            {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {1, 10, -1, 2}, {1, 0.5}, {0.5, 0}}) == Values{20.5, 42.5, 4.5, 5.5});
}

TEST_CASE("qconv in channels-last keeps the layout; the result is the same", "[decomposed]") {
  const std::string text =
      graph("%x: u8[1,2,2,3], %w: s8[2,2,2,2], %s: f32[2]", "u8[1,2,1,2]",
            "onednn.qconv.default(%x, 1.0, 3, %w, %s, None, [1, 1], [0, 0], [1, 1], 1, 4.0, 128, u8, \"none\")");
  const Values x{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, w{1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -8},
      s{1, 0.5};
  // Sums 134 and 170, and their negatives times a half; divided by 4, plus 128: 161.5, 170.5, 111.25, 106.75.
  const Values expected{162, 170, 111, 107};
  CHECK(run(text, {x, w, s}) == expected);
  FakeContext context(text);
  context.relayout(0, {12, 1, 6, 2});
  context.relayout(1, {8, 1, 4, 2});
  context.fill(0, x);
  context.fill(1, w);
  context.fill(2, s);
  CHECK(execute(context).values() == expected);
  CHECK(context.output(0).strides == Strides{4, 1, 4, 2});
}

TEST_CASE("qconv_binary adds a residual and leaves it unchanged", "[decomposed]") {
  FakeContext context(
      graph("%x: u8[1,1,2,2], %w: s8[1,1,1,1], %s: f32[1], %o: u8[1,1,2,2]", "u8[1,1,2,2]",
            "onednn.qconv_binary.default(%x, 1.0, 0, %w, %s, None, [1, 1], [0, 0], [1, 1], 1, %o, 2.0, 1, "
            "\"add\", 1.0, 0, u8, \"relu\")"));
  context.fill(0, {1, 2, 3, 4});
  context.fill(1, {-3});
  context.fill(2, {1});
  context.fill(3, {5, 0, 100, 200});
  CHECK(execute(context).values() == Values{5, 0, 189, 255});
}

TEST_CASE("dtypes and sizes that kernels cannot do are refused in words", "[decomposed]") {
  CHECK(refusal(quantize("f64[1]", "u8[1]", "1.0, 0, 0, 255, u8")) ==
        "`quantized_decomposed.quantize_per_tensor.default`: the value is f64; the reference kernel takes f32, bf16 or "
        "f16");
  CHECK(refusal(quantize("f32[1]", "u8[1]", "1.0, 0, 0, 256, u8")).find("quant_max") != std::string::npos);
  CHECK(refusal(graph("%x: f32[2,3], %s: f32[2], %z: s64[2]", "s8[2,3]",
                      "quantized_decomposed.quantize_per_channel.default(%x, %s, %z, 1, -128, 127, s8)"))
            .find("each channel") != std::string::npos);
  CHECK(refusal(graph("%x: u8[1,1,2,2], %w: u8[1,1,1,1], %s: f32[1]", "f32[1,1,2,2]",
                      "onednn.qconv.default(%x, 1.0, 0, %w, %s, None, [1, 1], [0, 0], [1, 1], 1)"))
            .find("the weight is u8") != std::string::npos);
}
