// Depthwise convolutions into integers, which lowerings/avx512 has kernels for.

#include <qrules/lowerings/isa.h>

#include "int8_cases.h"

namespace qrules {
namespace {

using namespace testing;

bool has_kernels() {
#if defined(__x86_64__)
  return avx512_level() >= Avx512::vnni;
#else
  return false;
#endif
}

Int8Case random_depthwise(Random& random) {
  Int8Case c;
  c.convolution = true;
  c.groups = random.one_of<int64_t>({2, 5, 16, 24, 31, 32, 33, 40, 64, 72, 96, 100, 128, 144, 150});
  c.x_sizes = {random.pick(1, 3), c.groups};
  c.weight_sizes = {c.groups, 1};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t kernel = i == 0 ? random.one_of<int64_t>({2, 3, 3, 5, 7}) : random.one_of<int64_t>({1, 3, 3, 5});
    const int64_t dilation = random.chance(5) ? 2 : 1;
    c.weight_sizes.push_back(kernel);
    c.dilation.push_back(dilation);
    c.stride.push_back(random.pick(1, 2));
    c.padding.push_back(random.pick(0, (kernel - 1) * dilation / 2 + 1));
    const int64_t least = (kernel - 1) * dilation + 1 - 2 * c.padding.back();
    c.x_sizes.push_back(std::max<int64_t>(least, 1) + random.pick(0, i == 0 ? 9 : 40));
  }
  draw_quantization(c, random);
  c.out_dtype = random.one_of({"u8", "s8"});
  c.post_op = random.one_of({"none", "relu", "hardtanh", "hardswish", "gelu", "gelu_tanh"});
  if (c.post_op == "hardtanh") c.post_op_args = {0, 0.7};
  return c;
}

TEST_CASE("Depthwise convolutions over random calls") {
  Random random(71);
  for (unsigned round = 0; round < 250; ++round) {
    const Int8Case c = random_depthwise(random);
    const Ran ran = check_case(c, round);
    if (has_kernels()) CHECK(ran.handler == "avx512.qconv");
  }
}

// Large enough for several threads and several strips of columns.
TEST_CASE("Depthwise convolutions on threads") {
  Random random(72);
  for (const int64_t channels : {int64_t{48}, int64_t{320}}) {
    for (const int64_t stride : {int64_t{1}, int64_t{2}}) {
      Int8Case c;
      c.convolution = true;
      c.groups = channels;
      c.x_sizes = {2, channels, 37, 53};
      c.weight_sizes = {channels, 1, 3, 3};
      c.stride = {stride, stride}, c.padding = {1, 1}, c.dilation = {1, 1};
      draw_quantization(c, random);
      check_case(c, 3);
    }
  }
}

TEST_CASE("Depthwise sums at the ends of their range") {
  for (const char* dtype : {"u8", "s8"}) {
    for (const int weight : {127, -128}) {
      Int8Case c;
      c.convolution = true;
      c.groups = 70;
      c.x_dtype = dtype;
      c.x_zero_point = std::string(dtype) == "u8" ? 255 : -128;
      c.x_sizes = {1, 70, 6, 7};
      c.weight_sizes = {70, 1, 3, 3};
      c.stride = {1, 1}, c.padding = {1, 1}, c.dilation = {1, 1};
      c.weight_low = c.weight_high = weight;
      const double value = std::string(dtype) == "u8" ? 0 : 127;
      check_case(c, 1, filled_with(value));
    }
  }
}

// What the kernels do not take must still run, on others.
TEST_CASE("Depthwise convolutions that are left to other kernels") {
  Random random(73);
  for (const char* post_op : {"silu", "tanh"}) {
    Int8Case c = random_depthwise(random);
    c.post_op = post_op;
    c.post_op_args = {};
    CHECK(check_case(c, 4).handler != "avx512.qconv");
  }
  for (const char* out : {"f32", "bf16"}) {
    Int8Case c = random_depthwise(random);
    c.out_dtype = out;
    CHECK(check_case(c, 5).handler != "avx512.qconv");
  }
}

}  // namespace
}  // namespace qrules
