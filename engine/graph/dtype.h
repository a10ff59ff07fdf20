// Element types of tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace qrules {

// Spelled in texts as u8, s8, s16, s32, s64, bool, f16, bf16, f32, f64, f8e4m3, f8e5m2, c64, c128, ...; the names
// that PyTorch uses (uint8, torch.uint8, int8, float32, bfloat16, float8_e4m3fn, ...) are read as well.
enum class DType : uint8_t {
  u8,
  s8,
  s16,
  s32,
  s64,
  boolean,
  f16,
  bf16,
  f32,
  f64,
  f8e4m3,
  f8e5m2,
  c64,
  c128,
  u16,
  u32,
  u64
};

std::string_view name(DType dtype);
std::optional<DType> parse_dtype(std::string_view text);
// Bytes of one element.
size_t size_of(DType dtype);
bool is_floating(DType dtype);
bool is_integral(DType dtype);  // bool is not
// Smallest and largest value of an integral type as 64-bit (u64 saturates).
int64_t lowest(DType dtype);
int64_t highest(DType dtype);
// The type both promote to in arithmetic of tensors of equal rank (PyTorch's promotion table).
DType promote(DType a, DType b);

}  // namespace qrules
