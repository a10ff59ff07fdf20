// A compiler with an IR of its own that has its graphs rewritten by qrules and runs them: to qrules::Graph, rules of
// its own with operators and a predicate of its own, back to the IR, and a plan with a lowering handler of its own.

#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <qrules/graph/normalise.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>
#include <qrules/runtime/plan.h>

using namespace qrules;

namespace {

// --- the compiler's own IR: value 0 is the input, value i + 1 the result of op i, the last op's result is the
// program's
struct Op {
  std::string code;  // scale, shift, affine or add
  std::vector<size_t> inputs;
  std::vector<double> numbers;
};
using Program = std::vector<Op>;

constexpr int64_t kSize = 6;

void show(const char* title, const Program& program) {
  std::printf("%s\n", title);
  for (size_t i = 0; i < program.size(); ++i) {
    std::printf("  v%zu = %s", i + 1, program[i].code.c_str());
    for (size_t input : program[i].inputs) std::printf(" v%zu", input);
    for (double number : program[i].numbers) std::printf(" %g", number);
    std::printf("\n");
  }
}

std::string operator_name(const std::string& code) {
  return code == "add" ? "aten.add.Tensor" : "tiny." + code + ".default";
}

Result<Graph> to_graph(const Program& program, std::shared_ptr<OperatorTable> operators) {
  Graph graph(std::move(operators));
  const ValueType type = ValueType::tensor({DType::f32, {kSize}, {}});
  std::vector<Node*> values = {graph.add_placeholder("v0", type)};
  for (const Op& op : program) {
    const OpId id = graph.operators().intern(operator_name(op.code));
    std::vector<Argument> arguments;
    for (size_t input : op.inputs) arguments.emplace_back(values[input]);
    for (double number : op.numbers) arguments.emplace_back(number);
    auto normal = normalise_arguments(graph.operators(), id, std::move(arguments), {});
    if (!normal) return normal.diagnostics();
    values.push_back(graph.add_call(id, std::move(*normal), type, "v" + std::to_string(values.size())));
  }
  graph.set_outputs({values.back()});
  return graph;
}

Program from_graph(const Graph& graph) {
  Program program;
  std::map<const Node*, size_t> numbers = {{graph.placeholders()[0], 0}};
  for (Node* node : graph.nodes()) {
    if (!node->is_call()) continue;
    const std::string& name = node->op_name();
    Op op{name == "aten.add.Tensor" ? "add" : name.substr(5, name.rfind('.') - 5), {}, {}};
    for (const Use& use : node->operands()) op.inputs.push_back(numbers.at(use.value));
    for (const Argument& argument : node->arguments()) {
      if (auto number = argument.number(); number && op.code != "add") op.numbers.push_back(*number);
    }
    program.push_back(std::move(op));
    numbers[node] = program.size();
  }
  return program;
}

// --- a native predicate for the rules
Function power_of_two() {
  Function function;
  function.name = "power_of_two";
  function.parameters = {{"value", ExpressionType::number, false, {}}};
  function.result = ExpressionType::boolean;
  function.doc = "The number is a power of two.";
  function.refusal = "{0} is no power of two";
  function.evaluate = [](const FunctionContext&, std::span<const Argument> arguments) -> Evaluated {
    int exponent = 0;
    return Argument(std::frexp(arguments[0].number().value_or(0), &exponent) == 0.5);
  };
  return function;
}

// --- a lowering for all three operators: a missing factor is 1, a missing offset 0
class AffineKernel final : public Kernel {
 public:
  AffineKernel(float factor, float offset, int64_t count) : factor_(factor), offset_(offset), count_(count) {}
  void run(const KernelArguments& arguments) const override {
    const auto* in = static_cast<const float*>(arguments.inputs[0]);
    auto* out = static_cast<float*>(arguments.outputs[0]);
    for (int64_t i = 0; i < count_; ++i) out[i] = in[i] * factor_ + offset_;
  }
  std::string implementation() const override { return "loop"; }

 private:
  float factor_, offset_;
  int64_t count_;
};

class AffineHandler final : public Handler {
 public:
  std::string_view name() const override { return "tiny.affine"; }
  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    const auto number = [&](std::string_view parameter, double otherwise) {
      const Argument* argument = context.node().argument(parameter);
      return static_cast<float>(argument ? argument->number().value_or(otherwise) : otherwise);
    };
    context.require_layout(0, TensorLayout::contiguous(DType::f32, context.input(0).sizes));
    return std::unique_ptr<Kernel>(
        new AffineKernel(number("factor", 1), number("offset", 0), context.output(0).element_count()));
  }
};

int fail(const Diagnostics& diagnostics) {
  std::fputs(render_text(diagnostics).c_str(), stderr);
  return 1;
}

Result<std::vector<float>> run(Graph graph, std::shared_ptr<const HandlerRegistry> handlers) {
  PlanOptions options;
  options.handlers = std::move(handlers);
  auto plan = Plan::prepare(std::make_shared<const Graph>(std::move(graph)), {}, options);
  if (!plan) return plan.diagnostics();
  for (const PlanStep& step : (*plan)->steps())
    std::printf("  %-20s on %s (%s)\n", step.op.c_str(), step.handler.c_str(), step.implementation.c_str());
  const std::vector<float> input = {-2, -1, 0, 1, 2, 3};
  const void* inputs[] = {input.data()};
  auto context = (*plan)->make_context();
  context->run(inputs);
  const auto* result = static_cast<const float*>(context->outputs()[0]);
  return std::vector<float>(result, result + kSize);
}

}  // namespace

int main(int argc, char** argv) {
  const Program program = {
      {"scale", {0}, {0.5}}, {"shift", {1}, {3}}, {"scale", {2}, {4}}, {"scale", {3}, {3}}, {"add", {3, 4}, {}}};
  show("before", program);

  LoadOptions load;
  load.operators = std::make_shared<OperatorTable>();
  auto functions = std::make_shared<FunctionRegistry>(FunctionRegistry::builtin());
  functions->add(power_of_two());
  load.functions = functions;
  auto rules = load_rules({argc > 1 ? argv[1] : TINY_RULES}, load);
  if (!rules) return fail(rules.diagnostics());
  const Rewriter rewriter(std::move(*rules));

  auto graph = to_graph(program, load.operators);
  if (!graph) return fail(graph.diagnostics());
  Graph original = graph->clone();
  auto report = rewriter.apply(*graph);
  if (!report) return fail(report.diagnostics());
  show("after", from_graph(*graph));
  for (const auto& [rule, count] : report->rules_fired)
    std::printf("  rule %s fired %lld times\n", rule.c_str(), static_cast<long long>(count));

  auto handlers = std::make_shared<HandlerRegistry>(*HandlerRegistry::builtin());
  for (const char* name : {"tiny.scale.default", "tiny.shift.default", "tiny.affine.default"})
    handlers->add(name, std::make_shared<AffineHandler>());
  std::printf("runs on, before\n");
  auto expected = run(std::move(original), handlers);
  if (!expected) return fail(expected.diagnostics());
  std::printf("runs on, after\n");
  auto actual = run(std::move(*graph), handlers);
  if (!actual) return fail(actual.diagnostics());
  std::printf("results");
  for (float value : *actual) std::printf(" %g", static_cast<double>(value));
  std::printf("%s\n", *actual == *expected ? ", the same as before" : ", NOT the same as before");
  return *actual == *expected ? 0 : 1;
}
