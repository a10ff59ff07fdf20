// Constants: memory, elements of every dtype, and numbers as text.

#include <qrules/graph/constant.h>

#include <cmath>
#include <cstring>
#include <limits>

#include <qrules/graph/constant_text.h>

#include "../catch.h"

namespace qrules {
namespace {

template <typename T>
ConstantPtr constant_of(DType dtype, std::vector<T> values) {
  return Constant::make(dtype, {static_cast<int64_t>(values.size())},
                        [&](void* memory) { std::memcpy(memory, values.data(), values.size() * sizeof(T)); });
}

TEST_CASE("A new constant is zero, sized and aligned") {
  const ConstantPtr constant = Constant::make(DType::f32, {2, 3}, nullptr);
  CHECK(constant->bytes == 24);
  CHECK(constant->element_count() == 6);
  CHECK(constant->has_data());
  CHECK(reinterpret_cast<uintptr_t>(constant->data.get()) % 64 == 0);
  for (int64_t i = 0; i < 6; ++i) CHECK(element_as_double(*constant, i) == 0.0);
}

TEST_CASE("Scalars, empty constants and constants without data") {
  CHECK(Constant::make(DType::s64, {}, nullptr)->element_count() == 1);
  const ConstantPtr empty = Constant::make(DType::s8, {0, 4}, nullptr);
  CHECK(empty->element_count() == 0);
  CHECK(empty->bytes == 0);
  CHECK(empty->has_data());
  Constant unknown;
  unknown.sizes = {2};
  unknown.bytes = 8;
  CHECK_FALSE(unknown.has_data());
}

TEST_CASE("Elements of integers") {
  CHECK(element_as_int(*constant_of<uint8_t>(DType::u8, {0, 255}), 1) == 255);
  CHECK(element_as_int(*constant_of<int8_t>(DType::s8, {0, -128}), 1) == -128);
  CHECK(element_as_int(*constant_of<int16_t>(DType::s16, {-3}), 0) == -3);
  CHECK(element_as_int(*constant_of<uint16_t>(DType::u16, {65535}), 0) == 65535);
  CHECK(element_as_int(*constant_of<int32_t>(DType::s32, {INT32_MIN}), 0) == INT32_MIN);
  CHECK(element_as_int(*constant_of<uint32_t>(DType::u32, {UINT32_MAX}), 0) == UINT32_MAX);
  CHECK(element_as_int(*constant_of<int64_t>(DType::s64, {INT64_MIN}), 0) == INT64_MIN);
  CHECK(element_as_int(*constant_of<uint8_t>(DType::boolean, {7}), 0) == 1);
  CHECK(element_as_double(*constant_of<int8_t>(DType::s8, {-5}), 0) == -5.0);
  CHECK(element_as_int(*constant_of<float>(DType::f32, {3.75f}), 0) == 3);
}

TEST_CASE("Elements of small floats are widened") {
  const ConstantPtr half =
      constant_of<uint16_t>(DType::f16, {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0x8000});
  CHECK(element_as_double(*half, 0) == 1.0);
  CHECK(element_as_double(*half, 1) == -2.0);
  CHECK(element_as_double(*half, 2) == std::ldexp(1.0, -24));
  CHECK(element_as_double(*half, 3) == 65504.0);
  CHECK(element_as_double(*half, 4) == INFINITY);
  CHECK(element_as_double(*half, 5) == -INFINITY);
  CHECK(std::isnan(element_as_double(*half, 6)));
  CHECK(std::signbit(element_as_double(*half, 7)));
  const ConstantPtr brain = constant_of<uint16_t>(DType::bf16, {0x3F80, 0x4049, 0xFF80});
  CHECK(element_as_double(*brain, 0) == 1.0);
  CHECK(element_as_double(*brain, 1) == 3.140625);
  CHECK(element_as_double(*brain, 2) == -INFINITY);
  const ConstantPtr e4m3 = constant_of<uint8_t>(DType::f8e4m3, {0x38, 0x7E, 0x7F, 0x01});
  CHECK(element_as_double(*e4m3, 0) == 1.0);
  CHECK(element_as_double(*e4m3, 1) == 448.0);
  CHECK(std::isnan(element_as_double(*e4m3, 2)));
  CHECK(element_as_double(*e4m3, 3) == std::ldexp(1.0, -9));
  const ConstantPtr e5m2 = constant_of<uint8_t>(DType::f8e5m2, {0x3C, 0x7B, 0x7C});
  CHECK(element_as_double(*e5m2, 0) == 1.0);
  CHECK(element_as_double(*e5m2, 1) == 57344.0);
  CHECK(element_as_double(*e5m2, 2) == INFINITY);
}

TEST_CASE("Reals print shortest, and always as reals") {
  CHECK(text::print_real(1.0) == "1.0");
  CHECK(text::print_real(0.1) == "0.1");
  CHECK(text::print_real(-0.0) == "-0.0");
  CHECK(text::print_real(1e-5) == "1e-05");
  CHECK(text::print_real(1e22) == "1e+22");
  CHECK(text::print_real(INFINITY) == "inf");
  CHECK(text::print_real(-INFINITY) == "-inf");
  CHECK(text::print_real(std::nan("")) == "nan");
}

TEST_CASE("Printed reals read back to the bit") {
  uint64_t bits = 1;
  for (int i = 0; i < 2000; ++i) {
    bits = bits * 6364136223846793005ULL + 1442695040888963407ULL;
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    CHECK(std::strtod(text::print_real(value).c_str(), nullptr) == value);
  }
}

TEST_CASE("Every bit pattern of the small floats survives print and store") {
  struct Row {
    DType dtype;
    uint32_t patterns;
  };
  for (const Row& row :
       {Row{DType::f16, 65536}, Row{DType::bf16, 65536}, Row{DType::f8e4m3, 256}, Row{DType::f8e5m2, 256}}) {
    uint32_t wrong = 0;
    for (uint32_t bits = 0; bits < row.patterns; ++bits) {
      const ConstantPtr one =
          Constant::make(row.dtype, {1}, [&](void* memory) { std::memcpy(memory, &bits, size_of(row.dtype)); });
      const double value = element_as_double(*one, 0);
      uint32_t stored = 0;
      if (!text::store_real(&stored, row.dtype, 0, value)) ++wrong;
      if (!std::isnan(value) && stored != bits) ++wrong;
      const ConstantPtr again =
          Constant::make(row.dtype, {1}, [&](void* memory) { std::memcpy(memory, &stored, size_of(row.dtype)); });
      if (std::isnan(value) != std::isnan(element_as_double(*again, 0))) ++wrong;
    }
    INFO(name(row.dtype));
    CHECK(wrong == 0);
  }
}

TEST_CASE("Stores round to the nearest, ties to even") {
  uint16_t bits = 0;
  REQUIRE(text::store_real(&bits, DType::f16, 0, 2049.0));  // between 2048 and 2050
  CHECK(bits == 0x6800);
  REQUIRE(text::store_real(&bits, DType::f16, 0, 2051.0));
  CHECK(bits == 0x6802);
  REQUIRE(text::store_real(&bits, DType::f16, 0, 65520.0));
  CHECK(bits == 0x7C00);
  REQUIRE(text::store_real(&bits, DType::bf16, 0, 1.00390625));  // 1 + 2^-8: a tie
  CHECK(bits == 0x3F80);
}

TEST_CASE("Integers that do not fit are refused") {
  int64_t memory = 0;
  CHECK(text::store_integer(&memory, DType::s8, 0, int64_t{-128}));
  CHECK_FALSE(text::store_integer(&memory, DType::s8, 0, int64_t{128}));
  CHECK_FALSE(text::store_integer(&memory, DType::u8, 0, int64_t{-1}));
  CHECK_FALSE(text::store_integer(&memory, DType::boolean, 0, int64_t{2}));
  CHECK_FALSE(text::store_integer(&memory, DType::u64, 0, int64_t{-1}));
  CHECK(text::store_integer(&memory, DType::u64, 0, UINT64_MAX));
  CHECK_FALSE(text::store_integer(&memory, DType::s64, 0, UINT64_MAX));
  CHECK_FALSE(text::store_real(&memory, DType::s32, 0, 0.5));
  CHECK_FALSE(text::store_real(&memory, DType::s32, 0, INFINITY));
  CHECK(text::store_real(&memory, DType::s32, 0, 3.0));
}

TEST_CASE("Elements print by their dtype") {
  CHECK(text::print_element(*constant_of<float>(DType::f32, {0.1f}), 0) == "0.1");
  CHECK(text::print_element(*constant_of<double>(DType::f64, {0.1}), 0) == "0.1");
  CHECK(text::print_element(*constant_of<uint8_t>(DType::boolean, {1}), 0) == "true");
  CHECK(text::print_element(*constant_of<uint64_t>(DType::u64, {UINT64_MAX}), 0) == "18446744073709551615");
  CHECK(text::print_element(*constant_of<int8_t>(DType::s8, {-7}), 0) == "-7");
  CHECK_FALSE(text::has_element_text(DType::c64));
  CHECK(text::has_element_text(DType::f8e4m3));
}

TEST_CASE("Uniform constants are told by their bits") {
  CHECK(text::is_uniform(*constant_of<int16_t>(DType::s16, {5, 5, 5})));
  CHECK_FALSE(text::is_uniform(*constant_of<int16_t>(DType::s16, {5, 5, 6})));
  CHECK_FALSE(text::is_uniform(*constant_of<float>(DType::f32, {0.0f, -0.0f})));
  CHECK(text::is_uniform(*constant_of<float>(DType::f32, {1.5f})));
}

}  // namespace
}  // namespace qrules
