// Graph texts prepared and run: views, several results, tuples, lists, and what cannot be prepared.

#include "plan_helpers.h"

namespace qrules {
namespace {

using namespace testing;

std::vector<double> counting(int64_t count, double from = 0) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(from + static_cast<double>(i));
  return values;
}

// The only result of a graph of f32 inputs that count 0, 1, 2, ... in each.
std::vector<double> result_of(const std::string& text) {
  const auto plan = plan_of(text);
  std::vector<HostTensor> inputs;
  for (const TensorLayout& layout : plan->input_layouts())
    inputs.push_back(tensor_of(layout.dtype, layout.sizes, counting(layout.element_count())));
  const auto results = run_plan(*plan, inputs);
  REQUIRE(results.size() == 1);
  return results[0];
}

std::string graph_text(const std::string& inputs, const std::string& body) {
  return "graph(" + inputs + ") {\n" + body + "}\n";
}

TEST_CASE("Views of an input are read at their place") {
  struct Case {
    const char* call;
    const char* type;
    std::vector<double> values;
  };
  // %x is {{0, 1, 2}, {3, 4, 5}}.
  const std::vector<Case> cases{
      {"aten.view.default(%x, [3, 2])", "f32[3,2]", {0, 1, 2, 3, 4, 5}},
      {"aten.reshape.default(%x, [-1])", "f32[6]", {0, 1, 2, 3, 4, 5}},
      {"aten.permute.default(%x, [1, 0])", "f32[3,2]", {0, 3, 1, 4, 2, 5}},
      {"aten.transpose.int(%x, 0, -1)", "f32[3,2]", {0, 3, 1, 4, 2, 5}},
      {"aten.t.default(%x)", "f32[3,2]", {0, 3, 1, 4, 2, 5}},
      {"aten.unsqueeze.default(%x, 1)", "f32[2,1,3]", {0, 1, 2, 3, 4, 5}},
      {"aten.slice.Tensor(%x, 1, 1, 3)", "f32[2,2]", {1, 2, 4, 5}},
      {"aten.slice.Tensor(%x, 1, 0, 9223372036854775807, 2)", "f32[2,2]", {0, 2, 3, 5}},
      {"aten.slice.Tensor(%x, 0, -1, 9223372036854775807)", "f32[1,3]", {3, 4, 5}},
      {"aten.slice.Tensor(%x, 0, 2, 2)", "f32[0,3]", {}},
      {"aten.select.int(%x, 0, 1)", "f32[3]", {3, 4, 5}},
      {"aten.select.int(%x, 1, -1)", "f32[2]", {2, 5}},
      {"aten.flatten.using_ints(%x)", "f32[6]", {0, 1, 2, 3, 4, 5}},
      {"aten.alias.default(%x)", "f32[2,3]", {0, 1, 2, 3, 4, 5}},
      {"aten.clone.default(%x)", "f32[2,3]", {0, 1, 2, 3, 4, 5}},
  };
  for (const Case& c : cases) {
    INFO(c.call);
    // As the result itself, and read by another node.
    CHECK(result_of(graph_text("%x: f32[2,3]",
                               std::string("  %y: ") + c.type + " = " + c.call + "\n  return (%y)\n")) == c.values);
    std::vector<double> negated = c.values;
    for (double& value : negated) value = -value;
    CHECK(result_of(graph_text("%x: f32[2,3]", std::string("  %y: ") + c.type + " = " + c.call +
                                                   "\n  %z = aten.neg.default(%y)\n  return (%z)\n")) == negated);
    // Of an intermediate.
    CHECK(result_of(graph_text(
              "%x: f32[2,3]", std::string("  %n = aten.neg.default(%x)\n  %m = aten.neg.default(%n)\n  %y: ") + c.type +
                                  " = " +
                                  [&] {
                                    std::string call = c.call;
                                    call[call.find("%x") + 1] = 'm';
                                    return call;
                                  }() +
                                  "\n  return (%y)\n")) == c.values);
  }
}

TEST_CASE("Views of views, and a reshape that must copy") {
  CHECK(result_of(graph_text(
            "%x: f32[2,3,4]",
            "  %a = aten.permute.default(%x, [2, 0, 1])\n  %b: f32[2,2,3] = aten.slice.Tensor(%a, 0, 1, 4, 2)\n"
            "  %c: f32[2,3] = aten.select.int(%b, 1, 1)\n  %d = aten.t.default(%c)\n  return (%d)\n")) ==
        std::vector<double>{13, 15, 17, 19, 21, 23});
  CHECK(result_of(graph_text("%x: f32[2,3]",
                             "  %a = aten.t.default(%x)\n  %b = aten.reshape.default(%a, [6])\n  return (%b)\n")) ==
        std::vector<double>{0, 3, 1, 4, 2, 5});
  CHECK(result_of(graph_text(
            "%x: f32[1,3]",
            "  %a = aten.expand.default(%x, [2, 3])\n  %b = aten.reshape.default(%a, [6])\n  return (%b)\n")) ==
        std::vector<double>{0, 1, 2, 0, 1, 2});
  CHECK(result_of(graph_text("%x: f32[3,1]", "  %a = aten.expand.default(%x, [2, 3, 2])\n  return (%a)\n")) ==
        std::vector<double>{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2});
  CHECK(result_of(graph_text("%x: f32[1,2,1]",
                             "  %a = aten.squeeze.dim(%x, 0)\n  %b = aten.squeeze.dim(%a, -1)\n  return (%b)\n")) ==
        std::vector<double>{0, 1});
}

TEST_CASE("Inputs, constants, views and the same value as results") {
  const auto plan = plan_of(graph_text(
      "%x: f32[2], %k: s64[3]",
      "  %c = constant : s32[2] {7, -8}\n  %a = aten.neg.default(%x)\n  %v: s64[2] = aten.slice.Tensor(%k, 0, 1, 3)\n"
      "  return (%a, %x, %c, %a, %v, %x)\n"));
  const std::vector<HostTensor> inputs{tensor_of(DType::f32, {2}, {1, 2}), tensor_of(DType::s64, {3}, {4, 5, 6})};
  const auto results = run_plan(*plan, inputs);
  CHECK(results == std::vector<std::vector<double>>{{-1, -2}, {1, 2}, {7, -8}, {-1, -2}, {5, 6}, {1, 2}});
}

TEST_CASE("Results follow the inputs of each run") {
  const auto plan = plan_of(graph_text("%x: f32[2]", "  %a = aten.relu.default(%x)\n  return (%a, %x)\n"));
  const auto context = plan->make_context();
  for (double value : {3.0, -4.0, 5.0}) {
    const std::vector<HostTensor> inputs{tensor_of(DType::f32, {2}, {value, -value})};
    CHECK(run_plan(*plan, *context, inputs) ==
          std::vector<std::vector<double>>{{std::max(value, 0.0), std::max(-value, 0.0)}, {value, -value}});
  }
}

TEST_CASE("Parts of tuples and lists") {
  const auto plan = plan_of(graph_text("%x: f32[1,1,4,4]",
                                       "  %p = aten.max_pool2d_with_indices.default(%x, [2, 2])\n  %v = "
                                       "_operator.getitem(%p, 0)\n  %i = _operator.getitem(%p, 1)\n"
                                       "  return (%v, %i)\n"));
  const std::vector<HostTensor> inputs{
      tensor_of(DType::f32, {1, 1, 4, 4}, {3, 1, 0, 9, 2, 0, 1, 1, 0, 0, 5, 5, 8, 7, 5, 5})};
  CHECK(run_plan(*plan, inputs) == std::vector<std::vector<double>>{{3, 9, 8, 5}, {0, 3, 12, 10}});

  const std::string split = graph_text("%x: f32[5,2]",
                                       "  %s: (f32[2,2], f32[2,2], f32[1,2]) = aten.split.Tensor(%x, 2)\n  %a = "
                                       "_operator.getitem(%s, 2)\n  %b = _operator.getitem(%s, 0)\n"
                                       "  %c = _operator.getitem(%s, -2)\n  return (%a, %b, %c)\n");
  CHECK(run_plan(*plan_of(split), {tensor_of(DType::f32, {5, 2}, counting(10))}) ==
        std::vector<std::vector<double>>{{8, 9}, {0, 1, 2, 3}, {4, 5, 6, 7}});
}

TEST_CASE("Lists of operands, one of them twice") {
  CHECK(result_of(graph_text("%x: f32[1,2], %y: f32[2,2]", "  %a = aten.cat.default([%x, %y, %x])\n  return (%a)\n")) ==
        std::vector<double>{0, 1, 0, 1, 2, 3, 0, 1});
  CHECK(result_of(
            graph_text("%x: f32[2,1], %y: f32[2,2]", "  %a = aten.cat.default([%y, %x, %x], -1)\n  return (%a)\n")) ==
        std::vector<double>{0, 1, 0, 0, 2, 3, 1, 1});
  CHECK(result_of(graph_text("%x: f32[2], %y: f32[2]",
                             "  %a: f32[2,3] = aten.stack.default([%x, %y, %y], 1)\n  return (%a)\n")) ==
        std::vector<double>{0, 0, 0, 1, 1, 1});
}

TEST_CASE("What depends on constants alone is computed with the plan") {
  const auto plan =
      plan_of(graph_text("%x: f32[2]",
                         "  %c = constant : f32[2] {1, -2}\n  %d = aten.neg.default(%c)\n  %e = aten.relu.default(%d)\n"
                         "  %a = aten.add.Tensor(%x, %e)\n  return (%a, %d)\n"));
  CHECK(step_of(*plan, "d").implementation == "constant");
  CHECK(step_of(*plan, "e").implementation == "constant");
  CHECK(step_of(*plan, "a").implementation != "constant");
  CHECK(run_plan(*plan, {tensor_of(DType::f32, {2}, {10, 20})}) == std::vector<std::vector<double>>{{10, 22}, {-1, 2}});
}

TEST_CASE("Graphs without inputs, without elements, and of rank 0") {
  CHECK(
      run_plan(*plan_of("graph() {\n  %c = constant : f32[2] {1, 2}\n  %d = aten.neg.default(%c)\n  return (%d)\n}\n"),
               {}) == std::vector<std::vector<double>>{{-1, -2}});
  CHECK(run_plan(*plan_of("graph(%x: f32[0,3]) {\n  %d = aten.neg.default(%x)\n  return (%d, %x)\n}\n"),
                 {tensor_of(DType::f32, {0, 3}, {})}) == std::vector<std::vector<double>>{{}, {}});
  CHECK(run_plan(*plan_of("graph(%x: f32[]) {\n  %d = aten.neg.default(%x)\n  return (%d)\n}\n"),
                 {tensor_of(DType::f32, {}, {3})}) == std::vector<std::vector<double>>{{-3}});
}

std::string refusal_of(const std::string& text) { return message_of(Plan::prepare(shared_graph(text), {})); }

TEST_CASE("What cannot be prepared is named") {
  CHECK(refusal_of("graph(%x: f32[4]) {\n  %y: f32[4] = \"my.op\"(%x)\n  return (%y)\n}\n") ==
        "QR0701 nothing can run `%y` (my.op)");
  CHECK(refusal_of("graph(%x: f32[4]) {\n  %y: f32[4] = \"my.op.default\"(%x)\n  return (%y)\n}\n") ==
        "QR0701 nothing can run `%y` (my.op.default)");
  CHECK(refusal_of("graph(%x: f32[4]) {\n  %y = \"my.op.default\"(%x)\n  return (%y)\n}\n") ==
        "QR0702 the type of `%y` is not known");
  CHECK(
      refusal_of(
          "graph(%x: f32[4]) {\n  %w = constant \"w\" : f32[4]\n  %y = aten.add.Tensor(%x, %w)\n  return (%y)\n}\n") ==
      "QR0704 the elements of constant `%w` are not known");
  CHECK(refusal_of("graph(%x: f32[s0]) {\n  %y = aten.neg.default(%x)\n  return (%y)\n}\n") ==
        "QR0703 size `s0` of `%x` is not known");
  // What nothing reads need not be known.
  CHECK(refusal_of(
            "graph(%x: f32[4]) {\n  %w = constant \"w\" : f32[4]\n  %y = aten.neg.default(%x)\n  return (%y)\n}\n") ==
        "ok");
}

TEST_CASE("A refusal says why each handler did") {
  const auto refused =
      Plan::prepare(shared_graph("graph(%x: f32[4]) {\n  %y: f32[4] = \"my.op.default\"(%x)\n  return (%y)\n}\n"), {});
  REQUIRE_FALSE(refused.ok());
  const Diagnostic& diagnostic = refused.diagnostics().list().front();
  REQUIRE(diagnostic.notes.size() == 1);
  CHECK(diagnostic.notes[0] ==
        "aten: `my.op.default` cannot be called through the dispatcher: LibTorch has no operator `my::op`");
}

TEST_CASE("A profile has the time of every step") {
  const auto plan = plan_of(graph_text(
      "%x: f32[64,64]",
      "  %a = aten.mm.default(%x, %x)\n  %v = aten.t.default(%a)\n  %b = aten.mm.default(%v, %x)\n  return (%b)\n"));
  const auto context = plan->make_context();
  const std::vector<HostTensor> inputs = random_inputs(*plan);
  context->run(pointers_to(inputs));
  CHECK(context->step_times() == std::vector<int64_t>(plan->steps().size(), 0));
  context->set_profiling(true);
  context->run(pointers_to(inputs));
  REQUIRE(context->step_times().size() == plan->steps().size());
  for (size_t i = 0; i < plan->steps().size(); ++i) {
    INFO(plan->steps()[i].node);
    CHECK((context->step_times()[i] > 0) == (plan->steps()[i].implementation != "view"));
  }
}

}  // namespace
}  // namespace qrules
