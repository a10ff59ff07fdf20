// Computing with constants when a rule fires. The rules are exact, so that a rewrite never changes numbers unseen:
//
//  - An operation on reals is done in f64 and rounded once to the result's dtype (nearest, ties to even). For f32,
//  bf16, f16 and
//    f8 that is the correctly rounded result of the operation on the operands.
//  - An operation on integers is exact; a result that the dtype cannot hold refuses the match.
//  - `cast` to an integer dtype refuses values that it cannot hold exactly; to a real dtype it rounds to nearest even.
//  - The result's dtype is what PyTorch promotes the two to; a number takes the constant's dtype (a real beside
//  integers refuses).
//  - `divide`, `sqrt` and `reciprocal` need reals.

#include <cmath>

#include <qrules/graph/constant_text.h>
#include <qrules/rewrite/constant_data.h>
#include <qrules/rewrite/functions.h>

namespace qrules {
namespace {

constexpr int64_t kLargestResult = int64_t{1} << 34;
// Reals of at least this magnitude may not be integers that an int64_t holds.
constexpr double kIntegerLimit = 9223372036854775808.0;

enum class Operation { add, subtract, multiply, divide };

std::optional<int64_t> compute(Operation operation, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = true;
  switch (operation) {
    case Operation::add: overflow = __builtin_add_overflow(a, b, &result); break;
    case Operation::subtract: overflow = __builtin_sub_overflow(a, b, &result); break;
    case Operation::multiply: overflow = __builtin_mul_overflow(a, b, &result); break;
    case Operation::divide: break;
  }
  if (overflow) return std::nullopt;
  return result;
}

double compute(Operation operation, double a, double b) {
  switch (operation) {
    case Operation::add: return a + b;
    case Operation::subtract: return a - b;
    case Operation::multiply: return a * b;
    case Operation::divide: return a / b;
  }
  return 0;
}

// An operand: a constant, or a number that counts as a constant of rank 0.
struct Operand {
  const Node* node = nullptr;
  double real = 0;
  int64_t integer = 0;
  bool is_real_number = false;

