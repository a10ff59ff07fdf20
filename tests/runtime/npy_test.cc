// .npy files: what is read, written, converted and refused.

#include <qrules/runtime/npy.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "../catch.h"
#include "zip_file.h"

namespace qrules {
namespace {

using test::TemporaryFile;

std::string code_of(const Diagnostics& diagnostics) {
  return diagnostics.empty() ? "none" : diagnostics.list().front().kind->code;
}

// A file of version 1 with this header and these bytes.
std::string npy(const std::string& header, const std::string& data, char major = 1) {
  std::string padded = header;
  const size_t preamble = major == 1 ? 10 : 12;
  while ((preamble + padded.size() + 1) % 64 != 0) padded += ' ';
  padded += '\n';
  std::string file = "\x93NUMPY";
  file += {major, '\0', static_cast<char>(padded.size() & 0xff), static_cast<char>(padded.size() >> 8)};
  if (major > 1) file += std::string(2, '\0');
  return file + padded + data;
}

std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': " + descr + ", 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <typename T>
std::vector<T> values_of(const HostTensor& tensor) {
  REQUIRE(sizeof(T) == size_of(tensor.layout.dtype));
  const auto* data = static_cast<const T*>(tensor.data.get());
  return {data, data + tensor.layout.element_count()};
}

Result<HostTensor> read_bytes(const std::string& bytes) {
  TemporaryFile file("array.npy");
  test::write_file(file.path(), bytes);
  return read_npy(file.path());
}

std::string read_code(const std::string& bytes) {
  auto tensor = read_bytes(bytes);
  return tensor ? "ok" : code_of(tensor.diagnostics());
}

template <typename T>
HostTensor tensor_of(DType dtype, std::vector<int64_t> sizes, const std::vector<T>& values) {
  HostTensor tensor = HostTensor::allocate(TensorLayout::contiguous(dtype, std::move(sizes)));
  REQUIRE(static_cast<size_t>(tensor.layout.element_count()) == values.size());
  if (!values.empty()) std::memcpy(tensor.data.get(), values.data(), values.size() * sizeof(T));
  return tensor;
}

TEST_CASE("Arrays are read in each version of the format") {
  const std::vector<float> values = {1, -2, 3.5f, 0, 5, 6};
  for (char major : {'\x01', '\x02', '\x03'}) {
    auto tensor = read_bytes(npy(header("'<f4'", "(2, 3)"), bytes_of(values), major));
    REQUIRE(tensor);
    CHECK(tensor->layout == TensorLayout::contiguous(DType::f32, {2, 3}));
    CHECK(values_of<float>(*tensor) == values);
  }
  CHECK(read_code(npy(header("'<f4'", "(2, 3)"), bytes_of(values), 4)) == "QR0640");
}

TEST_CASE("Fortran order is turned into C order") {
  // Stored by columns: the array is [[[0,6],[2,8],[4,10]], [[1,7],[3,9],[5,11]]].
  std::vector<int32_t> stored(12);
  for (int32_t i = 0; i < 12; ++i) stored[static_cast<size_t>(i)] = i;
  auto tensor = read_bytes(npy(header("'<i4'", "(2, 3, 2)", true), bytes_of(stored)));
  REQUIRE(tensor);
  CHECK(tensor->layout.is_contiguous());
  CHECK(values_of<int32_t>(*tensor) == std::vector<int32_t>{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11});
  auto vector = read_bytes(npy(header("'<i4'", "(12,)", true), bytes_of(stored)));
  REQUIRE(vector);
  CHECK(values_of<int32_t>(*vector) == stored);
}

TEST_CASE("Scalars and empty arrays have their shapes") {
  auto scalar = read_bytes(npy(header("'<f8'", "()"), bytes_of(std::vector<double>{2.5})));
  REQUIRE(scalar);
  CHECK(scalar->layout.sizes.empty());
  CHECK(values_of<double>(*scalar) == std::vector<double>{2.5});
  auto empty = read_bytes(npy(header("'|u1'", "(3, 0, 2)"), ""));
  REQUIRE(empty);
  CHECK(empty->layout.sizes == std::vector<int64_t>{3, 0, 2});
}

TEST_CASE("Each dtype goes out and comes back with the same bytes") {
  TemporaryFile file("round.npy");
  for (DType dtype : {DType::u8, DType::s8, DType::u16, DType::s16, DType::u32, DType::s32, DType::u64, DType::s64,
                      DType::f16, DType::f32, DType::f64, DType::c64, DType::c128, DType::boolean}) {
    INFO(name(dtype));
    HostTensor tensor = HostTensor::allocate(TensorLayout::contiguous(dtype, {3, 5}));
    const size_t bytes = 15 * size_of(dtype);
    for (size_t i = 0; i < bytes; ++i)
      static_cast<unsigned char*>(tensor.data.get())[i] =
          static_cast<unsigned char>(dtype == DType::boolean ? i % 2 : i * 7 + 1);
    REQUIRE(write_npy(file.path(), tensor.layout, tensor.data.get()));
    auto again = read_npy(file.path());
    REQUIRE(again);
    CHECK(again->layout == tensor.layout);
    CHECK(std::memcmp(again->data.get(), tensor.data.get(), bytes) == 0);
  }
}

TEST_CASE("The elements of a written file start at a multiple of 64") {
  TemporaryFile file("aligned.npy");
  for (int64_t size : {1, 10, 100, 1000, 100000}) {
    HostTensor tensor = HostTensor::allocate(TensorLayout::contiguous(DType::u8, {size}));
    std::memset(tensor.data.get(), 3, static_cast<size_t>(size));
    REQUIRE(write_npy(file.path(), tensor.layout, tensor.data.get()));
    CHECK((test::read_file(file.path()).size() - static_cast<size_t>(size)) % 64 == 0);
  }
}

TEST_CASE("Strided tensors are written in C order") {
  TemporaryFile file("strided.npy");
  const std::vector<int16_t> memory = {0, 1, 2, 3, 4, 5};
  const TensorLayout transposed{DType::s16, {3, 2}, {1, 3}};
  REQUIRE(write_npy(file.path(), transposed, memory.data()));
  auto tensor = read_npy(file.path());
  REQUIRE(tensor);
  CHECK(values_of<int16_t>(*tensor) == std::vector<int16_t>{0, 3, 1, 4, 2, 5});
}

TEST_CASE("bf16 and f8 are written as f32") {
  TemporaryFile file("narrow.npy");
  const std::vector<uint16_t> halves = {0x3f80, 0xc020, 0x7f80};  // 1, -2.5, inf
  REQUIRE(write_npy(file.path(), TensorLayout::contiguous(DType::bf16, {3}), halves.data()));
  auto wide = read_npy(file.path());
  REQUIRE(wide);
  CHECK(values_of<float>(*wide) == std::vector<float>{1, -2.5f, std::numeric_limits<float>::infinity()});
  const std::vector<uint8_t> eighths = {0x38, 0xc2, 0x7e};  // 1, -2.5, 448
  REQUIRE(write_npy(file.path(), TensorLayout::contiguous(DType::f8e4m3, {3}), eighths.data()));
  wide = read_npy(file.path());
  REQUIRE(wide);
  CHECK(values_of<float>(*wide) == std::vector<float>{1, -2.5f, 448});
}

TEST_CASE("Pickles are refused, also inside structures") {
  CHECK(read_code(npy(header("'|O'", "(2,)"), std::string(16, 'x'))) == "QR0642");
  CHECK(read_code(npy(header("[('a', '<f4'), ('b', '|O')]", "(2,)"), std::string(24, 'x'))) == "QR0642");
}

TEST_CASE("Element types without a counterpart are refused") {
  for (const char* descr :
       {"'>f4'", "'>i2'", "'<U5'", "'|S3'", "'<M8[ns]'", "'<f16'", "'|V2'", "[('a', '<f4')]", "''"}) {
    INFO(descr);
    CHECK(read_code(npy(header(descr, "(1,)"), std::string(64, '\0'))) == "QR0643");
  }
}

TEST_CASE("Truncated files say so at every length") {
  const std::string whole = npy(header("'<f4'", "(4, 8)"), std::string(128, 'a'));
  for (size_t sixteenth = 1; sixteenth < 16; ++sixteenth) {
    INFO(sixteenth);
    CHECK(read_code(whole.substr(0, whole.size() * sixteenth / 16)) == "QR0641");
  }
  CHECK(read_code(whole.substr(0, whole.size() - 1)) == "QR0641");
  CHECK(read_code(whole) == "ok");
}

TEST_CASE("Other files and broken headers are not taken for arrays") {
  CHECK(read_code("PK\x03\x04 a zip file of arrays") == "QR0640");
  CHECK(read_code(npy("{'descr': '<f4', 'shape': (1,), }", "abcd")) == "QR0640");
  CHECK(read_code(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "abcd")) == "QR0640");
  CHECK(read_code(npy("not a dictionary", "abcd")) == "QR0640");
  CHECK(read_code(npy("{", "abcd")) == "QR0640");
  // Sizes whose product overflows, and one that no file holds: refused before memory is asked for.
  CHECK(read_code(npy(header("'<f4'", "(4294967296, 4294967296)"), "abcd")) == "QR0640");
  CHECK(read_code(npy(header("'<f4'", "(4294967296, 4294967296, 0)"), "abcd")) == "QR0640");
  CHECK(read_code(npy(header("'<f4'", "(1099511627776,)"), "abcd")) == "QR0641");
  auto missing = read_npy("/there/is/none.npy");
  REQUIRE_FALSE(missing);
  CHECK(code_of(missing.diagnostics()) == "QR0601");
  auto unwritable = write_npy("/there/is/none.npy", TensorLayout::contiguous(DType::u8, {1}), "a");
  REQUIRE_FALSE(unwritable);
  CHECK(code_of(unwritable.diagnostics()) == "QR0644");
}

TEST_CASE("Floats are rounded to other floats") {
  // 1 + 2^-8 lies between two bf16 and goes to the even one; 1 + 3 * 2^-8 likewise, upwards.
  const HostTensor wide =
      tensor_of<float>(DType::f32, {4}, {1.0f, 1.00390625f, 1.01171875f, -std::numeric_limits<float>::infinity()});
  auto narrow = convert(wide, DType::bf16);
  REQUIRE(narrow);
  CHECK(narrow->layout == TensorLayout::contiguous(DType::bf16, {4}));
  CHECK(values_of<uint16_t>(*narrow) == std::vector<uint16_t>{0x3f80, 0x3f80, 0x3f82, 0xff80});
  auto back = convert(*narrow, DType::f32);
  REQUIRE(back);
  CHECK(values_of<float>(*back) == std::vector<float>{1.0f, 1.0f, 1.015625f, -std::numeric_limits<float>::infinity()});
  auto eighth = convert(tensor_of<float>(DType::f32, {2}, {1.0f, -2.5f}), DType::f8e4m3);
  REQUIRE(eighth);
  CHECK(values_of<uint8_t>(*eighth) == std::vector<uint8_t>{0x38, 0xc2});
}

TEST_CASE("Integers become other integers when they fit") {
  auto narrow = convert(tensor_of<int64_t>(DType::s64, {3}, {-128, 0, 127}), DType::s8);
  REQUIRE(narrow);
  CHECK(values_of<int8_t>(*narrow) == std::vector<int8_t>{-128, 0, 127});
  CHECK(code_of(convert(tensor_of<int64_t>(DType::s64, {1}, {128}), DType::s8).diagnostics()) == "QR0645");
  CHECK(code_of(convert(tensor_of<int64_t>(DType::s64, {1}, {-1}), DType::u8).diagnostics()) == "QR0645");
  CHECK(code_of(convert(tensor_of<uint64_t>(DType::u64, {1}, {UINT64_MAX}), DType::s64).diagnostics()) == "QR0645");
}

TEST_CASE("Conversions that need a scale are refused") {
  const HostTensor real = tensor_of<float>(DType::f32, {1}, {1.0f}), whole = tensor_of<int8_t>(DType::s8, {1}, {1});
  CHECK(code_of(convert(real, DType::s8).diagnostics()) == "QR0645");
  CHECK(code_of(convert(whole, DType::f32).diagnostics()) == "QR0645");
  CHECK(code_of(convert(real, DType::c64).diagnostics()) == "QR0645");
}

TEST_CASE("A tensor of the wanted dtype is passed on") {
  const HostTensor real = tensor_of<float>(DType::f32, {1}, {1.0f});
  auto same = convert(real, DType::f32);
  REQUIRE(same);
  CHECK(same->data == real.data);
}

}  // namespace
}  // namespace qrules
