// Products of u8 rows with s8 weights, which lowerings/avx512 has kernels for: linears and convolutions
// of one tap.

#include "panel_cases.h"

namespace qrules {
namespace {

using namespace testing;

Int8Case random_product(Random& random) {
  Int8Case c;
  const int64_t depth = random.one_of<int64_t>({4, 8, 16, 20, 64, 100, 160});
  const int64_t channels = random.one_of<int64_t>({16, 24, 32, 33, 48, 56, 64, 70, 88, 96, 100, 128, 144, 200});
  draw_quantization(c, random);
  c.x_dtype = "u8";
  c.x_zero_point = random.one_of<int64_t>({0, 3, 128, 255});
  c.convolution = random.chance(2);
  if (c.convolution) {
    c.x_sizes = {random.pick(1, 2), depth, random.pick(3, 9), random.pick(2, 9)};
    c.weight_sizes = {channels, depth, 1, 1};
    c.stride = {1, 1}, c.padding = {0, 0}, c.dilation = {1, 1};
  } else {
    c.x_sizes = random.one_of<std::vector<int64_t>>({{6}, {7}, {2, 13}, {3, 3, 5}});
    c.x_sizes.push_back(depth);
    c.weight_sizes = {channels, depth};
  }
  draw_panel_result(c, channels, random);
  return c;
}

TEST_CASE("Products over random calls") {
  Random random(81);
  int in_place = 0;
  for (unsigned round = 0; round < 400; ++round) {
    const Ran ran = check_case(random_product(random), round);
    CHECK(is_panels(ran));
    in_place += ran.in_place ? 1 : 0;
  }
  CHECK(in_place > 20);
}

// Rows are shared out among threads, panels where weights are large or rows are few.
TEST_CASE("Products on threads") {
  Random random(82);
  for (const auto& [rows, depth, channels] :
       std::vector<std::array<int64_t, 3>>{{500, 64, 150}, {7, 1024, 400}, {100, 512, 1040}}) {
    Int8Case c;
    c.x_sizes = {rows, depth};
    c.weight_sizes = {channels, depth};
    c.per_channel = true;
    c.post_op = "gelu";
    CHECK(is_panels(check_case(c, 4)));
  }
}

TEST_CASE("Sums of products at the ends of their range") {
  Int8Case c;
  c.x_sizes = {9, 152};
  c.weight_sizes = {80, 152};
  check_extremes(c);
}

}  // namespace
}  // namespace qrules
