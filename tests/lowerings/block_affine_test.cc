// torchao's affine operators on blocks, against values of torchao 0.18.

#include <cmath>

#include "decomposed_calls.h"

namespace {

using namespace qrules::testing;

const Values kX{1, 2, 3, 4, -5, 6.5, -7, 300};
const std::string kParameters = "%s: f32[2,2], %z: s32[2,2]";

TEST_CASE("quantize by blocks", "[decomposed]") {
  const std::string blocks = graph("%x: f32[2,4], " + kParameters, "s8[2,4]",
                                   "torchao.quantize_affine.default(%x, [1, 2], %s, %z, s8, -128, 127)");
  CHECK(run(blocks, {kX, {0.5, 1, 2, 0.25}, {0, 3, -1, 2}}) == Values{2, 4, 6, 7, -3, 2, -26, 127});
  const std::string rows = graph("%x: f32[2,4], %s: f32[2], %z: s64[2]", "u8[2,4]",
                                 "torchao.quantize_affine.default(%x, [1, -1], %s, %z, u8)");
  CHECK(run(rows, {kX, {0.5, 2}, {1, 2}}) == Values{3, 5, 7, 9, 0, 5, 0, 152});
  const std::string bf16 =
      graph("%x: bf16[3], %s: bf16[1], %z: s64[1]", "s8[3]", "torchao.quantize_affine.default(%x, [3], %s, %z, s8)");
  CHECK(run(bf16, {{1, 2.5, 3.296875}, {0.01300048828125}, {1}}) == Values{78, 127, 127});
}

TEST_CASE("dequantize by blocks", "[decomposed]") {
  const std::string blocks =
      graph("%w: s8[2,4], " + kParameters, "f32[2,4]", "torchao.dequantize_affine.default(%w, [1, 2], %s, %z, s8)");
  const Values w{1, -2, 3, 4, 5, 6, -7, 8};
  CHECK(run(blocks, {w, {0.5, 1, 2, 0.25}, {0, 3, -1, 2}}) == Values{0.5, -1, 0, 1, 12, 14, -2.25, 1.5});
  const std::string whole = graph("%w: s8[2,4], %s: f32[1]", "bf16[2,4]",
                                  "torchao.dequantize_affine.default(%w, [2, 4], %s, None, s8, output_dtype=bf16)");
  CHECK(run(whole, {w, {0.3}}) ==
        Values{0.30078125, -0.6015625, 0.8984375, 1.203125, 1.5, 1.796875, -2.09375, 2.40625});
}

TEST_CASE("scales and zero points of blocks", "[decomposed]") {
  const auto choose = [](const std::string& mapping, const std::string& rest, const std::string& type) {
    return graph("%x: f32[2,4]", type, "torchao.choose_qparams_affine.default(%x, \"" + mapping + "\", " + rest + ")");
  };
  const std::string rows = "[1, 4], s8, -128, 127, 1e-05, f32, s32, true",
                    pairs = "[1, 2], u8, None, None, None, f32, s32";
  const std::string kept = "(f32[2,1], s32[2,1])", dropped = "(f32[2,2], s32[2,2])";
  const auto near = [](const Values& found, const Values& wanted) {
    REQUIRE(found.size() == wanted.size());
    for (size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - wanted[i]) <= 1e-3 * wanted[i] + 1e-4);
  };
  near(run(choose("SYMMETRIC", rows, kept), {kX}, 0), {0.0314, 2.3529});
  CHECK(run(choose("SYMMETRIC", rows, kept), {kX}, 1) == Values{0, 0});
  near(run(choose("SYMMETRIC_NO_CLIPPING_ERR", rows, kept), {kX}, 0), {0.0315, 2.3622});
  near(run(choose("ASYMMETRIC", rows, kept), {kX}, 0), {0.015686, 1.2039});
  CHECK(run(choose("ASYMMETRIC", rows, kept), {kX}, 1) == Values{-128, -122});
  near(run(choose("ASYMMETRIC", pairs, dropped), {kX}, 0), {0.007843, 0.015686, 0.045098, 1.2039});
  CHECK(run(choose("ASYMMETRIC", pairs, dropped), {kX}, 1) == Values{0, 0, 111, 6});
  CHECK(run(choose("SYMMETRIC", pairs, dropped), {kX}, 1) == Values{128, 128, 128, 128});
}

TEST_CASE("blocks that do not fit are refused", "[decomposed]") {
  CHECK(refusal(graph("%x: f32[2,4], %s: f32[3], %z: s32[3]", "s8[2,4]",
                      "torchao.quantize_affine.default(%x, [1, 4], %s, %z, s8)"))
            .find("one element for each block") != std::string::npos);
  CHECK(refusal(graph("%x: f32[2,4], %s: f32[2], %z: f32[2]", "s8[2,4]",
                      "torchao.quantize_affine.default(%x, [1, 4], %s, %z, s8)"))
            .find("zero_point") != std::string::npos);
  CHECK(refusal(graph("%x: f32[0,4]", "(f32[1], s32[1])",
                      "torchao.choose_qparams_affine.default(%x, \"SYMMETRIC\", [-1, 4], s8)"))
            .find("without elements") != std::string::npos);
}

}  // namespace
