// onednn.qembedding_bag against sums written out, and with indices that name nothing.

#include <algorithm>
#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

std::string call(const std::string& table, const std::string& index, int64_t indices, int64_t offsets,
                 const std::string& arguments) {
  return "graph(%w: " + table + ", %i: " + index + "[" + std::to_string(indices) + "], %o: " + index + "[" +
         std::to_string(offsets) + "]) {\n  %y = onednn.qembedding_bag.default(%w, 0.5, 3, %i, %o, " + arguments +
         ")\n  return (%y)\n}\n";
}

using Values = std::vector<double>;

Values run(const std::string& table, const Values& rows, const Values& indices, const Values& offsets,
           const std::string& arguments, bool* failed = nullptr) {
  const auto plan = plan_of(
      call(table, "s64", static_cast<int64_t>(indices.size()), static_cast<int64_t>(offsets.size()), arguments));
  const TensorLayout& layout = plan->input_layouts()[0];
  const std::vector<HostTensor> inputs{tensor_of(layout.dtype, layout.sizes, rows),
                                       tensor_of(DType::s64, {static_cast<int64_t>(indices.size())}, indices),
                                       tensor_of(DType::s64, {static_cast<int64_t>(offsets.size())}, offsets)};
  const auto context = plan->make_context();
  const Values values = run_plan(*plan, *context, inputs)[0];
  if (failed)
    *failed = context->failed();
  else
    CHECK_FALSE(context->failed());
  return values;
}

const Values kRows = {3, 5, 4, 4, 1, 9};  // three rows; dequantized {0, 1}, {.5, .5}, {-1, 3}

TEST_CASE("bags of a small table") {
  CHECK(run("s8[3,2]", kRows, {0, 1, 2, 2}, {0, 2, 2}, "0, False") == Values{0.5, 1.5, 0, 0, -2, 6});
  CHECK(run("u8[3,2]", kRows, {0, 1, 2, 2}, {0, 2, 2}, "1, False") == Values{0.25, 0.75, 0, 0, -1, 3});
  CHECK(run("s8[3,2]", kRows, {0, 2, 1}, {0, 2, 2}, "2, False") == Values{0, 3, 0, 0, 0.5, 0.5});
  // The last offset ends the last bag.
  CHECK(run("s8[3,2]", kRows, {0, 1, 2, 2}, {0, 2, 3}, "0, True") == Values{0.5, 1.5, -1, 3});
  // Row 2 is padding: passed over, and not counted.
  CHECK(run("s8[3,2]", kRows, {0, 2, 1, 2}, {0, 3}, "1, False, 2") == Values{0.25, 0.75, 0, 0});
  CHECK(run("s8[3,2]", kRows, {0, 1}, {0}, "0, False, -1, 0.5, 7, u8") == Values{8, 10});
  CHECK(run("s8[3,2]", kRows, {}, {0, 0}, "2, False") == Values{0, 0, 0, 0});
  CHECK(run("s8[3,2]", kRows, {}, {0}, "0, True").empty());
}

TEST_CASE("indices and offsets that name nothing fail the run") {
  for (const auto& [indices, offsets] : std::vector<std::pair<Values, Values>>{{{0, 3}, {0}},
                                                                               {{0, -1}, {0}},
                                                                               {{0, 1}, {1}},
                                                                               {{0, 1}, {0, 3}},
                                                                               {{0, 1}, {0, -1}},
                                                                               {{0, 1, 2}, {0, 2, 1}},
                                                                               {{0, 1}, {0, 9e15}}}) {
    bool failed = false;
    run("s8[3,2]", kRows, indices, offsets, "0, False", &failed);
    CHECK(failed);
  }
}

TEST_CASE("bags of random tables") {
  Random random(71);
  for (unsigned round = 0; round < 60; ++round) {
    const int64_t rows = random.pick(1, 50), columns = random.one_of<int64_t>({1, 7, 64, 300}),
                  bags = random.pick(1, 200);
    const bool is_signed = random.chance(2);
    const int64_t mode = random.pick(0, 2), padding = random.chance(3) ? random.pick(0, rows - 1) : -1;
    Values table, indices, offsets, expected;
    for (int64_t i = 0; i < rows * columns; ++i)
      table.push_back(static_cast<double>(is_signed ? random.pick(-128, 127) : random.pick(0, 255)));
    for (int64_t bag = 0; bag < bags; ++bag) {
      offsets.push_back(static_cast<double>(indices.size()));
      Values values(static_cast<size_t>(columns), 0.0);
      int64_t taken = 0;
      for (int64_t i = random.pick(0, 6); i > 0; --i) {
        const int64_t row = random.pick(0, rows - 1);
        indices.push_back(static_cast<double>(row));
        if (row == padding) continue;
        for (int64_t c = 0; c < columns; ++c) {
          const double value = 0.5 * (table[static_cast<size_t>(row * columns + c)] - 3);
          double& at = values[static_cast<size_t>(c)];
          at = mode == 2 ? (taken == 0 ? value : std::max(at, value)) : at + value;
        }
        ++taken;
      }
      for (double value : values)
        expected.push_back(static_cast<float>(mode == 1 && taken > 0 ? value / static_cast<double>(taken) : value));
    }
    const std::string type =
        std::string(is_signed ? "s8" : "u8") + "[" + std::to_string(rows) + "," + std::to_string(columns) + "]";
    INFO(type << " mode " << mode << " padding " << padding);
    CHECK(run(type, table, indices, offsets, std::to_string(mode) + ", False, " + std::to_string(padding)) == expected);
  }
}

}  // namespace
}  // namespace qrules
