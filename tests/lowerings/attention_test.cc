// vector.attention: the tiles against sums in double, and those against values worked out by hand.

#include <algorithm>
#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

bool has_tiles() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

TEST_CASE("attention over random calls") {
  Random random(71);
  constexpr unsigned kRounds = 150;
  for (unsigned round = 0; round < kRounds; ++round) {
    const int64_t rank = random.pick(2, 4), rows = random.one_of<int64_t>({1, 3, 5, 24, 25, 61, 130}),
                  depth = random.one_of<int64_t>({1, 3, 16, 33}), keys = random.one_of<int64_t>({1, 7, 16, 17, 40}),
                  columns = random.one_of<int64_t>({1, 5, 16, 48, 131}), heads = random.pick(1, 5);
    std::string body;
    std::vector<int64_t> batch;
    if (rank == 4) batch.push_back(random.pick(1, 2));
    if (rank >= 3) batch.push_back(heads);
    // As it is, or with heads between the rows, or with its last dimensions turned; some batches of one.
    const auto operand = [&](const std::string& name, int64_t first, int64_t second) {
      std::vector<int64_t> sizes = batch;
      if (!sizes.empty() && random.chance(5)) sizes[0] = 1;
      std::string axes;
      for (size_t d = 0; d < sizes.size(); ++d) axes += std::to_string(d) + ", ";
      if (rank == 4 && random.chance(2)) {
        body += "  %t" + name + " = aten.permute.default(%" + name + ", [0, 2, 1, 3])\n";
        return std::pair{"%t" + name, list_text({sizes[0], first, sizes[1], second})};
      }
      if (random.chance(3)) {
        body += "  %t" + name + " = aten.permute.default(%" + name + ", [" + axes + std::to_string(rank - 1) + ", " +
                std::to_string(rank - 2) + "])\n";
        sizes.insert(sizes.end(), {second, first});
        return std::pair{"%t" + name, list_text(sizes)};
      }
      sizes.insert(sizes.end(), {first, second});
      return std::pair{"%" + name, list_text(sizes)};
    };
    const auto [q, q_sizes] = operand("q", rows, depth);
    const auto [k, k_sizes] = operand("k", depth, keys);
    const auto [v, v_sizes] = operand("v", keys, columns);
    std::vector<int64_t> mask_sizes = batch;
    mask_sizes.insert(mask_sizes.end(), {random.one_of<int64_t>({1, rows}), random.one_of<int64_t>({1, keys})});
    for (int64_t& size : mask_sizes) {
      if (&size < &mask_sizes[batch.size()] && random.chance(2)) size = 1;
    }
    const bool masked = random.chance(2);
    const std::string in = random.one_of({"f32", "bf16"}), mask_in = random.chance(2) ? in : "f32";
    const std::string out = random.one_of({"u8", "s8", "f32", "bf16"});
    const bool integral = out == "u8" || out == "s8";
    const std::string text = "graph(%q: " + in + q_sizes + ", %k: " + in + k_sizes + ", %v: " + in + v_sizes +
                             ", %mask: " + mask_in + list_text(mask_sizes) + ") {\n" + body +
                             "  %y = vector.attention.default(" + q + ", " + k + ", " + v + ", " +
                             (masked ? "%mask" : "None") + ", " + random.one_of({"None", "0.7"}) + ", " +
                             (integral ? "0.037, 5" : "1.0, 0") + ", " + out + ", \"" +
                             random.one_of({"none", "relu"}) + "\")\n  return (%y)\n}\n";
    INFO(text);
    PlanOptions options;
    options.round_products = round % 3 == 0;
    const auto plan = plan_of(text, {}, options), reference = plan_of(text, {}, reference_options());
    // Probabilities are rounded to bf16, and with them all that is multiplied.
    const bool rounded = step_of(*plan, "y").implementation == "tiles:avx512_bf16";
    const auto inputs = random_inputs(*plan, round);
    const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
    REQUIRE(found.size() == expected.size());
    double worst = 0;
    size_t different = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const double distance = std::abs(found[i] - expected[i]);
      worst = std::max(worst, integral ? distance : distance / std::max(1.0, std::abs(expected[i])));
      different += distance != 0 ? 1 : 0;
    }
    CHECK(worst <= (integral ? 1.0 : rounded ? 0.02 : out == "bf16" ? 0.0079 : 1e-5));
    if (integral && !rounded) CHECK(different <= found.size() / 50 + 1);
    CHECK((step_of(*plan, "y").handler == "decomposed.attention") != has_tiles());
  }
}

