#include <qrules/graph/constant.h>

#include <cmath>
#include <cstring>

#include <qrules/graph/float16.h>
#include <qrules/graph/tensor_type.h>
#include <qrules/support/aligned.h>

namespace qrules {

int64_t Constant::element_count() const {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

std::shared_ptr<const Constant> Constant::make(DType dtype, std::vector<int64_t> sizes,
                                               const std::function<void(void*)>& fill) {
  auto constant = std::make_shared<Constant>();
  constant->dtype = dtype;
  constant->sizes = std::move(sizes);
  constant->bytes = static_cast<size_t>(constant->element_count()) * size_of(dtype);
  const std::shared_ptr<void> memory = allocate_aligned(constant->bytes);
  std::memset(memory.get(), 0, constant->bytes);
  if (fill) fill(memory.get());
  constant->data = memory;
  return constant;
}

namespace {

template <typename T>
T read(const Constant& constant, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(constant.data.get()) + static_cast<size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

// IEEE-like small floats: sign, `exponent_bits`, `mantissa_bits`.
double widen(uint32_t bits, int exponent_bits, int mantissa_bits, bool has_infinity) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const int exponent = static_cast<int>((bits >> mantissa_bits) & ((1u << exponent_bits) - 1));
  const bool negative = (bits >> (exponent_bits + mantissa_bits)) & 1;
  double value;
  if (exponent == 0) {
    value = std::ldexp(static_cast<double>(mantissa), 1 - bias - mantissa_bits);
  } else if (exponent == (1 << exponent_bits) - 1 && has_infinity) {
    value = mantissa ? std::nan("") : INFINITY;
  } else if (!has_infinity && exponent == (1 << exponent_bits) - 1 && mantissa == (1u << mantissa_bits) - 1) {
    value = std::nan("");
  } else {
    value = std::ldexp(1.0 + std::ldexp(static_cast<double>(mantissa), -mantissa_bits), exponent - bias);
  }
  return negative ? -value : value;
}

}  // namespace

double element_as_double(const Constant& constant, int64_t i) {
  switch (constant.dtype) {
    case DType::f32: return read<float>(constant, i);
    case DType::f64: return read<double>(constant, i);
    case DType::bf16: return widen_bf16(read<uint16_t>(constant, i));
    case DType::f16: return widen(read<uint16_t>(constant, i), 5, 10, true);
    case DType::f8e4m3: return widen(read<uint8_t>(constant, i), 4, 3, false);
    case DType::f8e5m2: return widen(read<uint8_t>(constant, i), 5, 2, true);
    default: return static_cast<double>(element_as_int(constant, i));
  }
}

int64_t element_as_int(const Constant& constant, int64_t i) {
  switch (constant.dtype) {
    case DType::u8: return read<uint8_t>(constant, i);
    case DType::s8: return read<int8_t>(constant, i);
    case DType::s16: return read<int16_t>(constant, i);
    case DType::s32: return read<int32_t>(constant, i);
    case DType::s64: return read<int64_t>(constant, i);
    case DType::u16: return read<uint16_t>(constant, i);
    case DType::u32: return read<uint32_t>(constant, i);
    case DType::u64: return static_cast<int64_t>(read<uint64_t>(constant, i));
    case DType::boolean: return read<uint8_t>(constant, i) != 0;
    default: return static_cast<int64_t>(element_as_double(constant, i));
  }
}

bool TensorType::is_static() const {
  for (Dim size : sizes) {
    if (!size.is_static()) return false;
  }
  return true;
}

std::optional<int64_t> TensorType::element_count() const {
  int64_t count = 1;
  for (Dim size : sizes) {
    if (!size.is_static()) return std::nullopt;
    if (__builtin_mul_overflow(count, size.value(), &count)) count = INT64_MAX;
  }
  return count;
}

}  // namespace qrules
