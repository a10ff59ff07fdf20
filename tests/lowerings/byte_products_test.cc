// Sums of products of bytes on CPUs without VNNI (lowerings/avx2/byte_products.h): exact for all activations and
// weights, those too whose pairs of products leave 16 bits.

#include <qrules/lowerings/avx2/strip_forms.h>

#include "int8_cases.h"

#if defined(__x86_64__)

namespace qrules {
namespace {

using namespace testing;
using avx2::Bytes;

struct Draw {
  int low = 0, high = 255;  // of most activations
  unsigned rare = 0;        // one in so many is drawn from all; 0: none
};

int draw(const Draw& from, Random& random) {
  const bool any = from.rare > 0 && random.chance(from.rare);
  return static_cast<int>(any ? random.pick(0, 255) : random.pick(from.low, from.high));
}

// The sums of random rows by random weights, all of them compared with sums of single products.
template <Bytes kBytes>
void check_sums(const Draw& activations, const Draw& weights, bool is_signed, Random& random) {
  const int64_t rows = random.pick(1, 6), panels = random.pick(1, 3), channels = panels * 16 - random.pick(0, 15);
  const int64_t length = random.one_of<int64_t>({4, 16, 28, 36, 64, 76});
  std::vector<int64_t> offsets;
  for (int64_t i = random.pick(1, 3); i > 0; --i) offsets.push_back(4 * random.pick(0, 40));
  const avx2::Runs whole = avx2::Runs::of(offsets, length);
  // All of them, or a part of some.
  std::vector<size_t> chosen;
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (random.chance(2)) chosen.push_back(i);
  }
  const int64_t begin = 4 * random.pick(0, length / 4 - 1), end = 4 * random.pick(begin / 4 + 1, length / 4);
  // Parts are for zero points that add nothing to sums.
  const bool cut = random.chance(2);
  const int64_t zero_point = cut ? (kBytes == Bytes::raw ? 0 : 128) - (is_signed ? 128 : 0)
                                 : random.pick(is_signed ? -128 : 0, is_signed ? 127 : 255);
  const avx2::Runs runs = cut ? whole.part(chosen, begin, end) : whole;
  const int64_t padding = 4 * random.pick(0, 4), inside = 480;

  std::vector<uint8_t> source;  // as u8, whatever it stands for
  for (int64_t i = 0; i < inside; ++i) source.push_back(static_cast<uint8_t>(draw(activations, random)));
  std::vector<int8_t> weight;
  const int64_t depth = static_cast<int64_t>(offsets.size()) * length;
  for (int64_t i = 0; i < channels * depth; ++i) weight.push_back(static_cast<int8_t>(draw(weights, random) - 128));

  using Strip = avx2::ByteStrip<kBytes>;
  std::vector<int8_t> packed(static_cast<size_t>(panels * Strip::panel_bytes(whole)));
  Strip::pack(weight.data(), channels, whole, packed.data());
  // Runs begin at any four: as positions of four channels do.
  avx2::Window window;
  window.in_channels = 4;
  window.out_channels = channels;
  window.columns.kernel = depth / 4;
  std::vector<int16_t> limits(Strip::limit_bytes(window) / sizeof(int16_t));
  Strip::find_limits(weight.data(), window, limits.data());
  const avx2::StripSizes sizes{padding + inside + 2, 1, depth / 4};
  std::vector<char> memory(Strip::bytes(sizes) + 64, '\x7f');
  void* aligned = memory.data();
  size_t space = memory.size();
  REQUIRE(std::align(64, Strip::bytes(sizes), aligned, space) != nullptr);
  Strip strip(aligned, sizes, {is_signed, static_cast<int32_t>(zero_point), Strip::limits(window, limits.data())});
  const bool pads = std::abs(zero_point + (is_signed ? 128 : 0) - (kBytes == Bytes::raw ? 0 : 128)) <= 64;
  const int64_t before = pads ? padding : 0;
  strip.pad(before);
  std::vector<uint8_t> bits = source;
  if (is_signed) {
    for (uint8_t& b : bits) b ^= 0x80;
  }
  strip.copy(bits.data(), inside);

