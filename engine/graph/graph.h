// The FX-like graph: an ordered list of nodes, each of which is one value.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <qrules/graph/argument.h>
#include <qrules/graph/constant.h>
#include <qrules/graph/operators.h>
#include <qrules/graph/tensor_type.h>

namespace qrules {

class Graph;

enum class NodeKind : uint8_t { placeholder, constant, call, output };

// Where a node came from: the rule that made it, the names of the nodes it stands for, and the line of the model's
// source.
struct Provenance {
  std::string rule;
  std::vector<std::string> sources;
  std::string location;  // "model.py:12", empty when the archive has none
  int siblings = 1;      // how many calls that stood side by side this one does
};

// An operand slot of a node: an edge from `value` to `user`. Slots of one value form a doubly linked list, so adding,
// removing and redirecting an edge are O(1).
struct Use {
  Node* value = nullptr;
  Node* user = nullptr;
  Use* next = nullptr;
  Use* previous = nullptr;
};

// One value of the graph. Owned by its graph, at a stable address until erased. As in FX a call with several results
// is one node whose parts are taken by `_operator.getitem` calls.
class Node {
 public:
  NodeKind kind() const { return kind_; }
  bool is_call() const { return kind_ == NodeKind::call; }
  // Unique in the graph, without the % sign.
  const std::string& name() const { return name_; }
  // Dense, never reused within a graph; usable as an index into side tables of size graph.id_limit().
  uint32_t id() const { return id_; }
  Graph& graph() const { return *graph_; }

  // Of a call. kNoOp otherwise.
  OpId op() const { return op_; }
  const std::string& op_name() const;
  // Arguments, one for each parameter of the signature in its order, defaults filled in. An operator without a
  // signature has its arguments as given, keyword arguments after positional ones with `argument_names()` telling which
  // is which. Of the output node: one argument for each result of the graph.
  const std::vector<Argument>& arguments() const { return arguments_; }
  const Argument& argument(size_t i) const { return arguments_[i]; }
  // By parameter name; null when the signature has no such parameter.
  const Argument* argument(std::string_view parameter) const;
  const std::vector<std::string>& argument_names() const { return argument_names_; }

  // Every node among the arguments (also inside lists), in argument order, repeated as often as it occurs.
  std::span<const Use> operands() const { return {operands_.get(), operand_count_}; }
  Node* operand(size_t i) const { return operands_[i].value; }

  // Edges out of this node; iterate `for (const Use* u = n.first_use(); u; u = u->next)`.
  const Use* first_use() const { return first_use_; }
  bool unused() const { return first_use_ == nullptr; }
  // Distinct user nodes, counted up to `limit`. The output node is a user.
  size_t user_count(size_t limit = SIZE_MAX) const;
  // Distinct users in order of first use edge (oldest first).
  std::vector<Node*> users() const;

  const ValueType& type() const { return *type_; }
  // The tensor type, or null when the node is a tuple or its type is unknown.
  const TensorType* tensor() const { return type_->as_tensor(); }

  // Data of a constant node (never null there; its bytes may be absent) and the constant's own name in the model.
  const ConstantPtr& constant() const { return constant_; }
  const std::string& constant_name() const { return constant_name_; }

  const Provenance* provenance() const { return provenance_.get(); }

  // Position in the graph's order: a.before(b) is O(1).
  bool before(const Node& other) const { return order_ < other.order_; }
  Node* next() const { return next_; }
  Node* previous() const { return previous_; }

