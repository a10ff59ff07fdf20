// aten._weight_int8pack_mm on every size: fast kernels against sums in f64 written out here. vector.weight_only_linear,
// by the same kernels, against the reference.

#include <algorithm>
#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

TEST_CASE("weight-only s8 products over random calls") {
  Random random(81);
  for (unsigned round = 0; round < 120; ++round) {
    const int64_t rows = random.one_of<int64_t>({0, 1, 2, 3, 4, 7, 33}),
                  inner = random.one_of<int64_t>({1, 7, 8, 17, 64, 120, 200}),
                  columns = random.one_of<int64_t>({1, 2, 3, 4, 6, 37, 100});
    const std::string dtype = random.one_of({"f32", "bf16"});
    const bool turned = random.chance(3);
    // Weights that are known before the run may be packed.
    const bool known = random.chance(2);
    const std::string weight_type = "s8" + list_text({columns, inner});
    std::vector<int64_t> weights(static_cast<size_t>(columns * inner));
    const int64_t lowest = random.one_of<int64_t>({-128, -127});
    for (int64_t& weight : weights) weight = random.chance(20) ? lowest : random.pick(-127, 127);
    const std::string text = "graph(%x: " + dtype + (turned ? list_text({inner, rows}) : list_text({rows, inner})) +
                             (known ? "" : ", %w: " + weight_type) + ", %s: " + dtype + list_text({columns}) + ") {\n" +
                             (known ? "  %w = constant \"w\" : " + weight_type + " " + "{" +
                                          list_text(weights).substr(1, list_text(weights).size() - 2) + "}\n"
                                    : "") +
                             (turned ? "  %t = aten.permute.default(%x, [1, 0])\n" : "") +
                             "  %y = aten._weight_int8pack_mm.default(" + (turned ? "%t" : "%x") +
                             ", %w, %s)\n  return (%y)\n}\n";
    INFO(text);
    const auto plan = plan_of(text);
    // ATen's own kernels are wrong where the activation's size is no multiple of 16.
    if (step_of(*plan, "y").handler == "aten") {
      CHECK(inner % 16 == 0);
      continue;
    }
    const auto inputs = random_inputs(*plan, round);
    const auto found = run_plan(*plan, inputs)[0];
    const auto element = [&](size_t input, int64_t i) {
      const HostTensor& tensor = inputs[input];
      if (tensor.layout.dtype == DType::s8)
        return static_cast<double>(static_cast<const int8_t*>(tensor.data.get())[i]);
      if (tensor.layout.dtype == DType::bf16)
        return static_cast<double>(widen_bf16(static_cast<const uint16_t*>(tensor.data.get())[i]));
      return static_cast<double>(static_cast<const float*>(tensor.data.get())[i]);
    };
    REQUIRE(found.size() == static_cast<size_t>(rows * columns));
    double worst = 0;
    for (int64_t m = 0; m < rows; ++m) {
      for (int64_t n = 0; n < columns; ++n) {
        double sum = 0, size = 0;
        for (int64_t k = 0; k < inner; ++k) {
          const double weight =
              known ? static_cast<double>(weights[static_cast<size_t>(n * inner + k)]) : element(1, n * inner + k);
          const double product = element(0, turned ? k * rows + m : m * inner + k) * weight;
          sum += product;
          size += std::abs(product);
        }
        const double scale = element(known ? 1 : 2, n);
        worst = std::max(worst, std::abs(found[static_cast<size_t>(m * columns + n)] - sum * scale) /
                                    (std::abs(size * scale) + 1e-30));
      }
    }
    CHECK(worst <= (dtype == "bf16" ? 0.0041 : 1e-5));
  }
}

TEST_CASE("weight-only linears with addends over random calls") {
  Random random(83);
  for (unsigned round = 0; round < 80; ++round) {
    const int64_t inner = random.one_of<int64_t>({1, 8, 17, 64, 200}),
                  columns = random.one_of<int64_t>({1, 3, 37, 100});
    const std::vector<int64_t> leading =
        random.one_of<std::vector<int64_t>>({{}, {1}, {3}, {7}, {2, 5}, {1, 2, 1}, {4, 3}, {0, 2}});
    const auto sizes = [&](int64_t last) {
      std::vector<int64_t> all = leading;
      all.push_back(last);
      return list_text(all);
    };
    const std::string in = random.one_of({"f32", "bf16"}), other = random.one_of({"f32", "bf16", ""}),
                      out = random.one_of({"f32", "bf16"});
    const std::string text = "graph(%x: " + in + sizes(inner) + ", %s: " + in + list_text({columns}) +
                             (other.empty() ? "" : ", %o: " + other + sizes(columns)) +
                             ") {\n  %w = constant \"w\" : s8" + list_text({columns, inner}) + " {" +
                             std::to_string(random.pick(-128, 127)) +
                             "}\n  %y = vector.weight_only_linear.default(%x, %w, %s, " +
                             (other.empty() ? "None" : "%o") + ", " + out + ")\n  return (%y)\n}\n";
    INFO(text);
    const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
    const auto inputs = random_inputs(*plan, round);
    const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
    REQUIRE(found.size() == expected.size());
    double size = 1, worst = 0;
    for (const double value : expected) size = std::max(size, std::abs(value));
    for (size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - expected[i]) / size);
    CHECK(worst <= (out == "bf16" ? 0.0041 : 1e-5));
  }
}

TEST_CASE("a weight-only linear rounds once") {
  // 257 is no bf16: of a product that is rounded first the sum would be 256.25.
  for (const PlanOptions& options : {PlanOptions{}, reference_options()}) {
    const auto plan = plan_of(
        "graph(%x: bf16[1,2], %s: bf16[1], %o: f32[1,1]) {\n  %w = constant \"w\" : s8[1,2] {127, 1}\n"
        "  %y = vector.weight_only_linear.default(%x, %w, %s, %o)\n  return (%y)\n}\n",
        {}, options);
    CHECK(run_plan(*plan, {tensor_of(DType::bf16, {1, 2}, {2, 3}), tensor_of(DType::bf16, {1}, {1}),
                           tensor_of(DType::f32, {1, 1}, {0.25})})[0][0] == 257.25);
  }
}

}  // namespace
}  // namespace qrules