TEST_CASE("attention with hidden keys, infinities and NaN") {
  const std::string text =
      "graph(%q: f32[2,1], %k: f32[1,3], %v: f32[3,1], %mask: f32[2,3]) {\n"
      "  %y = vector.attention.default(%q, %k, %v, %mask, 1.0)\n  return (%y)\n}\n";
  constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  const auto values = [&](const std::vector<float>& k, const std::vector<float>& mask, const PlanOptions& options) {
    const auto plan = plan_of(text, {}, options);
    std::vector<HostTensor> inputs = random_inputs(*plan, 1);
    const auto fill = [&](size_t input, const std::vector<float>& elements) {
      std::copy(elements.begin(), elements.end(), static_cast<float*>(inputs[input].data.get()));
    };
    fill(0, {0, 1});
    fill(1, k);
    fill(2, {2, 4, 9});
    fill(3, mask);
    return run_plan(*plan, inputs)[0];
  };
  for (const PlanOptions& options : {PlanOptions{}, reference_options()}) {
    const auto hidden = values({1, 1, 1}, {0, 0, -kInf, -kInf, 0, -kInf}, options);
    CHECK(hidden[0] == 3);
    CHECK(hidden[1] == 4);
    const auto nothing = values({1, 1, 1}, {-kInf, -kInf, -kInf, 0, 0, 0}, options);
    CHECK(std::isnan(nothing[0]));
    CHECK(std::abs(nothing[1] - 5) < 1e-5);
    const auto unknown = values({1, kNan, 1}, {0, 0, 0, 0, 0, 0}, options);
    CHECK(std::isnan(unknown[1]));
    const auto infinite = values({1, kInf, 1}, {0, 0, 0, 0, 0, 0}, options);
    CHECK(std::isnan(infinite[1]));
    // Scores far apart: nothing overflows.
    const auto apart = values({1000, -1000, 900}, {0, 0, 0, 0, 0, 0}, options);
    CHECK(apart[1] == 2);
  }
}

// Masks of models have the least of all numbers, also for all keys of a query: its softmax is even.
TEST_CASE("attention of queries whose keys are all masked by the least number") {
  for (const bool for_each_query : {false, true}) {
    for (const bool rounded : {false, true}) {
      const std::string text = std::string("graph(%q: f32[20,4], %k: f32[4,8], %v: f32[8,3], %mask: f32[") +
                               (for_each_query ? "20" : "1") +
                               ",8]) {\n  %y = vector.attention.default(%q, %k, %v, %mask, 1.0)\n  return (%y)\n}\n";
      PlanOptions options;
      options.round_products = rounded;
      const auto plan = plan_of(text, {}, options), reference = plan_of(text, {}, reference_options());
      std::vector<HostTensor> inputs = random_inputs(*plan, 1);
      std::fill_n(static_cast<float*>(inputs[3].data.get()), for_each_query ? 160 : 8,
                  std::numeric_limits<float>::lowest());
      const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
      for (size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) <= (rounded ? 0.02 : 1e-5));
    }
  }
}

TEST_CASE("attention of sizes that fit only as symbols is refused") {
  const std::string text =
      "graph(%q: f32[n,2], %k: f32[n,2], %v: f32[n,2]) {\n"
      "  %y = vector.attention.default(%q, %k, %v)\n  return (%y)\n}\n";
  auto graph = parse_graph("test", text);
  REQUIRE(graph.ok());
  const auto shared = std::make_shared<const Graph>(std::move(*graph));
  CHECK(Plan::prepare(shared, {{"n", 2}}).ok());
  for (const PlanOptions& options : {PlanOptions{}, reference_options()}) {
    const auto plan = Plan::prepare(shared, {{"n", 5}}, options);
    REQUIRE_FALSE(plan.ok());
    CHECK(render_text(plan.diagnostics()).find("do not fit each other") != std::string::npos);
  }
}

}  // namespace
}  // namespace qrules
