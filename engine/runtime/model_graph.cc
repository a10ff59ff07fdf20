// Inputs, nodes and outputs of an exported program become those of a graph.

#include <algorithm>

#include <qrules/graph/normalise.h>
#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/model_builder.h>
#include <qrules/runtime/model_sizes.h>

namespace qrules::model {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// They check what the exporter already knows, and compute nothing.
bool is_assertion(std::string_view op) {
  static constexpr std::string_view kPrefixes[] = {"aten._assert_tensor_metadata.",
                                                   "aten._assert_scalar.",
                                                   "aten._assert_async.",
                                                   "aten.sym_constrain_range.",
                                                   "aten.sym_constrain_range_for_size.",
                                                   "aten._assert_stride_nonzero."};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](std::string_view prefix) { return starts_with(op, prefix); });
}

// Another name for the operand: gradients do not matter here.
bool is_same_value(std::string_view op) {
  return op == "aten.detach.default" || op == "aten.detach_.default" || op == "aten.alias.default" ||
         op == "aten.lift_fresh.default";
}

// So is a dropout that is off.
bool is_dropout_off(std::string_view op, const std::vector<std::pair<std::string, Argument>>& keywords) {
  if (op != "aten.dropout.default" && op != "aten.feature_dropout.default") return false;
  const auto train =
      std::find_if(keywords.begin(), keywords.end(), [](const auto& one) { return one.first == "train"; });
  const bool* on = train == keywords.end() ? nullptr : train->second.template get_if<bool>();
  return on && !*on;
}

// A number read from a tensor at run time. Its name stays a value; every other number is an expression over input
// sizes.
bool reads_number(std::string_view op) { return op == "aten.item.default" || op == "aten._local_scalar_dense.default"; }

bool is_symbolic(const Json& output) {
  const auto value = tagged(output);
  return value && (value->tag == "as_sym_int" || value->tag == "as_sym_float" || value->tag == "as_sym_bool");
}

// "model.py:12" from the innermost frame of a Python stack trace; empty when there is none.
std::string innermost_frame(const std::string& trace) {
  constexpr std::string_view kFile = "File \"", kLine = ", line ";
  const size_t file = trace.rfind(kFile);
  if (file == std::string::npos) return {};
  const size_t begin = file + kFile.size(), end = trace.find('"', begin);
  if (end == std::string::npos || trace.compare(end + 1, kLine.size(), kLine) != 0) return {};
  const size_t digits = end + 1 + kLine.size();
  size_t after = digits;
  while (after < trace.size() && trace[after] >= '0' && trace[after] <= '9') ++after;
  if (after == digits) return {};
  std::string path = trace.substr(begin, end - begin);
  path = path.substr(path.find_last_of("/\\") + 1);
  return path + ":" + trace.substr(digits, after - digits);
}

// PyTorch takes a size for a tensor (`x * x.shape[0]`); here that is the overload for numbers. The same operator
// otherwise.
OpId scalar_overload(OperatorTable& operators, OpId op, const std::vector<std::pair<std::string, Argument>>& keywords) {
  constexpr std::string_view kTensor = ".Tensor";
  const std::string& name = operators.name(op);
  const Signature& signature = *operators.signature(op);
  if (name.size() < kTensor.size() || name.compare(name.size() - kTensor.size(), kTensor.size(), kTensor) != 0)
    return op;
  const bool size_for_tensor = std::any_of(keywords.begin(), keywords.end(), [&](const auto& keyword) {
    const auto index = signature.find(keyword.first);
    return index && signature.parameters[*index].kind == ParameterKind::tensor && keyword.second.template get_if<Dim>();
  });
  if (!size_for_tensor) return op;
  const auto scalar = operators.find(name.substr(0, name.size() - kTensor.size()) + ".Scalar");
  const Signature* other = scalar ? operators.signature(*scalar) : nullptr;
  const bool same = other && std::equal(signature.parameters.begin(), signature.parameters.end(),
                                        other->parameters.begin(), other->parameters.end(),
                                        [](const Parameter& a, const Parameter& b) { return a.name == b.name; });
  return same ? *scalar : op;
}

}  // namespace

Diagnostic GraphBuilder::malformed(std::string why) const {
  return Diagnostic(kMalformedModel).with("member", member_).with("why", std::move(why));
}

