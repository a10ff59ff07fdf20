// Copies between layouts against a loop over all elements.

#include <algorithm>
#include <cstring>
#include <random>

#include <qrules/runtime/copy.h>

#include "plan_helpers.h"

namespace qrules {
namespace {

using testing::element_offsets;

// Runs the copy on random bytes; every byte that belongs to no element must stay.
void check_copy(const TensorLayout& from, const TensorLayout& to, std::mt19937& generator) {
  const size_t size = size_of(to.dtype);
  std::vector<unsigned char> source(from.byte_extent() + 1), target(to.byte_extent() + 64, 0xcd);
  for (unsigned char& byte : source) byte = static_cast<unsigned char>(generator());
  std::vector<unsigned char> expected = target;
  const auto sources = element_offsets(from), targets = element_offsets(to);
  for (size_t i = 0; i < sources.size(); ++i) {
    std::memcpy(expected.data() + static_cast<size_t>(targets[i]) * size,
                source.data() + static_cast<size_t>(sources[i]) * size, size);
  }
  const void* in = source.data();
  void* out = target.data();
  make_copy(from, to)->run({&in, &out, nullptr, nullptr});
  if (target != expected) {
    std::string sizes, strides;
    for (size_t d = 0; d < to.sizes.size(); ++d) {
      sizes += std::to_string(to.sizes[d]) + " ";
      strides += std::to_string(from.strides[d]) + "->" + std::to_string(to.strides[d]) + " ";
    }
    FAIL("sizes " << sizes << "strides " << strides << "dtype " << name(to.dtype));
  }
}

// Dense strides with the dimensions nested in a random order, now and then with room between rows.
std::vector<int64_t> random_strides(const std::vector<int64_t>& sizes, std::mt19937& generator, bool gaps) {
  std::vector<size_t> order(sizes.size());
  for (size_t d = 0; d < order.size(); ++d) order[d] = d;
  std::shuffle(order.begin(), order.end(), generator);
  std::vector<int64_t> strides(sizes.size());
  int64_t step = gaps && generator() % 2 ? 2 : 1;
  for (size_t d : order) {
    strides[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
    if (gaps && generator() % 3 == 0) step += 5;
  }
  return strides;
}

const std::vector<DType> kTypes{DType::u8, DType::bf16, DType::f32, DType::s64, DType::c128};

TEST_CASE("Copies of random layouts") {
  std::mt19937 generator(11);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int64_t> sizes(generator() % 6);
    for (int64_t& size : sizes) size = generator() % 12 == 0 ? 0 : generator() % 4 == 0 ? 1 : 1 + generator() % 9;
    const DType dtype = kTypes[generator() % kTypes.size()];
    TensorLayout from{dtype, sizes, random_strides(sizes, generator, true)};
    const TensorLayout to{dtype, sizes, random_strides(sizes, generator, generator() % 2 == 0)};
    // Broadcast dimensions are read over and over.
    for (int64_t& stride : from.strides) stride = generator() % 8 == 0 ? 0 : stride;
    check_copy(from, to, generator);
  }
}

TEST_CASE("Copies without elements do not touch memory") {
  std::mt19937 generator(5);
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{0}, {4, 0}, {0, 4}, {3, 0, 5, 2}, {1, 1, 0}}) {
    for (DType dtype : kTypes)
      check_copy(TensorLayout::contiguous(dtype, sizes), TensorLayout::channels_last(dtype, sizes), generator);
  }
}

TEST_CASE("Copies of one element, also of rank 0") {
  std::mt19937 generator(5);
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{}, {1}, {1, 1, 1, 1}}) {
    for (DType dtype : kTypes) {
      check_copy(TensorLayout::contiguous(dtype, sizes), TensorLayout::contiguous(dtype, sizes), generator);
      check_copy({dtype, sizes, std::vector<int64_t>(sizes.size(), 0)},
                 {dtype, sizes, std::vector<int64_t>(sizes.size(), 9)}, generator);
    }
  }
}

TEST_CASE("Large copies, which several threads share") {
  std::mt19937 generator(6);
  const std::vector<std::vector<int64_t>> shapes{{1, 64, 33, 37}, {2, 3, 129, 65},    {1, 1, 300, 200}, {70000},
                                                 {257, 259},      {2, 7, 11, 13, 17}, {1, 200, 1, 301}, {40000, 3}};
  for (const auto& sizes : shapes) {
    for (DType dtype : kTypes) {
      const TensorLayout plain = TensorLayout::contiguous(dtype, sizes);
      const TensorLayout last = sizes.size() >= 3 ? TensorLayout::channels_last(dtype, sizes)
                                                  : TensorLayout{dtype, sizes, random_strides(sizes, generator, false)};
      check_copy(plain, last, generator);
      check_copy(last, plain, generator);
      check_copy(plain, plain, generator);
      TensorLayout broadcast = plain;
      broadcast.strides.back() = 0;
      check_copy(broadcast, plain, generator);
      check_copy({dtype, sizes, random_strides(sizes, generator, true)},
                 {dtype, sizes, random_strides(sizes, generator, true)}, generator);
    }
  }
}

}  // namespace
}  // namespace qrules
