// Arguments of every kind on their way through LibTorch's dispatcher, and what it refuses.

#include <cmath>
#include <limits>
#include <stdexcept>

#include "../runtime/plan_helpers.h"

namespace qrules {
namespace {

using namespace testing;

using Values = std::vector<double>;

struct Input {
  DType dtype;
  std::vector<int64_t> sizes;
  Values values;
};

// Results of a body over %a, %b, ...; %y is the call that must have gone through the dispatcher.
std::vector<Values> results_of(const std::string& body, const std::vector<Input>& given,
                               const std::string& results = "%y") {
  std::string inputs;
  std::vector<HostTensor> tensors;
  for (size_t i = 0; i < given.size(); ++i) {
    inputs +=
        std::string(i ? ", %" : "%") + static_cast<char>('a' + i) + ": " + std::string(name(given[i].dtype)) + "[";
    for (size_t d = 0; d < given[i].sizes.size(); ++d) inputs += (d ? "," : "") + std::to_string(given[i].sizes[d]);
    inputs += "]";
    tensors.push_back(tensor_of(given[i].dtype, given[i].sizes, given[i].values));
  }
  const std::string text = "graph(" + inputs + ") {\n" + body + "  return (" + results + ")\n}\n";
  INFO(text);
  const auto plan = plan_of(text);
  const PlanStep& step = step_of(*plan, "y");
  CHECK(step.fallback);
  CHECK(step.handler == "aten");
  const auto context = plan->make_context();
  const auto first = run_plan(*plan, *context, tensors);
  // The second run uses what the first made, and buffers that hold old results.
  CHECK(run_plan(*plan, *context, tensors) == first);
  return first;
}

// `type`: where it is not inferred.
Values result_of(const std::string& call, const std::vector<Input>& given, const std::string& type = "") {
  return results_of("  %y" + (type.empty() ? "" : ": " + type) + " = " + call + "\n", given)[0];
}

const Input kFloats{DType::f32, {2, 3}, {-2, -1, 0, 1, 2, 3}};

TEST_CASE("Scalars: integers, floats and booleans") {
  CHECK(result_of("aten.add.Tensor(%a, %a, alpha=2)", {kFloats}) == Values{-6, -3, 0, 3, 6, 9});
  CHECK(result_of("aten.add.Scalar(%a, 1.5)", {kFloats}) == Values{-0.5, 0.5, 1.5, 2.5, 3.5, 4.5});
  CHECK(result_of("aten.clamp.default(%a, -1, 1.5)", {kFloats}) == Values{-1, -1, 0, 1, 1.5, 1.5});
  CHECK(result_of("aten.leaky_relu.default(%a, 0.5)", {kFloats}) == Values{-1, -0.5, 0, 1, 2, 3});
  CHECK(result_of("aten.mul.Scalar(%a, True)", {kFloats}) == Values{-2, -1, 0, 1, 2, 3});
}

TEST_CASE("Optional values that are given and that are not") {
  CHECK(result_of("aten.clamp.default(%a, None, 1)", {kFloats}) == Values{-2, -1, 0, 1, 1, 1});
  CHECK(result_of("aten.clamp.default(%a, 0)", {kFloats}) == Values{0, 0, 0, 1, 2, 3});
  const Input rows{DType::f32, {1, 2}, {3, 4}}, matrix{DType::f32, {2, 2}, {1, 0, 0, 2}},
      bias{DType::f32, {2}, {10, 20}};
  CHECK(result_of("aten.linear.default(%a, %b)", {rows, matrix}) == Values{3, 8});
  CHECK(result_of("aten.linear.default(%a, %b, None)", {rows, matrix}) == Values{3, 8});
  CHECK(result_of("aten.linear.default(%a, %b, %c)", {rows, matrix, bias}) == Values{13, 28});
}

TEST_CASE("Lists of integers, one integer for a list, and no elements") {
  CHECK(result_of("aten.sum.dim_IntList(%a, [0], True)", {kFloats}, "f32[1,3]") == Values{-1, 1, 3});
  CHECK(result_of("aten.sum.dim_IntList(%a, [0, 1])", {kFloats}, "f32[]") == Values{3});
  CHECK(result_of("aten.flip.default(%a, [1])", {kFloats}, "f32[2,3]") == Values{0, -1, -2, 3, 2, 1});
  const Input image{DType::f32, {1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}};
  CHECK(result_of("aten.avg_pool2d.default(%a, [2, 2])", {image}) == Values{3.5, 5.5});
  CHECK(result_of("aten.avg_pool2d.default(%a, [2])", {image}) == Values{3.5, 5.5});
  CHECK(result_of("aten.constant_pad_nd.default(%a, [1, 0], 9)", {{DType::f32, {1, 2}, {1, 2}}}, "f32[1,3]") ==
        Values{9, 1, 2});
}

TEST_CASE("Lists of numbers") {
  const Input image{DType::f32, {1, 1, 1, 2}, {1, 2}};
  CHECK(results_of("  %y: f32[1,1,2,4] = aten.upsample_nearest2d.vec(%a, None, [2.0, 2.0])\n", {image})[0] ==
        Values{1, 1, 2, 2, 1, 1, 2, 2});
  CHECK(results_of("  %y: f32[1,1,1,3] = aten.upsample_nearest2d.vec(%a, [1, 3], None)\n", {image})[0] ==
        Values{1, 1, 2});
}

TEST_CASE("Lists of tensors, of optional tensors, and one tensor several times") {
  CHECK(result_of("aten.stack.default([%a, %b, %a], 0)", {{DType::f32, {2}, {1, 2}}, {DType::f32, {2}, {3, 4}}},
                  "f32[3,2]") == Values{1, 2, 3, 4, 1, 2});
  // None leaves a dimension as it is.
  const Input positions{DType::s32, {2}, {2, 0}};
  CHECK(results_of("  %y: f32[2,2] = aten.index.Tensor(%a, [None, %b])\n", {kFloats, positions})[0] ==
        Values{0, -2, 3, 1});
  CHECK(results_of("  %y: f32[2] = aten.index.Tensor(%a, [%b, %c])\n",
                   {kFloats, {DType::s32, {2}, {1, 0}}, positions})[0] == Values{3, -2});
}

TEST_CASE("Types, layouts, devices and memory formats") {
  const auto full = plan_of(
      "graph() {\n  %y: f32[2] = aten.full.default([2], 7, dtype=f32, layout=strided, device=\"cpu\", "
      "pin_memory=False)\n  return (%y)\n}\n");
  CHECK(run_plan(*full, {}) == std::vector<Values>{{7, 7}});
  CHECK(results_of("  %y: s64[3] = aten.arange.start_step(1, 7, 2, dtype=s64, device=\"cpu\", pin_memory=False)\n",
                   {})[0] == Values{1, 3, 5});
  CHECK(result_of("aten.zeros_like.default(%a, memory_format=preserve_format)", {kFloats}, "f32[2,3]") ==
        Values{0, 0, 0, 0, 0, 0});
  CHECK(result_of("aten.zeros_like.default(%a, memory_format=channels_last)",
                  {{DType::f32, {1, 2, 1, 2}, {1, 2, 3, 4}}}, "f32[1,2,1,2]") == Values{0, 0, 0, 0});
  CHECK(result_of("aten.sum.default(%a, dtype=f64)", {{DType::u8, {3}, {200, 100, 7}}}, "f64[]") == Values{307});
}

TEST_CASE("Text") {
  CHECK(result_of("aten.gelu.default(%a, approximate=\"tanh\")", {{DType::f32, {1}, {0}}}) == Values{0});
  const double none = result_of("aten.gelu.default(%a)", {{DType::f32, {1}, {1}}})[0],
               tanh = result_of("aten.gelu.default(%a, approximate=\"tanh\")", {{DType::f32, {1}, {1}}})[0];
  CHECK(none == Approx(0.841345).epsilon(1e-5));
  CHECK(tanh == Approx(0.841192).epsilon(1e-5));
}

TEST_CASE("Numbers in the place of tensors do not change the type") {
  const Input small{DType::u8, {3}, {1, 2, 3}};
  CHECK(result_of("aten.add.Tensor(%a, 2)", {small}) == Values{3, 4, 5});
  CHECK(result_of("aten.mul.Tensor(%a, 100)", {small}) == Values{100, 200, 44});  // still u8
  CHECK(result_of("aten.mul.Tensor(%a, 0.5)", {kFloats}) == Values{-1, -0.5, 0, 0.5, 1, 1.5});
  CHECK(result_of("aten.div.Tensor(%a, 2)", {kFloats}) == Values{-1, -0.5, 0, 0.5, 1, 1.5});
}

TEST_CASE("Types that LibTorch promotes") {
  CHECK(result_of("aten.add.Tensor(%a, %b)", {{DType::u8, {2}, {250, 10}}, {DType::s8, {2}, {-1, 100}}}) ==
        Values{249, 110});
  CHECK(result_of("aten.add.Tensor(%a, %b)", {{DType::s64, {2}, {1, 2}}, {DType::f32, {2}, {0.5, 0.25}}}) ==
        Values{1.5, 2.25});
  CHECK(result_of("aten.gt.Scalar(%a, 0)", {kFloats}, "bool[2,3]") == Values{0, 0, 0, 1, 1, 1});
}

TEST_CASE("Symbolic sizes among the arguments") {
  const auto graph = shared_graph(
      "graph(%a: f32[s0,2]) {\n  %y: f32[s0,3] = aten.full.default([size(s0), 3], 5, dtype=f32)\n  return (%y)\n}\n");
  for (int64_t batch : {1, 4}) {
    const auto plan = plan_of(graph, {{"s0", batch}});
    CHECK(run_plan(*plan, {tensor_of(DType::f32, {batch, 2}, Values(static_cast<size_t>(2 * batch), 1))})[0] ==
          Values(static_cast<size_t>(3 * batch), 5));
  }
}

TEST_CASE("Results of several kinds") {
  const auto sorted = results_of(
      "  %y: (f32[3], s64[3]) = aten.sort.default(%a)\n  %v = _operator.getitem(%y, 0)\n  %i = _operator.getitem(%y, "
      "1)\n",
      {{DType::f32, {3}, {3, 1, 2}}}, "%v, %i");
  CHECK(sorted == std::vector<Values>{{1, 2, 3}, {1, 2, 0}});
  const auto parts = results_of(
      "  %y: (f32[1,3], f32[1,3]) = aten.split.Tensor(%a, 1)\n  %v = _operator.getitem(%y, 1)\n", {kFloats}, "%v");
  CHECK(parts == std::vector<Values>{{1, 2, 3}});
}

TEST_CASE("Operands and results of other layouts") {
  // A transposed operand of a product, and an elementwise call that keeps what it gets.
  CHECK(results_of("  %t = aten.t.default(%a)\n  %y = aten.matmul.default(%a, %t)\n", {kFloats})[0] ==
        Values{5, -4, -4, 14});
  CHECK(results_of("  %t = aten.t.default(%a)\n  %y = aten.neg.default(%t)\n", {kFloats})[0] ==
        Values{2, -1, 1, -2, 0, -3});
  const Input image{DType::f32, {1, 2, 2, 3}, {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6}};
  // Channels last on its way in and out.
  CHECK(results_of("  %p = aten.permute.default(%a, [0, 3, 1, 2])\n  %y = aten.neg.default(%p)\n", {image})[0] ==
        Values{-1, -4, 1, 4, -2, -5, 2, 5, -3, -6, 3, 6});
  CHECK(results_of("  %p = aten.permute.default(%a, [0, 3, 1, 2])\n  %y = aten.avg_pool2d.default(%p, [2, 2])\n",
                   {image})[0] == Values{0, 0, 0});
}

std::string refusal_of(const std::string& call, const std::string& inputs = "%a: f32[2,3]") {
  const auto plan =
      Plan::prepare(shared_graph("graph(" + inputs + ") {\n  %y: f32[2,3] = " + call + "\n  return (%y)\n}\n"), {});
  if (plan.ok()) return "ok";
  const auto& notes = plan.diagnostics().list().front().notes;
  return notes.empty() ? "no note" : notes.back();
}

TEST_CASE("Refusals say what is wrong") {
  CHECK(refusal_of("\"nothing\"(%a)") ==
        "aten: `nothing` cannot be called through the dispatcher: its name has no overload");
  CHECK(refusal_of("\"my.relu.default\"(%a)") ==
        "aten: `my.relu.default` cannot be called through the dispatcher: LibTorch has no operator `my::relu`");
  CHECK(refusal_of("\"aten.relu.fast\"(%a)") ==
        "aten: `aten.relu.fast` cannot be called through the dispatcher: LibTorch has no operator `aten::relu`");
  CHECK(refusal_of("aten.relu_.default(%a)") ==
        "aten: `aten.relu_.default` cannot be called through the dispatcher: it writes to its operands");
}

TEST_CASE("What LibTorch finds wrong at run time makes the run fail, not the process") {
  const auto plan =
      plan_of("graph(%a: f32[2,3], %b: s64[1]) {\n  %y: f32[1,3] = aten.embedding.default(%a, %b)\n  return (%y)\n}\n");
  const auto context = plan->make_context();
  const std::vector<HostTensor> wrong{tensor_of(DType::f32, {2, 3}, Values(6, 1)), tensor_of(DType::s64, {1}, {7})};
  context->run(pointers_to(wrong));
  CHECK(context->failed());
  const std::vector<HostTensor> right{tensor_of(DType::f32, {2, 3}, {1, 2, 3, 4, 5, 6}),
                                      tensor_of(DType::s64, {1}, {1})};
  CHECK(run_plan(*plan, *context, right)[0] == Values{4, 5, 6});
}

TEST_CASE("Sizes that an operator does not give make the run fail, with and without an out form") {
  // scaled_dot_product_attention has no out form; logit has one. Of both, results are larger and smaller than said.
  for (const char* call : {"[4,2] = aten.scaled_dot_product_attention.default(%a, %a, %a)",
                           "[1,2] = aten.scaled_dot_product_attention.default(%a, %a, %a)",
                           "[4,2] = aten.logit.default(%a)", "[1,2] = aten.logit.default(%a)"}) {
    INFO(call);
    const auto plan = plan_of(std::string("graph(%a: f32[2,2]) {\n  %y: f32") + call + "\n  return (%y)\n}\n");
    const auto context = plan->make_context();
    const HostTensor a = tensor_of(DType::f32, {2, 2}, {0.1, 0.2, 0.3, 0.4});
    for (int run = 0; run < 3; ++run) {
      context->run(std::vector<const void*>{a.data.get()});
      CHECK(context->failed());
    }
  }
}

}  // namespace
}  // namespace qrules
