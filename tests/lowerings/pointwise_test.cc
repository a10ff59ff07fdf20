// Operators of single elements: the kernels here against ATen's; gates against the reference.

#include <algorithm>
#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

TEST_CASE("pointwise operators over random calls") {
  Random random(95);
  size_t taken = 0;
  for (unsigned round = 0; round < 150; ++round) {
    std::vector<int64_t> sizes{random.pick(1, 3), random.pick(1, 5), random.one_of<int64_t>({1, 7, 16, 33}),
                               random.one_of<int64_t>({1, 5, 64})};
    const std::string dtype = random.one_of({"f32", "bf16"});
    const std::string op = random.one_of(
        {"add.Tensor", "sub.Tensor", "mul.Tensor", "relu.default", "silu.default", "sigmoid.default", "tanh.default"});
    const bool binary = op.find("Tensor") != std::string::npos, turned = random.chance(4);
    std::vector<int64_t> other = sizes;
    if (random.chance(2)) other.erase(other.begin(), other.begin() + random.pick(1, 3));
    if (other.size() == 4 && random.chance(3)) other[0] = 1;
    // Part of a tensor, with gaps between its rows.
    const bool sliced = !turned && random.chance(3);
    std::vector<int64_t> given = sizes;
    if (sliced) given.back() += 3;
    const std::string text = "graph(%a: " + dtype + list_text(given) + ", %b: " + dtype + list_text(other) + ") {\n" +
                             (turned   ? "  %t = aten.permute.default(%a, [0, 3, 1, 2])\n"
                              : sliced ? "  %t: " + dtype + list_text(sizes) + " = aten.slice.Tensor(%a, 3, 1, " +
                                             std::to_string(sizes[3] + 1) + ")\n"
                                       : "") +
                             "  %y = aten." + op + "(" + (turned || sliced ? "%t" : "%a") +
                             (binary ? turned ? ", %t" : ", %b" : "") + ")\n  return (%y)\n}\n";
    INFO(text);
    const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
    REQUIRE(step_of(*reference, "y").handler == "aten");
    taken += step_of(*plan, "y").handler == "avx2.pointwise" ? 1 : 0;
    const auto inputs = random_inputs(*plan, round);
    const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
    REQUIRE(found.size() == expected.size());
    double worst = 0;
    for (size_t i = 0; i < found.size(); ++i)
      worst = std::max(worst, std::abs(found[i] - expected[i]) / std::max(1.0, std::abs(expected[i])));
    CHECK(worst <= (dtype == "bf16" ? 0.0079 : 1e-6));
  }
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) CHECK(taken > 120);
#endif
}

TEST_CASE("pointwise operators that are left to ATen") {
  for (const char* call : {"aten.add.Tensor(%a, %b, alpha=2)", "aten.add.Tensor(%a, 3)", "aten.mul.Tensor(%b, %a)",
                           "aten.add.Tensor(%a, %h)", "aten.sub.Tensor(%a, %t)"}) {
    const std::string text =
        "graph(%a: f32[2,3], %b: f32[3], %h: bf16[2,3], %c: f32[3,2]) {\n"
        "  %t = aten.permute.default(%c, [1, 0])\n  %y = " +
        std::string(call) + "\n  return (%y)\n}\n";
    INFO(text);
    CHECK(step_of(*plan_of(text), "y").handler == "aten");
  }
}

TEST_CASE("gates over random calls") {
  Random random(97);
  for (unsigned round = 0; round < 100; ++round) {
    const std::vector<int64_t> sizes{random.pick(1, 40), random.one_of<int64_t>({1, 7, 64, 300})};
    const std::string gate = random.one_of({"f32", "bf16"}), value = random.one_of({"f32", "bf16"}),
                      out = random.one_of({"f32", "bf16", "u8", "s8"});
    const bool sliced = random.chance(3), integral = out == "u8" || out == "s8";
    std::vector<int64_t> given = sizes;
    if (sliced) given.back() += 3;
    const std::string text = "graph(%g: " + gate + list_text(given) + ", %v: " + value + list_text(sizes) + ") {\n" +
                             (sliced ? "  %t: " + gate + list_text(sizes) + " = aten.slice.Tensor(%g, 1, 1, " +
                                           std::to_string(sizes[1] + 1) + ")\n"
                                     : "") +
                             "  %y = vector.gate.default(" + (sliced ? "%t" : "%g") + ", %v, \"" +
                             random.one_of({"silu", "gelu", "gelu_tanh", "sigmoid", "relu"}) + "\", " +
                             (integral ? "0.03, 5" : "1.0, 0") + ", " + out + ", \"" + random.one_of({"none", "relu"}) +
                             "\")\n  return (%y)\n}\n";
    INFO(text);
    const std::string handler = check_near_reference(text, out, round);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) CHECK(handler == "avx2.pointwise");
#endif
  }
}

TEST_CASE("a gate written out") {
  for (const PlanOptions& options : {PlanOptions{}, reference_options()}) {
    const auto plan =
        plan_of("graph(%g: f32[2], %v: bf16[2]) {\n  %y = vector.gate.default(%g, %v, \"silu\")\n  return (%y)\n}\n",
                {}, options);
    const auto found = run_plan(*plan, {tensor_of(DType::f32, {2}, {0, 2}), tensor_of(DType::bf16, {2}, {5, -3})})[0];
    CHECK(found[0] == 0);
    CHECK(found[1] == Approx(-3 * 2 / (1 + std::exp(-2.0))));
  }
}

}  // namespace
}  // namespace qrules
