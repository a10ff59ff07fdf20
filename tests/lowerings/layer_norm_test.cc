// vector.layer_norm: the fast kernel against sums in double, and those against values worked out by hand.

#include <algorithm>
#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

TEST_CASE("layer norms over random calls") {
  Random random(91);
  for (unsigned round = 0; round < 120; ++round) {
    const int64_t rows = random.one_of<int64_t>({1, 2, 7, 130}), size = random.one_of<int64_t>({1, 5, 16, 33, 384});
    const std::string in = random.one_of({"f32", "bf16"}), weight_in = random.one_of({"f32", "bf16"}),
                      out = random.one_of({"u8", "s8", "f32", "bf16"});
    const bool weight = random.chance(2), bias = random.chance(2), turned = random.chance(4);
    const bool integral = out == "u8" || out == "s8";
    const std::string text = "graph(%x: " + in + (turned ? list_text({size, rows}) : list_text({rows, size})) +
                             ", %w: " + weight_in + list_text({size}) + ", %b: f32" + list_text({size}) + ") {\n" +
                             (turned ? "  %t = aten.permute.default(%x, [1, 0])\n" : "") +
                             "  %y = vector.layer_norm.default(" + (turned ? "%t, " : "%x, ") +
                             (weight ? "%w, " : "None, ") + (bias ? "%b, " : "None, ") + "0.001, " +
                             random.one_of({"true", "false"}) + ", " + (integral ? "0.037, 5" : "1.0, 0") + ", " + out +
                             ", \"" + random.one_of({"none", "relu"}) + "\")\n  return (%y)\n}\n";
    INFO(text);
    check_near_reference(text, out, round);
  }
}

TEST_CASE("a layer norm and an RMS norm written out") {
  for (const PlanOptions& options : {PlanOptions{}, reference_options()}) {
    const auto norm = [&](const std::string& centered) {
      const auto plan = plan_of(
          "graph(%x: f32[1,2], %w: f32[2], %b: f32[2]) {\n  %y = vector.layer_norm.default(%x, "
          "%w, %b, 0.75, " +
              centered + ")\n  return (%y)\n}\n",
          {}, options);
      return run_plan(*plan, {tensor_of(DType::f32, {1, 2}, {1, 2}), tensor_of(DType::f32, {2}, {10, 20}),
                              tensor_of(DType::f32, {2}, {1, 2})})[0];
    };
    // The mean is 1.5, the variance 0.25; the mean square is 2.5.
    CHECK(norm("true")[0] == Approx(-0.5 * 10 + 1));
    CHECK(norm("true")[1] == Approx(0.5 * 20 + 2));
    CHECK(norm("false")[1] == Approx(2 / std::sqrt(3.25) * 20 + 2));
  }
}

}  // namespace
}  // namespace qrules