Status GraphBuilder::build(const Json& graph_module) {
  Scope scope;
  scope.graph = object_field(graph_module, "graph");
  const Json* signature = object_field(graph_module, "signature");
  if (!scope.graph || !signature) return malformed("the graph or its signature is missing");
  if (auto status = add_inputs(*signature, scope); !status) return status;
  if (auto status = add_nodes(scope); !status) return status;
  return set_outputs(*signature, scope);
}

Status GraphBuilder::add_inputs(const Json& signature, Scope& scope) {
  const Json* specs = list_field(signature, "input_specs");
  if (!specs) return malformed("the signature has no inputs");
  for (const Json& entry : *specs) {
    const auto spec = tagged(entry);
    const Json* arg = spec ? field(*spec->value, "arg") : nullptr;
    if (!spec) return malformed("an input of the signature does not read");
    if (spec->tag == "user_input") {
      const auto value = arg ? tagged(*arg) : std::nullopt;
      if (!value) return malformed("a user input does not read");
      // Numbers that were fixed at export stand in the graph where they are used.
      if (value->tag == "as_none" || value->tag == "as_int" || value->tag == "as_float" || value->tag == "as_bool" ||
          value->tag == "as_string")
        continue;
      if (value->tag != "as_tensor") {
        const std::string* name = text_field(*value->value, "as_name");
        const bool number = starts_with(value->tag, "as_sym_");
        return Diagnostic(kUnsupportedInput)
            .with("name", name ? *name : "?")
            .with("what",
                  number ? "a number that is known at run time only" : "no tensor (" + std::string(value->tag) + ")");
      }
      const std::string* name = text_field(*value->value, "name");
      if (!name) return malformed("a user input has no name");
      auto type = tensor_type(*name, scope);
      if (!type) return type.diagnostics();
      Node* node = graph_.add_placeholder(*name, ValueType::tensor(std::move(*type)));
      scope.values[*name] = Argument(node);
      inputs_.push_back(*name);
      continue;
    }
    const std::string* name = arg ? text_field(*arg, "name") : nullptr;
    const auto add_weight = [&](const char* what, const char* key) -> Status {
      const std::string* stored = text_field(*spec->value, key);
      if (!name || !stored) return malformed(std::string("a ") + what + " of the signature has no name");
      weight_names_[*name] = {what, *stored};
      return Done{};
    };
    Status status = Done{};
    if (spec->tag == "parameter") status = add_weight("parameter", "parameter_name");
    if (spec->tag == "buffer") status = add_weight("buffer", "buffer_name");
    if (spec->tag == "tensor_constant") status = add_weight("constant", "tensor_constant_name");
    if (!status) return status;
  }
  return Done{};
}

Status GraphBuilder::add_nodes(Scope& scope) {
  const Json* nodes = list_field(*scope.graph, "nodes");
  if (!nodes) return malformed("a graph has no nodes");
  for (const Json& node : *nodes) {
    if (auto status = add_node(node, scope); !status) return status;
  }
  return Done{};
}

Status GraphBuilder::add_node(const Json& node, Scope& scope) {
  const std::string* target = text_field(node, "target");
  const Json* inputs = list_field(node, "inputs");
  const Json* outputs = list_field(node, "outputs");
  if (!target || !inputs || !outputs) return malformed("a node has no target, inputs or outputs");
  Place place;
  place.op = starts_with(*target, "torch.ops.") ? target->substr(10) : *target;
  if (const std::string* name = text_field(node, "name")) {
    place.node = *name;
  } else if (const auto first = outputs->empty() ? std::nullopt : tagged((*outputs)[0])) {
    const std::string* output = text_field(*first->value, "name");
    place.node = output ? *output : place.op;
  }
  for (const Json& input : *inputs) {
    const Json* arg = field(input, "arg");
    if (arg && object_field(*arg, "as_graph")) return add_region(node, place, scope);
  }
  if (starts_with(place.op, "higher_order."))
    return Diagnostic(kHigherOrderOperator).with("node", place.node).with("op", place.op);
  if (is_assertion(place.op)) return Done{};
  const bool numbers = !outputs->empty() && std::all_of(outputs->begin(), outputs->end(), is_symbolic);
  if (numbers && !reads_number(place.op)) return Done{};
  return add_call(node, place, scope);
}

