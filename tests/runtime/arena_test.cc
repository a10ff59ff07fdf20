// Places of buffers by lifetime.

#include <algorithm>
#include <random>

#include <qrules/runtime/arena.h>

#include "../catch.h"

namespace qrules {
namespace {

bool overlap_in_time(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

// Checks what every plan must hold, and gives the largest sum of bytes alive at one step: no block can be smaller.
size_t check_plan(const std::vector<Lifetime>& buffers, size_t total) {
  size_t steps = 0, sum = 0;
  for (const Lifetime& buffer : buffers) {
    CHECK(buffer.offset % 64 == 0);
    CHECK(buffer.offset + buffer.bytes <= total);
    steps = std::max(steps, buffer.last + 1);
    sum += (buffer.bytes + 63) / 64 * 64;
  }
  CHECK(total <= sum);
  CHECK(total % 64 == 0);
  for (size_t i = 0; i < buffers.size(); ++i) {
    for (size_t k = i + 1; k < buffers.size(); ++k) {
      const Lifetime &a = buffers[i], &b = buffers[k];
      if (!overlap_in_time(a, b) || a.bytes == 0 || b.bytes == 0) continue;
      if (a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes)
        FAIL("buffers " << i << " and " << k << " share memory while both live");
    }
  }
  size_t peak = 0;
  for (size_t step = 0; step < steps; ++step) {
    size_t alive = 0;
    for (const Lifetime& buffer : buffers) alive += buffer.first <= step && step <= buffer.last ? buffer.bytes : 0;
    peak = std::max(peak, alive);
  }
  CHECK(total >= peak);
  return peak;
}

TEST_CASE("An arena of nothing takes nothing") {
  std::vector<Lifetime> none;
  CHECK(plan_arena(none) == 0);
  std::vector<Lifetime> empty{{0, 0, 3, 7}, {0, 1, 2, 7}};
  CHECK(plan_arena(empty) == 0);
}

TEST_CASE("Buffers that never live together share their place") {
  std::vector<Lifetime> chain{{1000, 0, 1, 0}, {1000, 2, 3, 0}, {1000, 4, 4, 0}};
  CHECK(plan_arena(chain) == 1024);
  for (const Lifetime& buffer : chain) CHECK(buffer.offset == 0);
}

TEST_CASE("A step's operand and result do not share their place") {
  std::vector<Lifetime> touching{{64, 0, 1, 0}, {64, 1, 2, 0}};
  CHECK(plan_arena(touching) == 128);
}

TEST_CASE("A gap between two buffers is used") {
  // The two large ones live all the time; the small one fits below the first after the middle one is gone.
  std::vector<Lifetime> buffers{{640, 0, 1, 0}, {512, 0, 4, 0}, {64, 2, 3, 0}};
  CHECK(plan_arena(buffers) == 640 + 512);
}

TEST_CASE("Random lifetimes") {
  std::mt19937 generator(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<Lifetime> buffers(generator() % 60);
    const size_t steps = 1 + generator() % 40;
    for (Lifetime& buffer : buffers) {
      buffer.bytes = generator() % 5 == 0 ? 0 : generator() % (generator() % 3 == 0 ? 100000 : 300);
      buffer.first = generator() % steps;
      buffer.last = buffer.first + generator() % (steps - buffer.first);
    }
    const size_t total = plan_arena(buffers);
    check_plan(buffers, total);
  }
}

TEST_CASE("A network of layers needs little more than its two largest neighbours") {
  std::vector<Lifetime> layers;
  std::mt19937 generator(3);
  for (size_t i = 0; i < 100; ++i) layers.push_back({64 * (1 + generator() % 1000), i, i + 1, 0});
  const size_t total = plan_arena(layers);
  const size_t peak = check_plan(layers, total);
  CHECK(total <= peak * 3 / 2);
}

}  // namespace
}  // namespace qrules
