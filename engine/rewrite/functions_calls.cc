// Functions that make calls from calls.

#include <qrules/graph/infer.h>
#include <qrules/rewrite/functions.h>
#include <qrules/rewrite/placement.h>

namespace qrules {
namespace {

// Longer chains between two values are mistakes of a rule.
constexpr size_t kLongestReplay = 4096;

Argument with_operand(const Argument& argument, const Node* from, Node* to) {
  if (argument.node() == from) return Argument(to);
  const Argument::List* list = argument.list();
  if (!list) return argument;
  Argument::List copy;
  for (const Argument& element : *list) copy.push_back(with_operand(element, from, to));
  return Argument(std::move(copy));
}

bool uses(const Node& node, const Node* operand) {
  for (const Use& use : node.operands()) {
    if (use.value == operand) return true;
  }
  return false;
}

// The type of a copy of `original` whose operand `from` became `to`, when inference does not know the operator: the
// recorded one, if nothing about the operand changed.
std::variant<ValueType, Unknown> type_of_copy(Graph& graph, const Node& original,
                                              const std::vector<Argument>& arguments, const Node& from,
                                              const Node& to) {
  Result<ValueType> inferred = infer_type(graph, original.op(), arguments);
  if (!inferred.ok()) return Unknown{inferred.diagnostics().list().front().message()};
  if (inferred->kind != ValueType::Kind::unknown) return *inferred;
  if (from.type() == to.type()) return original.type();
  return Unknown{"the type of `" + original.op_name() + "` on another operand is not known"};
}

Evaluated replay(const FunctionContext& context, std::span<const Argument> arguments) {
  if (!context.insert_before) return Unknown{"values can only be made in a rewrite"};
  Node* top = arguments[0].node();
  Node* from = arguments[1].node();
  Node* to = arguments[2].node();
  if (!top || !from || !to) return Unknown{"`replay` needs three values of the graph"};
  std::vector<Node*> chain;  // top first
  for (Node* node = top; node != from;) {
    if (!node->is_call() || node->operands().empty() || chain.size() == kLongestReplay) {
      return Unknown{"`" + top->name() + "` is not computed from `" + from->name() + "` by a chain of calls"};
    }
    chain.push_back(node);
    node = uses(*node, from) ? from : node->operand(0);
  }
  Node* original = from;
  Node* value = to;
  for (auto call = chain.rbegin(); call != chain.rend(); ++call) {
    std::vector<Argument> copied;
    for (const Argument& argument : (*call)->arguments()) copied.push_back(with_operand(argument, original, value));
    auto type = type_of_copy(context.graph, **call, copied, *original, *value);
    if (auto* unknown = std::get_if<Unknown>(&type)) return *unknown;
    Node* before = insertion_point(copied, context.insert_before);
    value = context.graph.add_call((*call)->op(), std::move(copied), std::get<ValueType>(std::move(type)), {}, before,
                                   (*call)->argument_names());
    original = *call;
  }
  return Argument(value);
}

Evaluated duplicate_for_users(const FunctionContext& context, std::span<const Argument> arguments) {
  if (!context.insert_before) return Unknown{"values can only be made in a rewrite"};
  Node* node = arguments[0].node();
  if (!node || !node->is_call()) return Unknown{"what is duplicated is not a call"};
  if (!context.graph.operators().pure(node->op())) return Unknown{"`" + node->op_name() + "` may not be run twice"};
  size_t users = node->user_count();
  Argument::List values{Argument(node)};
  for (size_t i = 1; i < users; ++i) {
    values.emplace_back(context.graph.add_call(node->op(), node->arguments(), node->type(), node->name(),
                                               insertion_point(node->arguments(), node), node->argument_names()));
  }
  if (values.size() == 1) return Argument(node);
  return Argument(std::move(values));
}

// Slices in the order of `parts`, each with its type: what a slice of a symbolic size is would not be inferred better.
Evaluated split(const FunctionContext& context, std::span<const Argument> arguments) {
  if (!context.insert_before) return Unknown{"values can only be made in a rewrite"};
  Node* whole = arguments[0].node();
  const Argument::List* parts = arguments[1].list();
  const auto dim = arguments[2].get_if<int64_t>();
  if (!whole || !whole->tensor()) return Unknown{"what is split is no tensor of a known type"};
  if (!parts || parts->empty() || !dim) return Unknown{"`split` needs a list of values and a dimension"};
  const auto rank = static_cast<int64_t>(whole->tensor()->rank());
  const int64_t axis = *dim < 0 ? *dim + rank : *dim;
  if (axis < 0 || axis >= rank) return Unknown{"`" + whole->name() + "` has no dimension " + std::to_string(*dim)};
  const auto op = context.graph.operators().find("aten.slice.Tensor");
  if (!op) return Unknown{"the operator aten.slice.Tensor is not known"};
  const auto at = static_cast<size_t>(axis);
  Argument::List result;
  int64_t begin = 0;
  for (const Argument& part : *parts) {
    const Node* node = part.node();
    const TensorType* type = node ? node->tensor() : nullptr;
    if (!type || type->rank() != whole->tensor()->rank() || !type->sizes[at].is_static())
      return Unknown{"the size of " + (node ? "`" + node->name() + "`" : std::string("a part")) +
                     " along the dimension that is split is not known"};
    const int64_t end = begin + type->sizes[at].value();
    std::vector<Argument> slice{Argument(whole), Argument(axis), Argument(begin), Argument(end), Argument(int64_t{1})};
    TensorType sliced = *whole->tensor();
    sliced.sizes[at] = type->sizes[at];
    Node* before = insertion_point(slice, context.insert_before);
    result.emplace_back(
        context.graph.add_call(*op, std::move(slice), ValueType::tensor(std::move(sliced)), {}, before));
    begin = end;
  }
  const Dim size = whole->tensor()->sizes[at];
  if (size.is_static() && size.value() != begin)
    return Unknown{"the parts have " + std::to_string(begin) + " of the " + std::to_string(size.value()) +
                   " elements along the dimension that is split"};
  return Argument(std::move(result));
}

}  // namespace

void add_call_functions(FunctionRegistry& registry) {
  using Type = ExpressionType;
  Function function;
  function.makes_values = true;
  function.cost = 5;

  function.name = "replay";
  function.parameters = {
      {"top", Type::node, false, {}}, {"from", Type::node, false, {}}, {"to", Type::node, false, {}}};
  function.result = Type::node;
  function.doc = "A copy of the calls that lead from `from` through first operands to `top`, made on `to` instead.";
  function.evaluate = replay;
  registry.add(function);

  function.name = "duplicate_for_users";
  function.parameters = {{"x", Type::node, false, {}}};
  function.result = Type::any;
  function.doc =
      "The call and one copy of it for each user but the first; assigned to the call's own name each user gets its "
      "own.";
  function.evaluate = duplicate_for_users;
  registry.add(function);

  function.name = "split";
  function.parameters = {
      {"x", Type::node, false, {}}, {"parts", Type::list, false, {}}, {"dim", Type::integer, false, {}}};
  function.result = Type::any;
  function.doc =
      "Slices of a value along a dimension, one for each element of `parts` and as long as it is there. Together they "
      "are the value.";
  function.evaluate = split;
  registry.add(function);
}

}  // namespace qrules
