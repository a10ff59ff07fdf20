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
}

}  // namespace qrules
