#include <qrules/rewrite/constant_data.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace qrules {
namespace {

// A floating format of at most 16 bits with a hidden leading one.
struct SmallFloat {
  int exponent_bits;
  int mantissa_bits;
  bool has_infinity;  // f8e4m3 (fn) has none: its largest exponent holds numbers, all ones is NaN
};

uint32_t encode(SmallFloat format, double value) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const uint32_t top_exponent = (1u << format.exponent_bits) - 1;
  const uint32_t sign = std::signbit(value) ? 1u << (format.exponent_bits + format.mantissa_bits) : 0;
  const uint32_t infinity = top_exponent << format.mantissa_bits;
  const uint32_t nan = format.has_infinity ? infinity | (1u << (format.mantissa_bits - 1))
                                           : infinity | ((1u << format.mantissa_bits) - 1);
  const uint32_t overflow = format.has_infinity ? infinity : nan;
  if (std::isnan(value)) return sign | nan;
  if (std::isinf(value)) return sign | overflow;
  double magnitude = std::fabs(value);
  if (magnitude == 0) return sign;
  // Units of the last place at this exponent; below the smallest normal number they stop shrinking.
  int exponent = std::max(std::ilogb(magnitude), 1 - bias);
  double units = std::nearbyint(std::ldexp(magnitude, format.mantissa_bits - exponent));
  auto bits = static_cast<uint64_t>(units);
  // A carry into the next power of two moves into the exponent by itself, as does the step from subnormal to normal.
  uint64_t encoded = bits + (static_cast<uint64_t>(exponent + bias - 1) << format.mantissa_bits);
  uint64_t largest = format.has_infinity ? uint64_t{infinity} - 1 : uint64_t{nan} - 1;
  return sign | (encoded > largest ? overflow : static_cast<uint32_t>(encoded));
}

template <typename T>
void put(void* data, int64_t i, T value) {
  std::memcpy(static_cast<char*>(data) + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

}  // namespace

void store_real(DType dtype, void* data, int64_t i, double value) {
  switch (dtype) {
    case DType::f64: put(data, i, value); break;
    case DType::f32: put(data, i, static_cast<float>(value)); break;
    case DType::bf16: put(data, i, static_cast<uint16_t>(encode({8, 7, true}, value))); break;
    case DType::f16: put(data, i, static_cast<uint16_t>(encode({5, 10, true}, value))); break;
    case DType::f8e4m3: put(data, i, static_cast<uint8_t>(encode({4, 3, false}, value))); break;
    case DType::f8e5m2: put(data, i, static_cast<uint8_t>(encode({5, 2, true}, value))); break;
    default: break;  // callers ask is_floating first
  }
}

void store_integer(DType dtype, void* data, int64_t i, int64_t value) {
  switch (dtype) {
    case DType::boolean: put(data, i, static_cast<uint8_t>(value != 0)); break;
    case DType::u8: put(data, i, static_cast<uint8_t>(value)); break;
    case DType::s8: put(data, i, static_cast<int8_t>(value)); break;
    case DType::u16: put(data, i, static_cast<uint16_t>(value)); break;
    case DType::s16: put(data, i, static_cast<int16_t>(value)); break;
    case DType::u32: put(data, i, static_cast<uint32_t>(value)); break;
    case DType::s32: put(data, i, static_cast<int32_t>(value)); break;
    case DType::u64: put(data, i, static_cast<uint64_t>(value)); break;
    case DType::s64: put(data, i, value); break;
    default: break;  // callers ask is_integral first
  }
}

bool fits(DType dtype, int64_t value) {
  if (dtype == DType::boolean) return value == 0 || value == 1;
  return value >= lowest(dtype) && value <= highest(dtype);
}

bool is_computable(DType dtype) { return is_floating(dtype) || is_integral(dtype) || dtype == DType::boolean; }

std::optional<int64_t> product_of(std::span<const int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product)) return std::nullopt;
  }
  return product;
}

std::vector<int64_t> strides_of(std::span<const int64_t> sizes) {
  std::vector<int64_t> strides(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= sizes[i];
  }
  return strides;
}

Evaluated constant_node(const FunctionContext& context, ConstantPtr constant, const Node* base, const std::string& suffix) {
  if (!context.insert_before) return Unknown{"values can only be made in a rewrite"};
  std::string name = base ? base->name() + "_" + suffix : suffix;
  return Argument(context.graph.add_constant(name, std::move(constant), context.insert_before));
}

std::variant<const Node*, Unknown> constant_argument(const Argument& argument, const std::string& what) {
  const Node* node = argument.node();
  if (!node || node->kind() != NodeKind::constant) return Unknown{what + " is not a constant"};
  if (!node->constant()->has_data()) return Unknown{"the data of `" + node->name() + "` is not known"};
  return node;
}

std::variant<std::vector<int64_t>, Unknown> integers_argument(const Argument& argument, const std::string& what) {
  if (auto integers = argument.integers()) return *integers;
  return Unknown{what + " is not a list of known integers"};
}

std::variant<int64_t, Unknown> integer_argument(const Argument& argument, const std::string& what) {
  if (auto integer = argument.integer()) return *integer;
  return Unknown{what + " is not a known integer"};
}

}  // namespace qrules
