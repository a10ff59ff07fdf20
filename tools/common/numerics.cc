// See numerics.h.

#include <common/numerics.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <common/diagnostics.h>
#include <common/numerics_inputs.h>
#include <qrules/graph/constant_text.h>
#include <qrules/graph/text.h>
#include <qrules/lowerings/register.h>
#include <qrules/rewrite/constant_data.h>
#include <qrules/runtime/plan.h>

namespace qrules::tools {
namespace {

constexpr double kRelative = 1e-5;
constexpr double kAbsolute = 1e-6;
// A large input may cancel a large sum: what is left has the rounding of both, and tanh and the like hide how large
// they were. The distance between 1 and the next f32.
constexpr double kCancelled = 0x1p-23;
constexpr double kTieWidth = 1e-3;  // quanta; what the order of additions can move a value by

// Calls whose result at an element depends on that element alone (or that only move elements).
bool acts_on_single_elements(const Graph& graph) {
  static const std::unordered_set<std::string> kPackets{
      "aten.relu",         "aten.relu6",    "aten.neg",        "aten.abs",       "aten.exp",         "aten.reciprocal",
      "aten.add",          "aten.sub",      "aten.mul",        "aten.div",       "aten.clamp",       "aten.clamp_min",
      "aten.clamp_max",    "aten.hardtanh", "aten.leaky_relu", "aten.hardswish", "aten.hardsigmoid", "aten.sigmoid",
      "aten.tanh",         "aten.silu",     "aten.maximum",    "aten.minimum",   "aten.view",        "aten.reshape",
      "aten._unsafe_view", "aten.permute",  "aten.transpose",  "aten.flatten",   "aten.squeeze",     "aten.unsqueeze",
      "aten.clone",        "aten.alias",    "aten.detach",     "aten.cat",       "aten.slice",       "aten.expand"};
  for (const Node* node = graph.first(); node; node = node->next()) {
    if (node->is_call() && !kPackets.contains(node->op_name().substr(0, node->op_name().rfind('.')))) return false;
  }
  return true;
}

// Distance between 1 and the next value.
double epsilon(DType dtype) {
  switch (dtype) {
    case DType::f16: return 0x1p-10;
    case DType::bf16: return 0x1p-7;
    case DType::f8e4m3: return 0x1p-3;
    case DType::f8e5m2: return 0x1p-2;
    default: return 0;
  }
}

// Of what is rounded on the way: inputs and constants are read as they are.
double coarsest_epsilon(const Graph& graph) {
  double coarsest = 0;
  for (const Node* node = graph.first(); node; node = node->next()) {
    if (!node->is_call()) continue;
    for (const TensorType& type : node->type().tensors) coarsest = std::max(coarsest, epsilon(type.dtype));
  }
  return coarsest;
}

// Elements of a result in row-major order, whatever its strides.
class Elements {
 public:
  Elements(const TensorLayout& layout, const void* data) : layout_(layout) {
    constant_.dtype = layout.dtype;
    constant_.bytes = layout.byte_extent();
    constant_.sizes = {static_cast<int64_t>(constant_.bytes / size_of(layout.dtype))};
    constant_.data = std::shared_ptr<const void>(std::shared_ptr<void>(), data);
  }
  int64_t count() const { return layout_.element_count(); }
  double real(int64_t i) const { return element_as_double(constant_, offset(i)); }
  int64_t integer(int64_t i) const { return element_as_int(constant_, offset(i)); }

