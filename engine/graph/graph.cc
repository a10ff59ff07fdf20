// Nodes live at stable addresses, one allocation each, found by their dense id. Three structures are kept in step by
// every edit: the ordered list of nodes, the doubly linked list of use edges of each value, and the index of names.
//
// Order: each node carries a 64-bit key; a node put between two others takes the middle of their keys. When there is
// none left, the keys of as many following nodes are spread as it takes to find room (Dietz and Sleator), so `before`
// is O(1) and insertion O(log n) amortised, wherever the insertions are.

#include <qrules/graph/graph.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "hash.h"

namespace qrules {
namespace {

constexpr uint64_t kOrderGap = uint64_t{1} << 20;

void collect_nodes(const Argument& argument, std::vector<Node*>& nodes) {
  if (Node* node = argument.node()) {
    nodes.push_back(node);
  } else if (const Argument::List* elements = argument.list()) {
    for (const Argument& element : *elements) collect_nodes(element, nodes);
  }
}

std::string default_name(const OperatorTable& operators, OpId op) {
  const std::string& full = operators.name(op);
  const size_t first = full.find('.');
  const size_t second = first == std::string::npos ? first : full.find('.', first + 1);
  return first == std::string::npos ? full
                                    : full.substr(first + 1, second == std::string::npos ? second : second - first - 1);
}

}  // namespace

struct Graph::Impl {
  std::vector<std::unique_ptr<Node>> by_id;
  std::unordered_set<ValueType, ValueTypeHash> types;
  std::unordered_map<std::string_view, Node*> names;  // keys point into the nodes
  std::unordered_map<std::string, uint32_t> next_suffix;
  std::vector<GraphListener*> listeners;

  std::string unique_name(std::string_view wanted) {
    std::string base(wanted.empty() ? "value" : wanted);
    if (!names.contains(base)) return base;
    // "relu_3" counts on from "relu", as FX does.
    const size_t underscore = base.find_last_of('_');
    if (underscore != std::string::npos && underscore > 0 && underscore + 1 < base.size() &&
        base.find_first_not_of("0123456789", underscore + 1) == std::string::npos) {
      base.resize(underscore);
    }
    uint32_t& suffix = next_suffix[base];
    std::string name;
    do {
      name = base + "_" + std::to_string(++suffix);
    } while (names.contains(name));
    return name;
  }

  void rename(Node* node, std::string name) {
    names.erase(node->name_);
    node->name_ = std::move(name);
    names.emplace(node->name_, node);
  }

  static void link(Use& use) {
    Node* value = use.value;
    use.previous = value->last_use_;
    use.next = nullptr;
    (value->last_use_ ? value->last_use_->next : value->first_use_) = &use;
    value->last_use_ = &use;
  }

  static void unlink(Use& use) {
    Node* value = use.value;
    (use.previous ? use.previous->next : value->first_use_) = use.next;
    (use.next ? use.next->previous : value->last_use_) = use.previous;
  }

  void users_changed(Node* node) {
    for (GraphListener* listener : listeners) listener->users_changed(*node);
  }

  void connect(Node* node) {
    std::vector<Node*> values;
    for (const Argument& argument : node->arguments_) collect_nodes(argument, values);
    node->operand_count_ = static_cast<uint32_t>(values.size());
    node->operands_ = values.empty() ? nullptr : std::make_unique<Use[]>(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      assert(values[i]->graph_ == node->graph_);
      node->operands_[i].value = values[i];
      node->operands_[i].user = node;
      link(node->operands_[i]);
    }
    for (Node* value : values) users_changed(value);
  }

