// Values of the dtypes as C++ types, and conversions between them as PyTorch gives them on x86.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <qrules/graph/dtype.h>
#include <qrules/graph/float16.h>
#include <qrules/graph/float8.h>

namespace qrules::elements {

// Storage types that are no arithmetic types of C++.
struct Bf16 {
  uint16_t bits = 0;
};
struct F16 {
  uint16_t bits = 0;
};
struct F8E4M3 {
  uint8_t bits = 0;
};
struct F8E5M2 {
  uint8_t bits = 0;
};
struct Boolean {
  uint8_t bits = 0;
};

template <typename T>
inline constexpr bool kIsNarrowFloat =
    std::is_same_v<T, Bf16> || std::is_same_v<T, F16> || std::is_same_v<T, F8E4M3> || std::is_same_v<T, F8E5M2>;
template <typename T>
inline constexpr bool kIsFloat = std::is_floating_point_v<T> || kIsNarrowFloat<T>;

// The type that arithmetic on T is done in.
template <typename T>
using Wide = std::conditional_t<kIsNarrowFloat<T>, float, T>;

// The conversion instructions give the smallest value for NaN and everything out of range; in C++ that is undefined.
template <typename F>
int32_t truncate_to_s32(F value) {
  constexpr F kLimit = static_cast<F>(2147483648.0);
  return value >= -kLimit && value < kLimit ? static_cast<int32_t>(value) : std::numeric_limits<int32_t>::min();
}

template <typename F>
int64_t truncate_to_s64(F value) {
  constexpr F kLimit = static_cast<F>(9223372036854775808.0);
  return value >= -kLimit && value < kLimit ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min();
}

template <typename T>
Wide<T> widen(T value) {
  if constexpr (std::is_same_v<T, Bf16>) {
    return widen_bf16(value.bits);
  } else if constexpr (std::is_same_v<T, F16>) {
    return widen_f16(value.bits);
  } else if constexpr (std::is_same_v<T, F8E4M3>) {
    return widen_f8e4m3(value.bits);
  } else if constexpr (std::is_same_v<T, F8E5M2>) {
    return widen_f8e5m2(value.bits);
  } else {
    return value;
  }
}

// Float to integer truncates and wraps, through 32 bits for types of up to 32 bits with a sign; integers wrap; anything
// but zero is true; floats narrow through f32.
template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<From, Boolean>) {
    return convert<To>(static_cast<uint8_t>(value.bits != 0));
  } else if constexpr (!std::is_arithmetic_v<From>) {
    return convert<To>(widen(value));
  } else if constexpr (std::is_same_v<To, Boolean>) {
    return Boolean{static_cast<uint8_t>(value != From{0})};
  } else if constexpr (std::is_same_v<To, Bf16>) {
    return Bf16{narrow_to_bf16(static_cast<float>(value))};
  } else if constexpr (std::is_same_v<To, F16>) {
    return F16{narrow_to_f16(static_cast<float>(value))};
  } else if constexpr (std::is_same_v<To, F8E4M3>) {
    return F8E4M3{narrow_to_f8e4m3(static_cast<float>(value))};
  } else if constexpr (std::is_same_v<To, F8E5M2>) {
    return F8E5M2{narrow_to_f8e5m2(static_cast<float>(value))};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if constexpr (std::is_same_v<To, uint64_t>) {
      constexpr From kHalf = static_cast<From>(9223372036854775808.0);
      return value >= kHalf ? static_cast<uint64_t>(truncate_to_s64(value - kHalf)) + (uint64_t{1} << 63)
                            : static_cast<uint64_t>(truncate_to_s64(value));
    } else if constexpr (sizeof(To) == 8 || std::is_same_v<To, uint32_t>) {
      return static_cast<To>(truncate_to_s64(value));
    } else {
      return static_cast<To>(truncate_to_s32(value));
    }
  } else {
    return static_cast<To>(value);
  }
}

// The value of arithmetic in f32 or f64 as a tensor of type T keeps it.
template <typename T, typename F>
F rounded_to(F value) {
  return static_cast<F>(widen(convert<T>(value)));
}

// To nearest, ties to even, without the library call that baseline x86-64 needs: above 2^23 (2^52) floats are integers,
// and adding that much rounds everything below. Infinities and NaN stay.
template <typename F>
F round_half_even(F value) {
  constexpr F kIntegers = static_cast<F>(sizeof(F) == 4 ? 0x1p23 : 0x1p52);
  const F magnitude = value < 0 ? -value : value;
  const F rounded = (magnitude + kIntegers) - kIntegers;
  const F result = magnitude < kIntegers ? rounded : magnitude;
  return value < 0 ? -result : result;
}

template <typename T>
struct Tag {
  using type = T;
};

// Calls f(Tag<T>) with the type of a float that arithmetic gives, which f8 is not. False, and no call, for other
// dtypes.
template <typename F>
bool visit_float(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f16: f(Tag<F16>{}); return true;
    case DType::bf16: f(Tag<Bf16>{}); return true;
    case DType::f32: f(Tag<float>{}); return true;
    case DType::f64: f(Tag<double>{}); return true;
    default: return false;
  }
}

// The same for the integers that quantized values have.
template <typename F>
bool visit_quantized(DType dtype, F&& f) {
  switch (dtype) {
    case DType::u8: f(Tag<uint8_t>{}); return true;
    case DType::s8: f(Tag<int8_t>{}); return true;
    case DType::u16: f(Tag<uint16_t>{}); return true;
    case DType::s16: f(Tag<int16_t>{}); return true;
    case DType::s32: f(Tag<int32_t>{}); return true;
    default: return false;
  }
}

// The same for f8.
template <typename F>
bool visit_float8(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f8e4m3: f(Tag<F8E4M3>{}); return true;
    case DType::f8e5m2: f(Tag<F8E5M2>{}); return true;
    default: return false;
  }
}

// For these and all other dtypes but complex ones.
template <typename F>
bool visit(DType dtype, F&& f) {
  if (visit_float(dtype, f) || visit_quantized(dtype, f) || visit_float8(dtype, f)) return true;
  switch (dtype) {
    case DType::s64: f(Tag<int64_t>{}); return true;
    case DType::u32: f(Tag<uint32_t>{}); return true;
    case DType::u64: f(Tag<uint64_t>{}); return true;
    case DType::boolean: f(Tag<Boolean>{}); return true;
    default: return false;
  }
}

// Element i of memory of this dtype. Zero for complex types, which preparation refuses.
template <typename To>
To load(const void* memory, DType dtype, int64_t i) {
  To result{};
  visit(dtype, [&](auto tag) { result = convert<To>(static_cast<const typename decltype(tag)::type*>(memory)[i]); });
  return result;
}

template <typename From>
void store(void* memory, DType dtype, int64_t i, From value) {
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    static_cast<T*>(memory)[i] = convert<T>(value);
  });
}

}  // namespace qrules::elements
