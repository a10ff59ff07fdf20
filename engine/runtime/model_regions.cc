// Operators that take a graph: autocast and grad-mode regions are inlined, others refused.

#include <algorithm>

#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/model_builder.h>

namespace qrules::model {
namespace {

constexpr int kDeepestRegion = 64;

// The operators that CPU autocast runs in the lower precision.
bool runs_lower(std::string_view op) {
  static constexpr std::string_view kNames[] = {"conv1d",
                                                "conv2d",
                                                "conv3d",
                                                "conv_tbc",
                                                "conv_transpose1d",
                                                "conv_transpose2d",
                                                "conv_transpose3d",
                                                "convolution",
                                                "_convolution",
                                                "linear",
                                                "matmul",
                                                "mm",
                                                "bmm",
                                                "addmm",
                                                "addbmm",
                                                "baddbmm",
                                                "linalg_vecdot",
                                                "prelu",
                                                "scaled_dot_product_attention",
                                                "_native_multi_head_attention"};
  if (op.substr(0, 5) != "aten.") return false;
  op.remove_prefix(5);
  op = op.substr(0, op.find('.'));
  return std::find(std::begin(kNames), std::end(kNames), op) != std::end(kNames);
}

}  // namespace

// Autocast and grad mode are properties of a region: its nodes become nodes of the graph around it.
Status GraphBuilder::add_region(const Json& node, const Place& place, Scope& scope) {
  const bool autocast = place.op == "higher_order.wrap_with_autocast";
  if (!autocast && place.op != "higher_order.wrap_with_set_grad_enabled") {
    return Diagnostic(kHigherOrderOperator).with("node", place.node).with("op", place.op);
  }
  if (scope.depth >= kDeepestRegion)
    return malformed("regions are nested more than " + std::to_string(kDeepestRegion) + " deep");
  const Json& inputs = *list_field(node, "inputs");
  std::vector<Argument> settings, operands;
  Scope inner;
  inner.depth = scope.depth + 1;
  for (const Json& input : inputs) {
    const Json* arg = field(input, "arg");
    if (!arg) return malformed("an argument of `%" + place.node + "` does not read");
    if (const Json* graph = object_field(*arg, "as_graph")) {
      inner.graph = object_field(*graph, "graph");
      if (!inner.graph) return malformed("the graph of `%" + place.node + "` is missing");
      continue;
    }
    auto value = read_argument(*arg, {place.node, place.op, "operand"}, scope);
    if (!value) return value.diagnostics();
    (inner.graph ? operands : settings).push_back(std::move(*value));
  }
  const Json* names = list_field(*inner.graph, "inputs");
  const Json* results = list_field(*inner.graph, "outputs");
  if (!names || !results || names->size() != operands.size())
    return malformed("the graph of `%" + place.node + "` takes other inputs than it is given");
  if (autocast) {
    // device, dtype, enabled, cache; a region that switches autocast off inside another ends it.
    if (settings.size() < 3) return malformed("`%" + place.node + "` does not say how it casts");
    const bool* enabled = settings[2].get_if<bool>();
    const DType* dtype = settings[1].get_if<DType>();
    if (!enabled) return malformed("`%" + place.node + "` does not say whether it casts");
    if (*enabled) inner.autocast = dtype ? *dtype : DType::bf16;
  } else {
    inner.autocast = scope.autocast;
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto input = tagged((*names)[i]);
    const std::string* name =
        input ? text_field(*input->value, input->tag == "as_tensor" ? "name" : "as_name") : nullptr;
    if (name) inner.values[*name] = operands[i];
  }
  if (auto status = add_nodes(inner); !status) return status;

  // Results are named anew outside: as tensors side by side, or as one list of them.
  std::vector<const std::string*> outside;
  for (const Json& output : *list_field(node, "outputs")) {
    const auto value = tagged(output);
    if (!value) return malformed("a result of `%" + place.node + "` does not read");
    if (value->tag == "as_tensors") {
      for (const Json& tensor : *value->value) outside.push_back(text_field(tensor, "name"));
    } else {
      outside.push_back(text_field(*value->value, value->tag == "as_tensor" ? "name" : "as_name"));
    }
  }
  if (outside.size() != results->size()) return malformed("`%" + place.node + "` has other results than its graph");
  for (size_t i = 0; i < outside.size(); ++i) {
    auto value = read_argument((*results)[i], {place.node, place.op, "result"}, inner);
    if (!value) return value.diagnostics();
    if (outside[i]) scope.values[*outside[i]] = std::move(*value);
  }
  return Done{};
}

// Inside an autocast region the casts of operands are not in the graph, only their effect on recorded types is. A model
// that was exported while autocast was on shows the same without a region (`lower` is then not known).
void GraphBuilder::add_autocast(OpId op, std::vector<Argument>& arguments, const ValueType& type,
                                std::optional<DType> lower) {
  const TensorType* recorded = type.as_tensor();
  if (!recorded || !is_floating(recorded->dtype)) return;
  const DType wanted = recorded->dtype;
  const auto differs = [&](const Argument& argument) {
    const TensorType* from = argument.node() ? argument.node()->tensor() : nullptr;
    return from && is_floating(from->dtype) && from->dtype != wanted && from->dtype != DType::f64;
  };
  const bool any = std::any_of(arguments.begin(), arguments.end(), [&](const Argument& argument) {
    const Argument::List* list = argument.list();
    return list ? std::any_of(list->begin(), list->end(), differs) : differs(argument);
  });
  if (!any) return;
  const bool is_low = lower ? wanted == *lower : wanted == DType::bf16 || wanted == DType::f16;
  bool casts = runs_lower(graph_.operators().name(op)) && is_low;
  if (!casts) {
    const auto inferred = infer_type(graph_, op, arguments);
    const TensorType* given = inferred ? inferred->as_tensor() : nullptr;
    // Operands of different dtypes may be refused by an operator that autocast makes equal.
    casts = inferred ? given && is_floating(given->dtype) && given->dtype != wanted : lower.has_value();
  }
  if (!casts) return;
  const OpId cast = graph_.operators().intern("aten._to_copy.default");
  const auto convert = [&](Argument& argument) {
    if (!differs(argument)) return;
    Node* operand = argument.node();
    auto cast_arguments =
        normalise_arguments(graph_.operators(), cast, {Argument(operand)}, {{"dtype", Argument(wanted)}});
    if (!cast_arguments) return;
    TensorType to = *operand->tensor();
    to.dtype = wanted;
    Node* call = graph_.add_call(cast, std::move(*cast_arguments), ValueType::tensor(std::move(to)),
                                 operand->name() + "_autocast");
    if (!first_call_) first_call_ = call;
    argument = Argument(call);
  };
  for (Argument& argument : arguments) {
    if (const Argument::List* list = argument.list()) {
      Argument::List converted = *list;
      for (Argument& element : converted) convert(element);
      argument = Argument(std::move(converted));
    } else {
      convert(argument);
    }
  }
}

}  // namespace qrules::model
