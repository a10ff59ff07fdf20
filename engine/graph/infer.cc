// Type inference: a table from operator names to rules. A rule is a function of the call; what is refused or not known
// leaves it by two private exception types that infer_type turns into its result, which keeps the rules free of
// plumbing.

#include <qrules/graph/infer.h>

#include <algorithm>

#include <qrules/graph/diagnostics.h>

#include "infer_call.h"

namespace qrules {
namespace infer {

void refuse(std::string why) { throw Refusal{std::move(why)}; }

const Argument& Call::argument(std::string_view parameter) const {
  static const Argument none;
  auto index = signature_.find(parameter);
  return index && *index < arguments_.size() ? arguments_[*index] : none;
}

const TensorType& Call::tensor(std::string_view parameter) const {
  const TensorType* type = optional_tensor(parameter);
  if (!type) refuse("`" + std::string(parameter) + "` must be a tensor");
  return *type;
}

const TensorType* Call::optional_tensor(std::string_view parameter) const {
  Node* node = argument(parameter).node();
  if (!node) return nullptr;
  if (node->type().kind == ValueType::Kind::tuple) refuse("`" + std::string(parameter) + "` is a tuple");
  if (!node->tensor()) throw UnknownOperand{};
  return node->tensor();
}

std::vector<const TensorType*> Call::tensors(std::string_view parameter) const {
  const Argument::List* elements = argument(parameter).list();
  if (!elements) refuse("`" + std::string(parameter) + "` must be a list of tensors");
  std::vector<const TensorType*> types;
  for (const Argument& element : *elements) {
    if (!element.node()) refuse("`" + std::string(parameter) + "` must be a list of tensors");
    if (!element.node()->tensor()) throw UnknownOperand{};
    types.push_back(element.node()->tensor());
  }
  return types;
}

int64_t Call::integer(std::string_view parameter) const {
  auto value = argument(parameter).integer();
  if (!value) refuse("`" + std::string(parameter) + "` must be an integer");
  return *value;
}

bool Call::boolean(std::string_view parameter) const {
  const bool* value = argument(parameter).get_if<bool>();
  return value && *value;
}

std::string Call::text(std::string_view parameter) const {
  const Argument& value = argument(parameter);
  if (auto* text = value.get_if<std::string>()) return *text;
  if (auto* keyword = value.get_if<Keyword>()) return keyword->text;
  refuse("`" + std::string(parameter) + "` must be a text");
}

std::optional<DType> Call::optional_dtype(std::string_view parameter) const {
  const DType* value = argument(parameter).get_if<DType>();
  return value ? std::optional<DType>(*value) : std::nullopt;
}

DType Call::dtype(std::string_view parameter) const {
  auto value = optional_dtype(parameter);
  if (!value) refuse("`" + std::string(parameter) + "` must be a dtype");
  return *value;
}

std::vector<int64_t> Call::integers(std::string_view parameter, size_t length) const {
  auto values = argument(parameter).integers();
  if (!values) refuse("`" + std::string(parameter) + "` must be a list of integers");
  if (length > 0 && values->size() == 1) values->assign(length, values->front());
  if (length > 0 && values->size() != length) {
    refuse("`" + std::string(parameter) + "` must have " + std::to_string(length) + " elements");
  }
  return *values;
}

std::vector<Argument> Call::list(std::string_view parameter) const {
  const Argument& value = argument(parameter);
  if (const Argument::List* elements = value.list()) return *elements;
  if (value.is_none()) return {};
  return {value};
}

size_t Call::wrap(int64_t dimension, size_t rank) {
  const int64_t size = static_cast<int64_t>(std::max<size_t>(rank, 1));
  if (dimension < -size || dimension >= size) {
    refuse("dimension " + std::to_string(dimension) + " is outside rank " + std::to_string(rank));
  }
  return static_cast<size_t>(dimension < 0 ? dimension + size : dimension);
}

size_t Call::dimension(std::string_view parameter, size_t rank) const { return wrap(integer(parameter), rank); }

std::vector<Dim> broadcast(DimTable& dims, const std::vector<Dim>& a, const std::vector<Dim>& b) {
  const std::vector<Dim>& longer = a.size() >= b.size() ? a : b;
  const std::vector<Dim>& shorter = a.size() >= b.size() ? b : a;
  std::vector<Dim> sizes = longer;
  const size_t offset = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    Dim& size = sizes[offset + i];
    const Dim other = shorter[i];
    if (size == other || other == Dim(1)) continue;
    if (size == Dim(1)) {
      size = other;
    } else if (size.is_static() && other.is_static()) {
      refuse("sizes " + dims.print(size) + " and " + dims.print(other) + " do not broadcast");
    } else if (other.is_static()) {
      size = other;
    }
  }
  return sizes;
}

Dim window_positions(DimTable& dims, Dim size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                     bool ceil_mode) {
  if (stride < 1 || dilation < 1 || kernel < 1 || padding < 0)
    refuse("stride, dilation and kernel must be positive, padding not negative");
  constexpr int64_t kLargest = INT32_MAX;
  if (std::max({stride, dilation, kernel, padding}) > kLargest || (size.is_static() && size.value() > INT64_MAX / 4))
    refuse("the window or the input is too large");
  const int64_t reach = dilation * (kernel - 1) + 1;
  if (size.is_static()) {
    const int64_t room = size.value() + 2 * padding - reach;
    if (room < 0) refuse("the window is larger than the padded input");
    int64_t positions = room / stride + 1;
    if (ceil_mode && room % stride != 0) {
      // A window that starts in the right padding does not count.
      positions += (positions * stride < size.value() + padding) ? 1 : 0;
    }
    return positions;
  }
  if (ceil_mode && stride != 1) throw UnknownOperand{};
  const int64_t shift = 2 * padding - reach;
  const Dim room = shift >= 0 ? dims.add(size, shift) : dims.subtract(size, -shift);
  return dims.add(dims.floor_divide(room, stride), 1);
}

Dim product(DimTable& dims, std::span<const Dim> sizes) {
  Dim result = 1;
  for (Dim size : sizes) result = dims.multiply(result, size);
  return result;
}

std::vector<Dim> resolve_shape(DimTable& dims, const std::vector<Dim>& sizes, const std::vector<Argument>& shape) {
  std::vector<Dim> result;
  std::optional<size_t> open;
  Dim known = 1;
  for (const Argument& element : shape) {
    if (const Dim* size = element.get_if<Dim>()) {
      result.push_back(*size);
    } else if (auto value = element.integer(); value && *value >= 0) {
      result.push_back(*value);
    } else if (value && *value == -1 && !open) {
      open = result.size();
      result.push_back(1);
      continue;
    } else {
      refuse("a shape takes sizes and at most one -1");
    }
    known = dims.multiply(known, result.back());
  }
  const Dim total = product(dims, sizes);
  if (open) {
    if (known == Dim(0)) refuse("-1 is ambiguous in a shape with a zero");
    const Dim rest = dims.floor_divide(total, known);
    if (total.is_static() && known.is_static() && total.value() % known.value() != 0) {
      refuse(dims.print(total) + " elements do not fill a multiple of " + dims.print(known));
    }
    result[*open] = rest;
  } else if (total.is_static() && known.is_static() && total != known) {
    refuse(dims.print(total) + " elements do not fit a shape of " + dims.print(known));
  }
  return result;
}

namespace {

const Table& table() {
  static const Table rules = [] {
    Table t;
    add_quantized_rules(t);
    add_int8_rules(t);
    add_vector_rules(t);
    add_block_affine_rules(t);
    add_pointwise_rules(t);
    add_view_rules(t);
    add_contraction_rules(t);
    return t;
  }();
  return rules;
}

}  // namespace
}  // namespace infer

Result<ValueType> infer_type(Graph& graph, OpId op, std::span<const Argument> arguments) {
  const std::string& name = graph.operators().name(op);
  const auto rule = infer::table().find(name);
  const Signature* signature = graph.operators().signature(op);
  if (rule == infer::table().end() || !signature) return ValueType::unknown();
  try {
    return rule->second(infer::Call(graph, op, *signature, arguments));
  } catch (const infer::Refusal& refusal) {
    return Diagnostic(kRefusedOperands).with("op", name).with("why", refusal.why);
  } catch (const infer::UnknownOperand&) {
    return ValueType::unknown();
  }
}

bool can_infer(const OperatorTable& operators, OpId op) { return infer::table().contains(operators.name(op)); }

}  // namespace qrules