 private:
  friend class Graph;
  Graph* graph_ = nullptr;
  NodeKind kind_ = NodeKind::call;
  OpId op_ = kNoOp;
  uint32_t id_ = 0;
  uint32_t operand_count_ = 0;
  uint64_t order_ = 0;
  Node* next_ = nullptr;
  Node* previous_ = nullptr;
  Use* first_use_ = nullptr;
  Use* last_use_ = nullptr;
  const ValueType* type_ = nullptr;
  std::string name_;
  std::vector<Argument> arguments_;
  std::vector<std::string> argument_names_;
  std::unique_ptr<Use[]> operands_;
  ConstantPtr constant_;
  std::string constant_name_;
  std::unique_ptr<Provenance> provenance_;
};

// Told about each change; rewriting uses it to know what to visit again. Callbacks must not change the graph.
class GraphListener {
 public:
  virtual ~GraphListener() = default;
  virtual void added(Node&) {}
  virtual void erased(Node&) {}         // still intact when called
  virtual void users_changed(Node&) {}  // gained or lost a use edge
};

// Owns nodes, types and dims. Movable, not copyable (`clone` copies). Not safe for use by two threads at once.
class Graph {
 public:
  explicit Graph(std::shared_ptr<OperatorTable> operators = OperatorTable::shared());
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;

  OperatorTable& operators() const { return *operators_; }
  const std::shared_ptr<OperatorTable>& operators_ptr() const { return operators_; }
  DimTable& dims() { return dims_; }
  const DimTable& dims() const { return dims_; }

  // --- building. New nodes go before `insertion point` (null: before the output node, or at the end). Names are made
  // unique by a suffix; an empty name is made from the operator's. `type` of a call may be unknown.
  Node* add_placeholder(std::string_view name, ValueType type);
  Node* add_constant(std::string_view name, ConstantPtr constant, Node* before = nullptr,
                     std::string_view constant_name = {});
  // Arguments must be normalised (see normalise.h). Nodes in them must belong to this graph.
  Node* add_call(OpId op, std::vector<Argument> arguments, ValueType type, std::string_view name = {},
                 Node* before = nullptr, std::vector<std::string> argument_names = {});
  // Sets the graph's results (creates the output node at the end the first time).
  void set_outputs(std::vector<Argument> results);

  // --- changing
  // Every edge to `from` goes to `to`. `except` keeps its edges (for wrapping a value in a call on itself).
  void replace_all_uses(Node* from, Node* to, const Node* except = nullptr);
  void set_arguments(Node* node, std::vector<Argument> arguments);
  void set_type(Node* node, ValueType type);
  void set_provenance(Node* node, Provenance provenance);
  // Takes over the name of another node (which gets a fresh one): results keep the names people know.
  void take_name(Node* node, Node* from);
  void move_before(Node* node, Node* position);
  // The node must be unused.
  void erase(Node* node);
  // Erases unused pure calls and constants; returns how many. With a start set only those and what becomes unused
  // through them.
  size_t erase_unused();
  size_t erase_unused_from(std::vector<Node*> candidates);
  // Merges pure calls of the same operator with equal arguments (the earlier one stays); returns how many went.
  size_t merge_duplicates();

  // --- reading
  Node* first() const { return first_; }
  Node* last() const { return last_; }
  size_t size() const { return size_; }
  uint32_t id_limit() const { return next_id_; }
  Node* find(std::string_view name) const;
  const std::vector<Node*>& placeholders() const { return placeholders_; }
  Node* output() const { return output_; }  // null until set_outputs
  std::vector<Node*> nodes() const;         // in order

  // How many calls of each operator there are: index by OpId, may be shorter than the table.
  std::span<const uint32_t> op_histogram() const { return histogram_; }

  Graph clone() const;

  void add_listener(GraphListener* listener);
  void remove_listener(GraphListener* listener);

 private:
  Node* make_node(NodeKind kind, std::string_view name, const ValueType& type, Node* before);
  void insert(Node* node, Node* before);
  void remove(Node* node);
  bool erasable(const Node* node) const;

  std::shared_ptr<OperatorTable> operators_;
  DimTable dims_;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  size_t size_ = 0;
  uint32_t next_id_ = 0;
  Node* output_ = nullptr;
  std::vector<Node*> placeholders_;
  std::vector<uint32_t> histogram_;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrules
