// Average pools of integers: against the unfused graph's arithmetic, and oneDNN against the exact kernel.

#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

void check_equal(const std::string& text, unsigned seed) {
  INFO(text);
  const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
  const auto inputs = random_inputs(*plan, seed);
  CHECK(run_plan(*plan, inputs) == run_plan(*reference, inputs));
}

std::string call(const std::string& dtype, const std::vector<int64_t>& sizes, const std::string& operation) {
  return "graph(%x: " + dtype + list_text(sizes) + ") {\n  %y = " + operation + "\n  return (%y)\n}\n";
}

// One operand whose scale is 1, so that PyTorch's pool of the dequantized values is exact up to the division.
std::string unfused(const std::string& dtype, const std::vector<int64_t>& sizes, int64_t zero_point,
                    const std::string& operation) {
  const std::string range = dtype == "u8" ? "0, 255, u8" : "-128, 127, s8", zero = std::to_string(zero_point);
  return "graph(%x: " + dtype + list_text(sizes) +
         ") {\n  %f = quantized_decomposed.dequantize_per_tensor.default(%x, 1.0, " + zero + ", " + range +
         ")\n  %p = " + operation + "\n  %y = quantized_decomposed.quantize_per_tensor.default(%p, 1.0, " + zero +
         ", " + range + ")\n  return (%y)\n}\n";
}

TEST_CASE("qavgpool2d over random calls") {
  Random random(51);
  size_t on_onednn = 0;
  for (unsigned round = 0; round < 200; ++round) {
    std::vector<int64_t> sizes{random.pick(0, 3), random.one_of<int64_t>({1, 3, 16, 17, 300})}, kernel, stride, padding;
    for (int i = 0; i < 2; ++i) {
      kernel.push_back(random.pick(1, 4));
      stride.push_back(random.pick(1, 3));
      padding.push_back(random.chance(2) ? 0 : random.pick(0, kernel.back() / 2));
      sizes.push_back(kernel.back() + random.pick(0, 9));
    }
    if (random.chance(5)) sizes.erase(sizes.begin());
    if (random.chance(6)) stride.clear();
    const std::string dtype = random.one_of({"u8", "s8"});
    const int64_t zero_point = dtype == "u8" ? random.one_of<int64_t>({0, 3, 128, 255}) : random.pick(-128, 127);
    const std::string settings = list_text(kernel) + ", " + list_text(stride) + ", " + list_text(padding) + ", " +
                                 (random.chance(3) ? "True" : "False") + ", " + (random.chance(2) ? "True" : "False") +
                                 ", " + (random.chance(4) ? random.one_of({"1", "3", "-2"}) : "None");
    const std::string fused =
        call(dtype, sizes, "onednn.qavgpool2d.default(%x, " + settings + ", " + std::to_string(zero_point) + ")");
    check_equal(fused, round);
    on_onednn += step_of(*plan_of(fused), "y").handler == "onednn.qavgpool2d" ? 1 : 0;
    // Means are ties or far from them, so a division in f32 rounds to the same integers.
    const std::string plain = unfused(dtype, sizes, zero_point, "aten.avg_pool2d.default(%f, " + settings + ")");
    INFO(plain);
    const auto plan = plan_of(plain);
    CHECK(run_plan(*plan_of(fused), random_inputs(*plan, round)) == run_plan(*plan, random_inputs(*plan, round)));
  }
  CHECK(on_onednn > 15);
}

TEST_CASE("qadaptive_avgpool2d over random calls") {
  Random random(52);
  size_t on_onednn = 0;
  for (unsigned round = 0; round < 100; ++round) {
    const std::vector<int64_t> sizes{random.pick(1, 3), random.one_of<int64_t>({1, 3, 16, 300}), random.pick(1, 9),
                                     random.pick(1, 9)};
    const std::vector<int64_t> out{random.chance(2) ? 1 : random.pick(1, 9), random.chance(2) ? 1 : random.pick(1, 9)};
    const std::string dtype = random.one_of({"u8", "s8"});
    const int64_t zero_point = dtype == "u8" ? random.pick(0, 255) : random.pick(-128, 127);
    const std::string fused =
        call(dtype, sizes,
             "onednn.qadaptive_avgpool2d.default(%x, " + list_text(out) + ", " + std::to_string(zero_point) + ")");
    check_equal(fused, round);
    on_onednn += step_of(*plan_of(fused), "y").handler == "onednn.qadaptive_avgpool2d" ? 1 : 0;
    const std::string plain =
        unfused(dtype, sizes, zero_point, "aten.adaptive_avg_pool2d.default(%f, " + list_text(out) + ")");
    INFO(plain);
    const auto plan = plan_of(plain);
    CHECK(run_plan(*plan_of(fused), random_inputs(*plan, round)) == run_plan(*plan, random_inputs(*plan, round)));
  }
  CHECK(on_onednn > 15);
}

TEST_CASE("a divisor of zero and too much padding are refused") {
  CHECK_FALSE(parse_graph(
      "test", call("u8", {1, 2, 4, 4}, "onednn.qavgpool2d.default(%x, [2, 2], [], [0, 0], False, True, 0, 0)")));
  CHECK_FALSE(parse_graph(
      "test", call("u8", {1, 2, 4, 4}, "onednn.qavgpool2d.default(%x, [2, 2], [], [2, 0], False, True, None, 0)")));
}

}  // namespace
}  // namespace qrules