 private:
  int64_t offset(int64_t i) const {
    int64_t result = 0;
    for (size_t d = layout_.sizes.size(); d-- > 0;) {
      result += i % layout_.sizes[d] * layout_.strides[d];
      i /= layout_.sizes[d];
    }
    return result;
  }
  const TensorLayout& layout_;
  Constant constant_;
};

// An int8 operator that quantizes its result itself.
bool quantizes_result(const Node& node) {
  return node.is_call() && node.argument("out_scale") && node.tensor() && is_integral(node.tensor()->dtype);
}

bool is_quantize(const Node& node) {
  return quantizes_result(node) ||
         (node.is_call() && node.op_name().starts_with("quantized_decomposed.quantize_per_tensor."));
}

// What an integer result is the rounding of: the operand of a quantize, or the same call with a real result.
Node* rounded_value(Graph& graph, const Node& node) {
  if (!quantizes_result(node)) return node.operand(0);
  std::vector<Argument> arguments = node.arguments();
  const Signature* signature = graph.operators().signature(node.op());
  for (const auto& [parameter, value] :
       {std::pair<const char*, Argument>{"out_scale", 1.0}, {"out_zero_point", 0}, {"out_dtype", DType::f32}}) {
    if (const auto at = signature->find(parameter)) arguments[*at] = value;
  }
  TensorType type = *node.tensor();
  type.dtype = DType::f32;
  return graph.add_call(node.op(), std::move(arguments), ValueType::tensor(std::move(type)));
}

// The quantizes that an integer result passes through on its way out, over calls on integers.
std::vector<const Node*> quantizes_behind(const Node* result) {
  std::vector<const Node*> found, pending{result};
  std::unordered_set<const Node*> seen;
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    if (!seen.insert(node).second) continue;
    if (is_quantize(*node)) {
      found.push_back(node);
    } else if (node->is_call()) {
      for (const Use& use : node->operands()) {
        if (use.value->tensor() && is_integral(use.value->tensor()->dtype)) pending.push_back(use.value);
      }
    }
  }
  return found;
}

// What the reference graph returns besides its results: for each quantize the value it rounds, scale (a number, or a
// further output) and zero point.
struct Watched {
  size_t input = 0;  // index of the output
  double scale = 1;
  std::optional<size_t> scale_output;
};

struct Reference {
  std::shared_ptr<const Graph> graph;
  size_t results = 0;                         // tensors among the outputs before the watched ones
  std::vector<std::vector<Watched>> watched;  // by result
  std::vector<bool> direct;                   // the result is the quantize's own
  std::vector<DType> results_dtypes;          // that the rewritten graph must have
};

// The graph with f32 wherever it computes in a narrower type: what its roundings are roundings of. Nothing when that is
// no graph.
std::optional<Graph> widened(const Graph& graph) {
  PrintOptions options;
  options.constant_elements = INT64_MAX;
  const std::string text = print(graph, options);
  std::string wider;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '%'; };
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string word = text.substr(i, std::max(end, i + 1) - i);
    wider += word == "bf16" || word == "f16" ? "f32" : word;
    i += word.size();
  }
  auto parsed = parse_graph("widened", wider, graph.operators_ptr());
  if (!parsed.ok()) return std::nullopt;
  return std::move(*parsed);
}

// The inputs as f32 where they are narrower.
InputSet widened(const InputSet& set, const std::vector<TensorLayout>& layouts) {
  InputSet wider{set.name, {}};
  for (size_t i = 0; i < set.tensors.size(); ++i) {
    const HostTensor& tensor = set.tensors[i];
    if (tensor.layout.dtype == layouts[i].dtype) {
      wider.tensors.push_back(tensor);
      continue;
    }
    const Elements elements(tensor.layout, tensor.data.get());
    wider.tensors.push_back(HostTensor::allocate(TensorLayout::contiguous(layouts[i].dtype, tensor.layout.sizes)));
    for (int64_t j = 0; j < elements.count(); ++j)
      text::store_real(wider.tensors.back().data.get(), layouts[i].dtype, j, elements.real(j));
  }
  return wider;
}

Reference watch_ties(Graph graph) {
  Reference reference;
  if (!graph.output()) {
    reference.graph = std::make_shared<Graph>(std::move(graph));
    return reference;
  }
  std::vector<Argument> outputs = graph.output()->arguments();
  std::vector<Node*> results;
  for (const Argument& argument : outputs) {
    if (Node* node = argument.node()) results.push_back(node);
  }
  reference.results = results.size();
  size_t next = results.size();
  for (const Node* result : results) {
    reference.watched.emplace_back();
    reference.direct.push_back(is_quantize(*result));
    reference.results_dtypes.push_back(result->tensor() ? result->tensor()->dtype : DType::f32);
    if (!result->tensor() || !is_integral(result->tensor()->dtype)) continue;
    for (const Node* quantize : quantizes_behind(result)) {
      const Argument* scale = quantize->argument(quantizes_result(*quantize) ? "out_scale" : "scale");
      Watched watched;
      watched.input = next++;
      outputs.emplace_back(rounded_value(graph, *quantize));
      if (scale && scale->number()) {
        watched.scale = *scale->number();
      } else if (scale && scale->node()) {
        watched.scale_output = next++;
        outputs.emplace_back(scale->node());
      }
      reference.watched.back().push_back(watched);
    }
  }
  graph.set_outputs(std::move(outputs));
  reference.graph = std::make_shared<Graph>(std::move(graph));
  return reference;
}

