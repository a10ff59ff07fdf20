// Writes the text form of graphs; parse.cc reads what this prints.

#include <algorithm>
#include <cctype>

#include <qrules/graph/text.h>

#include "constant_text.h"
#include "lexer.h"

namespace qrules {
namespace {

// Other words (devices such as cuda:0, or what would read as a number or a dtype) need quotes.
bool is_bare_keyword(const std::string& word) {
  static constexpr std::string_view kTaken[] = {"None", "true", "True", "false", "False", "inf", "nan", "size"};
  if (word.empty() || std::isdigit(static_cast<unsigned char>(word[0])) || parse_dtype(word)) return false;
  if (std::find(std::begin(kTaken), std::end(kTaken), word) != std::end(kTaken)) return false;
  return std::all_of(word.begin(), word.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; });
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

std::string print_constant(const Node& node, const PrintOptions& options) {
  const Constant& constant = *node.constant();
  std::string text = "constant ";
  if (!node.constant_name().empty()) text += "\"" + text::escape(node.constant_name()) + "\" ";
  text += ": " + print(*node.tensor(), node.graph().dims());
  const int64_t count = constant.element_count();
  if (!constant.has_data() || count == 0 || !text::has_element_text(constant.dtype)) return text;
  if (text::is_uniform(constant)) return text + " {" + text::print_element(constant, 0) + "}";
  if (count > options.constant_elements) return text;
  text += " {";
  for (int64_t i = 0; i < count; ++i) text += (i ? ", " : "") + text::print_element(constant, i);
  return text + "}";
}

std::string print_call(const Node& node) {
  const DimTable& dims = node.graph().dims();
  const Signature* signature = node.graph().operators().signature(node.op());
  std::string text = (signature ? node.op_name() : "\"" + text::escape(node.op_name()) + "\"") + "(";
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
    const bool default_value = parameters[i].has_default && identical(arguments[i], parameters[i].default_value);
    if (!parameters[i].keyword_only && !default_value) said = i + 1;
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!parameters[i].keyword_only) {
      if (i < said) add(print(arguments[i], dims));
    } else if (!(parameters[i].has_default && identical(arguments[i], parameters[i].default_value))) {
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
  if (const double* real = argument.get_if<double>()) return text::print_real(*real);
  if (const auto* text = argument.get_if<std::string>()) return "\"" + text::escape(*text) + "\"";
  if (const DType* dtype = argument.get_if<DType>()) return std::string(name(*dtype));
  if (const auto* keyword = argument.get_if<Keyword>())
    return is_bare_keyword(keyword->text) ? keyword->text : "\"" + text::escape(keyword->text) + "\"";
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
    case NodeKind::placeholder: {
      const std::string type = print_type(node.type(), dims);
      text = "%" + node.name() + (type.empty() ? "" : ": " + type);
      break;
    }
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
  for (size_t i = 0; i < graph.placeholders().size(); ++i)
    text += (i ? ", " : "") + print(*graph.placeholders()[i], {true, false, options.constant_elements});
  text += ") {\n";
  for (const Node* node = graph.first(); node; node = node->next()) {
    if (node->kind() != NodeKind::placeholder) text += "  " + print(*node, options) + "\n";
  }
  return text + "}\n";
}

}  // namespace qrules
