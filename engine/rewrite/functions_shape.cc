// Moving the elements of constants. Each function is one gather: for every element of the result, where it comes from.

#include <cstring>
#include <functional>
#include <numeric>

#include <qrules/rewrite/constant_data.h>
#include <qrules/rewrite/functions.h>

namespace qrules {
namespace {

// Larger results are mistakes of a rule, not weights.
constexpr int64_t kLargestResult = int64_t{1} << 34;

std::string show(std::span<const int64_t> sizes) {
  std::string text = "[";
  for (int64_t size : sizes) text += (text.size() > 1 ? "," : "") + std::to_string(size);
  return text + "]";
}

// The elements of `source` at `offset` + index · strides (in elements of the source), row-major over `sizes`.
ConstantPtr gather(const Constant& source, const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                   int64_t offset) {
  size_t width = size_of(source.dtype);
  return Constant::make(source.dtype, sizes, [&](void* out) {
    const char* from = static_cast<const char*>(source.data.get());
    char* to = static_cast<char*>(out);
    std::vector<int64_t> index(sizes.size());
    int64_t count = product_of(sizes).value_or(0);
    int64_t at = offset;
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(to + i * static_cast<int64_t>(width), from + at * static_cast<int64_t>(width), width);
      for (size_t d = sizes.size(); d-- > 0;) {
        at += strides[d];
        if (++index[d] < sizes[d]) break;
        at -= strides[d] * sizes[d];
        index[d] = 0;
      }
    }
  });
}

std::optional<std::string> refuse_sizes(std::span<const int64_t> sizes) {
  for (int64_t size : sizes) {
    if (size < 0) return "sizes " + show(sizes) + " are negative";
  }
  auto count = product_of(sizes);
  if (!count || *count > kLargestResult) return "sizes " + show(sizes) + " are too large";
  return std::nullopt;
}

// A dimension index wrapped into [0, rank).
std::optional<size_t> wrap(int64_t dim, size_t rank) {
  auto signed_rank = static_cast<int64_t>(rank);
  if (dim < -signed_rank || dim >= signed_rank) return std::nullopt;
  return static_cast<size_t>(dim < 0 ? dim + signed_rank : dim);
}

#define QRULES_TAKE(type, variable, expression)                                         \
  auto variable##_or = (expression);                                                    \
  if (auto* unknown = std::get_if<Unknown>(&variable##_or)) return Evaluated(*unknown); \
  type variable = std::get<0>(variable##_or)

Evaluated transpose(const FunctionContext& context, std::span<const Argument> arguments) {
  QRULES_TAKE(const Node*, node, constant_argument(arguments[0], "what is transposed"));
  QRULES_TAKE(std::vector<int64_t>, axes, integers_argument(arguments[1], "`axes`"));
  const Constant& source = *node->constant();
  std::vector<int64_t> from = strides_of(source.sizes), sizes, strides;
  std::vector<bool> used(source.sizes.size());
  for (int64_t axis : axes) {
    auto dim = wrap(axis, source.sizes.size());
    if (!dim || used[*dim])
      return Unknown{"axes " + show(axes) + " are no permutation of the " + std::to_string(used.size()) +
                     " dimensions"};
    used[*dim] = true;
    sizes.push_back(source.sizes[*dim]);
    strides.push_back(from[*dim]);
  }
  if (sizes.size() != used.size())
    return Unknown{"axes " + show(axes) + " are no permutation of the " + std::to_string(used.size()) + " dimensions"};
  return constant_node(context, gather(source, sizes, strides, 0), node, "transposed");
}

Evaluated reshape(const FunctionContext& context, std::span<const Argument> arguments) {
  QRULES_TAKE(const Node*, node, constant_argument(arguments[0], "what is reshaped"));
  QRULES_TAKE(std::vector<int64_t>, sizes, integers_argument(arguments[1], "`sizes`"));
  const Constant& source = *node->constant();
  int64_t known = 1;
  std::optional<size_t> open;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && !open) {
      open = i;
    } else if (sizes[i] < 0 || __builtin_mul_overflow(known, sizes[i], &known)) {
      return Unknown{"sizes " + show(sizes) + " are no shape"};
    }
  }
  if (open && known > 0) sizes[*open] = source.element_count() / known;
  if (auto count = product_of(sizes); !count || *count != source.element_count() || (open && known == 0)) {
    return Unknown{"a constant of sizes " + show(source.sizes) + " cannot be reshaped to " + show(sizes)};
  }
  // The same bytes under other sizes: shared, not copied.
  auto result = std::make_shared<Constant>(source);
  result->sizes = sizes;
  return constant_node(context, std::move(result), node, "reshaped");
}

Evaluated broadcast(const FunctionContext& context, std::span<const Argument> arguments) {
  QRULES_TAKE(const Node*, node, constant_argument(arguments[0], "what is broadcast"));
  QRULES_TAKE(std::vector<int64_t>, sizes, integers_argument(arguments[1], "`sizes`"));
  const Constant& source = *node->constant();
  if (auto reason = refuse_sizes(sizes)) return Unknown{*reason};
  bool allowed = source.sizes.size() <= sizes.size();
  std::vector<int64_t> from = strides_of(source.sizes), strides(sizes.size());
  for (size_t i = 0; allowed && i < source.sizes.size(); ++i) {
    size_t at = sizes.size() - source.sizes.size() + i;
    allowed = source.sizes[i] == sizes[at] || source.sizes[i] == 1;
    strides[at] = source.sizes[i] == 1 ? 0 : from[i];
  }
  if (!allowed) return Unknown{"a constant of sizes " + show(source.sizes) + " does not broadcast to " + show(sizes)};
  return constant_node(context, gather(source, sizes, strides, 0), node, "broadcast");
}

Evaluated slice(const FunctionContext& context, std::span<const Argument> arguments) {
  QRULES_TAKE(const Node*, node, constant_argument(arguments[0], "what is sliced"));
  QRULES_TAKE(int64_t, dim_number, integer_argument(arguments[1], "`dim`"));
  QRULES_TAKE(int64_t, start, integer_argument(arguments[2], "`start`"));
  QRULES_TAKE(int64_t, end, integer_argument(arguments[3], "`end`"));
  const Constant& source = *node->constant();
  auto dim = wrap(dim_number, source.sizes.size());
  if (!dim) return Unknown{"there is no dimension " + std::to_string(dim_number) + " in sizes " + show(source.sizes)};
  int64_t size = source.sizes[*dim];
  auto clip = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size); };
  start = clip(start);
  end = std::max(start, clip(end));
  std::vector<int64_t> strides = strides_of(source.sizes), sizes = source.sizes;
  sizes[*dim] = end - start;
  return constant_node(context, gather(source, sizes, strides, start * strides[*dim]), node, "slice");
}

