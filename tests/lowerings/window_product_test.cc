// Convolutions over windows of several positions, which lowerings/avx512 has a kernel for where weights are not large.

#include "panel_cases.h"

namespace qrules {
namespace {

using namespace testing;

Int8Case random_window(Random& random) {
  Int8Case c;
  const int64_t inner = random.one_of<int64_t>({1, 2, 3, 4, 5, 8, 16, 20});
  const int64_t channels = random.one_of<int64_t>({16, 24, 32, 33, 48, 64, 70, 96, 130});
  draw_quantization(c, random);
  c.convolution = true;
  c.x_dtype = "u8";
  c.x_zero_point = random.one_of<int64_t>({0, 0, 3, 128, 255});
  c.weight_sizes = {channels, inner, random.pick(1, 5), random.pick(1, 5)};
  c.stride = {random.pick(1, 3), random.pick(1, 2)};
  // Padding may be more than a kernel is large: rows of the result that read nothing else.
  c.padding = {random.pick(0, 4), random.pick(0, 3)};
  c.dilation = {random.pick(1, 2), 1};
  c.x_sizes = {random.pick(1, 3), inner, random.pick(1, 12) + c.dilation[0] * (c.weight_sizes[2] - 1),
               (13 * c.stride[1]) + random.pick(5, 20)};
  draw_panel_result(c, channels, random);
  return c;
}

TEST_CASE("Windows over random calls") {
  Random random(83);
  for (unsigned round = 0; round < 300; ++round) CHECK(is_panels(check_case(random_window(random), round)));
}

// Strips are shared out among threads: of one image, and of more images than there are threads.
TEST_CASE("Windows on threads") {
  for (const int64_t batch : {1, 7}) {
    for (const int64_t zero_point : {0, 128}) {
      Int8Case c;
      c.convolution = true;
      c.x_sizes = {batch, 3, 75, 83};
      c.x_zero_point = zero_point;
      c.weight_sizes = {64, 3, 7, 7};
      c.stride = {2, 2}, c.padding = {3, 3}, c.dilation = {1, 1};
      c.per_channel = true;
      c.post_op = "relu";
      CHECK(is_panels(check_case(c, 5)));
    }
  }
}

TEST_CASE("Sums of windows at the ends of their range") {
  Int8Case c;
  c.convolution = true;
  c.x_sizes = {1, 64, 9, 20};
  c.weight_sizes = {32, 64, 3, 3};
  c.stride = {1, 1}, c.padding = {1, 1}, c.dilation = {1, 1};
  check_extremes(c);
}

}  // namespace
}  // namespace qrules
