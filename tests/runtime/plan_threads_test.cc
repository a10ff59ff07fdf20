// One plan, a context for each thread.

#include <thread>

#include <omp.h>

#include "plan_helpers.h"

namespace qrules {
namespace {

using namespace testing;

// Quantized layers, a reorder between layouts, views, and operators that run through the dispatcher.
std::string network() {
  std::mt19937 generator(8);
  return "graph(%x: u8[2,8,12,12], %t: f32[2,10]) {\n"
         "  %w = constant \"w\" : s8[8,8,3,3] " +
         integers_text(generator, 576, -8, 8) +
         "\n"
         "  %v = constant \"v\" : s8[10,288] " +
         integers_text(generator, 2880, -8, 8) +
         "\n"
         "  %s = constant : f32[1] {0.25}\n"
         "  %c = onednn.qconv.default(%x, 0.125, 128, %w, %s, None, [1, 1], [1, 1], [1, 1], 1, 2.0, 100, u8, "
         "\"relu\")\n"
         "  %d = onednn.qconv_binary.default(%c, 0.125, 128, %w, %s, None, [1, 1], [1, 1], [1, 1], 1, %c, 0.5, 90, "
         "\"add\", 2.0, 100, u8)\n"
         "  %p = onednn.qmaxpool2d.default(%d, [2, 2], [2, 2], [0, 0], [1, 1], False)\n"
         "  %r = onednn.qreshape.default(%p, [2, 288])\n"
         "  %l = onednn.qlinear.default(%r, 0.125, 128, %v, %s, None)\n"
         "  %a = aten.add.Tensor(%l, %t)\n"
         "  %m = aten.softmax.int(%a, 1)\n"
         "  return (%m, %p, %t)\n}\n";
}

using Results = std::vector<std::vector<double>>;

TEST_CASE("Eight threads share a plan") {
  const auto plan = plan_of(network());
  constexpr unsigned kThreads = 8, kRuns = 12;
  std::vector<std::vector<HostTensor>> inputs;
  std::vector<Results> alone;
  for (unsigned i = 0; i < kThreads; ++i) {
    inputs.push_back(random_inputs(*plan, i));
    alone.push_back(run_plan(*plan, inputs.back()));
  }
  CHECK(alone[0] != alone[1]);
  // Catch2's checks are for one thread: results are compared after.
  std::vector<std::vector<Results>> together(kThreads);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      omp_set_num_threads(2);
      const auto context = plan->make_context();
      for (unsigned k = 0; k < kRuns; ++k) {
        const auto& given = inputs[(i + k) % kThreads];
        context->run(pointers_to(given));
        Results results;
        for (size_t r = 0; r < plan->output_layouts().size(); ++r)
          results.push_back(read_values(plan->output_layouts()[r], context->outputs()[r]));
        together[i].push_back(std::move(results));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (unsigned i = 0; i < kThreads; ++i) {
    for (unsigned k = 0; k < kRuns; ++k) {
      INFO("thread " << i << ", run " << k);
      CHECK(together[i][k] == alone[(i + k) % kThreads]);
    }
  }
}

TEST_CASE("A context outlives the plan and graph that it was made of") {
  auto plan = plan_of(network());
  const auto inputs = random_inputs(*plan);
  const auto expected = run_plan(*plan, inputs);
  const auto layouts = plan->output_layouts();
  const auto context = plan->make_context();
  plan.reset();
  context->run(pointers_to(inputs));
  for (size_t i = 0; i < layouts.size(); ++i) CHECK(read_values(layouts[i], context->outputs()[i]) == expected[i]);
}

TEST_CASE("Results do not depend on the number of threads") {
  const auto text = network();
  PlanOptions one;
  one.threads = 1;
  const auto several = plan_of(text), single = plan_of(text, {}, one);
  const auto inputs = random_inputs(*several);
  const int before = omp_get_max_threads();
  const auto expected = run_plan(*several, inputs);
  CHECK(run_plan(*single, inputs) == expected);
  omp_set_num_threads(before);
}

}  // namespace
}  // namespace qrules
