// The arithmetic of quantization, element by element, as torch.ops.quantized_decomposed does it on x86.
#pragma once

#include <cstdint>
#include <type_traits>

#include <qrules/lowerings/elements.h>

namespace qrules::decomposed {

using namespace elements;

// Clamps a rounded value and makes it an integer. NaN passes the clamp, as in torch, and becomes what the conversion
// instruction gives: 0 in up to 16 bits, the smallest s32. A bound of 2^31 (s32's highest is no f32) overflows
// likewise.
template <typename Out, typename F>
Out clamp_to_integer(F value, F low, F high) {
  value = value < low ? low : value;
  value = value > high ? high : value;
  if constexpr (sizeof(Out) < 4) {
    value = value == value ? value : F{0};
    return static_cast<Out>(static_cast<int32_t>(value));
  } else {
    return truncate_to_s32(value);
  }
}

// x times the inverse of the scale, rounded, then the zero point: an odd zero point does not turn ties.
template <typename Out, typename F>
Out quantize_value(F x, F inverse_scale, F zero_point, F low, F high) {
  return clamp_to_integer<Out>(round_half_even(x * inverse_scale) + zero_point, low, high);
}

// Per-token quantization rounds after the zero point was added.
template <typename Out, typename F>
Out quantize_value_rounding_last(F x, F inverse_scale, F zero_point, F low, F high) {
  const F scaled = x * inverse_scale;
  return clamp_to_integer<Out>(round_half_even(scaled + zero_point), low, high);
}

}  // namespace qrules::decomposed
