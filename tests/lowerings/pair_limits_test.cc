// How large pairs of activations may be (lowerings/avx2/pair_limits.h).

#include <qrules/lowerings/avx2/pair_limits.h>
#include <qrules/lowerings/avx2/tasks.h>

#include <algorithm>
#include <cstdlib>

#include "random_calls.h"

#if defined(__x86_64__)

namespace qrules {
namespace {

using namespace testing;
using avx2::Bytes;

// Whether all pairs of this size stay in 16 bits beside the two weights.
template <Bytes kBytes>
bool is_safe(int size, int first, int second) {
  const int least = kBytes == Bytes::raw ? 0 : -avx2::kLargest<kBytes>,
            shift = kBytes == Bytes::raw ? 0 : avx2::kCentre;
  for (int a = least; a <= avx2::kLargest<kBytes>; ++a) {
    const int b = size - std::abs(a);
    if (b < 0 || b > avx2::kLargest<kBytes>) continue;
    for (const int sign : {1, kBytes == Bytes::raw ? 1 : -1}) {
      const int sum = a * (first + shift) + sign * b * (second + shift);
      if (sum < -32'768 || sum > 32'767) return false;
    }
  }
  return true;
}

template <Bytes kBytes>
void check_limits_of_pairs() {
  for (int first = -128; first < 128; first += 3) {
    for (int second = -128; second < 128; ++second) {
      const int limit = avx2::pair_limit<kBytes>(first, second), most = 2 * avx2::kLargest<kBytes>;
      INFO(first << " " << second << " " << limit);
      REQUIRE((limit >= avx2::kLargest<kBytes> && limit <= most));
      REQUIRE(is_safe<kBytes>(limit, first, second));
      REQUIRE((limit == most || !is_safe<kBytes>(limit + 1, first, second)));
    }
  }
}

TEST_CASE("A pair's limit is the largest that stays in 16 bits") {
  check_limits_of_pairs<Bytes::raw>();
  check_limits_of_pairs<Bytes::centred>();
  // Whatever the weights, halves of a pair and what is left of them do.
  CHECK(avx2::pair_limit<Bytes::raw>(-128, -128) == 256);
  CHECK(avx2::pair_limit<Bytes::centred>(127, 127) == 128);
  CHECK(avx2::pair_limit<Bytes::raw>(40, -90) == 510);
}

template <Bytes kBytes>
void check_limits_of_positions(Random& random) {
  const int64_t inner = 4 * random.pick(1, 30), groups = random.pick(1, 3), outer = random.pick(1, 9),
                taps = random.pick(1, 5), row = taps * inner, channels = inner * groups;
  const int64_t widest = random.one_of<int64_t>({127, 60, 3});
  std::vector<int8_t> weights;
  for (int64_t i = 0; i < groups * outer * row; ++i)
    weights.push_back(static_cast<int8_t>(random.chance(30) ? -128 : random.pick(-widest, widest)));
  std::vector<int16_t> limits(avx2::PairLimits::bytes(channels) / sizeof(int16_t));
  avx2::find_pair_limits<kBytes>(weights.data(), channels, inner, outer, row, limits.data());
  for (size_t pair = 0; pair < limits.size(); ++pair) {
    const auto channel = static_cast<int64_t>(2 * pair) % channels, group = channel / inner;
    int expected = 2 * avx2::kLargest<kBytes>;
    for (int64_t n = group * outer; n < (group + 1) * outer; ++n) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        const auto at = static_cast<size_t>(n * row + tap * inner + channel % inner);
        expected = std::min(expected, avx2::pair_limit<kBytes>(weights[at], weights[at + 1]));
      }
    }
    REQUIRE(limits[pair] == expected);
  }
}

TEST_CASE("Limits of a position are the least that its weights allow") {
  if (avx2::refuse_without_avx2()) return;  // this CPU cannot run it
  Random random(18);
  for (int round = 0; round < 150; ++round) {
    check_limits_of_positions<Bytes::raw>(random);
    check_limits_of_positions<Bytes::centred>(random);
  }
}

}  // namespace
}  // namespace qrules

#endif