  std::vector<int64_t> sizes() const { return node ? node->constant()->sizes : std::vector<int64_t>(); }
  double real_at(int64_t i) const { return node ? element_as_double(*node->constant(), i) : real; }
  int64_t integer_at(int64_t i) const { return node ? element_as_int(*node->constant(), i) : integer; }
};

std::variant<Operand, Unknown> operand(const Argument& argument) {
  Operand result;
  if (argument.node()) {
    auto constant = constant_argument(argument, "an operand");
    if (auto* unknown = std::get_if<Unknown>(&constant)) return *unknown;
    result.node = std::get<0>(constant);
    if (!is_computable(result.node->constant()->dtype)) {
      return Unknown{"`" + result.node->name() + "` has a dtype that cannot be computed with"};
    }
    return result;
  }
  auto number = argument.number();
  if (!number) return Unknown{"an operand is neither a constant nor a number"};
  result.real = *number;
  result.is_real_number = argument.get_if<double>() != nullptr;
  if (auto integer = argument.integer()) result.integer = *integer;
  return result;
}

std::variant<DType, Unknown> result_dtype(const Operand& a, const Operand& b, Operation operation) {
  if (!a.node && !b.node) return Unknown{"both operands are numbers; write the arithmetic with + - * /"};
  DType dtype = !a.node   ? b.node->constant()->dtype
                : !b.node ? a.node->constant()->dtype
                          : promote(a.node->constant()->dtype, b.node->constant()->dtype);
  if (is_floating(dtype)) return dtype;
  if (a.is_real_number || b.is_real_number) return Unknown{"a real number beside integers; cast the constant first"};
  if (operation == Operation::divide) return Unknown{"division needs reals; cast the constants first"};
  return dtype;
}

// Sizes after broadcasting; nothing when they do not.
std::optional<std::vector<int64_t>> broadcast_sizes(std::vector<int64_t> a, std::vector<int64_t> b) {
  if (a.size() < b.size()) a.swap(b);
  size_t shift = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t& size = a[shift + i];
    if (size == 1) {
      size = b[i];
    } else if (b[i] != 1 && b[i] != size) {
      return std::nullopt;
    }
  }
  return a;
}

// Strides of an operand inside the result's index space; 0 where it is repeated.
std::vector<int64_t> broadcast_strides(const std::vector<int64_t>& sizes, size_t rank) {
  std::vector<int64_t> own = strides_of(sizes), strides(rank);
  for (size_t i = 0; i < sizes.size(); ++i) strides[rank - sizes.size() + i] = sizes[i] == 1 ? 0 : own[i];
  return strides;
}

// Calls body(i, a, b): element i of the result comes from elements a and b of the operands.
template <typename Body>
void walk(const std::vector<int64_t>& sizes, const std::vector<int64_t>& a_strides,
          const std::vector<int64_t>& b_strides, Body body) {
  std::vector<int64_t> index(sizes.size());
  int64_t count = product_of(sizes).value_or(0), a = 0, b = 0;
  for (int64_t i = 0; i < count; ++i) {
    body(i, a, b);
    for (size_t d = sizes.size(); d-- > 0;) {
      a += a_strides[d];
      b += b_strides[d];
      if (++index[d] < sizes[d]) break;
      a -= a_strides[d] * sizes[d];
      b -= b_strides[d] * sizes[d];
      index[d] = 0;
    }
  }
}

Unknown overflow(DType dtype) { return Unknown{"a result is outside the range of " + std::string(name(dtype))}; }

Evaluated binary(const FunctionContext& context, Operation operation, std::span<const Argument> arguments,
                 const char* suffix) {
  auto a_or = operand(arguments[0]), b_or = operand(arguments[1]);
  if (auto* unknown = std::get_if<Unknown>(&a_or)) return *unknown;
  if (auto* unknown = std::get_if<Unknown>(&b_or)) return *unknown;
  const Operand &a = std::get<0>(a_or), &b = std::get<0>(b_or);
  auto dtype_or = result_dtype(a, b, operation);
  if (auto* unknown = std::get_if<Unknown>(&dtype_or)) return *unknown;
  DType dtype = std::get<0>(dtype_or);
  auto sizes = broadcast_sizes(a.sizes(), b.sizes());
  if (!sizes) return Unknown{"the sizes of the operands do not broadcast"};
  if (product_of(*sizes).value_or(kLargestResult + 1) > kLargestResult) return Unknown{"the result is too large"};
  bool fine = true;
  ConstantPtr result = Constant::make(dtype, *sizes, [&](void* out) {
    walk(*sizes, broadcast_strides(a.sizes(), sizes->size()), broadcast_strides(b.sizes(), sizes->size()),
         [&](int64_t i, int64_t at_a, int64_t at_b) {
           if (is_floating(dtype)) {
             text::store_real(out, dtype, i, compute(operation, a.real_at(at_a), b.real_at(at_b)));
             return;
           }
           auto value = compute(operation, a.integer_at(at_a), b.integer_at(at_b));
           fine = fine && value && text::store_integer(out, dtype, i, *value);
         });
  });
  if (!fine) return overflow(dtype);
  return constant_node(context, std::move(result), a.node ? a.node : b.node, suffix);
}

// A function of each element of a constant of reals.
Evaluated unary(const FunctionContext& context, std::span<const Argument> arguments, double (*compute_one)(double),
                const char* suffix) {
  auto node_or = constant_argument(arguments[0], "the operand");
  if (auto* unknown = std::get_if<Unknown>(&node_or)) return *unknown;
  const Node* node = std::get<0>(node_or);
  const Constant& source = *node->constant();
  if (!is_floating(source.dtype)) return Unknown{"`" + node->name() + "` has no real elements; cast it first"};
  return constant_node(context,
                       Constant::make(source.dtype, source.sizes,
                                      [&](void* out) {
                                        for (int64_t i = 0; i < source.element_count(); ++i)
                                          text::store_real(out, source.dtype, i,
                                                           compute_one(element_as_double(source, i)));
                                      }),
                       node, suffix);
}

Evaluated negate(const FunctionContext& context, std::span<const Argument> arguments) {
  const Node* node = arguments[0].node();
  if (node && node->kind() == NodeKind::constant && is_floating(node->constant()->dtype)) {
    return unary(
        context, arguments, [](double x) { return -x; }, "negated");
  }
  Argument operands[] = {Argument(0), arguments[0]};
  return binary(context, Operation::subtract, operands, "negated");
}

// Element i of `source` in another dtype; false when an integer dtype cannot hold it.
bool cast_element(const Constant& source, int64_t i, DType dtype, void* out) {
  if (is_floating(dtype)) {
    // Integers beyond 2^53 round twice on the way to f32 here; so they do in PyTorch's f64, and scales are never that
    // large.
    double value =
        is_floating(source.dtype) ? element_as_double(source, i) : static_cast<double>(element_as_int(source, i));
    return text::store_real(out, dtype, i, value);
  }
  int64_t integer = 0;
  if (is_floating(source.dtype)) {
    double value = element_as_double(source, i);
    if (!(std::fabs(value) < kIntegerLimit) || value != std::nearbyint(value)) return false;
    integer = static_cast<int64_t>(value);
  } else {
    integer = element_as_int(source, i);
  }
  return text::store_integer(out, dtype, i, integer);
}

Evaluated cast(const FunctionContext& context, std::span<const Argument> arguments) {
  auto node_or = constant_argument(arguments[0], "what is cast");
  if (auto* unknown = std::get_if<Unknown>(&node_or)) return *unknown;
  const Node* node = std::get<0>(node_or);
  const Constant& source = *node->constant();
  const DType* dtype = arguments[1].get_if<DType>();
  if (!dtype) return Unknown{"`dtype` is not a dtype"};
  if (!is_computable(*dtype) || !is_computable(source.dtype)) return Unknown{"complex constants are not cast"};
  if (*dtype == source.dtype) return Argument(const_cast<Node*>(node));
  std::optional<int64_t> refused;
  ConstantPtr result = Constant::make(*dtype, source.sizes, [&](void* out) {
    for (int64_t i = 0; i < source.element_count() && !refused; ++i) {
      if (!cast_element(source, i, *dtype, out)) refused = i;
    }
  });
  if (refused) {
    return Unknown{"element " + std::to_string(*refused) + " of `" + node->name() + "` is no value of " +
                   std::string(name(*dtype))};
  }
  return constant_node(context, std::move(result), node, std::string(name(*dtype)));
}

Evaluated fill(const FunctionContext& context, std::span<const Argument> arguments) {
  const DType* dtype = arguments[0].get_if<DType>();
  if (!dtype || !is_computable(*dtype)) return Unknown{"`dtype` is not a dtype of reals or integers"};
  auto sizes_or = integers_argument(arguments[1], "`sizes`");
  if (auto* unknown = std::get_if<Unknown>(&sizes_or)) return *unknown;
  const std::vector<int64_t>& sizes = std::get<0>(sizes_or);
  for (int64_t size : sizes) {
    if (size < 0) return Unknown{"a size is negative"};
  }
  auto count = product_of(sizes);
  if (!count || *count > kLargestResult) return Unknown{"the result is too large"};
  auto number = arguments[2].number();
  auto integer = arguments[2].integer();
  if (!number) return Unknown{"`value` is not a known number"};
  if (!is_floating(*dtype) && (!integer || !fits(*dtype, *integer))) return overflow(*dtype);
  return constant_node(context,
                       Constant::make(*dtype, sizes,
                                      [&](void* out) {
                                        for (int64_t i = 0; i < *count; ++i) {
                                          if (is_floating(*dtype)) {
                                            text::store_real(out, *dtype, i, *number);
                                          } else {
                                            text::store_integer(out, *dtype, i, *integer);
                                          }
                                        }
                                      }),
                       nullptr, "fill");
}

// Sums over dimensions, which disappear. Integers add up exactly into s64 and reals in f64, rounded once.
Evaluated sum_over(const FunctionContext& context, std::span<const Argument> arguments) {
  auto node_or = constant_argument(arguments[0], "what is summed");
  if (auto* unknown = std::get_if<Unknown>(&node_or)) return *unknown;
  auto dims_or = integers_argument(arguments[1], "`dims`");
  if (auto* unknown = std::get_if<Unknown>(&dims_or)) return *unknown;
  const Node* node = std::get<0>(node_or);
  const Constant& source = *node->constant();
  if (!is_computable(source.dtype)) return Unknown{"complex constants are not summed"};
  auto rank = static_cast<int64_t>(source.sizes.size());
  std::vector<bool> summed(source.sizes.size());
  for (int64_t dim : std::get<0>(dims_or)) {
    if (dim < -rank || dim >= rank) return Unknown{"there is no dimension " + std::to_string(dim)};
    summed[static_cast<size_t>(dim < 0 ? dim + rank : dim)] = true;
  }
  std::vector<int64_t> sizes, strides(source.sizes.size());
  int64_t stride = 1;
  for (size_t d = source.sizes.size(); d-- > 0;) {
    if (summed[d]) continue;
    strides[d] = stride;
    stride *= source.sizes[d];
    sizes.insert(sizes.begin(), source.sizes[d]);
  }
  bool real = is_floating(source.dtype);
  DType dtype = real ? source.dtype : DType::s64;
  std::vector<double> reals(real ? static_cast<size_t>(stride) : 0);
  std::vector<int64_t> integers(real ? 0 : static_cast<size_t>(stride));
  bool fine = true;
  walk(source.sizes, strides, strides, [&](int64_t i, int64_t to, int64_t) {
    auto at = static_cast<size_t>(to);
    if (real) {
      reals[at] += element_as_double(source, i);
    } else {
      fine = fine && !__builtin_add_overflow(integers[at], element_as_int(source, i), &integers[at]);
    }
  });
  if (!fine) return overflow(dtype);
  return constant_node(context,
                       Constant::make(dtype, sizes,
                                      [&](void* out) {
                                        for (size_t i = 0; i < reals.size(); ++i)
                                          text::store_real(out, dtype, static_cast<int64_t>(i), reals[i]);
                                        for (size_t i = 0; i < integers.size(); ++i)
                                          text::store_integer(out, dtype, static_cast<int64_t>(i), integers[i]);
                                      }),
                       node, "sum");
}

}  // namespace

