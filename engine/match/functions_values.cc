// What a condition can ask about constants, numbers and lists.

#include <algorithm>
#include <cmath>
#include <cstring>

#include <qrules/graph/float8.h>
#include <qrules/graph/text.h>
#include <qrules/match/functions.h>

namespace qrules {
namespace {

using Type = ExpressionType;
using Arguments = std::span<const Argument>;

// The constant behind a value, or why there is none to look into.
struct Data {
  const Constant* constant = nullptr;
  std::string why;
};

Data data_of(const Argument& argument) {
  const Node* node = argument.node();
  if (!node) return {nullptr, "it is no value of the graph"};
  if (node->kind() != NodeKind::constant) return {nullptr, "%" + node->name() + " is no constant"};
  if (!node->constant()->has_data()) return {nullptr, "the elements of %" + node->name() + " are not known"};
  return {node->constant().get(), {}};
}

Evaluated is_constant(const FunctionContext&, Arguments arguments) {
  const Node* node = arguments[0].node();
  return Argument(node && node->kind() == NodeKind::constant && node->constant()->has_data());
}

Evaluated all_zero(const FunctionContext&, Arguments arguments) {
  const Data data = data_of(arguments[0]);
  if (!data.constant) return Unknown{data.why};
  for (int64_t i = 0; i < data.constant->element_count(); ++i) {
    if (element_as_double(*data.constant, i) != 0) return Argument(false);
  }
  return Argument(true);
}

Evaluated all_equal(const FunctionContext&, Arguments arguments) {
  const Data data = data_of(arguments[0]);
  if (!data.constant) return Unknown{data.why};
  const size_t width = size_of(data.constant->dtype);
  const char* bytes = static_cast<const char*>(data.constant->data.get());
  for (int64_t i = 1; i < data.constant->element_count(); ++i) {
    if (std::memcmp(bytes, bytes + static_cast<size_t>(i) * width, width) != 0) return Argument(false);
  }
  return Argument(true);
}

std::string element_text(const Constant& constant, int64_t i) {
  if (is_integral(constant.dtype)) return std::to_string(element_as_int(constant, i));
  return print(Argument(element_as_double(constant, i)), DimTable());
}

std::string first_nonzero(const FunctionContext&, Arguments arguments, const Argument& result) {
  const Data data = data_of(arguments[0]);
  if (!data.constant || result == Argument(true)) return "";
  for (int64_t i = 0; i < data.constant->element_count(); ++i) {
    if (element_as_double(*data.constant, i) != 0)
      return "element " + std::to_string(i) + " of %" + arguments[0].node()->name() + " is " +
             element_text(*data.constant, i) + ", not zero";
  }
  return "";
}

std::string first_different(const FunctionContext&, Arguments arguments, const Argument& result) {
  const Data data = data_of(arguments[0]);
  if (!data.constant || result == Argument(true)) return "";
  const std::string first = element_text(*data.constant, 0);
  for (int64_t i = 1; i < data.constant->element_count(); ++i) {
    if (const std::string other = element_text(*data.constant, i); other != first)
      return "elements of %" + arguments[0].node()->name() + " differ: the first is " + first + ", number " +
             std::to_string(i) + " is " + other;
  }
  return "";
}

Evaluated scalar(const FunctionContext&, Arguments arguments) {
  if (arguments[0].number()) return arguments[0];
  const Data data = data_of(arguments[0]);
  if (!data.constant) return Unknown{data.why};
  if (data.constant->element_count() != 1)
    return Unknown{"%" + arguments[0].node()->name() + " has more than one element"};
  if (is_integral(data.constant->dtype)) return Argument(element_as_int(*data.constant, 0));
  return Argument(element_as_double(*data.constant, 0));
}

Evaluated is_number(const FunctionContext&, Arguments arguments) {
  return Argument(arguments[0].number().has_value() && !arguments[0].get_if<bool>());
}

Evaluated close(const FunctionContext&, Arguments arguments) {
  const auto a = arguments[0].number(), b = arguments[1].number(), tolerance = arguments[2].number();
  if (!a || !b || !tolerance) {
    // Scales that are known only at run time are equal when they are the same value.
    if (arguments[0].node() && arguments[0].node() == arguments[1].node()) return Argument(true);
    return Unknown{"it is no number here"};
  }
  if (*a == *b) return Argument(true);
  return Argument(std::abs(*a - *b) <= *tolerance * std::max(std::abs(*a), std::abs(*b)));
}

Evaluated bound_of_type(Arguments arguments, bool low) {
  const DType* dtype = arguments[0].get_if<DType>();
  if (dtype && is_float8(*dtype)) return Argument(low ? -largest_float8(*dtype) : largest_float8(*dtype));
  if (!dtype || !is_integral(*dtype)) return Unknown{"it is no integer type"};
  return Argument(low ? lowest(*dtype) : highest(*dtype));
}

Evaluated length(const FunctionContext&, Arguments arguments) {
  const Argument::List* list = arguments[0].list();
  if (!list) return Unknown{"it is no list"};
  return Argument(static_cast<int64_t>(list->size()));
}

Evaluated absolute(const FunctionContext&, Arguments arguments) {
  if (const int64_t* integer = arguments[0].get_if<int64_t>()) {
    if (*integer == INT64_MIN) return Unknown{"the number is out of range"};
    return Argument(*integer < 0 ? -*integer : *integer);
  }
  if (auto number = arguments[0].number()) return Argument(std::abs(*number));
  return Unknown{"it is no number here"};
}

Evaluated extreme(Arguments arguments, bool least) {
  std::vector<Argument> values(arguments.begin(), arguments.end());
  if (values.size() == 1 && values[0].list()) values = *values[0].list();
  if (values.empty()) return Unknown{"the list is empty"};
  size_t best = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].number()) return Unknown{"it is no number here"};
    if (least ? *values[i].number() < *values[best].number() : *values[i].number() > *values[best].number()) best = i;
  }
  return values[best];
}