bool is_tie(double value, double scale) {
  const double quanta = value / scale;
  return std::isfinite(quanta) && std::abs(std::abs(quanta - std::floor(quanta)) - 0.5) <= kTieWidth;
}

std::string text(double value) {
  std::array<char, 40> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.9g", value);
  return buffer.data();
}

std::string index_text(const TensorLayout& layout, int64_t i) {
  std::string result;
  for (size_t d = layout.sizes.size(); d-- > 0;) {
    result = std::to_string(i % layout.sizes[d]) + (result.empty() ? "" : ", ") + result;
    i /= layout.sizes[d];
  }
  return "[" + result + "]";
}

std::string layout_text(const TensorLayout& layout) {
  std::string result;
  for (const int64_t size : layout.sizes) result += (result.empty() ? "" : ",") + std::to_string(size);
  return std::string(name(layout.dtype)) + "[" + result + "]";
}

// One pair of plans for one set of sizes.
class Comparison {
 public:
  Comparison(const Reference& reference, const Plan& before, const Plan& after, double tolerance,
             NumericsReport& report)
      : reference_(reference),
        before_(before),
        after_(after),
        before_context_(before.make_context()),
        after_context_(after.make_context()),
        tolerance_(tolerance),
        report_(report) {}

  // False at the first difference, which goes into the report. Inputs that operators of `before` do not take are left
  // out; the reason goes into `refused`.
  bool run(const InputSet& set, const std::string& sizes, std::string& refused) {
    return run(set, set, sizes, refused);
  }
  // `wider`: the same inputs as the reference takes them.
  bool run(const InputSet& wider, const InputSet& set, const std::string& sizes, std::string& refused) {
    std::vector<const void*> wide_inputs, inputs;
    for (const HostTensor& tensor : wider.tensors) wide_inputs.push_back(tensor.data.get());
    for (const HostTensor& tensor : set.tensors) inputs.push_back(tensor.data.get());
    cancelled_ = largest_real(wider) * kCancelled;
    where_ = "inputs `" + set.name + "`" + (sizes.empty() ? "" : " with " + sizes);
    if (auto why = failure_of(*before_context_, wide_inputs)) {
      refused = *why;
      return true;
    }
    if (auto why = failure_of(*after_context_, inputs)) return differ("the rewritten graph cannot be run: " + *why);
    ++report_.runs;
    if (after_.output_layouts().size() != reference_.results) {
      return differ("the graph has " + std::to_string(after_.output_layouts().size()) + " results instead of " +
                    std::to_string(reference_.results));
    }
    for (size_t i = 0; i < reference_.results; ++i) {
      const TensorLayout& expected = before_.output_layouts()[i];
      const TensorLayout& found = after_.output_layouts()[i];
      const DType dtype = reference_.results_dtypes[i];
      if (dtype != found.dtype || expected.sizes != found.sizes) {
        return differ("result " + std::to_string(i) + " is " + layout_text(found) + " instead of " +
                      layout_text(expected));
      }
      if (!is_computable(expected.dtype))
        return differ("result " + std::to_string(i) + " is " + layout_text(expected) + ", which cannot be compared");
      const Elements a(expected, before_context_->outputs()[i]), b(found, after_context_->outputs()[i]);
      report_.elements += a.count();
      if (!(is_floating(expected.dtype) ? compare_reals(i, expected, a, b) : compare_integers(i, expected, a, b)))
        return false;
    }
    return true;
  }

 private:
  // The largest finite magnitude among floating-point inputs.
  static double largest_real(const InputSet& set) {
    double largest = 0;
    for (const HostTensor& tensor : set.tensors) {
      if (!is_floating(tensor.layout.dtype) || !is_computable(tensor.layout.dtype)) continue;
      const Elements elements(tensor.layout, tensor.data.get());
      for (int64_t i = 0; i < elements.count(); ++i) {
        if (std::isfinite(elements.real(i))) largest = std::max(largest, std::abs(elements.real(i)));
      }
    }
    return largest;
  }