void add_arithmetic_functions(FunctionRegistry& registry) {
  using Type = ExpressionType;
  using Parameters = std::vector<FunctionParameter>;
  auto add = [&](std::string name, Parameters parameters, std::string doc, auto evaluate) {
    Function function;
    function.name = std::move(name);
    function.parameters = std::move(parameters);
    function.result = Type::node;
    function.makes_values = true;
    function.cost = 20;
    function.doc = std::move(doc);
    function.evaluate = evaluate;
    registry.add(std::move(function));
  };
  const Parameters two{{"a", Type::any, false, {}}, {"b", Type::any, false, {}}};
  const Parameters one{{"c", Type::node, false, {}}};
  auto add_binary = [&](const char* name, Operation operation, const char* suffix, const char* doc) {
    add(name, two, doc, [operation, suffix](const FunctionContext& context, std::span<const Argument> arguments) {
      return binary(context, operation, arguments, suffix);
    });
  };
  add_binary("add", Operation::add, "sum",
             "The sum of two constants, or of a constant and a number, broadcast; exact for integers, rounded once for "
             "reals.");
  add_binary("subtract", Operation::subtract, "difference",
             "The difference of two constants, or of a constant and a number, as `add`.");
  add_binary("multiply", Operation::multiply, "product",
             "The product of two constants, or of a constant and a number, as `add`.");
  add_binary("divide", Operation::divide, "quotient",
             "The quotient of two constants of reals, or of one and a number, broadcast, rounded once.");
  add("negate", one, "The constant with the sign of every element changed; integers that do not fit refuse.", negate);
  add("sqrt", one, "The square root of every element of a constant of reals, rounded once.",
      [](const FunctionContext& context, std::span<const Argument> arguments) {
        return unary(
            context, arguments, [](double x) { return std::sqrt(x); }, "sqrt");
      });
  add("reciprocal", one, "One divided by every element of a constant of reals, rounded once.",
      [](const FunctionContext& context, std::span<const Argument> arguments) {
        return unary(
            context, arguments, [](double x) { return 1.0 / x; }, "reciprocal");
      });
  add("cast", {{"c", Type::node, false, {}}, {"dtype", Type::dtype, false, {}}},
      "The constant in another dtype: reals round to nearest even, integers must hold every value exactly.", cast);
  add("fill", {{"dtype", Type::dtype, false, {}}, {"sizes", Type::list, false, {}}, {"value", Type::number, false, {}}},
      "A constant of these sizes with every element `value`.", fill);
  add("sum_over", {{"c", Type::node, false, {}}, {"dims", Type::list, false, {}}},
      "The sums of a constant over some dimensions, which disappear; integers add up in s64, reals in f64, rounded "
      "once.",
      sum_over);
}

}  // namespace qrules
