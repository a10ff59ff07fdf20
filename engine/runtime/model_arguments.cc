// Arguments of calls: torch.export's tagged unions become arguments of the graph.

#include <cmath>
#include <limits>

#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/model_builder.h>
#include <qrules/runtime/model_sizes.h>

namespace qrules::model {
namespace {

Diagnostic unsupported(const std::string& node, const std::string& op, const std::string& parameter, std::string what) {
  return Diagnostic(kUnsupportedArgument)
      .with("node", node)
      .with("op", op)
      .with("parameter", parameter)
      .with("what", std::move(what));
}

// Reals that JSON cannot write are texts.
std::optional<double> real(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (const auto* text = json.get_ptr<const std::string*>()) {
    if (*text == "Infinity") return std::numeric_limits<double>::infinity();
    if (*text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (*text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  return std::nullopt;
}

}  // namespace

// A tensor by its name. Weights enter the graph here, when something uses them.
Result<Argument> GraphBuilder::read_value(const std::string& name, const Place& place, Scope& scope) {
  if (const auto found = scope.values.find(name); found != scope.values.end()) return found->second;
  const auto weight = weight_names_.find(name);
  if (scope.depth > 0 || weight == weight_names_.end())
    return Diagnostic(kUnknownValue).with("node", place.node).with("name", name);
  auto constant = weights_.load(weight->second.what, weight->second.name);
  if (!constant) return constant.diagnostics();
  auto type = tensor_type(name, scope);
  if (!type) return type.diagnostics();
  bool same = type->dtype == (*constant)->dtype && type->rank() == (*constant)->sizes.size();
  for (size_t i = 0; same && i < type->rank(); ++i) same = type->sizes[i] == Dim((*constant)->sizes[i]);
  if (!same) {
    return Diagnostic(kBadWeight)
        .with("what", weight->second.what)
        .with("name", weight->second.name)
        .with("why", "the graph gives it another type than its file");
  }
  Node* node = graph_.add_constant(name, std::move(*constant), first_call_, weight->second.name);
  scope.values.emplace(name, Argument(node));
  return Argument(node);
}

// {"as_name": ...} or a literal; names are expressions in one of the graph's tables.
Result<Argument> GraphBuilder::read_symbol(const Json& json, const char* table, const Place& place, Scope& scope) {
  const auto symbol = tagged(json);
  if (!symbol) return malformed("`%" + place.node + "`: `" + place.parameter + "` is neither a name nor a number");
  if (symbol->tag == "as_int") {
    if (const auto value = integer(*symbol->value)) return Argument(*value);
  }
  if (symbol->tag == "as_bool" && symbol->value->is_boolean()) return Argument(symbol->value->get<bool>());
  if (symbol->tag == "as_float") {
    if (const auto value = real(*symbol->value)) return Argument(*value);
  }
  const auto* name = symbol->tag == "as_name" ? symbol->value->get_ptr<const std::string*>() : nullptr;
  if (!name) return malformed("`%" + place.node + "`: `" + place.parameter + "` is neither a name nor a number");
  if (const auto found = scope.values.find(*name); found != scope.values.end()) return found->second;

  const Json* values = object_field(*scope.graph, table);
  const Json* entry = values ? field(*values, name->c_str()) : nullptr;
  if (!entry) return Diagnostic(kUnknownValue).with("node", place.node).with("name", *name);
  const auto literal = tagged(*entry);
  if (literal && literal->tag == "as_float") {
    if (const auto value = real(*literal->value)) return Argument(*value);
  }
  if (literal && literal->tag == "as_bool" && literal->value->is_boolean())
    return Argument(literal->value->get<bool>());
  auto size = read_size(*entry, graph_.dims(), "`" + *name + "`", member_);
  if (size) scope.values.emplace(*name, *size);
  return size;
}

Result<Argument> GraphBuilder::read_optional(const Json& json, const Place& place, Scope& scope) {
  const auto value = tagged(json);
  if (value && value->tag == "as_none") return Argument();
  const std::string* name = value && value->tag == "as_tensor" ? text_field(*value->value, "name") : nullptr;
  if (!name) return malformed("`%" + place.node + "`: `" + place.parameter + "` is neither a tensor nor None");
  return read_value(*name, place, scope);
}

template <typename Read>
Result<Argument> GraphBuilder::read_list(const Json& json, const Place& place, Read read) {
  if (!json.is_array()) return malformed("`%" + place.node + "`: `" + place.parameter + "` is no list");
  Argument::List list;
  for (const Json& element : json) {
    Result<Argument> value = read(element);
    if (!value) return value;
    list.push_back(std::move(*value));
  }
  return Argument(std::move(list));
}

Result<Argument> GraphBuilder::read_argument(const Json& json, const Place& place, Scope& scope) {
  const auto wrong = [&] {
    return malformed("`%" + place.node + "`: the argument `" + place.parameter + "` of `" + place.op +
                     "` does not read");
  };
  const auto argument = tagged(json);
  if (!argument) return wrong();
  const std::string_view tag = argument->tag;
  const Json& value = *argument->value;

  const auto read_int = [&](const Json& element) -> Result<Argument> {
    const auto number = integer(element);
    if (!number) return wrong();
    return Argument(*number);
  };
  const auto read_real = [&](const Json& element) -> Result<Argument> {
    const auto number = real(element);
    if (!number) return wrong();
    return Argument(*number);
  };
  const auto read_bool = [&](const Json& element) -> Result<Argument> {
    if (!element.is_boolean()) return wrong();
    return Argument(element.get<bool>());
  };
  const auto read_text = [&](const Json& element) -> Result<Argument> {
    if (!element.is_string()) return wrong();
    return Argument(element.get<std::string>());
  };
  const auto read_tensor = [&](const Json& element) -> Result<Argument> {
    const std::string* name = text_field(element, "name");
    return name ? read_value(*name, place, scope) : Result<Argument>(wrong());
  };
  const auto read_optional_tensor = [&](const Json& element) { return read_optional(element, place, scope); };
  const auto read_sym = [&](const char* table) {
    return [this, table, &place, &scope](const Json& element) { return read_symbol(element, table, place, scope); };
  };
  const auto lists_of = [&](auto read) {
    return [this, &place, read](const Json& element) { return read_list(element, place, read); };
  };

  if (tag == "as_none") return Argument();
  if (tag == "as_tensor") return read_tensor(value);
  if (tag == "as_int") return read_int(value);
  if (tag == "as_ints") return read_list(value, place, read_int);
  if (tag == "as_float") return read_real(value);
  if (tag == "as_floats") return read_list(value, place, read_real);
  if (tag == "as_bool") return read_bool(value);
  if (tag == "as_bools") return read_list(value, place, read_bool);
  if (tag == "as_string") return read_text(value);
  if (tag == "as_strings") return read_list(value, place, read_text);
  if (tag == "as_tensors") return read_list(value, place, read_tensor);
  if (tag == "as_optional_tensor") return read_optional(value, place, scope);
  if (tag == "as_optional_tensors") return read_list(value, place, read_optional_tensor);
  if (tag == "as_sym_int") return read_sym("sym_int_values")(value);
  if (tag == "as_sym_ints") return read_list(value, place, read_sym("sym_int_values"));
  if (tag == "as_sym_float") return read_sym("sym_float_values")(value);
  if (tag == "as_sym_floats") return read_list(value, place, read_sym("sym_float_values"));
  if (tag == "as_sym_bool") return read_sym("sym_bool_values")(value);
  if (tag == "as_sym_bools") return read_list(value, place, read_sym("sym_bool_values"));
  if (tag == "as_nested_tensors") return read_list(value, place, lists_of(read_tensor));
  if (tag == "as_int_lists") return read_list(value, place, lists_of(read_int));
  if (tag == "as_float_lists") return read_list(value, place, lists_of(read_real));
  if (tag == "as_scalar_type") {
    const auto code = integer(value);
    if (!code) return wrong();
    if (const auto dtype = dtype_of(*code)) return Argument(*dtype);
    return Diagnostic(kUnsupportedDType)
        .with("what", "`" + place.parameter + "` of `%" + place.node + "`")
        .with("dtype", dtype_name(*code));
  }
  if (tag == "as_memory_format" || tag == "as_layout") {
    const auto code = integer(value);
    if (!code) return wrong();
    const auto keyword = tag == "as_layout" ? layout_of(*code) : memory_format_of(*code);
    if (keyword) return Argument(*keyword);
    return unsupported(place.node, place.op, place.parameter,
                       "number " + std::to_string(*code) + ", which has no name");
  }
  if (tag == "as_device") {
    const std::string* type = text_field(value, "type");
    if (!type) return wrong();
    const auto index = integer_field(value, "index");
    return Argument(Keyword{index ? *type + ":" + std::to_string(*index) : *type});
  }
  if (tag == "as_complex") return unsupported(place.node, place.op, place.parameter, "a complex number");
  if (tag == "as_custom_obj") return unsupported(place.node, place.op, place.parameter, "an object of a custom class");
  if (tag == "as_graph") return unsupported(place.node, place.op, place.parameter, "a graph");
  return unsupported(place.node, place.op, place.parameter,
                     "of the kind `" + std::string(tag) + "`, which is not supported");
}

}  // namespace qrules::model
