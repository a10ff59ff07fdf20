// What a condition can ask about nodes, their types and their users.

#include <algorithm>
#include <unordered_set>

#include <qrules/match/functions.h>

namespace qrules {
namespace {

using Type = ExpressionType;
using Arguments = std::span<const Argument>;

// More nodes than a condition may walk; beyond it the answer is not known.
constexpr size_t kLongestWalk = 100'000;

std::string percent(const Node* node) { return "%" + node->name(); }

struct Tensor {
  const TensorType* type = nullptr;
  std::optional<Unknown> unknown;
};

Tensor tensor_of(const Argument& argument) {
  const Node* node = argument.node();
  if (!node) return {nullptr, Unknown{"it is no tensor of the graph"}};
  if (!node->tensor()) return {nullptr, Unknown{"the type of " + percent(node) + " is not known"}};
  return {node->tensor(), {}};
}

Argument sizes_argument(std::span<const Dim> sizes) {
  Argument::List list;
  for (Dim size : sizes) list.emplace_back(size);
  return Argument(std::move(list));
}

Evaluated dtype_of(const FunctionContext&, Arguments arguments) {
  Tensor tensor = tensor_of(arguments[0]);
  if (!tensor.type) return *tensor.unknown;
  return Argument(tensor.type->dtype);
}

Evaluated rank_of(const FunctionContext&, Arguments arguments) {
  Tensor tensor = tensor_of(arguments[0]);
  if (!tensor.type) return *tensor.unknown;
  return Argument(static_cast<int64_t>(tensor.type->rank()));
}

Evaluated shape_of(const FunctionContext&, Arguments arguments) {
  Tensor tensor = tensor_of(arguments[0]);
  if (!tensor.type) return *tensor.unknown;
  return sizes_argument(tensor.type->sizes);
}

Evaluated leading_sizes(const FunctionContext&, Arguments arguments) {
  Tensor tensor = tensor_of(arguments[0]);
  if (!tensor.type) return *tensor.unknown;
  if (tensor.type->rank() == 0) return Unknown{percent(arguments[0].node()) + " has no sizes"};
  return sizes_argument(std::span(tensor.type->sizes).first(tensor.type->rank() - 1));
}

Evaluated size_at(const FunctionContext&, Arguments arguments) {
  Tensor tensor = tensor_of(arguments[0]);
  if (!tensor.type) return *tensor.unknown;
  const auto index = arguments[1].integer();
  if (!index) return Unknown{"the index of a size is not a number"};
  const int64_t rank = static_cast<int64_t>(tensor.type->rank());
  const int64_t wrapped = *index < 0 ? *index + rank : *index;
  if (wrapped < 0 || wrapped >= rank)
    return Unknown{percent(arguments[0].node()) + " has rank " + std::to_string(rank) + " and no size " +
                   std::to_string(*index)};
  return Argument(tensor.type->sizes[static_cast<size_t>(wrapped)]);
}

Evaluated element_count(const FunctionContext& context, Arguments arguments) {
  Tensor tensor = tensor_of(arguments[0]);
  if (!tensor.type) return *tensor.unknown;
  Dim product = 1;
  for (Dim size : tensor.type->sizes) product = context.graph.dims().multiply(product, size);
  return Argument(product);
}

Evaluated user_count(const FunctionContext&, Arguments arguments) {
  const Node* node = arguments[0].node();
  if (!node) return Unknown{"it is no value of the graph"};
  return Argument(static_cast<int64_t>(node->user_count()));
}

Evaluated users_besides(const FunctionContext&, Arguments arguments) {
  const Node* node = arguments[0].node();
  if (!node) return Unknown{"it is no value of the graph"};
  int64_t count = 0;
  for (const Node* user : node->users()) {
    const bool listed =
        std::any_of(arguments.begin() + 1, arguments.end(), [&](const Argument& a) { return a.node() == user; });
    count += listed ? 0 : 1;
  }
  return Argument(count);
}

// The output node has no name that people know.
std::string user_name(const Node* node) {
  return node->kind() == NodeKind::output ? "the graph's output" : percent(node);
}

// "the other user is %cat", "the other users are %b, %c": what people ask next.
std::string listed(const std::vector<Node*>& users, const std::string& which) {
  constexpr size_t kNamed = 4;
  std::string names;
  for (size_t i = 0; i < users.size() && i < kNamed; ++i) names += (i ? ", " : "") + user_name(users[i]);
  if (users.size() > kNamed) names += " and " + std::to_string(users.size() - kNamed) + " more";
  if (which.empty()) return names;
  return "the " + which + (users.size() == 1 ? "user is " : "users are ") + names;
}

std::string counted_users(int64_t count, const char* other) {
  return std::to_string(count) + other + (count == 1 ? " user" : " users");
}

std::string other_users(const FunctionContext& context, Arguments arguments, const Argument& result) {
  const Node* node = arguments[0].node();
  std::string text = percent(node) + " has " + counted_users(result.integer().value_or(0), "");
  std::vector<Node*> users = node->users();
  if (users.empty()) return text;
  const size_t all = users.size();
  std::erase_if(users, [&](const Node* user) {
    return user == context.root || (context.matched && std::find(context.matched->begin(), context.matched->end(),
                                                                 user) != context.matched->end());
  });
  if (users.empty()) return text + ", " + listed(node->users(), "");
  return text + ", " + listed(users, users.size() < all ? "other " : "");
}

std::string users_besides_listed(const FunctionContext&, Arguments arguments, const Argument& result) {
  const Node* node = arguments[0].node();
  std::vector<Node*> users = node->users();
  std::erase_if(users, [&](const Node* user) {
    return std::any_of(arguments.begin() + 1, arguments.end(), [&](const Argument& a) { return a.node() == user; });
  });
  std::string text = percent(node) + " has " + counted_users(result.integer().value_or(0), " other");
  return users.empty() ? text : text + ", " + listed(users, "");
}

// Which value on the way is used by something else.
std::string used_twice(const FunctionContext& context, Arguments arguments, const Argument& result) {
  if (result == Argument(true)) return "";
  const Node* node = arguments[0].node();
  while (node != arguments[1].node() && node->user_count(2) == 1 && !node->operands().empty()) node = node->operand(0);
  const Argument found(const_cast<Node*>(node));
  return other_users(context, std::span(&found, 1), Argument(static_cast<int64_t>(node->user_count())));
}

Evaluated op_of(const FunctionContext&, Arguments arguments) {
  const Node* node = arguments[0].node();
  if (!node || !node->is_call()) return Unknown{"it is no call"};
  return Argument(node->op_name());
}

Evaluated argument_of(const FunctionContext&, Arguments arguments) {
  const Node* node = arguments[0].node();
  if (!node || !node->is_call()) return Unknown{"it is no call"};
  const std::string& wanted = *arguments[1].get_if<std::string>();
  const Argument* found = node->argument(wanted);
  if (!found) return Unknown{"`" + node->op_name() + "` has no parameter `" + wanted + "`"};
  return *found;
}

Evaluated is_input(const FunctionContext&, Arguments arguments) {
  const Node* node = arguments[0].node();
  return Argument(node != nullptr && node->kind() == NodeKind::placeholder);
}

Evaluated is_output(const FunctionContext&, Arguments arguments) {
  const Node* node = arguments[0].node();
  if (!node) return Argument(false);
  for (const Use* use = node->first_use(); use; use = use->next) {
    if (use->user->kind() == NodeKind::output) return Argument(true);
  }
  return Argument(false);
}

Evaluated same_node(const FunctionContext&, Arguments arguments) {
  return Argument(arguments[0].node() != nullptr && arguments[0].node() == arguments[1].node());
}

Evaluated depends_on(const FunctionContext&, Arguments arguments) {
  const Node* from = arguments[0].node();
  const Node* wanted = arguments[1].node();
  if (!from || !wanted) return Argument(false);
  std::vector<const Node*> left{from};
  std::unordered_set<const Node*> seen{from};
  while (!left.empty()) {
    const Node* node = left.back();
    left.pop_back();
    if (node == wanted) return Argument(true);
    if (seen.size() > kLongestWalk)
      return Unknown{"too many nodes lie between " + percent(from) + " and " + percent(wanted)};
    for (const Use& use : node->operands()) {
      // Operands come before users, so nothing that stands before `wanted` leads to it.
      if (!use.value->before(*wanted) && seen.insert(use.value).second) left.push_back(use.value);
    }
  }
  return Argument(false);
}

Evaluated single_use(const FunctionContext&, Arguments arguments) {
  const Node* top = arguments[0].node();
  const Node* bottom = arguments[1].node();
  if (!top || !bottom) return Unknown{"it is no value of the graph"};
  for (size_t steps = 0; steps < kLongestWalk; ++steps) {
    if (top->user_count(2) != 1) return Argument(false);
    if (top == bottom) return Argument(true);
    if (top->operands().empty()) break;
    top = top->operand(0);
  }
  return Unknown{"no chain of first operands leads to " + percent(bottom)};
}

Evaluated broadcasts(const FunctionContext&, Arguments arguments) {
  Tensor from = tensor_of(arguments[0]), to = tensor_of(arguments[1]);
  if (!from.type) return *from.unknown;
  if (!to.type) return *to.unknown;
  if (from.type->rank() > to.type->rank()) return Argument(false);
  const size_t skipped = to.type->rank() - from.type->rank();
  for (size_t i = 0; i < from.type->rank(); ++i) {
    const Dim size = from.type->sizes[i];
    if (size != Dim(1) && size != to.type->sizes[i + skipped]) return Argument(false);
  }
  return Argument(true);
}

Evaluated same_padding(const FunctionContext&, Arguments arguments) {
  Tensor weight = tensor_of(arguments[0]);
  if (!weight.type) return *weight.unknown;
  const auto dilation = arguments[1].integers();
  if (!dilation || weight.type->rank() < 3) return Unknown{"a convolution's weight and dilation are wanted"};
  Argument::List result;
  for (size_t i = 2; i < weight.type->rank(); ++i) {
    const Dim size = weight.type->sizes[i];
    if (!size.is_static()) return Unknown{"the size of the window is not known"};
    const int64_t step = (*dilation)[dilation->size() == 1 ? 0 : std::min(i - 2, dilation->size() - 1)];
    result.emplace_back((size.value() - 1) * step / 2);
  }
  return Argument(std::move(result));
}

}  // namespace

void add_graph_functions(FunctionRegistry& registry) {
  const AddFunction add{registry};
  const FunctionParameter n{"n", Type::node, false, {}}, m{"m", Type::node, false, {}}, v{"v", Type::any, false, {}};
  add("dtype", {n}, Type::dtype, 0, "The element type of a tensor.", "{0} is {result}", dtype_of);
  add("rank", {n}, Type::integer, 0, "The number of dimensions of a tensor.", "{0} has rank {result}", rank_of);
  add("shape", {n}, Type::list, 0, "The sizes of a tensor; some may be symbolic.", "{0} has the sizes {result}",
      shape_of);
  add("leading", {n}, Type::list, 0, "The sizes of a tensor without the last.", "{0} has the leading sizes {result}",
      leading_sizes);
  add("size", {n, {"i", Type::integer, false, {}}}, Type::size, 0,
      "Size i of a tensor; negative i counts from the end.", "size {1} of {0} is {result}", size_at);
  add("numel", {n}, Type::size, 0, "The number of elements of a tensor.", "{0} has {result} elements", element_count);
  add("users", {n}, Type::integer, 1, "The number of nodes that use a value; the graph's output counts as one.",
      "{0} has {result} users", user_count)
      .detail = other_users;
  add("op", {n}, Type::text, 1, "The name of a call's operator.", "{0} is a call of {result}", op_of);
  add("arg", {n, {"name", Type::text, false, {}}}, Type::any, 1, "An argument of a call by its parameter's name.",
      "{1} of {0} is {result}", argument_of);
  add("input", {v}, Type::boolean, 1, "Whether a value is an input of the graph.", "{0} is not an input of the graph",
      is_input)
      .contrary = "{0} is an input of the graph";
  add("output", {v}, Type::boolean, 1, "Whether a value is a result of the graph.", "{0} is not a result of the graph",
      is_output)
      .contrary = "{0} is a result of the graph";
  add("same", {v, {"w", Type::any, false, {}}}, Type::boolean, 1, "Whether both are the same node.",
      "{0} and {1} are not the same node", same_node)
      .contrary = "both are {0}";
  add("depends", {n, m}, Type::boolean, 5, "Whether n is computed from m, directly or through other nodes.",
      "{0} is not computed from {1}", depends_on)
      .contrary = "{0} is computed from {1}";
  Function& single =
      add("single_use", {{"top", Type::node, false, {}}, {"bottom", Type::node, false, {}}}, Type::boolean, 5,
          "Whether every value from bottom up to top, through first operands and both included, has one user.",
          "a value between {1} and {0} has another user", single_use);
  single.detail = used_twice;
  single.contrary = "no value between {1} and {0} has another user";
  add("broadcasts", {n, m}, Type::boolean, 1, "Whether n's shape broadcasts to m's without changing it.",
      "{0} does not broadcast to {1}", broadcasts)
      .contrary = "{0} broadcasts to {1}";
  add("same_padding", {{"w", Type::node, false, {}}, {"dilation", Type::list, false, {}}}, Type::list, 1,
      "The padding on each side that keeps a convolution's size at stride 1: half of the dilated window's extent.",
      "the padding that keeps the size is {result}", same_padding);
  add("users_besides", {n, m}, Type::integer, 1, "The number of users of a value that are none of the nodes listed.",
      "{0} has {result} other users", users_besides, true)
      .detail = users_besides_listed;
}

Function& AddFunction::operator()(std::string name, std::vector<FunctionParameter> parameters, ExpressionType result,
                                  int cost, std::string doc, std::string refusal, decltype(Function::evaluate) evaluate,
                                  bool variadic) const {
  Function function;
  function.name = std::move(name);
  function.parameters = std::move(parameters);
  function.variadic = variadic;
  function.result = result;
  function.cost = cost;
  function.doc = std::move(doc);
  function.refusal = std::move(refusal);
  function.evaluate = std::move(evaluate);
  return registry.add(std::move(function));
}

void add_match_functions(FunctionRegistry& registry) {
  add_graph_functions(registry);
  add_value_functions(registry);
}

}  // namespace qrules
