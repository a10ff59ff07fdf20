// vector.attention and vector.qattention: the tiles against sums in double, and those against values worked out by
// hand.

#include <algorithm>
#include <cmath>

#include <qrules/lowerings/isa.h>

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

struct RandomCall {
  std::string text, out;
  bool quantized = false;
  bool integral() const { return out == "u8" || out == "s8"; }
};

RandomCall random_call(Random& random, bool quantized) {
  const int64_t rank = random.pick(2, 4), rows = random.one_of<int64_t>({1, 3, 5, 24, 25, 61, 130}),
                depth = random.one_of<int64_t>({1, 3, 16, 33, 64}), keys = random.one_of<int64_t>({1, 7, 16, 17, 40}),
                columns = random.one_of<int64_t>({1, 5, 16, 48, 131}), heads = random.pick(1, 5);
  std::string body, parameters;
  std::vector<int64_t> batch;
  if (rank == 4) batch.push_back(random.pick(1, 2));
  if (rank >= 3) batch.push_back(heads);
  const std::string floating = random.one_of({"f32", "bf16"});
  // As it is, or with heads between the rows, or with its last dimensions turned, or a part of a larger tensor; some
  // batches of one. With its scale and zero point where it is quantized.
  const auto operand = [&](const std::string& name, int64_t first, int64_t second) {
    const std::string dtype = quantized ? random.one_of({"u8", "s8"}) : floating;
    const std::string numbers = !quantized      ? ""
                                : dtype == "u8" ? random.one_of({", 0.01, 128", ", 0.02, 0", ", 0.004, 131"})
                                                : random.one_of({", 0.01, 0", ", 0.02, -128", ", 0.004, 3"});
    std::vector<int64_t> sizes = batch;
    if (!sizes.empty() && name != "q" && random.chance(4)) sizes[0] = 1;
    std::string axes;
    for (size_t d = 0; d < sizes.size(); ++d) axes += std::to_string(d) + ", ";
    const auto declare = [&](const std::vector<int64_t>& declared) {
      parameters += "%" + name + ": " + dtype + list_text(declared) + ", ";
    };
    if (rank == 4 && random.chance(2)) {
      declare({sizes[0], first, sizes[1], second});
      body += "  %t" + name + " = aten.permute.default(%" + name + ", [0, 2, 1, 3])\n";
      return "%t" + name + numbers;
    }
    if (random.chance(3)) {
      sizes.insert(sizes.end(), {second, first});
      declare(sizes);
      body += "  %t" + name + " = aten.permute.default(%" + name + ", [" + axes + std::to_string(rank - 1) + ", " +
              std::to_string(rank - 2) + "])\n";
      return "%t" + name + numbers;
    }
    if (random.chance(3)) {
      const int64_t before = random.pick(0, 2), behind = random.pick(0, 3);
      sizes.insert(sizes.end(), {second, before + first + behind});
      declare(sizes);
      sizes.back() = first;
      body += "  %s" + name + ": " + dtype + list_text(sizes) + " = aten.slice.Tensor(%" + name + ", " +
              std::to_string(rank - 1) + ", " + std::to_string(before) + ", " + std::to_string(before + first) +
              ")\n  %t" + name + " = aten.transpose.int(%s" + name + ", -2, -1)\n";
      return "%t" + name + numbers;
    }
    sizes.insert(sizes.end(), {first, second});
    declare(sizes);
    return "%" + name + numbers;
  };
  const std::string q = operand("q", rows, depth), k = operand("k", depth, keys), v = operand("v", keys, columns);
  std::vector<int64_t> mask_sizes = batch;
  mask_sizes.insert(mask_sizes.end(), {random.one_of<int64_t>({1, rows}), random.one_of<int64_t>({1, keys})});
  for (int64_t& size : mask_sizes) {
    if (&size < &mask_sizes[batch.size()] && random.chance(2)) size = 1;
  }
  const std::string mask_in = random.chance(2) ? floating : "f32";
  RandomCall call{"", random.one_of({"u8", "s8", "f32", "bf16"}), quantized};
  call.text = "graph(" + parameters + "%mask: " + mask_in + list_text(mask_sizes) + ") {\n" + body + "  %y = vector." +
              (quantized ? "qattention" : "attention") + ".default(" + q + ", " + k + ", " + v + ", " +
              (random.chance(2) ? "%mask" : "None") + ", " +
              (quantized ? random.one_of({"0.00392, 0", "0.001, 0", "0.008, 3"}) : random.one_of({"None", "0.7"})) +
              ", " + (call.integral() ? "0.037, 5" : "1.0, 0") + ", " + call.out + ", \"" +
              (quantized ? random.one_of({"none\"", "relu\"", "hardtanh\", [-0.3, 0.4]", "gelu\""})
                         : random.one_of({"none\"", "relu\""})) +
              ")\n  return (%y)\n}\n";
  return call;
}