Status GraphBuilder::add_call(const Json& node, const Place& place, Scope& scope) {
  const Json& inputs = *list_field(node, "inputs");
  const Json& outputs = *list_field(node, "outputs");
  OpId op = graph_.operators().intern(place.op);
  const bool known = graph_.operators().signature(op) != nullptr;
  std::vector<Argument> positional;
  std::vector<std::pair<std::string, Argument>> keywords;
  for (const Json& input : inputs) {
    const std::string* name = text_field(input, "name");
    const Json* arg = field(input, "arg");
    if (!name || !arg) return malformed("an argument of `%" + place.node + "` does not read");
    auto value = read_argument(*arg, {place.node, place.op, *name}, scope);
    if (!value) return value.diagnostics();
    constexpr int64_t kKeyword = 2;
    if (!name->empty() && (known || integer_field(input, "kind") == kKeyword)) {
      keywords.emplace_back(*name, std::move(*value));
    } else {
      positional.push_back(std::move(*value));
    }
  }
  if (is_same_value(place.op) || is_dropout_off(place.op, keywords)) {
    const Argument* operand =
        !keywords.empty() ? &keywords[0].second : (!positional.empty() ? positional.data() : nullptr);
    const auto result = outputs.size() == 1 ? tagged(outputs[0]) : std::nullopt;
    const std::string* name = result ? text_field(*result->value, "name") : nullptr;
    if (!operand || !operand->node() || !name) return malformed("`%" + place.node + "` does not read");
    scope.values[*name] = *operand;
    return Done{};
  }
  if (known) op = scalar_overload(graph_.operators(), op, keywords);
  std::vector<std::string> names;
  if (!known) {
    for (const auto& keyword : keywords) names.push_back(keyword.first);
  }
  auto arguments = normalise_arguments(graph_.operators(), op, std::move(positional), std::move(keywords));
  if (!arguments) {
    Diagnostics found;
    for (Diagnostic diagnostic : arguments.diagnostics().list()) {
      diagnostic.notes.push_back("in `%" + place.node + "` of " + member_);
      found.add(std::move(diagnostic));
    }
    return found;
  }
  if (outputs.empty()) return Diagnostic(kNoResults).with("node", place.node).with("op", place.op);
  auto type = result_type(outputs, scope);
  if (!type) return type.diagnostics();
  add_autocast(op, *arguments, *type, scope.autocast);
  Node* call = graph_.add_call(op, std::move(*arguments), std::move(*type), place.node, nullptr, std::move(names));
  if (!first_call_) first_call_ = call;
  set_location(node, call);
  return bind_results(node, outputs, call, scope);
}

// The type of a call: a tensor for one result, a tuple for several or for a list. Unknown when a part is no tensor.
Result<ValueType> GraphBuilder::result_type(const Json& outputs, Scope& scope) {
  std::vector<TensorType> types;
  const auto add = [&](const Json& tensor) -> Status {
    const std::string* name = text_field(tensor, "name");
    if (!name) return malformed("a result has no name");
    auto type = tensor_type(*name, scope);
    if (!type) return type.diagnostics();
    types.push_back(std::move(*type));
    return Done{};
  };
  for (const Json& output : outputs) {
    const auto value = tagged(output);
    if (!value) return malformed("a result does not read");
    if (value->tag == "as_tensor") {
      if (auto status = add(*value->value); !status) return status.diagnostics();
    } else if (value->tag == "as_tensors" && outputs.size() == 1 && value->value->is_array()) {
      for (const Json& tensor : *value->value) {
        if (auto status = add(tensor); !status) return status.diagnostics();
      }
      return ValueType::tuple(std::move(types));
    } else {
      return ValueType::unknown();
    }
  }
  if (types.size() == 1) return ValueType::tensor(std::move(types[0]));
  return ValueType::tuple(std::move(types));
}

Result<TensorType> GraphBuilder::tensor_type(const std::string& name, Scope& scope) {
  const Json* values = object_field(*scope.graph, "tensor_values");
  const Json* meta = values ? field(*values, name.c_str()) : nullptr;
  if (!meta) return malformed("`" + name + "` has no type");
  return read_type(*meta, graph_.dims(), "`%" + name + "`", member_);
}

Node* GraphBuilder::add_getitem(Node* tuple, size_t index, ValueType type, const std::string& name) {
  const OpId op = graph_.operators().intern("_operator.getitem");
  Node* part = graph_.add_call(op, {Argument(tuple), Argument(static_cast<int64_t>(index))}, std::move(type), name);
  if (const Provenance* provenance = tuple->provenance()) graph_.set_provenance(part, *provenance);
  return part;
}

