// The oneDNN handlers that move integers and compute nothing: maxima, concatenation, reshapes. Against the reference
// plan.

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

// Results that only move integers are equal, whatever ran.
void check_equal(const std::string& text, unsigned seed) {
  INFO(text);
  const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
  const auto inputs = random_inputs(*plan, seed);
  CHECK(run_plan(*plan, inputs) == run_plan(*reference, inputs));
}

TEST_CASE("qmaxpool2d over random calls") {
  Random random(41);
  size_t on_onednn = 0;
  for (unsigned round = 0; round < 200; ++round) {
    std::vector<int64_t> sizes{random.pick(0, 3), random.one_of<int64_t>({1, 3, 16, 17, 40})}, kernel, stride, padding,
        dilation;
    const bool ceil = random.chance(2);
    for (int i = 0; i < 2; ++i) {
      kernel.push_back(random.pick(1, 4));
      stride.push_back(random.pick(1, 3));
      padding.push_back(random.pick(0, kernel.back() / 2));
      dilation.push_back(random.chance(3) ? 2 : 1);
      sizes.push_back((kernel.back() - 1) * dilation.back() + 1 + random.pick(0, 9));
    }
    if (random.chance(5)) sizes.erase(sizes.begin());
    // The default: the stride is the kernel.
    if (random.chance(6)) stride.clear();
    const std::string text = "graph(%x: " + std::string(random.one_of({"u8", "s8"})) + list_text(sizes) +
                             ") {\n  %y = onednn.qmaxpool2d.default(%x, " + list_text(kernel) + ", " +
                             list_text(stride) + ", " + list_text(padding) + ", " + list_text(dilation) + ", " +
                             (ceil ? "True" : "False") + ")\n  return (%y)\n}\n";
    check_equal(text, round);
    on_onednn += step_of(*plan_of(text), "y").handler == "onednn.qmaxpool2d" ? 1 : 0;
  }
  CHECK(on_onednn > 100);
}

TEST_CASE("qcat over random calls") {
  Random random(42);
  for (unsigned round = 0; round < 200; ++round) {
    const int64_t rank = random.pick(1, 4), dim = random.pick(-rank, rank - 1);
    std::vector<int64_t> sizes;
    for (int64_t d = 0; d < rank; ++d) sizes.push_back(random.pick(1, 7));
    const std::string dtype = random.one_of({"u8", "s8"});
    std::string inputs, body, operands;
    const int64_t count = random.pick(1, 5);
    for (int64_t i = 0; i < count; ++i) {
      sizes[static_cast<size_t>(dim < 0 ? dim + rank : dim)] = random.chance(9) ? 0 : random.pick(1, 5);
      std::string name = "%x" + std::to_string(i);
      std::vector<int64_t> given = sizes;
      // Some come with their dimensions turned about.
      if (rank == 4 && random.chance(2)) {
        given = {sizes[0], sizes[2], sizes[3], sizes[1]};
        body += "  %p" + std::to_string(i) + " = aten.permute.default(" + name + ", [0, 3, 1, 2])\n";
        operands += (i ? ", %p" : "%p") + std::to_string(i);
      } else {
        operands += (i ? ", " : "") + name;
      }
      inputs += (i ? ", " : "") + name + ": " + dtype + list_text(given);
    }
    check_equal("graph(" + inputs + ") {\n" + body + "  %y = onednn.qcat.default([" + operands + "], " +
                    std::to_string(dim) + ")\n  return (%y)\n}\n",
                round);
  }
}

TEST_CASE("qreshape of plain and of turned integers") {
  check_equal("graph(%x: u8[2,3,4]) {\n  %y = onednn.qreshape.default(%x, [4, 6])\n  return (%y)\n}\n", 1);
  check_equal(
      "graph(%x: s8[2,3,4]) {\n  %p = aten.permute.default(%x, [2, 0, 1])\n  %y = onednn.qreshape.default(%p, [4, "
      "6])\n  return (%y, %p)\n}\n",
      2);
  check_equal("graph(%x: u8[0,3]) {\n  %y = onednn.qreshape.default(%x, [3, 0])\n  return (%y)\n}\n", 3);
  check_equal(
      "graph(%x: u8[2,8,3,3]) {\n  %m = onednn.qmaxpool2d.default(%x, [2, 2], [1, 1], [0, 0], [1, 1], False)\n  %y = "
      "onednn.qreshape.default(%m, [2, 32])\n"
      "  %z = onednn.qcat.default([%m, %m], 1)\n  return (%y, %z)\n}\n",
      4);
}

}  // namespace
}  // namespace qrules
