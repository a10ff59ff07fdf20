// The bits of f8e4m3 and f8e5m2 to and from f32.
#pragma once

#include <bit>
#include <cstdint>

#include <qrules/graph/dtype.h>
#include <qrules/graph/float16.h>

namespace qrules {

inline bool is_float8(DType dtype) { return dtype == DType::f8e4m3 || dtype == DType::f8e5m2; }

// The largest finite value; the smallest is its negative.
inline int64_t largest_float8(DType dtype) { return dtype == DType::f8e4m3 ? 448 : 57344; }

// e4m3 has no infinity: all ones is NaN. Its exponent, taken as that of an f16, is too small by 8.
inline float widen_f8e4m3(uint8_t bits) {
  if ((bits & 0x7f) == 0x7f) return std::bit_cast<float>(bits & 0x80 ? 0xffc00000u : 0x7fc00000u);
  return widen_f16(static_cast<uint16_t>((bits & 0x80) << 8 | (bits & 0x7f) << 7)) * 256.0f;
}

// e5m2 is the upper half of an f16.
inline float widen_f8e5m2(uint8_t bits) { return widen_f16(static_cast<uint16_t>(bits << 8)); }

// To nearest, ties to even. What is too large becomes 448, infinities too; NaN stays NaN.
inline uint8_t narrow_to_f8e4m3(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 24) & 0x80u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint8_t>(sign | 0x7fu);
  if (magnitude > 0x43e00000u) return static_cast<uint8_t>(sign | 0x7eu);
  if (magnitude < 0x3c800000u) {
    // Below 2^-6. One unit of this sum's last place is 2^-9, the smallest e4m3: the addition rounds as wanted.
    const float shifted = std::bit_cast<float>(magnitude) + 16384.0f;
    return static_cast<uint8_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x46800000u));
  }
  const uint32_t rebiased = magnitude - (120u << 23);
  return static_cast<uint8_t>(sign | ((rebiased + 0x7ffffu + ((rebiased >> 20) & 1u)) >> 20));
}

// To nearest, ties to even; from 61440 on infinity.
inline uint8_t narrow_to_f8e5m2(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 24) & 0x80u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint8_t>(sign | 0x7fu);
  if (magnitude >= 0x47700000u) return static_cast<uint8_t>(sign | 0x7cu);
  if (magnitude < 0x38800000u) {
    // Below 2^-14, in units of 2^-16.
    const float shifted = std::bit_cast<float>(magnitude) + 128.0f;
    return static_cast<uint8_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x43000000u));
  }
  const uint32_t rebiased = magnitude - (112u << 23);
  return static_cast<uint8_t>(sign | ((rebiased + 0xfffffu + ((rebiased >> 21) & 1u)) >> 21));
}

}  // namespace qrules
