// Products of two activations: oneDNN against the exact kernel, and that against sums written out.

#include <algorithm>
#include <cmath>

#include <qrules/lowerings/onednn/common.h>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

TEST_CASE("qmatmul over random calls") {
  Random random(61);
  size_t on_onednn = 0;
  constexpr unsigned kRounds = 200;
  for (unsigned round = 0; round < kRounds; ++round) {
    const int64_t rank = random.pick(2, 4), rows = random.one_of<int64_t>({1, 3, 16, 33}),
                  inner = random.one_of<int64_t>({1, 2, 7, 16, 64, 65}),
                  columns = random.one_of<int64_t>({1, 5, 16, 48});
    std::vector<int64_t> a, b;
    for (int64_t d = 2; d < rank; ++d) {
      a.push_back(random.pick(1, 3));
      b.push_back(a.back());
    }
    std::string body, a_name = "%a", b_name = "%b";
    const std::string batch_axes = rank == 2 ? "" : rank == 3 ? "0, " : "0, 1, ";
    const std::string turn = "[" + batch_axes + std::to_string(rank - 1) + ", " + std::to_string(rank - 2) + "]";
    const auto operand = [&](std::vector<int64_t>& sizes, int64_t first, int64_t second, const std::string& name) {
      if (rank == 4 && random.chance(3)) {
        // Heads between the rows, as an attention has them.
        body += "  %t" + name.substr(1) + " = aten.permute.default(" + name + ", [0, 2, 1, 3])\n";
        sizes = {sizes[0], first, sizes[1], second};
        return "%t" + name.substr(1);
      }
      if (random.chance(3)) {
        body += "  %t" + name.substr(1) + " = aten.permute.default(" + name + ", " + turn + ")\n";
        sizes.insert(sizes.end(), {second, first});
        return "%t" + name.substr(1);
      }
      sizes.insert(sizes.end(), {first, second});
      return name;
    };
    a_name = operand(a, rows, inner, "%a");
    b_name = operand(b, inner, columns, "%b");
    const std::string a_dtype = random.one_of({"u8", "s8"}), b_dtype = random.one_of({"u8", "s8"}),
                      out = random.one_of({"u8", "s8", "f32", "bf16"});
    const auto zero_point = [&](const std::string& dtype) {
      const int64_t low = dtype == "u8" ? 0 : -128;
      return std::to_string(random.one_of<int64_t>({low, low + 255, low + 128, low + random.pick(0, 255)}));
    };
    const bool integral = out == "u8" || out == "s8";
    const std::string text = "graph(%a: " + a_dtype + list_text(a) + ", %b: " + b_dtype + list_text(b) + ") {\n" +
                             body + "  %y = onednn.qmatmul.default(" + a_name + ", 0.02, " + zero_point(a_dtype) +
                             ", " + b_name + ", 0.03, " + zero_point(b_dtype) + ", " +
                             (integral ? "0.37, " + zero_point(out) : "1.0, 0") + ", " + out + ", \"" +
                             random.one_of({"none", "relu", "gelu"}) + "\")\n  return (%y)\n}\n";
    INFO(text);
    const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
    const auto inputs = random_inputs(*plan, round);
    const auto context = plan->make_context();
    run_plan(*plan, *context, inputs);
    const auto found_values = run_plan(*plan, *context, inputs)[0], expected_values = run_plan(*reference, inputs)[0];
    REQUIRE(found_values.size() == expected_values.size());
    const Distances distances(found_values, expected_values, integral);
    // Integers differ by one where f32 rounds a value to the other side of a tie.
    CHECK(distances.worst <= (integral ? 1.0 : out == "bf16" ? 0.0079 : 3e-6));
    if (integral) CHECK(distances.different <= found_values.size() / 50 + 1);
    on_onednn += step_of(*plan, "y").handler == "onednn.qmatmul" ? 1 : 0;
  }
  CHECK(on_onednn == (onednn::exact_int8() ? kRounds : 0));
}

