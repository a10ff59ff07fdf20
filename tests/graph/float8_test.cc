// f8 to f32 and back, against the wider conversions of constants and against values taken from PyTorch 2.13.

#include <qrules/graph/float8.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <qrules/graph/constant.h>
#include <qrules/graph/constant_text.h>

#include "../catch.h"

namespace qrules {
namespace {

uint8_t narrow(DType dtype, float value) {
  return dtype == DType::f8e4m3 ? narrow_to_f8e4m3(value) : narrow_to_f8e5m2(value);
}

float widen(DType dtype, uint8_t bits) { return dtype == DType::f8e4m3 ? widen_f8e4m3(bits) : widen_f8e5m2(bits); }

TEST_CASE("Every f8 widens to its value and narrows to itself") {
  for (const DType dtype : {DType::f8e4m3, DType::f8e5m2}) {
    INFO(name(dtype));
    uint32_t wrong = 0;
    for (uint32_t pattern = 0; pattern < 256; ++pattern) {
      const auto bits = static_cast<uint8_t>(pattern);
      const ConstantPtr one = Constant::make(dtype, {1}, [&](void* memory) { std::memcpy(memory, &bits, 1); });
      const double expected = element_as_double(*one, 0);
      const float value = widen(dtype, bits);
      if (std::isnan(expected)) {
        wrong += !std::isnan(value) || !std::isnan(widen(dtype, narrow(dtype, value)));
      } else {
        wrong += value != expected || std::signbit(value) != std::signbit(expected) || narrow(dtype, value) != bits;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("Narrowing to f8 is the correctly rounded value") {
  std::mt19937 generator(8);
  for (const DType dtype : {DType::f8e4m3, DType::f8e5m2}) {
    INFO(name(dtype));
    uint32_t wrong = 0;
    const auto check = [&](float value) {
      uint8_t expected = 0;
      REQUIRE(text::store_real(&expected, dtype, 0, value));
      const uint8_t found = narrow(dtype, value);
      wrong += std::isnan(widen(dtype, expected)) ? !std::isnan(widen(dtype, found)) : found != expected;
    };
    // All f16 hold every f8, every tie, and their neighbours; then any bits.
    for (uint32_t half = 0; half < 65536; ++half) check(widen_f16(static_cast<uint16_t>(half)));
    for (int i = 0; i < 200'000; ++i) {
      const auto bits = static_cast<uint32_t>(generator());
      check(std::bit_cast<float>(bits));
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("The ends of f8 are where torch has them") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  struct Row {
    float value;
    uint8_t e4m3, e5m2;
  };
  const Row rows[] = {{448.0f, 0x7e, 0x5f},   {464.0f, 0x7e, 0x5f},     {464.5f, 0x7e, 0x5f},
                      {-480.0f, 0xfe, 0xe0},  {57344.0f, 0x7e, 0x7b},   {61439.0f, 0x7e, 0x7b},
                      {61440.0f, 0x7e, 0x7c}, {kInfinity, 0x7e, 0x7c},  {-kInfinity, 0xfe, 0xfc},
                      {0x1p-10f, 0x00, 0x14}, {0x1.8p-10f, 0x01, 0x16}, {-0x1.8p-9f, 0x82, 0x9a},
                      {0x1p-17f, 0x00, 0x00}, {0x1.8p-17f, 0x00, 0x01}, {-0.0f, 0x80, 0x80},
                      {17.0f, 0x58, 0x4c},    {19.0f, 0x5a, 0x4d},      {0.3f, 0x2a, 0x35}};
  for (const Row& row : rows) {
    INFO(row.value);
    CHECK(narrow_to_f8e4m3(row.value) == row.e4m3);
    CHECK(narrow_to_f8e5m2(row.value) == row.e5m2);
  }
}

}  // namespace
}  // namespace qrules
