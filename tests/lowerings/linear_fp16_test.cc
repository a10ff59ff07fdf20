// onednn.linear_fp16 on both of its kernels.

#include "catch.h"
#include "lowerings/fake_context.h"

#include <qrules/graph/text.h>
#include <qrules/runtime/plan.h>

namespace qrules {
namespace {

std::vector<float> run(const std::string& text, const std::vector<float>& x, bool reference) {
  auto graph = parse_graph("test", text);
  if (!graph.ok()) FAIL(render_text(graph.diagnostics()));
  PlanOptions options;
  options.reference = reference;
  auto plan = Plan::prepare(std::make_shared<const Graph>(std::move(*graph)), {}, options);
  if (!plan.ok()) FAIL(render_text(plan.diagnostics()));
  bool seen = false;
  for (const PlanStep& step : (*plan)->steps())
    seen = seen || step.handler == (reference ? "decomposed.linear_fp16" : "onednn.linear_fp16");
  CHECK(seen);
  auto context = (*plan)->make_context();
  const void* inputs[] = {x.data()};
  context->run(inputs);
  CHECK_FALSE(context->failed());
  const auto* out = static_cast<const float*>(context->outputs()[0]);
  return std::vector<float>(out, out + (*plan)->output_layouts()[0].element_count());
}

}  // namespace

TEST_CASE("linear_fp16 by hand") {
  const std::string text = R"(graph(%x: f32[2,3]) {
    %w = constant "w" : f16[2,3] {0.5, -1, 2, 1, 1, 0.25}
    %b = constant "b" : f32[2] {0.5, -100}
    %y: f32[2,2] = onednn.linear_fp16.default(%x, %w, %b, "relu")
    return (%y)
  })";
  const std::vector<float> x{1, 2, 3, -1, 0, 4};
  for (bool reference : {true, false}) {
    const std::vector<float> y = run(text, x, reference);
    REQUIRE(y.size() == 4);
    CHECK(y[0] == Approx(0.5 - 2 + 6 + 0.5));
    CHECK(y[1] == 0);  // 1 + 2 + 0.75 - 100
    CHECK(y[2] == Approx(-0.5 + 8 + 0.5));
    CHECK(y[3] == 0);
  }
}

TEST_CASE("linear_fp16 without bias or activation, three dimensions") {
  const std::string text = R"(graph(%x: f32[1,2,3]) {
    %w = constant "w" : f16[2,3] {0.5, -1, 2, 1, 1, 0.25}
    %y: f32[1,2,2] = onednn.linear_fp16.default(%x, %w, None)
    return (%y)
  })";
  const std::vector<float> x{1, 2, 3, -1, 0, 4};
  for (bool reference : {true, false}) {
    const std::vector<float> y = run(text, x, reference);
    REQUIRE(y.size() == 4);
    CHECK(y[1] == Approx(3.75));
    CHECK(y[3] == Approx(0));
  }
}

}  // namespace qrules
