// Graph texts prepared and run, and their results in row-major order.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <qrules/graph/text.h>
#include <qrules/lowerings/elements.h>
#include <qrules/runtime/plan.h>

#include "../catch.h"
#include "../layouts.h"

namespace qrules::testing {

using Symbols = std::map<std::string, int64_t>;

inline std::shared_ptr<const Graph> shared_graph(const std::string& text) {
  auto graph = parse_graph("test.graph", text);
  if (!graph.ok()) FAIL(render_text(graph.diagnostics()) << "\nin\n" << text);
  return std::make_shared<const Graph>(std::move(*graph));
}

inline std::shared_ptr<const Plan> plan_of(std::shared_ptr<const Graph> graph, const Symbols& symbols = {},
                                           const PlanOptions& options = {}) {
  const std::string text = print(*graph);
  auto plan = Plan::prepare(std::move(graph), symbols, options);
  if (!plan.ok()) FAIL(render_text(plan.diagnostics()) << "\nin\n" << text);
  return *plan;
}

inline std::shared_ptr<const Plan> plan_of(const std::string& text, const Symbols& symbols = {},
                                           const PlanOptions& options = {}) {
  return plan_of(shared_graph(text), symbols, options);
}

inline PlanOptions reference_options() {
  PlanOptions options;
  options.reference = true;
  return options;
}

// "QR0650 message" of the only diagnostic, or "ok".
template <typename T>
std::string message_of(const Result<T>& result) {
  if (result.ok()) return "ok";
  std::string text;
  for (const Diagnostic& diagnostic : result.diagnostics().list()) {
    text += (text.empty() ? "" : "\n") + std::string(diagnostic.kind->code) + " " + diagnostic.message();
  }
  return text;
}

inline std::vector<double> read_values(const TensorLayout& layout, const void* data) {
  std::vector<double> values;
  for (int64_t offset : element_offsets(layout)) values.push_back(elements::load<double>(data, layout.dtype, offset));
  return values;
}

inline HostTensor tensor_of(DType dtype, std::vector<int64_t> sizes, const std::vector<double>& values) {
  HostTensor tensor = HostTensor::allocate(TensorLayout::contiguous(dtype, std::move(sizes)));
  for (size_t i = 0; i < values.size(); ++i)
    elements::store(tensor.data.get(), dtype, static_cast<int64_t>(i), values[i]);
  return tensor;
}

// Values over the whole range of an integer type, or normal ones.
inline HostTensor random_tensor(const TensorLayout& layout, std::mt19937& generator) {
  const bool integral = layout.dtype == DType::u8 || layout.dtype == DType::s8;
  const int64_t low = layout.dtype == DType::s8 ? -128 : 0;
  std::vector<double> values;
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < layout.element_count(); ++i) {
    values.push_back(integral ? static_cast<double>(low + static_cast<int64_t>(generator() % 256)) : normal(generator));
  }
  return tensor_of(layout.dtype, layout.sizes, values);
}

inline std::vector<HostTensor> random_inputs(const Plan& plan, unsigned seed = 1) {
  std::mt19937 generator(seed);
  std::vector<HostTensor> inputs;
  for (const TensorLayout& layout : plan.input_layouts()) inputs.push_back(random_tensor(layout, generator));
  return inputs;
}

inline std::vector<const void*> pointers_to(const std::vector<HostTensor>& inputs) {
  std::vector<const void*> pointers;
  for (const HostTensor& input : inputs) pointers.push_back(input.data.get());
  return pointers;
}

// All results of one run. Fails when the run changed a byte of an input.
inline std::vector<std::vector<double>> run_plan(const Plan& plan, Plan::Context& context,
                                                 const std::vector<HostTensor>& inputs) {
  std::vector<std::string> before;
  for (const HostTensor& input : inputs)
    before.emplace_back(static_cast<const char*>(input.data.get()), input.layout.byte_extent());
  context.run(pointers_to(inputs));
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (before[i].size() > 0 && std::memcmp(before[i].data(), inputs[i].data.get(), before[i].size()) != 0)
      FAIL("input " << i << " was written to");
  }
  std::vector<std::vector<double>> results;
  for (size_t i = 0; i < plan.output_layouts().size(); ++i)
    results.push_back(read_values(plan.output_layouts()[i], context.outputs()[i]));
  return results;
}

inline std::vector<std::vector<double>> run_plan(const Plan& plan, const std::vector<HostTensor>& inputs) {
  return run_plan(plan, *plan.make_context(), inputs);
}

inline const PlanStep& step_of(const Plan& plan, const std::string& node) {
  for (const PlanStep& step : plan.steps()) {
    if (step.node == node && step.op != "reorder") return step;
  }
  FAIL("no step for %" << node);
  throw 0;
}

// "{1, 2, 3}" of random integers.
inline std::string integers_text(std::mt19937& generator, int64_t count, int low, int high) {
  std::string text = "{";
  for (int64_t i = 0; i < count; ++i) {
    text +=
        (i ? ", " : "") + std::to_string(low + static_cast<int>(generator() % static_cast<unsigned>(high - low + 1)));
  }
  return text + "}";
}

}  // namespace qrules::testing
