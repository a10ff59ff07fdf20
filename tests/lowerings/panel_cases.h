// Calls that the panels of lowerings/avx512 compute: products of rows, and of windows.
#pragma once

#include <qrules/lowerings/isa.h>

#include "int8_cases.h"

namespace qrules::testing {

// A result of so many channels that panels are made for, what follows the sums, and at times an addend.
inline void draw_panel_result(Int8Case& c, int64_t channels, Random& random) {
  c.out_dtype = channels < 32 ? random.one_of({"u8", "s8"}) : random.one_of({"u8", "s8", "f32"});
  // Panels that reach back would find results where the addend was; of integers, 24 channels have one of their own.
  const bool adds = (channels % 16 == 0 || (channels % 32 == 24 && c.out_dtype != "f32")) && random.chance(2);
  if (c.out_dtype == "f32" || adds)
    c.post_op = random.one_of({"none", "relu"});
  else
    c.post_op = random.one_of({"none", "relu", "hardtanh", "hardswish", "gelu", "gelu_tanh"});
  if (c.post_op == "hardtanh") c.post_op_args = {random.one_of({0.0, -5.0}), 0.7};
  if (adds) {
    c.other_dtype = c.out_dtype == "f32" ? "f32" : random.one_of({"u8", "s8"});
    c.other_in_place = random.chance(2);
  }
}

// Whether panels computed it, where the CPU has what they need.
inline bool is_panels(const Ran& ran) {
#if defined(__x86_64__)
  if (avx512_level() >= Avx512::vnni) return ran.handler.rfind("avx512.q", 0) == 0;
#endif
  return true;
}

// The case with sums at both ends of their range.
inline void check_extremes(Int8Case c) {
  for (const int weight : {127, -128}) {
    for (const int64_t zero_point : {int64_t{0}, int64_t{255}}) {
      c.x_zero_point = zero_point;
      c.weight_low = c.weight_high = weight;
      CHECK(is_panels(check_case(c, 1, filled_with(zero_point == 0 ? 255 : 0))));
    }
  }
}

}  // namespace qrules::testing