  void disconnect(Node* node) {
    std::vector<Node*> values;
    for (uint32_t i = 0; i < node->operand_count_; ++i) {
      unlink(node->operands_[i]);
      values.push_back(node->operands_[i].value);
    }
    node->operand_count_ = 0;
    node->operands_.reset();
    for (Node* value : values) users_changed(value);
  }
};

Graph::Graph(std::shared_ptr<OperatorTable> operators)
    : operators_(std::move(operators)), impl_(std::make_unique<Impl>()) {}
Graph::~Graph() = default;

Graph::Graph(Graph&& other) noexcept { *this = std::move(other); }

Graph& Graph::operator=(Graph&& other) noexcept {
  if (this == &other) return *this;
  operators_ = std::move(other.operators_);
  dims_ = std::move(other.dims_);
  first_ = std::exchange(other.first_, nullptr);
  last_ = std::exchange(other.last_, nullptr);
  size_ = std::exchange(other.size_, 0);
  next_id_ = std::exchange(other.next_id_, 0);
  output_ = std::exchange(other.output_, nullptr);
  placeholders_ = std::move(other.placeholders_);
  histogram_ = std::move(other.histogram_);
  impl_ = std::move(other.impl_);
  if (impl_) {
    for (const auto& node : impl_->by_id) {
      if (node) node->graph_ = this;
    }
  }
  return *this;
}

// --- nodes

const std::string& Node::op_name() const { return graph_->operators().name(op_); }

const Argument* Node::argument(std::string_view parameter) const {
  if (!is_call()) return nullptr;
  if (const Signature* signature = graph_->operators().signature(op_)) {
    const auto index = signature->find(parameter);
    return index && *index < arguments_.size() ? &arguments_[*index] : nullptr;
  }
  const auto named = std::find(argument_names_.begin(), argument_names_.end(), parameter);
  if (named == argument_names_.end()) return nullptr;
  return &arguments_[arguments_.size() - static_cast<size_t>(argument_names_.end() - named)];
}

size_t Node::user_count(size_t limit) const {
  // Nearly every value has few users: compare with those seen, and fall back to a set for the crowded ones.
  constexpr size_t kFew = 16;
  const Node* few[kFew];
  size_t count = 0;
  const Use* use = first_use_;
  for (; use && count < std::min(limit, kFew); use = use->next) {
    if (std::find(few, few + count, use->user) == few + count) few[count++] = use->user;
  }
  if (!use || count >= limit) return count;
  std::unordered_set<const Node*> seen(few, few + count);
  for (; use && seen.size() < limit; use = use->next) seen.insert(use->user);
  return seen.size();
}

std::vector<Node*> Node::users() const {
  std::vector<Node*> result;
  std::unordered_set<const Node*> seen;
  for (const Use* use = first_use_; use; use = use->next) {
    if (seen.insert(use->user).second) result.push_back(use->user);
  }
  return result;
}

// --- building

Node* Graph::make_node(NodeKind kind, std::string_view name, const ValueType& type, Node* before) {
  auto owned = std::make_unique<Node>();
  Node* node = owned.get();
  node->graph_ = this;
  node->kind_ = kind;
  node->id_ = next_id_++;
  node->type_ = &*impl_->types.insert(type).first;
  node->name_ = impl_->unique_name(name);
  impl_->names.emplace(node->name_, node);
  impl_->by_id.push_back(std::move(owned));
  insert(node, before ? before : (kind == NodeKind::output ? nullptr : output_));
  ++size_;
  return node;
}

void Graph::insert(Node* node, Node* before) {
  node->next_ = before;
  node->previous_ = before ? before->previous_ : last_;
  (node->previous_ ? node->previous_->next_ : first_) = node;
  (before ? before->previous_ : last_) = node;
  const uint64_t low = node->previous_ ? node->previous_->order_ : 0;
  if (!before) {
    node->order_ = low + kOrderGap;
    return;
  }
  const uint64_t high = before->order_;
  node->order_ = low + (high - low) / 2;
  if (node->order_ != low) return;
  // `count` nodes from this one on share the keys between `low` and the key of the node behind them.
  uint64_t count = 1;
  Node* end = before;
  while (end && end->order_ - low <= (count + 1) * (count + 1)) {
    ++count;
    end = end->next_;
  }
  const uint64_t step = end ? (end->order_ - low) / (count + 1) : kOrderGap;
  uint64_t key = low;
  for (Node* n = node; n != end; n = n->next_) n->order_ = key += step;
}

void Graph::remove(Node* node) {
  (node->previous_ ? node->previous_->next_ : first_) = node->next_;
  (node->next_ ? node->next_->previous_ : last_) = node->previous_;
}

Node* Graph::add_placeholder(std::string_view name, ValueType type) {
  // Placeholders stay in front of everything else.
  Node* before = placeholders_.empty() ? first_ : placeholders_.back()->next_;
  Node* node = make_node(NodeKind::placeholder, name, type, before);
  placeholders_.push_back(node);
  for (GraphListener* listener : impl_->listeners) listener->added(*node);
  return node;
}

Node* Graph::add_constant(std::string_view name, ConstantPtr constant, Node* before, std::string_view constant_name) {
  TensorType type{constant->dtype, {}, {}};
  for (int64_t size : constant->sizes) type.sizes.push_back(size);
  Node* node = make_node(NodeKind::constant, name, ValueType::tensor(std::move(type)), before);
  node->constant_ = std::move(constant);
  node->constant_name_ = constant_name;
  for (GraphListener* listener : impl_->listeners) listener->added(*node);
  return node;
}

Node* Graph::add_call(OpId op, std::vector<Argument> arguments, ValueType type, std::string_view name, Node* before,
                      std::vector<std::string> argument_names) {
  Node* node =
      make_node(NodeKind::call, name.empty() ? default_name(*operators_, op) : std::string(name), type, before);
  node->op_ = op;
  node->arguments_ = std::move(arguments);
  node->argument_names_ = std::move(argument_names);
  if (histogram_.size() <= op) histogram_.resize(op + 1);
  ++histogram_[op];
  impl_->connect(node);
  for (GraphListener* listener : impl_->listeners) listener->added(*node);
  return node;
}

void Graph::set_outputs(std::vector<Argument> results) {
  if (!output_) {
    output_ = make_node(NodeKind::output, "output", ValueType::unknown(), nullptr);
    for (GraphListener* listener : impl_->listeners) listener->added(*output_);
  }
  set_arguments(output_, std::move(results));
}

// --- changing

namespace {

// Replaces `from` in an argument; returns how many times.
size_t replace_in(Argument& argument, Node* from, Node* to) {
  if (argument.node() == from) {
    argument = Argument(to);
    return 1;
  }
  const Argument::List* elements = argument.list();
  if (!elements) return 0;
  size_t count = 0;
  Argument::List changed = *elements;
  for (Argument& element : changed) count += replace_in(element, from, to);
  if (count > 0) argument = Argument(std::move(changed));
  return count;
}

}  // namespace

void Graph::replace_all_uses(Node* from, Node* to, const Node* except) {
  if (from == to) return;
  Use* use = from->first_use_;
  bool changed = false;
  while (use) {
    Use* next = use->next;
    Node* user = use->user;
    if (user != except) {
      Impl::unlink(*use);
      use->value = to;
      Impl::link(*use);
      for (Argument& argument : user->arguments_) replace_in(argument, from, to);
      changed = true;
    }
    use = next;
  }
  if (changed) {
    impl_->users_changed(from);
    impl_->users_changed(to);
  }
}

void Graph::set_arguments(Node* node, std::vector<Argument> arguments) {
  impl_->disconnect(node);
  node->arguments_ = std::move(arguments);
  impl_->connect(node);
}

void Graph::set_type(Node* node, ValueType type) { node->type_ = &*impl_->types.insert(std::move(type)).first; }

void Graph::set_provenance(Node* node, Provenance provenance) {
  node->provenance_ = std::make_unique<Provenance>(std::move(provenance));
}

void Graph::take_name(Node* node, Node* from) {
  if (node == from) return;
  std::string name = from->name_;
  impl_->rename(from, impl_->unique_name(name + "_replaced"));
  impl_->rename(node, std::move(name));
}

void Graph::move_before(Node* node, Node* position) {
  if (node == position || node->next_ == position) return;
  remove(node);
  insert(node, position);
}

void Graph::erase(Node* node) {
  assert(node->unused() && node != output_);
  for (GraphListener* listener : impl_->listeners) listener->erased(*node);
  impl_->disconnect(node);
  if (node->kind_ == NodeKind::call) --histogram_[node->op_];
  if (node->kind_ == NodeKind::placeholder) std::erase(placeholders_, node);
  remove(node);
  impl_->names.erase(node->name_);
  --size_;
  impl_->by_id[node->id_].reset();
}

size_t Graph::erase_unused() {
  // Backwards, so that operands become unused before they are reached.
  size_t count = 0;
  for (Node* node = last_; node;) {
    Node* previous = node->previous_;
    if (erasable(node)) {
      erase(node);
      ++count;
    }
    node = previous;
  }
  return count;
}

bool Graph::erasable(const Node* node) const {
  if (!node->unused()) return false;
  return node->kind_ == NodeKind::constant || (node->kind_ == NodeKind::call && operators_->pure(node->op_));
}

size_t Graph::erase_unused_from(std::vector<Node*> candidates) {
  size_t count = 0;
  std::unordered_set<Node*> waiting(candidates.begin(), candidates.end());
  while (!candidates.empty()) {
    Node* node = candidates.back();
    candidates.pop_back();
    if (waiting.erase(node) == 0 || !erasable(node)) continue;
    for (const Use& use : node->operands()) {
      if (waiting.insert(use.value).second) candidates.push_back(use.value);
    }
    erase(node);
    ++count;
  }
  return count;
}

size_t Graph::merge_duplicates() {
  constexpr size_t kComparedConstantBytes = 1024;
  std::unordered_multimap<size_t, Node*> seen;
  size_t count = 0;
  for (Node* node = first_; node;) {
    Node* next = node->next_;
    size_t hash = 0;
    if (node->kind_ == NodeKind::call && operators_->signature(node->op_) && operators_->pure(node->op_)) {
      hash = hash_of(node->op_, node->arguments_);
    } else if (node->kind_ == NodeKind::constant && node->constant_->has_data()) {
      hash = hash_of(*node->constant_, kComparedConstantBytes);
    } else {
      node = next;
      continue;
    }
    Node* twin = nullptr;
    const auto [begin, end] = seen.equal_range(hash);
    for (auto at = begin; at != end && !twin; ++at) {
      Node* other = at->second;
      if (other->kind_ != node->kind_) continue;
      const bool equal =
          node->kind_ == NodeKind::call
              ? other->op_ == node->op_ && std::equal(other->arguments_.begin(), other->arguments_.end(),
                                                      node->arguments_.begin(), node->arguments_.end(), identical)
              : equal_constants(*other->constant_, *node->constant_, kComparedConstantBytes);
      if (equal) twin = other;
    }
    if (twin) {
      replace_all_uses(node, twin);
      erase(node);
      ++count;
    } else {
      seen.emplace(hash, node);
    }
    node = next;
  }
  return count;
}

// --- reading

Node* Graph::find(std::string_view name) const {
  const auto found = impl_->names.find(name);
  return found == impl_->names.end() ? nullptr : found->second;
}

std::vector<Node*> Graph::nodes() const {
  std::vector<Node*> all;
  all.reserve(size_);
  for (Node* node = first_; node; node = node->next_) all.push_back(node);
  return all;
}

namespace {

Argument translate(const Argument& argument, const std::vector<Node*>& map) {
  if (Node* node = argument.node()) return map[node->id()];
  if (const Argument::List* elements = argument.list()) {
    Argument::List copy;
    copy.reserve(elements->size());
    for (const Argument& element : *elements) copy.push_back(translate(element, map));
    return copy;
  }
  return argument;
}

}  // namespace

Graph Graph::clone() const {
  Graph copy(operators_);
  copy.dims_ = dims_;
  std::vector<Node*> map(next_id_);
  for (Node* node = first_; node; node = node->next_) {
    std::vector<Argument> arguments;
    for (const Argument& argument : node->arguments_) arguments.push_back(translate(argument, map));
    Node* twin = nullptr;
    switch (node->kind_) {
      case NodeKind::placeholder: twin = copy.add_placeholder(node->name_, *node->type_); break;
      case NodeKind::constant:
        twin = copy.add_constant(node->name_, node->constant_, nullptr, node->constant_name_);
        copy.set_type(twin, *node->type_);
        break;
      case NodeKind::call:
        twin =
            copy.add_call(node->op_, std::move(arguments), *node->type_, node->name_, nullptr, node->argument_names_);
        break;
      case NodeKind::output:
        copy.set_outputs(std::move(arguments));
        twin = copy.output_;
        break;
    }
    if (node->provenance_) copy.set_provenance(twin, *node->provenance_);
    map[node->id_] = twin;
  }
  return copy;
}

void Graph::add_listener(GraphListener* listener) { impl_->listeners.push_back(listener); }
void Graph::remove_listener(GraphListener* listener) { std::erase(impl_->listeners, listener); }

}  // namespace qrules
