// Positions and elements at positions, worked out; f32 products of oneDNN against ATen's.

#include <algorithm>
#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

TEST_CASE("elements at positions") {
  const std::string head =
      "graph(%a: f32[2,3,4,5], %i: s64[6], %j: s64[6], %m: s64[2,3]) {\n  %t = aten.permute.default(%a, [0, 1, 3, "
      "2])\n";
  const HostTensor i = tensor_of(DType::s64, {6}, {0, 2, -1, 1, 0, -3}),
                   j = tensor_of(DType::s64, {6}, {3, 0, -4, 1, 2, -1}),
                   m = tensor_of(DType::s64, {2, 3}, {0, 1, 2, -1, 0, 1});
  std::vector<double> values(120);
  for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<double>(k);
  const HostTensor a = tensor_of(DType::f32, {2, 3, 4, 5}, values);
  const auto at = [](int64_t o, int64_t c, int64_t h, int64_t w) {
    return static_cast<double>(o * 60 + (c + 3) % 3 * 20 + (h + 4) % 4 * 5 + (w + 5) % 5);
  };
  const std::vector<int64_t> is{0, 2, -1, 1, 0, -3}, js{3, 0, -4, 1, 2, -1}, ms{0, 1, 2, -1, 0, 1};
  std::vector<double> pairs, matrix, last;
  for (int64_t o = 0; o < 2; ++o) {
    for (size_t k = 0; k < 6; ++k) {
      for (int64_t w = 0; w < 5; ++w) pairs.push_back(at(o, is[k], js[k], w));
      for (int64_t hw = 0; hw < 20; ++hw) matrix.push_back(at(o, ms[k], hw / 5, hw % 5));
    }
    for (int64_t c = 0; c < 3; ++c) {
      for (size_t k = 0; k < 6; ++k) {
        for (int64_t h = 0; h < 4; ++h) last.push_back(at(o, c, h, js[k]));
      }
    }
  }
  const std::vector<HostTensor> inputs{a, i, j, m};
  const auto check = [&](const std::string& type, const std::string& call, const std::vector<double>& expected) {
    const auto plan = plan_of(head + "  %y: " + type + " = aten.index.Tensor(" + call + ")\n  return (%y)\n}\n");
    INFO(call);
    CHECK(step_of(*plan, "y").handler == "decomposed.index");
    CHECK(run_plan(*plan, inputs)[0] == expected);
  };
  check("f32[2,6,5]", "%a, [None, %i, %j]", pairs);
  check("f32[2,6,5]", "%a, [None, %i, %j, None]", pairs);
  check("f32[2,2,3,4,5]", "%a, [None, %m]", matrix);
  check("f32[2,3,6,4]", "%t, [None, None, %j]", last);

  const auto plan = plan_of(head + "  %y: f32[2,3,6,5] = aten.index.Tensor(%a, [None, None, %i])\n  return (%y)\n}\n");
  const auto context = plan->make_context();
  const HostTensor outside = tensor_of(DType::s64, {6}, {0, 1, 4, 0, 0, 0});
  context->run(std::vector<const void*>{a.data.get(), outside.data.get(), j.data.get(), m.data.get()});
  CHECK(context->failed());
}

TEST_CASE("elements at positions of dimensions apart are left to ATen") {
  const auto plan = plan_of(
      "graph(%a: f32[2,3,4], %i: s64[2]) {\n  %y: f32[2,3] = aten.index.Tensor(%a, [%i, None, %i])\n  return "
      "(%y)\n}\n");
  CHECK(step_of(*plan, "y").handler == "aten");
}

TEST_CASE("positions of triangles") {
  const auto values = [](const std::string& type, const std::string& call) {
    const auto plan = plan_of("graph() {\n  %y: s64" + type + " = aten." + call + "\n  return (%y)\n}\n");
    return run_plan(*plan, {})[0];
  };
  CHECK(values("[2,3]", "tril_indices.default(3, 3, -1)") == std::vector<double>{1, 2, 2, 0, 0, 1});
  CHECK(values("[2,3]", "triu_indices.default(2, 2)") == std::vector<double>{0, 0, 1, 0, 1, 1});
}

TEST_CASE("f32 products over random calls") {
  Random random(98);
  for (unsigned round = 0; round < 60; ++round) {
    const int64_t batch = random.pick(1, 3), m = random.one_of<int64_t>({1, 3, 27}),
                  k = random.one_of<int64_t>({1, 5, 64}), n = random.one_of<int64_t>({1, 6, 33});
    const bool batched = random.chance(2), turned_a = random.chance(3), turned_b = random.chance(2);
    const auto sizes = [&](int64_t first, int64_t second, bool turned) {
      std::vector<int64_t> list{first, second};
      if (turned) std::swap(list[0], list[1]);
      if (batched) list.insert(list.begin(), batch);
      return list_text(list);
    };
    const std::string axes = batched ? "[0, 2, 1]" : "[1, 0]";
    const std::string text = "graph(%a: f32" + sizes(m, k, turned_a) + ", %b: f32" + sizes(k, n, turned_b) + ") {\n" +
                             (turned_a ? "  %s = aten.permute.default(%a, " + axes + ")\n" : "") +
                             (turned_b ? "  %t = aten.permute.default(%b, " + axes + ")\n" : "") + "  %y = aten." +
                             (batched ? "bmm" : "mm") + ".default(" + (turned_a ? "%s" : "%a") + ", " +
                             (turned_b ? "%t" : "%b") + ")\n  return (%y)\n}\n";
    INFO(text);
    const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
    CHECK(step_of(*plan, "y").handler == "onednn.matmul");
    REQUIRE(step_of(*reference, "y").handler == "aten");
    const auto inputs = random_inputs(*plan, round);
    const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
    REQUIRE(found.size() == expected.size());
    double worst = 0;
    for (size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - expected[i]));
    CHECK(worst <= 1e-4);
  }
}

}  // namespace
}  // namespace qrules
