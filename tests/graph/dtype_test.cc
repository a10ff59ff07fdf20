// Element types: names, sizes, ranges, promotion.

#include <qrules/graph/dtype.h>

#include "../catch.h"

namespace qrules {
namespace {

constexpr DType kAll[] = {DType::u8,  DType::s8,   DType::s16, DType::s32, DType::s64,    DType::boolean,
                          DType::f16, DType::bf16, DType::f32, DType::f64, DType::f8e4m3, DType::f8e5m2,
                          DType::c64, DType::c128, DType::u16, DType::u32, DType::u64};

TEST_CASE("Names read back") {
  for (DType dtype : kAll) {
    CHECK(parse_dtype(name(dtype)) == dtype);
    CHECK(parse_dtype("torch." + std::string(name(dtype))) == dtype);
  }
  CHECK(name(DType::boolean) == "bool");
}

TEST_CASE("PyTorch's names are read") {
  CHECK(parse_dtype("uint8") == DType::u8);
  CHECK(parse_dtype("torch.int8") == DType::s8);
  CHECK(parse_dtype("float32") == DType::f32);
  CHECK(parse_dtype("torch.bfloat16") == DType::bf16);
  CHECK(parse_dtype("float8_e4m3fn") == DType::f8e4m3);
  CHECK(parse_dtype("float8_e5m2") == DType::f8e5m2);
  CHECK(parse_dtype("complex64") == DType::c64);
  CHECK(parse_dtype("torch.bool") == DType::boolean);
}

TEST_CASE("Other texts are no dtype") {
  for (const char* text : {"", "f33", "F32", "float", "int", "torch.", "torch.torch.int8", " f32", "f32 "})
    CHECK_FALSE(parse_dtype(text));
}

TEST_CASE("Sizes in bytes") {
  CHECK(size_of(DType::boolean) == 1);
  CHECK(size_of(DType::f8e4m3) == 1);
  CHECK(size_of(DType::bf16) == 2);
  CHECK(size_of(DType::s32) == 4);
  CHECK(size_of(DType::c64) == 8);
  CHECK(size_of(DType::c128) == 16);
}

TEST_CASE("Kinds exclude each other") {
  for (DType dtype : kAll) CHECK_FALSE((is_floating(dtype) && is_integral(dtype)));
  CHECK(is_floating(DType::f8e5m2));
  CHECK(is_integral(DType::u64));
  CHECK_FALSE(is_integral(DType::boolean));
  CHECK_FALSE(is_floating(DType::c64));
}

TEST_CASE("Ranges of integers") {
  CHECK(lowest(DType::s8) == -128);
  CHECK(highest(DType::s8) == 127);
  CHECK(lowest(DType::u8) == 0);
  CHECK(highest(DType::u8) == 255);
  CHECK(highest(DType::u32) == 4294967295);
  CHECK(lowest(DType::s64) == INT64_MIN);
  CHECK(highest(DType::u64) == INT64_MAX);  // saturated
  CHECK(highest(DType::boolean) == 1);
}

TEST_CASE("Promotion is symmetric, and a type promotes with itself to itself") {
  for (DType a : kAll) {
    CHECK(promote(a, a) == a);
    for (DType b : kAll) CHECK(promote(a, b) == promote(b, a));
  }
}

TEST_CASE("Promotion follows PyTorch's table") {
  struct Row {
    DType a, b, result;
  };
  constexpr Row kRows[] = {{DType::u8, DType::s8, DType::s16},    {DType::u8, DType::s16, DType::s16},
                           {DType::s8, DType::s64, DType::s64},   {DType::boolean, DType::u8, DType::u8},
                           {DType::s64, DType::f16, DType::f16},  {DType::boolean, DType::bf16, DType::bf16},
                           {DType::f16, DType::bf16, DType::f32}, {DType::bf16, DType::f32, DType::f32},
                           {DType::f32, DType::f64, DType::f64},  {DType::s32, DType::f32, DType::f32},
                           {DType::c64, DType::f32, DType::c64},  {DType::c64, DType::f64, DType::c128},
                           {DType::c64, DType::s64, DType::c64},  {DType::c64, DType::c128, DType::c128}};
  for (const Row& row : kRows) {
    INFO(name(row.a) << " " << name(row.b));
    CHECK(promote(row.a, row.b) == row.result);
  }
}

}  // namespace
}  // namespace qrules