Evaluated concat(const FunctionContext& context, std::span<const Argument> arguments) {
  const Argument::List* list = arguments[0].list();
  if (!list || list->empty()) return Unknown{"what is concatenated is not a list with elements"};
  QRULES_TAKE(int64_t, dim_number, integer_argument(arguments[1], "`dim`"));
  std::vector<const Node*> nodes;
  for (const Argument& element : *list) {
    QRULES_TAKE(const Node*, node, constant_argument(element, "an element of the concatenation"));
    nodes.push_back(node);
  }
  const Constant& first = *nodes.front()->constant();
  auto dim = wrap(dim_number, first.sizes.size());
  if (!dim) return Unknown{"there is no dimension " + std::to_string(dim_number) + " in sizes " + show(first.sizes)};
  std::vector<int64_t> sizes = first.sizes;
  sizes[*dim] = 0;
  for (const Node* node : nodes) {
    const Constant& part = *node->constant();
    std::vector<int64_t> rest = part.sizes, wanted = first.sizes;
    if (rest.size() == wanted.size()) rest[*dim] = wanted[*dim] = 0;
    if (part.dtype != first.dtype || rest != wanted) {
      return Unknown{"constants of " + std::string(name(part.dtype)) + show(part.sizes) + " and " +
                     std::string(name(first.dtype)) + show(first.sizes) + " cannot be concatenated"};
    }
    sizes[*dim] += part.sizes[*dim];
  }
  if (auto reason = refuse_sizes(sizes)) return Unknown{*reason};
  auto split = sizes.begin() + static_cast<std::ptrdiff_t>(*dim);
  int64_t outer = std::accumulate(sizes.begin(), split, int64_t{1}, std::multiplies<>());
  int64_t inner =
      std::accumulate(split + 1, sizes.end(), static_cast<int64_t>(size_of(first.dtype)), std::multiplies<>());
  ConstantPtr result = Constant::make(first.dtype, sizes, [&](void* out) {
    char* to = static_cast<char*>(out);
    for (int64_t block = 0; block < outer; ++block) {
      for (const Node* node : nodes) {
        auto bytes = static_cast<size_t>(node->constant()->sizes[*dim] * inner);
        if (bytes)
          std::memcpy(to, static_cast<const char*>(node->constant()->data.get()) + static_cast<size_t>(block) * bytes,
                      bytes);
        to += bytes;
      }
    }
  });
  return constant_node(context, std::move(result), nodes.front(), "concat");
}

#undef QRULES_TAKE

}  // namespace

void add_shape_functions(FunctionRegistry& registry) {
  using Type = ExpressionType;
  auto add = [&](std::string name, std::vector<FunctionParameter> parameters, std::string doc, auto evaluate) {
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
  add("transpose", {{"c", Type::node, false, {}}, {"axes", Type::list, false, {}}},
      "The constant with its dimensions in the order of `axes` (negative ones count from the end).", transpose);
  add("reshape", {{"c", Type::node, false, {}}, {"sizes", Type::list, false, {}}},
      "The constant's elements, in row-major order, under other sizes; one size may be -1.", reshape);
  add("broadcast", {{"c", Type::node, false, {}}, {"sizes", Type::list, false, {}}},
      "The constant repeated to these sizes; dimensions are aligned at the end and only sizes of 1 are repeated.",
      broadcast);
  add("slice",
      {{"c", Type::node, false, {}},
       {"dim", Type::integer, false, {}},
       {"start", Type::integer, false, {}},
       {"end", Type::integer, false, {}}},
      "Positions start to end (excluded) of one dimension; negative ones count from the end, beyond it is clipped.",
      slice);
  add("concat", {{"constants", Type::list, false, {}}, {"dim", Type::integer, false, {}}},
      "Constants of equal dtype one after the other along a dimension; their other sizes must be equal.", concat);
}

}  // namespace qrules