// What may lie between a kernel and the reference: of integers, one where rounding is close.
void check_call(const RandomCall& call, unsigned round) {
  INFO(call.text);
  PlanOptions options;
  options.round_products = round % 3 == 0;
  const auto plan = plan_of(call.text, {}, options), reference = plan_of(call.text, {}, reference_options());
  // Probabilities are rounded to bf16, and with them all that is multiplied.
  const bool rounded = step_of(*plan, "y").implementation == "tiles:avx512_bf16";
  auto inputs = random_inputs(*plan, round);
  HostTensor& mask = inputs.back();
  if (call.quantized && mask.layout.dtype == DType::f32 && round % 4 == 0) {
    for (int64_t i = 0; i < mask.layout.element_count(); i += 3)
      static_cast<float*>(mask.data.get())[i] = i % 2 == 0 ? -std::numeric_limits<float>::infinity() : 3e38f;
  }
  const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
  REQUIRE(found.size() == expected.size());
  const Distances distances(found, expected, call.integral());
  // A weight that is rounded the other way moves a result by up to 255 steps of the values.
  const double step = call.quantized ? 0.008 * 255 * 0.02 : 0;
  CHECK(distances.worst <= (call.integral()      ? 1.0 + std::floor(step / 0.037)
                            : rounded            ? (call.out == "bf16" ? 0.033 : 0.025)
                            : call.out == "bf16" ? 0.0079 + step
                                                 : 1e-5 + step));
  if ((call.integral() || call.quantized) && !rounded && call.out != "bf16")
    CHECK(distances.different <= found.size() / 50 + 1);
  CHECK((step_of(*plan, "y").handler == "decomposed.attention") != has_tiles());
}

TEST_CASE("attention over random calls") {
  Random random(71);
  for (unsigned round = 0; round < 150; ++round) check_call(random_call(random, false), round);
}

TEST_CASE("attention of integers over random calls") {
  Random random(72);
  unsigned vnni = 0;
  for (unsigned round = 0; round < 300; ++round) {
    const RandomCall call = random_call(random, true);
    check_call(call, round);
    vnni += step_of(*plan_of(call.text), "y").implementation == "tiles:avx512_vnni" ? 1 : 0;
  }
  CHECK((vnni > 100) == (avx512_level() >= Avx512::vnni));
}

// Weights are 0 where scores are NaN, as quantizing makes them.
TEST_CASE("attention of integers whose masks hide all keys") {
  for (const bool for_each_query : {false, true}) {
    const std::string text =
        std::string("graph(%q: u8[20,4], %k: u8[4,8], %v: u8[8,3], %mask: f32[") + (for_each_query ? "20" : "1") +
        ",8]) {\n  %y = vector.qattention.default(%q, 0.01, 128, %k, 0.01, 128, %v, 0.01, 128, %mask, "
        "0.004, 0)\n  return (%y)\n}\n";
    const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
    for (const float hidden : {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::lowest()}) {
      std::vector<HostTensor> inputs = random_inputs(*plan, 1);
      std::fill_n(static_cast<float*>(inputs[3].data.get()), for_each_query ? 160 : 8, hidden);
      const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
      for (size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) <= 1e-5);
      if (hidden == -std::numeric_limits<float>::infinity()) CHECK(found[0] == 0);
    }
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
