// Where nodes may stand: operands before users.
#pragma once

#include <span>
#include <vector>

#include <qrules/graph/graph.h>

namespace qrules {

// The node before which a call with these arguments may be inserted: `preferred`, or the node after the last of its
// operands when that stands later. Null: at the end. Linear in the number of operands.
Node* insertion_point(std::span<const Argument> arguments, Node* preferred);

// Collects into `chain` what has to move so that `node` can stand before `position`: the node itself and those of its
// transitive operands that stand at or after `position`, in graph order. False when `position` is one of them (a
// cycle), when one of them cannot move, or when there are more than `limit`.
bool collect_hoist(Node* node, Node* position, size_t limit, std::vector<Node*>& chain);

}  // namespace qrules