  // A kernel that does not take its operands makes the run fail; its results are then undefined.
  static std::optional<std::string> failure_of(Plan::Context& context, const std::vector<const void*>& inputs) {
    try {
      context.run(inputs);
    } catch (const std::exception& error) {
      const std::string what = error.what();
      return what.substr(0, what.find('\n'));
    }
    if (context.failed()) return "an operator does not take its operands";
    return std::nullopt;
  }

  bool differ(std::string what) {
    report_.equal = false;
    report_.difference = where_ + ": " + std::move(what);
    return false;
  }

  bool differ_at(size_t result, const TensorLayout& layout, int64_t i, const std::string& before,
                 const std::string& after, const std::string& why) {
    return differ("result " + std::to_string(result) + index_text(layout, i) + " is " + after + " instead of " +
                  before + why);
  }

  bool compare_reals(size_t result, const TensorLayout& layout, const Elements& a, const Elements& b) {
    double largest = 0;
    for (int64_t i = 0; i < a.count(); ++i) {
      if (std::isfinite(a.real(i))) largest = std::max(largest, std::abs(a.real(i)));
    }
    const double allowed = tolerance_ * largest + kAbsolute + cancelled_;
    int64_t worst = -1;
    double worst_error = 0;
    for (int64_t i = 0; i < a.count(); ++i) {
      const double x = a.real(i), y = b.real(i);
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      if (!std::isfinite(x) || !std::isfinite(y)) return differ_at(result, layout, i, text(x), text(y), "");
      const double error = std::abs(x - y);
      if (largest > 0) report_.largest_error = std::max(report_.largest_error, error / largest);
      if (error > allowed && error > worst_error) {
        worst = i;
        worst_error = error;
      }
    }
    if (worst < 0) return true;
    return differ_at(result, layout, worst, text(a.real(worst)), text(b.real(worst)),
                     ", " + text(worst_error) + " apart where " + text(allowed) + " is allowed");
  }

  double scale_of(const Watched& watched) const {
    if (!watched.scale_output) return watched.scale;
    return Elements(before_.output_layouts()[*watched.scale_output], before_context_->outputs()[*watched.scale_output])
        .real(0);
  }

  bool compare_integers(size_t result, const TensorLayout& layout, const Elements& a, const Elements& b) {
    const std::vector<Watched>& watched = reference_.watched[result];
    int64_t spare = 0;  // ties that no difference was counted against, when they cannot be told apart by element
    if (!reference_.direct[result]) {
      for (const Watched& one : watched) {
        const Elements values(before_.output_layouts()[one.input], before_context_->outputs()[one.input]);
        for (int64_t i = 0; i < values.count(); ++i) spare += is_tie(values.real(i), scale_of(one)) ? 1 : 0;
      }
    }
    for (int64_t i = 0; i < a.count(); ++i) {
      const int64_t x = a.integer(i), y = b.integer(i);
      if (x == y) continue;
      // Unsigned: the distance of two 64-bit values may not fit a signed one.
      const uint64_t apart = x > y ? static_cast<uint64_t>(x) - static_cast<uint64_t>(y)
                                   : static_cast<uint64_t>(y) - static_cast<uint64_t>(x);
      std::string why;
      if (apart == 1 && reference_.direct[result] && !watched.empty()) {
        const Elements values(before_.output_layouts()[watched[0].input], before_context_->outputs()[watched[0].input]);
        if (is_tie(values.real(i), scale_of(watched[0]))) {
          ++report_.one_apart;
          continue;
        }
        why = ", and " + text(values.real(i)) + " / " + text(scale_of(watched[0])) + " is no tie";
      } else if (apart == 1 && spare > 0) {
        --spare;
        ++report_.one_apart;
        continue;
      }
      return differ_at(result, layout, i, std::to_string(x), std::to_string(y), why);
    }
    return true;
  }

  const Reference& reference_;
  const Plan& before_;
  const Plan& after_;
  std::unique_ptr<Plan::Context> before_context_, after_context_;
  double tolerance_;
  double cancelled_ = 0;  // absolute
  NumericsReport& report_;
  std::string where_;
};

