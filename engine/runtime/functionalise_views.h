// Which operators return their operand's memory, and how a write to such a view is seen by the operand.
#pragma once

#include <string_view>

#include <qrules/graph/graph.h>

namespace qrules::model {

enum class Sharing : uint8_t {
  none,     // the result has memory of its own
  certain,  // the result is a view of the first operand
  unclear,  // a view or a copy, depending on the layout at run time
};

// What the result of a call shares with its first operand. Strides in the types of operands must be those of the model.
Sharing sharing(const Node& node);

// The value of `view`'s first operand after `written` replaced the view: the inverse of a permutation or reshape, a
// scatter for a selection. New calls go before `before`. Null when the view has no simple inverse.
Node* write_back(Graph& graph, const Node& view, Node* written, Node* before);

// A call with arguments by name and the type of `like` for calls that are added here. Null when they do not fit the
// operator.
Node* add_named_call(Graph& graph, std::string_view op, std::vector<Argument> positional,
                     std::vector<std::pair<std::string, Argument>> keywords, ValueType type, Node* before);

}  // namespace qrules::model