// Gives results their names; parts of a tuple are taken out of it under the names the exporter gave them.
Status GraphBuilder::bind_results(const Json& node, const Json& outputs, Node* call, Scope& scope) {
  const auto bind_part = [&](const Json& tensor, Node* tuple, size_t index) -> Status {
    const std::string* name = text_field(tensor, "name");
    if (!name) return malformed("a result has no name");
    auto type = tensor_type(*name, scope);
    if (!type) return type.diagnostics();
    scope.values[*name] = Argument(add_getitem(tuple, index, ValueType::tensor(std::move(*type)), *name));
    return Done{};
  };
  const auto bind_list = [&](const Json& list, Node* tuple) -> Status {
    if (!list.is_array()) return malformed("a list of results does not read");
    for (size_t i = 0; i < list.size(); ++i) {
      if (auto status = bind_part(list[i], tuple, i); !status) return status;
    }
    return Done{};
  };
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto value = tagged(outputs[i]);
    if (!value) return malformed("a result does not read");
    Status status = Done{};
    if (value->tag == "as_tensor") {
      const std::string* name = text_field(*value->value, "name");
      if (!name) return malformed("a result has no name");
      if (outputs.size() == 1) {
        scope.values[*name] = Argument(call);
      } else {
        status = bind_part(*value->value, call, i);
      }
    } else if (value->tag == "as_tensors") {
      Node* list = outputs.size() == 1
                       ? call
                       : add_getitem(call, i, ValueType::unknown(), call->name() + "_" + std::to_string(i));
      status = bind_list(*value->value, list);
    } else if (is_symbolic(outputs[i]) && outputs.size() == 1) {
      if (const std::string* name = text_field(*value->value, "as_name")) scope.values[*name] = Argument(call);
    } else if (value->tag != "as_none" && !is_symbolic(outputs[i])) {
      const std::string* target = text_field(node, "target");
      return Diagnostic(kNoResults).with("node", call->name()).with("op", target ? *target : "?");
    }
    if (!status) return status;
  }
  return Done{};
}

void GraphBuilder::set_location(const Json& node, Node* call) {
  const Json* metadata = object_field(node, "metadata");
  const std::string* trace = metadata ? text_field(*metadata, "stack_trace") : nullptr;
  if (!trace) return;
  std::string location = innermost_frame(*trace);
  if (!location.empty()) graph_.set_provenance(call, Provenance{{}, {}, std::move(location)});
}

Status GraphBuilder::set_outputs(const Json& signature, Scope& scope) {
  const Json* specs = list_field(signature, "output_specs");
  if (!specs) return malformed("the signature has no outputs");
  std::vector<Argument> results;
  for (const Json& entry : *specs) {
    const auto spec = tagged(entry);
    const Json* arg = spec ? field(*spec->value, "arg") : nullptr;
    if (!spec || !arg) return malformed("an output of the signature does not read");
    if (spec->tag == "buffer_mutation" || spec->tag == "parameter_mutation" || spec->tag == "user_input_mutation") {
      const char* key = spec->tag == "buffer_mutation"      ? "buffer_name"
                        : spec->tag == "parameter_mutation" ? "parameter_name"
                                                            : "user_input_name";
      const char* what = spec->tag == "buffer_mutation"      ? "buffer"
                         : spec->tag == "parameter_mutation" ? "parameter"
                                                             : "input";
      const std::string* name = text_field(*spec->value, key);
      warnings_.add(Diagnostic(kStateNotKept).with("what", what).with("name", name ? *name : "?"));
      continue;
    }
    if (spec->tag != "user_output") continue;
    const size_t index = results.size();
    auto value = read_argument(*arg, {"output", "return", std::to_string(index)}, scope);
    if (!value) return value.diagnostics();
    const auto tag = tagged(*arg);
    const std::string* name = tag ? text_field(*tag->value, tag->tag == "as_tensor" ? "name" : "as_name") : nullptr;
    outputs_.push_back(name ? *name : "output_" + std::to_string(index));
    results.push_back(std::move(*value));
  }
  graph_.set_outputs(std::move(results));
  return Done{};
}

}  // namespace qrules::model
