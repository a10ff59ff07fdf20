#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <qrules/graph/text.h>

#include "lexer.h"

namespace qrules {
namespace {

// The shortest decimal that reads back to the same double, always recognisable as a real.
std::string print_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  for (int digits = 6; digits <= 17; ++digits) {
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
    if (std::strtod(buffer, nullptr) == value) break;
  }
  std::string text = buffer;
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string print_sizes(const std::vector<Dim>& sizes, const DimTable& dims) {
  std::string text;
  for (size_t i = 0; i < sizes.size(); ++i) text += (i ? "," : "") + dims.print(sizes[i]);
  return text;
}

std::string print_type(const ValueType& type, const DimTable& dims) {
  if (type.kind == ValueType::Kind::unknown) return {};
  std::string text;
  for (size_t i = 0; i < type.tensors.size(); ++i) text += (i ? ", " : "") + print(type.tensors[i], dims);
  return type.kind == ValueType::Kind::tuple ? "(" + text + ")" : text;
}

std::string print_element(const Constant& constant, int64_t i) {
  if (constant.dtype == DType::boolean) return element_as_int(constant, i) ? "true" : "false";
  return is_floating(constant.dtype) ? print_real(element_as_double(constant, i)) : std::to_string(element_as_int(constant, i));
}

std::string print_constant(const Node& node, const PrintOptions& options) {
  const Constant& constant = *node.constant();
  std::string text = "constant ";
  if (!node.constant_name().empty()) text += "\"" + text::escape(node.constant_name()) + "\" ";
  text += ": " + print(*node.tensor(), node.graph().dims());
  const int64_t count = constant.element_count();
  const bool writable = (is_floating(constant.dtype) && size_of(constant.dtype) > 2) || constant.dtype == DType::bf16 || is_integral(constant.dtype) || constant.dtype == DType::boolean;
  if (!constant.has_data() || count == 0 || !writable) return text;
  bool equal = true;
  const std::string first = print_element(constant, 0);
  // Long constants print only when one value stands for all of them.
  const int64_t looked_at = std::min<int64_t>(count, 4096);
  for (int64_t i = 1; i < looked_at && equal; ++i) equal = print_element(constant, i) == first;
  if (equal && count <= looked_at) return text + " {" + first + "}";
  if (count > options.constant_elements) return text;
  text += " {";
  for (int64_t i = 0; i < count; ++i) text += (i ? ", " : "") + print_element(constant, i);
  return text + "}";
}

std::string print_call(const Node& node) {
  const DimTable& dims = node.graph().dims();
  const Signature* signature = node.graph().operators().signature(node.op());
  std::string text = node.op_name() + "(";
  std::string separator;
  const auto add = [&](const std::string& argument) {
    text += separator + argument;
    separator = ", ";
  };
  const auto& arguments = node.arguments();
  if (!signature) {
    const size_t positional = arguments.size() - std::min(node.argument_names().size(), arguments.size());
    for (size_t i = 0; i < arguments.size(); ++i) {
      add((i < positional ? "" : node.argument_names()[i - positional] + "=") + print(arguments[i], dims));
    }
    return text + ")";
  }
  // Trailing positional arguments that equal their default go unsaid.
  const auto& parameters = signature->parameters;
  size_t said = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool default_value = parameters[i].has_default && arguments[i] == parameters[i].default_value;
    if (!parameters[i].keyword_only && !default_value) said = i + 1;
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!parameters[i].keyword_only) {
      if (i < said) add(print(arguments[i], dims));
    } else if (!(parameters[i].has_default && arguments[i] == parameters[i].default_value)) {
      add(parameters[i].name + "=" + print(arguments[i], dims));
    }
  }
  return text + ")";
}

}  // namespace

std::string print(const TensorType& type, const DimTable& dims) {
  std::string text = std::string(name(type.dtype)) + "[" + print_sizes(type.sizes, dims) + "]";
  if (!type.strides.empty()) text += " strides(" + print_sizes(type.strides, dims) + ")";
  return text;
}

std::string print(const Argument& argument, const DimTable& dims) {
  if (argument.is_none()) return "None";
  if (const bool* boolean = argument.get_if<bool>()) return *boolean ? "true" : "false";
  if (const auto* integer = argument.get_if<int64_t>()) return std::to_string(*integer);
  if (const double* real = argument.get_if<double>()) return print_real(*real);
  if (const auto* text = argument.get_if<std::string>()) return "\"" + text::escape(*text) + "\"";
  if (const DType* dtype = argument.get_if<DType>()) return std::string(name(*dtype));
  if (const auto* keyword = argument.get_if<Keyword>()) return keyword->text;
  if (const Dim* dim = argument.get_if<Dim>()) return "size(" + dims.print(*dim) + ")";
  if (Node* node = argument.node()) return "%" + node->name();
  std::string text;
  for (const Argument& element : *argument.list()) text += (text.empty() ? "" : ", ") + print(element, dims);
  return "[" + text + "]";
}

std::string print(const Node& node, const PrintOptions& options) {
  const DimTable& dims = node.graph().dims();
  std::string text;
  switch (node.kind()) {
    case NodeKind::placeholder: text = "%" + node.name() + ": " + print_type(node.type(), dims); break;
    case NodeKind::constant: text = "%" + node.name() + " = " + print_constant(node, options); break;
    case NodeKind::output: {
      text = "return (";
      for (size_t i = 0; i < node.arguments().size(); ++i) text += (i ? ", " : "") + print(node.argument(i), dims);
      text += ")";
      break;
    }
    case NodeKind::call: {
      const std::string type = options.types ? print_type(node.type(), dims) : std::string();
      text = "%" + node.name() + (type.empty() ? "" : ": " + type) + " = " + print_call(node);
      break;
    }
  }
  if (options.provenance && node.provenance()) {
    const Provenance& from = *node.provenance();
    if (!from.rule.empty()) {
      text += "  # rule " + from.rule + " from ";
      for (size_t i = 0; i < from.sources.size(); ++i) text += (i ? ", " : "") + from.sources[i];
    }
    if (!from.location.empty()) text += "  # " + from.location;
  }
  return text;
}

std::string print(const Graph& graph, const PrintOptions& options) {
  std::string text = "graph(";
  for (size_t i = 0; i < graph.placeholders().size(); ++i) text += (i ? ", " : "") + print(*graph.placeholders()[i], {true, false, options.constant_elements});
  text += ") {\n";
  for (const Node* node = graph.first(); node; node = node->next()) {
    if (node->kind() != NodeKind::placeholder) text += "  " + print(*node, options) + "\n";
  }
  return text + "}\n";
}

}  // namespace qrules