Evaluated product(const FunctionContext& context, Arguments arguments) {
  const Argument::List* list = arguments[0].list();
  if (!list) return Unknown{"it is no list"};
  Dim result = 1;
  for (const Argument& element : *list) {
    if (const Dim* dim = element.get_if<Dim>())
      result = context.graph.dims().multiply(result, *dim);
    else if (const int64_t* integer = element.get_if<int64_t>(); integer && *integer >= 0)
      result = context.graph.dims().multiply(result, Dim(*integer));
    else
      return Unknown{"an element is no size"};
  }
  return Argument(result);
}

}  // namespace

void add_value_functions(FunctionRegistry& registry) {
  const AddFunction add{registry};
  const FunctionParameter n{"n", Type::node, false, {}}, v{"v", Type::any, false, {}}, l{"l", Type::list, false, {}};
  const FunctionParameter a{"a", Type::any, false, {}}, b{"b", Type::any, false, {}};
  add("constant", {v}, Type::boolean, 1, "Whether a value is a constant whose elements are known.",
      "{0} is no constant with known elements", is_constant)
      .contrary = "{0} is a constant";
  Function& zeros = add("all_zero", {n}, Type::boolean, 20, "Whether every element of a constant is zero.",
                        "{0} has an element that is not zero", all_zero);
  zeros.contrary = "every element of {0} is zero";
  zeros.detail = first_nonzero;
  Function& equal = add("all_equal", {n}, Type::boolean, 20, "Whether all elements of a constant are the same.",
                        "the elements of {0} differ", all_equal);
  equal.contrary = "all elements of {0} are the same";
  equal.detail = first_different;
  add("scalar", {v}, Type::number, 1, "The single element of a constant, or the number itself.",
      "the element of {0} is {result}", scalar);
  add("number", {v}, Type::boolean, 0, "Whether an argument is a number.", "{0} is no number", is_number).contrary =
      "{0} is a number";
  add("is_node", {v}, Type::boolean, 0, "Whether an argument is a value of the graph.", "{0} is no value of the graph",
      [](const FunctionContext&, Arguments arguments) -> Evaluated { return Argument(arguments[0].node() != nullptr); })
      .contrary = "{0} is a value of the graph";
  add("is_none", {v}, Type::boolean, 0, "Whether an argument is None.", "{0} is not None",
      [](const FunctionContext&, Arguments arguments) -> Evaluated { return Argument(arguments[0].is_none()); })
      .contrary = "{0} is None";
  add("close", {a, b, {"rel", Type::number, true, Argument(1e-5)}}, Type::boolean, 0,
      "Whether two numbers are equal up to a relative tolerance.", "{0} and {1} differ by more than {2} of the larger",
      close)
      .contrary = "{0} and {1} are equal within {2} of the larger";
  add("qmin", {{"dtype", Type::dtype, false, {}}}, Type::integer, 0,
      "The smallest value of an integer type, or the smallest finite one of f8.", "qmin({0}) is {result}",
      [](const FunctionContext&, Arguments arguments) { return bound_of_type(arguments, true); });
  add("qmax", {{"dtype", Type::dtype, false, {}}}, Type::integer, 0,
      "The largest value of an integer type, or the largest finite one of f8.", "qmax({0}) is {result}",
      [](const FunctionContext&, Arguments arguments) { return bound_of_type(arguments, false); });
  add("len", {l}, Type::integer, 0, "The number of elements of a list.", "the length of {0} is {result}", length);
  add("abs", {{"a", Type::number, false, {}}}, Type::number, 0, "The absolute value of a number.",
      "abs({0}) is {result}", absolute);
  add(
      "min", {a}, Type::number, 0, "The least of its arguments, or of a list.", "the least is {result}",
      [](const FunctionContext&, Arguments arguments) { return extreme(arguments, true); }, true);
  add(
      "max", {a}, Type::number, 0, "The largest of its arguments, or of a list.", "the largest is {result}",
      [](const FunctionContext&, Arguments arguments) { return extreme(arguments, false); }, true);
  add("prod", {l}, Type::size, 0, "The product of a list of sizes.", "the product of {0} is {result}", product);
}

}  // namespace qrules
