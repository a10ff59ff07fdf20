#include <qrules/graph/dtype.h>

#include <algorithm>
#include <array>
#include <limits>

namespace qrules {
namespace {

struct Entry {
  std::string_view name;
  std::string_view torch_name;
  size_t bytes;
};

constexpr std::array<Entry, 17> kTypes = {{{"u8", "uint8", 1},
                                           {"s8", "int8", 1},
                                           {"s16", "int16", 2},
                                           {"s32", "int32", 4},
                                           {"s64", "int64", 8},
                                           {"bool", "bool", 1},
                                           {"f16", "float16", 2},
                                           {"bf16", "bfloat16", 2},
                                           {"f32", "float32", 4},
                                           {"f64", "float64", 8},
                                           {"f8e4m3", "float8_e4m3fn", 1},
                                           {"f8e5m2", "float8_e5m2", 1},
                                           {"c64", "complex64", 8},
                                           {"c128", "complex128", 16},
                                           {"u16", "uint16", 2},
                                           {"u32", "uint32", 4},
                                           {"u64", "uint64", 8}}};

const Entry& entry(DType dtype) { return kTypes[static_cast<size_t>(dtype)]; }

}  // namespace

std::string_view name(DType dtype) { return entry(dtype).name; }

std::optional<DType> parse_dtype(std::string_view text) {
  constexpr std::string_view kPrefix = "torch.";
  if (text.substr(0, kPrefix.size()) == kPrefix) text.remove_prefix(kPrefix.size());
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (text == kTypes[i].name || text == kTypes[i].torch_name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

size_t size_of(DType dtype) { return entry(dtype).bytes; }

bool is_floating(DType dtype) {
  switch (dtype) {
    case DType::f16:
    case DType::bf16:
    case DType::f32:
    case DType::f64:
    case DType::f8e4m3:
    case DType::f8e5m2: return true;
    default: return false;
  }
}

bool is_integral(DType dtype) {
  switch (dtype) {
    case DType::u8:
    case DType::s8:
    case DType::s16:
    case DType::s32:
    case DType::s64:
    case DType::u16:
    case DType::u32:
    case DType::u64: return true;
    default: return false;
  }
}

int64_t lowest(DType dtype) {
  switch (dtype) {
    case DType::s8: return std::numeric_limits<int8_t>::min();
    case DType::s16: return std::numeric_limits<int16_t>::min();
    case DType::s32: return std::numeric_limits<int32_t>::min();
    case DType::s64: return std::numeric_limits<int64_t>::min();
    default: return 0;
  }
}

int64_t highest(DType dtype) {
  switch (dtype) {
    case DType::boolean: return 1;
    case DType::u8: return std::numeric_limits<uint8_t>::max();
    case DType::s8: return std::numeric_limits<int8_t>::max();
    case DType::u16: return std::numeric_limits<uint16_t>::max();
    case DType::s16: return std::numeric_limits<int16_t>::max();
    case DType::u32: return std::numeric_limits<uint32_t>::max();
    case DType::s32: return std::numeric_limits<int32_t>::max();
    case DType::u64:
    case DType::s64: return std::numeric_limits<int64_t>::max();
    default: return 0;
  }
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  const auto is_complex = [](DType t) { return t == DType::c64 || t == DType::c128; };
  if (is_complex(a) || is_complex(b)) {
    return a == DType::c128 || b == DType::c128 || a == DType::f64 || b == DType::f64 ? DType::c128 : DType::c64;
  }
  if (is_floating(a) && is_floating(b)) {
    if (a == DType::f64 || b == DType::f64) return DType::f64;
    if (a == DType::f32 || b == DType::f32) return DType::f32;
    return size_of(a) == size_of(b) ? DType::f32 : (size_of(a) > size_of(b) ? a : b);
  }
  if (is_floating(a)) return a;
  if (is_floating(b)) return b;
  if (a == DType::boolean) return b;
  if (b == DType::boolean) return a;
  // Two integers: the wider signed type; u8 and s8 need s16 to hold both.
  const bool signs_differ = (lowest(a) < 0) != (lowest(b) < 0);
  if (!signs_differ) return size_of(a) >= size_of(b) ? a : b;
  const DType with_sign = lowest(a) < 0 ? a : b, without = lowest(a) < 0 ? b : a;
  if (size_of(with_sign) > size_of(without)) return with_sign;
  switch (size_of(without)) {
    case 1: return DType::s16;
    case 2: return DType::s32;
    default: return DType::s64;
  }
}

}  // namespace qrules
