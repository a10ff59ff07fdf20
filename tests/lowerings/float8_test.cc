// The exact kernels of f8, against values worked out by hand or taken from torchao 0.18.

#include <cmath>
#include <limits>

#include "decomposed_calls.h"

namespace {

using namespace qrules::testing;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("quantize to f8 divides, clamps to the finite values and rounds once", "[decomposed][float8]") {
  const Values x{0.1, 8.5, 9.5, 1e6, -kInf, kNan, -0.0};
  const Values expected{0.203125, 16, 20, 448, -448, kNan, 0};
  for (const std::string call : {"onednn.quantize_float8.default(%x, 0.5, 0, -448, 448, f8e4m3)",
                                 "torchao.quantize_affine_float8_non_decomposed.default(%x, %s)"}) {
    INFO(call);
    const bool tensor = call[0] == 't';
    const Values y = run(graph(tensor ? "%x: f32[7], %s: f32[1]" : "%x: f32[7]", "f8e4m3[7]", call),
                         tensor ? std::vector<Values>{x, {0.5}} : std::vector<Values>{x});
    REQUIRE(y.size() == expected.size());
    for (size_t i = 0; i < y.size(); ++i) {
      INFO(i);
      CHECK((std::isnan(expected[i]) ? std::isnan(y[i]) : y[i] == expected[i]));
    }
  }
  CHECK(run(graph("%x: bf16[2]", "f8e5m2[2]", "onednn.quantize_float8.default(%x, 0.5, 0, -57344, 57344, f8e5m2)"),
            {{1e6, 0.3}}) == Values{57344, 0.625});
}

TEST_CASE("dequantize of f8: one scale, or one for each row", "[decomposed][float8]") {
  CHECK(run(graph("%x: f8e4m3[3]", "f32[3]", "onednn.dequantize_float8.default(%x, 0.25, 0, -448, 448, f8e4m3)"),
            {{448, -3, 0.001953125}}) == Values{112, -0.75, 0.00048828125});
  CHECK(run(graph("%x: f8e4m3[2,2], %s: f32[2,1]", "bf16[2,2]",
                  "torchao.dequantize_affine_float8_non_decomposed.default(%x, %s, bf16)"),
            {{1, 2, 3, 4}, {0.5, 10}}) == Values{0.5, 1, 30, 40});
  CHECK(refusal(graph("%x: f8e4m3[4,4], %s: f32[2,2]", "f32[4,4]",
                      "torchao.dequantize_affine_float8_non_decomposed.default(%x, %s)"))
            .find("`scale`") != std::string::npos);
}

TEST_CASE("casts to f8e4m3 saturate, those to f8e5m2 give infinity, as torch does", "[decomposed][float8]") {
  const Values y = run(graph("%x: f32[4]", "f8e4m3[4]", "prims.convert_element_type.default(%x, f8e4m3)"),
                       {{465, -kInf, kNan, -17}});
  CHECK(y[0] == 448);
  CHECK(y[1] == -448);
  CHECK(std::isnan(y[2]));
  CHECK(y[3] == -16);
  CHECK(run(graph("%x: f8e4m3[2]", "s32[2]", "prims.convert_element_type.default(%x, s32)"), {{-3.5, 240}}) ==
        Values{-3, 240});
  CHECK(run(graph("%x: f64[2]", "f8e5m2[2]", "prims.convert_element_type.default(%x, f8e5m2)"), {{1e9, 0.3}}) ==
        Values{kInf, 0.3125});
}

TEST_CASE("an f8 linear sums exactly and rounds its f8 result once", "[decomposed][float8]") {
  const auto text = [](const std::string& out, const std::string& rest) {
    return graph("%x: f8e4m3[2,3], %w: f8e4m3[2,3], %s: f32[1], %b: f32[2]", out,
                 "onednn.qlinear.default(%x, 0.5, 0, %w, %s, %b" + rest + ")");
  };
  // Products 448*448 - 448*448 + 0.001953125*1: nothing is lost beside the large ones.
  const Values x{448, 448, 0.001953125, 1, 2, 3}, w{448, -448, 1, 0.5, 1, 1.5};
  CHECK(run(text("f32[2,2]", ""), {x, w, {2}, {0, 0}}) == Values{0.001953125, 672.0029296875, -445, 7});
  CHECK(run(text("f8e4m3[2,2]", ", 0.5, 0, f8e4m3, \"none\""), {x, w, {2}, {0, 1}}) ==
        Values{0.00390625, 448, -448, 16});
  CHECK(run(text("bf16[2,2]", ", 1.0, 0, bf16, \"relu\""), {x, w, {2}, {0, 0.5}}) == Values{0.001953125, 672, 0, 7.5});
  CHECK(refusal(graph("%x: f8e4m3[2,3], %w: s8[2,3], %s: f32[1]", "f32[2,2]",
                      "onednn.qlinear.default(%x, 0.5, 0, %w, %s, None)"))
            .find("f8e4m3") != std::string::npos);
}

TEST_CASE("an f8 addend is dequantized", "[decomposed][float8]") {
  CHECK(run(graph("%x: f8e4m3[1,1], %w: f8e4m3[2,1], %s: f32[2], %o: f8e4m3[1,2]", "f32[1,2]",
                  "onednn.qlinear_binary.default(%x, 1.0, 0, %w, %s, None, %o, 0.5, 0, \"add\")"),
            {{2}, {3, -4}, {1, 0.5}, {16, 8}}) == Values{14, 0});
}

TEST_CASE("an f8 convolution: groups, stride, padding", "[decomposed][float8]") {
  CHECK(run(graph("%x: f8e4m3[1,2,3], %w: f8e4m3[2,1,2], %s: f32[2], %b: f32[2]", "f32[1,2,2]",
                  "onednn.qconv.default(%x, 0.5, 0, %w, %s, %b, [2], [1], [1], 2)"),
            {{1, 2, 3, 4, 5, 6}, {10, 1, -1, 2}, {2, 1}, {0, 0.5}}) == Values{1, 23, 4.5, 4});
}

}  // namespace