TEST_CASE("_int_mm of rows and of transposed operands is exact") {
  Random random(63);
  for (unsigned round = 0; round < 100; ++round) {
    const int64_t rows = random.one_of<int64_t>({1, 2, 3, 17}), inner = random.one_of<int64_t>({1, 2, 7, 64, 300}),
                  columns = random.one_of<int64_t>({1, 2, 5, 40});
    const std::string dtype = random.one_of({"u8", "s8"});
    const bool turned_a = random.chance(3), turned_b = random.chance(2);
    const auto sizes = [](int64_t first, int64_t second, bool turned) {
      return turned ? list_text({second, first}) : list_text({first, second});
    };
    const std::string text =
        "graph(%a: " + dtype + sizes(rows, inner, turned_a) + ", %b: s8" + sizes(inner, columns, turned_b) + ") {\n" +
        (turned_a ? "  %at = aten.permute.default(%a, [1, 0])\n" : "") +
        (turned_b ? "  %bt = aten.permute.default(%b, [1, 0])\n" : "") + "  %y = aten._int_mm.default(" +
        (turned_a ? "%at" : "%a") + ", " + (turned_b ? "%bt" : "%b") + ")\n  return (%y)\n}\n";
    INFO(text);
    const auto plan = plan_of(text);
    const auto inputs = random_inputs(*plan, round);
    const auto values = [](const HostTensor& tensor) { return read_values(tensor.layout, tensor.data.get()); };
    const std::vector<double> a = values(inputs[0]), b = values(inputs[1]), found = run_plan(*plan, inputs)[0];
    REQUIRE(found.size() == static_cast<size_t>(rows * columns));
    for (int64_t m = 0; m < rows; ++m) {
      for (int64_t n = 0; n < columns; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < inner; ++k)
          sum += a[static_cast<size_t>(turned_a ? k * rows + m : m * inner + k)] *
                 b[static_cast<size_t>(turned_b ? n * inner + k : k * columns + n)];
        CHECK(found[static_cast<size_t>(m * columns + n)] == sum);
      }
    }
  }
}

TEST_CASE("linears with a scale for each row") {
  Random random(62);
  size_t on_onednn = 0;
  constexpr unsigned kRounds = 100;
  for (unsigned round = 0; round < kRounds; ++round) {
    const int64_t rows = random.one_of<int64_t>({2, 3, 17}), inner = random.one_of<int64_t>({1, 16, 33}),
                  channels = random.one_of<int64_t>({1, 5, 16, 40});
    const bool deep = random.chance(3), bias = random.chance(2);
    const std::string x_dtype = random.one_of({"u8", "s8"}), scale_dtype = random.one_of({"f32", "f32", "bf16"}),
                      out = random.one_of({"u8", "f32", "bf16"}), other = random.one_of({"", "", "u8", "f32"});
    const std::string lead = deep ? "2," + std::to_string(rows) : std::to_string(rows);
    const bool integral = out == "u8";
    std::string text =
        "graph(%x: " + x_dtype + "[" + lead + "," + std::to_string(inner) + "], %r: " + scale_dtype + "[" + lead +
        ",1]" + (other.empty() ? "" : ", %o: " + other + "[" + lead + "," + std::to_string(channels) + "]") + ") {\n";
    text += "  %w = constant \"w\" : s8[" + std::to_string(channels) + "," + std::to_string(inner) + "] " +
            integers_text(random.generator, channels * inner, -127, 127) + "\n";
    text += "  %s = constant \"s\" : f32[1] {0.01}\n";
    if (bias) {
      text += "  %b = constant \"b\" : f32[" + std::to_string(channels) + "] " +
              integers_text(random.generator, channels, -9, 9) + "\n";
    }
    text += "  %y = onednn.qlinear" + std::string(other.empty() ? "" : "_binary") + ".default(%x, %r, " +
            (x_dtype == "u8" ? "128" : "0") + ", %w, %s, " + (bias ? "%b" : "None") +
            (other.empty() ? "" : ", %o, " + std::string(other == "u8" ? "0.5, 7" : "1.0, 0") + ", \"add\"") + ", " +
            (integral ? "0.9, 101" : "1.0, 0") + ", " + out + ", \"" + random.one_of({"none", "relu", "silu"}) +
            "\")\n  return (%y)\n}\n";
    INFO(text);
    const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
    const auto inputs = random_inputs(*plan, round);
    const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
    double worst = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const double distance = std::abs(found[i] - expected[i]);
      worst = std::max(worst, integral ? distance : distance / std::max(1.0, std::abs(expected[i])));
    }
    CHECK(worst <= (integral ? 1.0 : out == "bf16" ? 0.0079 : 1e-5));
    on_onednn += step_of(*plan, "y").handler.substr(0, 6) == "onednn" ? 1 : 0;
  }
  CHECK(on_onednn >= (onednn::exact_int8() ? kRounds * 9 / 10 : 0));
}

TEST_CASE("scales of rows written out") {
  const auto plan = plan_of(
      "graph(%x: s8[2,2], %r: f32[2,1]) {\n  %w = constant \"w\" : s8[2,2] {1, 2, 3, -4}\n"
      "  %s = constant \"s\" : f32[2] {1.0, 0.5}\n  %b = constant \"b\" : f32[2] {100, 200}\n"
      "  %y = onednn.qlinear.default(%x, %r, 0, %w, %s, %b)\n  return (%y)\n}\n");
  const std::vector<HostTensor> inputs{tensor_of(DType::s8, {2, 2}, {1, 2, 3, 4}),
                                       tensor_of(DType::f32, {2, 1}, {10, 0.5})};
  CHECK(run_plan(*plan, inputs)[0] == std::vector<double>{150, 175, 105.5, 198.25});
}

}  // namespace
}  // namespace qrules
