// Random numbers, and arguments of calls as text.
#pragma once

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

}  // namespace qrules::testing