Result<std::shared_ptr<const Plan>> prepare(const std::shared_ptr<const Graph>& graph,
                                            const std::map<std::string, int64_t>& sizes, const PlanOptions& options) {
  // What only constants go into runs now, and PyTorch's operators throw.
  try {
    return Plan::prepare(graph, sizes, options);
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return Diagnostic(kOperandsRefused).with("why", what.substr(0, what.find('\n')));
  }
}

// A rewrite that leaves out roundings to a narrow type is nearer to what the graph means, not wrong: its results are
// then those of the graph with f32 in place of that type. True when this is so; the report is then as before the
// difference was found.
bool agrees_widened(const std::shared_ptr<const Reference>& wide, const InputSet& set,
                    const std::map<std::string, int64_t>& sizes, const std::string& sizes_text, const Plan& after,
                    double tolerance, NumericsReport& report) {
  if (!wide) return false;
  PlanOptions oracle;
  oracle.threads = 1;
  oracle.reference = true;
  const auto expected = prepare(wide->graph, sizes, oracle);
  if (!expected.ok()) return false;
  NumericsReport again = report;
  again.equal = true;
  again.difference.clear();
  Comparison comparison(*wide, **expected, after, tolerance, again);
  std::string refused;
  if (!comparison.run(widened(set, (*expected)->input_layouts()), set, sizes_text, refused) || !refused.empty())
    return false;
  ++again.rounded;
  report = again;
  return true;
}

}  // namespace

Result<NumericsReport> compare_numerics(const Graph& before, const Graph& after, const NumericsOptions& options) {
  std::map<const Constant*, ConstantPtr> filled;
  Graph reference_graph = before.clone();
  fill_unknown_constants(reference_graph, filled, options.seed);
  auto rewritten = std::make_shared<Graph>(after.clone());
  fill_unknown_constants(*rewritten, filled, options.seed);
  std::shared_ptr<Reference> reference_wide;
  if (const double narrow = coarsest_epsilon(before); narrow > 0) {
    if (std::optional<Graph> wider = widened(reference_graph)) {
      reference_wide = std::make_shared<Reference>(watch_ties(std::move(*wider)));
    }
  }
  const Reference reference = watch_ties(std::move(reference_graph));
  if (reference_wide) reference_wide->results_dtypes = reference.results_dtypes;

  const double tolerance =
      options.slack * std::max(kRelative, 2 * std::max(coarsest_epsilon(before), coarsest_epsilon(after)));
  const bool non_finite = acts_on_single_elements(before) && acts_on_single_elements(after);
  PlanOptions oracle;
  oracle.threads = 1;
  oracle.reference = true;
  PlanOptions usual;
  usual.threads = 1;

  const std::vector<std::string> symbols = symbols_of(before);
  const std::vector<int64_t> values = symbols.empty() ? std::vector<int64_t>{1} : options.symbol_values;
  NumericsReport report;
  Diagnostics refused;
  std::string not_run;
  for (const int64_t value : values) {
    std::map<std::string, int64_t> sizes;
    std::string sizes_text;
    for (const std::string& symbol : symbols) {
      sizes[symbol] = value;
      sizes_text += (sizes_text.empty() ? "" : ", ") + symbol + " = " + std::to_string(value);
    }
    auto expected = prepare(reference.graph, sizes, oracle);
    if (!expected.ok()) {
      refused = expected.diagnostics();
      continue;
    }
    auto found = prepare(rewritten, sizes, usual);
    if (!found.ok()) return found.diagnostics();
    Comparison comparison(reference, **expected, **found, tolerance, report);
    for (const InputSet& set :
         make_inputs(before, (*expected)->input_layouts(), options.seed + static_cast<uint64_t>(value),
                     options.random_sets, non_finite)) {
      if (comparison.run(set, sizes_text, not_run)) continue;
      if (!agrees_widened(reference_wide, set, sizes, sizes_text, **found, tolerance, report)) return report;
    }
  }
  if (report.runs == 0 && refused.empty()) return Diagnostic(kOperandsRefused).with("why", not_run);
  if (report.runs == 0) return refused;
  return report;
}

}  // namespace qrules::tools