  int64_t starts[avx2::kTileRows];
  for (int64_t r = 0; r < rows; ++r) starts[r] = 4 * random.pick(0, 56);
  strip.find(0, rows, starts, runs);
  std::vector<int32_t> sums(static_cast<size_t>(panels * rows * 16));
  strip.sum(0, packed.data(), panels, {sums.data(), nullptr});

  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t r = 0; r < rows; ++r) {
      int64_t expected = 0;
      for (size_t run = 0; run < offsets.size(); ++run) {
        if (cut && std::find(chosen.begin(), chosen.end(), run) == chosen.end()) continue;
        for (int64_t k = cut ? begin : 0; k < (cut ? end : length); ++k) {
          const int64_t at = starts[r] + offsets[run] + k - before;
          if (at < 0) continue;
          const int64_t x = source[static_cast<size_t>(at)] - (is_signed ? 128 : 0) - zero_point;
          expected += x * weight[static_cast<size_t>(c * depth + static_cast<int64_t>(run) * length + k)];
        }
      }
      REQUIRE(sums[static_cast<size_t>((c / 16 * rows + r) * 16 + c % 16)] == expected);
    }
  }
}

TEST_CASE("Sums of products of bytes are exact") {
  if (avx2::refuse_without_avx2()) return;  // this CPU cannot run them
  Random random(91);
  const std::vector<Draw> kinds = {{0, 255, 0},   {255, 255, 0}, {0, 0, 0},     {0, 40, 20},  {100, 156, 20},
                                   {128, 128, 9}, {0, 1, 2},     {254, 255, 3}, {127, 129, 5}};
  for (const Draw& activations : kinds) {
    for (const Draw& weights : {Draw{0, 255, 0}, Draw{0, 0, 0}, Draw{255, 255, 0}, Draw{90, 160, 9}}) {
      for (int round = 0; round < 12; ++round) {
        check_sums<Bytes::raw>(activations, weights, random.chance(2), random);
        check_sums<Bytes::centred>(activations, weights, random.chance(2), random);
      }
    }
  }
}

// Channels in fours, so that these kernels are taken where there is no VNNI: all the epilogues, paddings and groups.
TEST_CASE("Convolutions and linears of whole fours over random calls") {
  Random random(92);
  for (unsigned round = 0; round < 300; ++round) {
    Int8Case c;
    draw_quantization(c, random);
    c.x_zero_point = c.x_dtype == "u8" ? random.one_of<int64_t>({0, 5, 64, 65, 120, 128, 192, 193, 255})
                                       : random.one_of<int64_t>({-128, -100, -60, -3, 0, 64, 127});
    c.weight_low = random.one_of({-128, -127, -20});
    c.convolution = random.chance(2);
    const int64_t channels = random.one_of<int64_t>({5, 16, 40, 64, 130});
    if (c.convolution) {
      c.groups = random.one_of<int64_t>({1, 1, 2});
      const int64_t inner = random.one_of<int64_t>({4, 8, 12, 32}), kernel = random.one_of<int64_t>({1, 2, 3});
      c.x_sizes = {random.pick(1, 2), inner * c.groups, random.pick(3, 9), random.pick(3, 9)};
      c.weight_sizes = {channels * c.groups, inner, kernel, kernel};
      c.stride = {random.pick(1, 2), random.pick(1, 2)};
      c.padding = {random.pick(0, 2), random.pick(0, 2)};
      c.dilation = {1, random.pick(1, 2)};
      if (c.out_sizes()[2] < 1 || c.out_sizes()[3] < 1) continue;
    } else {
      const int64_t depth = random.one_of<int64_t>({32, 68, 160, 512});
      c.x_sizes = {random.pick(1, 30), depth};
      c.weight_sizes = {channels, depth};
    }
    c.out_dtype = random.one_of({"u8", "u8", "s8", "f32", "bf16"});
    c.post_op = random.one_of({"none", "relu", "gelu", "hardtanh"});
    if (c.post_op == "hardtanh") c.post_op_args = {random.one_of({0.0, -5.0}), 0.7};
    if (random.chance(3)) c.other_dtype = c.out_dtype;
    const bool small = random.chance(2);
    CHECK(is_fast(check_case(c, round, [&](std::vector<HostTensor>& inputs) {
      // Near the zero point but for a few, as a network's are; or all over their range.
      if (!small) return;
      std::vector<double> values;
      const int64_t low = c.x_dtype == "u8" ? 0 : -128;
      for (int64_t i = 0; i < inputs[0].layout.element_count(); ++i) {
        const int64_t near = c.x_zero_point + random.pick(-30, 30);
        values.push_back(static_cast<double>(
            std::clamp<int64_t>(random.chance(15) ? random.pick(low, low + 255) : near, low, low + 255)));
      }
      inputs[0] = tensor_of(inputs[0].layout.dtype, inputs[0].layout.sizes, values);
    })));
  }
}

}  // namespace
}  // namespace qrules

#endif
