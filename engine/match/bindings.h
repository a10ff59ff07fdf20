// What a match binds.
#pragma once

#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/rules/rule.h>

namespace qrules {

// The value of one slot: unbound, or an argument (a node, None, a number, a list...).
struct Binding {
  bool bound = false;
  Argument value;
  friend bool operator==(const Binding&, const Binding&) = default;
};

// Indexed by SlotId of the rule.
using Bindings = std::vector<Binding>;

struct Match {
  const Rule* rule = nullptr;
  Node* root = nullptr;
  Bindings bindings;
  std::vector<Node*> nodes;  // matched call nodes, root first, each once, in order of discovery
};

}  // namespace qrules
