// Random numbers, and arguments of calls as text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "../runtime/plan_helpers.h"

namespace qrules::testing {

struct Random {
  std::mt19937 generator;
  explicit Random(unsigned seed) : generator(seed) {}
  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(generator() % static_cast<uint32_t>(high - low + 1));
  }
  bool chance(unsigned one_in) { return generator() % one_in == 0; }
  template <typename T>
  T one_of(std::initializer_list<T> list) {
    return list.begin()[generator() % list.size()];
  }
};

inline std::string list_text(const std::vector<int64_t>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "]";
}

inline std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  const std::string result = text;
  return result.find_first_of(".en") == std::string::npos ? result + ".0" : result;
}

// How far results are from those that are expected: the largest distance, of reals relative to those beyond 1, and how
// many differ (by more than f32 does at 1).
struct Distances {
  double worst = 0;
  size_t different = 0;

  Distances(const std::vector<double>& found, const std::vector<double>& expected, bool integral) {
    for (size_t i = 0; i < found.size(); ++i) {
      const double distance = std::abs(found[i] - expected[i]);
      worst = std::max(worst, integral ? distance : distance / std::max(1.0, std::abs(expected[i])));
      different += distance > 1e-5 ? 1 : 0;
    }
  }
};

// Runs the graph by the handlers that a plan chooses and by the reference's on random inputs: the first result, of
// `dtype`, is as close as one rounding of sums in f32 allows. Returns the handler that made %y.
inline std::string check_near_reference(const std::string& text, const std::string& dtype, unsigned seed) {
  const bool integral = dtype == "u8" || dtype == "s8";
  const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
  const auto inputs = random_inputs(*plan, seed);
  const auto found = run_plan(*plan, inputs)[0], expected = run_plan(*reference, inputs)[0];
  REQUIRE(found.size() == expected.size());
  const Distances distances(found, expected, integral);
  CHECK(distances.worst <= (integral ? 1.0 : dtype == "bf16" ? 0.0079 : 1e-5));
  if (integral) CHECK(distances.different <= found.size() / 50 + 1);
  return step_of(*plan, "y").handler;
}

}  // namespace qrules::testing
