#include <qrules/rewrite/placement.h>

#include <algorithm>

namespace qrules {
namespace {

void find_latest(const Argument& argument, Node*& latest) {
  if (Node* node = argument.node()) {
    if (!latest || latest->before(*node)) latest = node;
  } else if (const Argument::List* list = argument.list()) {
    for (const Argument& element : *list) find_latest(element, latest);
  }
}

bool movable(const Node& node) {
  if (node.kind() == NodeKind::constant) return true;
  return node.is_call() && node.graph().operators().pure(node.op());
}

}  // namespace

Node* insertion_point(std::span<const Argument> arguments, Node* preferred) {
  Node* latest = nullptr;
  for (const Argument& argument : arguments) find_latest(argument, latest);
  if (!latest || latest->before(*preferred)) return preferred;
  return latest->next();
}

bool collect_hoist(Node* node, Node* position, size_t limit, std::vector<Node*>& chain) {
  std::vector<Node*> pending{node};
  while (!pending.empty()) {
    Node* current = pending.back();
    pending.pop_back();
    if (current->before(*position) || std::find(chain.begin(), chain.end(), current) != chain.end()) continue;
    if (current == position || !movable(*current) || chain.size() == limit) return false;
    chain.push_back(current);
    for (const Use& use : current->operands()) pending.push_back(use.value);
  }
  std::sort(chain.begin(), chain.end(), [](const Node* a, const Node* b) { return a->before(*b); });
  return true;
}

}  // namespace qrules
