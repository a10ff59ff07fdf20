#include <qrules/lowerings/decomposed/extremes.h>

#include <cmath>

#include "random_calls.h"

namespace qrules {
namespace {

using decomposed::Extremes;

TEST_CASE("Extremes of rows are those of their values one by one") {
  testing::Random random(91);
  for (int round = 0; round < 300; ++round) {
    const int64_t count = random.pick(0, 200), step = random.pick(1, 2);
    std::vector<float> values(static_cast<size_t>(count * step));
    for (float& value : values) value = static_cast<float>(random.pick(-1000, 1000));
    const auto put = [&](float value) {
      if (count > 0) values[static_cast<size_t>(random.pick(0, count - 1) * step)] = value;
    };
    if (random.chance(3)) put(std::numeric_limits<float>::infinity());
    if (random.chance(3)) put(std::nanf(""));
    Extremes one_by_one, rows;
    for (int64_t i = 0; i < count; ++i) one_by_one.add(values[static_cast<size_t>(i * step)]);
    const int64_t first = random.pick(0, count);
    rows.add_row(values.data(), step, first);
    rows.add_row(values.data() + first * step, step, count - first);
    CHECK((rows.low == one_by_one.low || (std::isnan(rows.low) && std::isnan(one_by_one.low))));
    CHECK((rows.high == one_by_one.high || (std::isnan(rows.high) && std::isnan(one_by_one.high))));
  }
}

}  // namespace
}  // namespace qrules
