// Images that are interleaved while they are quantized, as convolutions take them: the same as in two steps.

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

TEST_CASE("quantized images that only convolutions read") {
  Random random(97);
  for (const int64_t planes : {1, 2, 3, 4, 5}) {
    for (const char* dtype : {"u8", "s8"}) {
      const std::vector<int64_t> sizes{random.pick(1, 2), planes, random.pick(1, 70), random.pick(1, 90)};
      const std::string bounds = std::string(dtype) == "u8" ? "0, 255" : "-128, 127", p = std::to_string(planes);
      std::string weights = "{";
      for (int64_t i = 0; i < 6 * planes; ++i) weights += (i ? ", " : "") + std::to_string(random.pick(-127, 127));
      const auto graph = [&](const std::string& more) {
        return "graph(%x: f32" + list_text(sizes) + ") {\n  %w = constant \"w\" : s8[6," + p + ",1,1] " + weights +
               "}\n  %s = constant \"s\" : f32[1] {0.01}\n" +
               "  %q = quantized_decomposed.quantize_per_tensor.default(%x, 0.02, 7, " + bounds + ", " + dtype +
               ")\n  %y = onednn.qconv.default(%q, 0.02, 7, %w, %s, None, [1, 1], [0, 0], [1, 1], 1)\n" + more;
      };
      const auto plan = plan_of(graph("  return (%y)\n}\n")),
                 apart = plan_of(graph("  %d = quantized_decomposed.dequantize_per_tensor.default(%q, 0.02, 7, " +
                                       bounds + ", " + dtype + ")\n  return (%y, %d)\n}\n"));
      INFO(graph(""));
      CHECK((step_of(*plan, "q").implementation == "interleave") == (planes < 5));
      CHECK(step_of(*apart, "q").implementation != "interleave");
      const auto inputs = random_inputs(*plan, static_cast<unsigned>(planes));
      CHECK(run_plan(*plan, inputs)[0] == run_plan(*apart, inputs)[0]);
    }
  }
}

}  // namespace
}  // namespace qrules
