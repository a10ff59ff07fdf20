#include "constant_text.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace qrules::text {
namespace {

// Bits of a float with `exponent_bits` and `mantissa_bits` nearest to `value`; overflow gives infinity, or the largest
// value where the format has none (f8e4m3).
uint32_t narrow(double value, int exponent_bits, int mantissa_bits, bool has_infinity) {
  const uint32_t sign = std::signbit(value) ? 1u << (exponent_bits + mantissa_bits) : 0;
  const uint32_t top = (1u << exponent_bits) - 1;
  const uint32_t ones = (1u << (exponent_bits + mantissa_bits)) - 1;
  const uint32_t infinity = has_infinity ? top << mantissa_bits : ones - 1;
  const uint32_t nan = has_infinity ? infinity | (1u << (mantissa_bits - 1)) : ones;
  if (std::isnan(value)) return sign | nan;
  if (std::isinf(value)) return sign | infinity;
  const double magnitude = std::abs(value);
  if (magnitude == 0) return sign;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  int exponent = std::max(std::ilogb(magnitude), 1 - bias);
  // Mantissa with its leading one; rounding may carry into the exponent, which the addition below takes up.
  const auto rounded = static_cast<uint64_t>(std::nearbyint(std::ldexp(magnitude, mantissa_bits - exponent)));
  const uint64_t bits = (static_cast<uint64_t>(exponent + bias - 1) << mantissa_bits) + rounded;
  return sign | static_cast<uint32_t>(std::min<uint64_t>(bits, infinity));
}

template <typename T>
void write(void* data, int64_t i, T value) {
  std::memcpy(static_cast<char*>(data) + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
}

}  // namespace

std::string print_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, result.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

bool has_element_text(DType dtype) { return dtype != DType::c64 && dtype != DType::c128; }

std::string print_element(const Constant& constant, int64_t i) {
  if (constant.dtype == DType::boolean) return element_as_int(constant, i) ? "true" : "false";
  if (constant.dtype == DType::u64) {
    return std::to_string(static_cast<uint64_t>(element_as_int(constant, i)));
  }
  if (!is_floating(constant.dtype)) return std::to_string(element_as_int(constant, i));
  const double value = element_as_double(constant, i);
  if (constant.dtype != DType::f32 || !std::isfinite(value)) return print_real(value);
  // An f32 as the shortest decimal of an f32: 0.1, not 0.10000000149011612.
  char buffer[40];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value));
  std::string text(buffer, result.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

bool is_uniform(const Constant& constant) {
  const size_t width = size_of(constant.dtype);
  const char* bytes = static_cast<const char*>(constant.data.get());
  return constant.bytes <= width || std::memcmp(bytes, bytes + width, constant.bytes - width) == 0;
}

bool store_real(void* data, DType dtype, int64_t i, double value) {
  switch (dtype) {
    case DType::f64: write(data, i, value); return true;
    case DType::f32: write(data, i, static_cast<float>(value)); return true;
    case DType::bf16: write(data, i, static_cast<uint16_t>(narrow(value, 8, 7, true))); return true;
    case DType::f16: write(data, i, static_cast<uint16_t>(narrow(value, 5, 10, true))); return true;
    case DType::f8e4m3: write(data, i, static_cast<uint8_t>(narrow(value, 4, 3, false))); return true;
    case DType::f8e5m2: write(data, i, static_cast<uint8_t>(narrow(value, 5, 2, true))); return true;
    default: break;
  }
  if (std::trunc(value) != value || std::abs(value) >= 9.0e18) return false;
  return store_integer(data, dtype, i, static_cast<int64_t>(value));
}

bool store_integer(void* data, DType dtype, int64_t i, int64_t value) {
  if (is_floating(dtype)) return store_real(data, dtype, i, static_cast<double>(value));
  if (dtype == DType::u64) {
    return value >= 0 && store_integer(data, dtype, i, static_cast<uint64_t>(value));
  }
  if (value < lowest(dtype) || value > highest(dtype)) return false;
  switch (size_of(dtype)) {
    case 1: write(data, i, static_cast<uint8_t>(value)); return true;
    case 2: write(data, i, static_cast<uint16_t>(value)); return true;
    case 4: write(data, i, static_cast<uint32_t>(value)); return true;
    case 8: write(data, i, value); return true;
    default: return false;
  }
}

bool store_integer(void* data, DType dtype, int64_t i, uint64_t value) {
  if (is_floating(dtype)) return store_real(data, dtype, i, static_cast<double>(value));
  if (dtype == DType::u64) {
    write(data, i, value);
    return true;
  }
  return value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) &&
         store_integer(data, dtype, i, static_cast<int64_t>(value));
}

}  // namespace qrules::text
