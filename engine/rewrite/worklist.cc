// After a firing only the nodes that could change their answer are visited again. A root sees its operands up to the
// automaton's depth (chains without bound count as nothing), so what changed (nodes created, nodes that gained or lost
// users) is propagated to users, level by level, that many levels up. Rules with several roots also look from a shared
// operand to its other users: for phases that have such rules the propagation goes down to operands as far, and up
// again from there.
//
// A value with very many users would make every firing at one of them as expensive as all of them. One propagation
// therefore stops after `reach_` nodes, and when the queue runs empty a full pass over the graph follows. Each full
// pass doubles the limit, so there are at most log(n) of them, and a phase ends only when every node was asked after
// the last change that could matter to it. Constants are not looked through sideways: the full pass finds what they
// hide.
//
// Cost: proportional to the graph plus firings times `reach_` at most, in practice a few nodes for each firing.

#include <qrules/rewrite/worklist.h>

#include <algorithm>

namespace qrules {
namespace {

constexpr size_t kInitialReach = 256;

}  // namespace

Worklist::Worklist(Graph& graph, Visibility visibility)
    : graph_(graph), visibility_(std::move(visibility)), reach_(kInitialReach) {
  graph_.add_listener(this);
}

Worklist::~Worklist() { graph_.remove_listener(this); }

void Worklist::grow(uint32_t id) {
  if (id < by_id_.size()) return;
  size_t size = std::max<size_t>({graph_.id_limit(), size_t{id} + 1, by_id_.size() + by_id_.size() / 2});
  by_id_.resize(size);
  queued_.resize(size);
  stamps_.resize(size);
}

void Worklist::push(Node* node) {
  if (!node->is_call()) return;
  grow(node->id());
  if (queued_[node->id()]) return;
  queued_[node->id()] = 1;
  by_id_[node->id()] = node;
  queue_.push_back(node->id());
}

void Worklist::push_all() {
  for (Node* node = graph_.first(); node; node = node->next()) push(node);
}

Node* Worklist::pop() {
  while (true) {
    while (head_ < queue_.size()) {
      uint32_t id = queue_[head_++];
      queued_[id] = 0;
      if (Node* node = by_id_[id]) return node;
    }
    queue_.clear();
    head_ = 0;
    if (!truncated_) return nullptr;
    truncated_ = false;
    reach_ *= 2;
    push_all();
  }
}

void Worklist::added(Node& node) { changed_.insert(&node); }

void Worklist::users_changed(Node& node) { changed_.insert(&node); }

void Worklist::erased(Node& node) {
  if (node.id() < by_id_.size()) by_id_[node.id()] = nullptr;
  changed_.erase(&node);
}

void Worklist::forget() { changed_.clear(); }

void Worklist::settle() {
  if (changed_.empty()) return;
  std::unordered_set<Node*> changed;
  changed.swap(changed_);
  grow(graph_.id_limit());
  ++round_;
  std::vector<Node*> sources;
  for (Node* node : changed) {
    if (stamp(node)) sources.push_back(node);
  }
  // Order of the graph, so that what is visited does not depend on the order of notifications.
  std::sort(sources.begin(), sources.end(), [](const Node* a, const Node* b) { return a->before(*b); });
  for (Node* node : sources) push(node);
  mark_above(sources);
  if (visibility_.looks_through_users) mark_beside(sources);
}

bool Worklist::stamp(const Node* node) {
  grow(node->id());
  if (stamps_[node->id()] == round_) return false;
  stamps_[node->id()] = round_;
  return true;
}

void Worklist::mark_above(const std::vector<Node*>& changed) {
  std::vector<Node*> level = changed, above;
  size_t touched = 0;
  for (size_t depth = 0; depth <= visibility_.depth && !level.empty(); ++depth) {
    for (size_t i = 0; i < level.size(); ++i) {
      for (const Use* use = level[i]->first_use(); use; use = use->next) {
        if (++touched > reach_) {
          truncated_ = true;
          return;
        }
        Node* user = use->user;
        if (!user->is_call() || !stamp(user)) continue;
        push(user);
        (visibility_.runs_through(user->op()) ? level : above).push_back(user);
      }
    }
    level.swap(above);
    above.clear();
  }
}

void Worklist::mark_beside(const std::vector<Node*>& changed) {
  ++round_;
  std::vector<Node*> below;
  std::vector<Node*> level;
  for (Node* node : changed) {
    if (stamp(node)) level.push_back(node);
  }
  // Those above the change may be the other roots: start from them, too.
  std::vector<Node*> roots = level;
  for (size_t depth = 0; depth <= visibility_.depth; ++depth) {
    std::vector<Node*> above;
    for (Node* node : level) {
      for (const Use* use = node->first_use(); use; use = use->next) {
        if (roots.size() > reach_) {
          truncated_ = true;
          return;
        }
        if (use->user->is_call() && stamp(use->user)) {
          above.push_back(use->user);
          roots.push_back(use->user);
        }
      }
    }
    level.swap(above);
  }
  level = std::move(roots);
  for (size_t depth = 0; depth <= visibility_.depth; ++depth) {
    std::vector<Node*> operands;
    for (Node* node : level) {
      for (const Use& use : node->operands()) {
        if (below.size() > reach_) {
          truncated_ = true;
          return;
        }
        if (use.value->kind() == NodeKind::constant) {
          truncated_ = truncated_ || use.value->user_count(2) > 1;
          continue;
        }
        if (!stamp(use.value)) continue;
        operands.push_back(use.value);
        below.push_back(use.value);
      }
    }
    level.swap(operands);
  }
  ++round_;
  mark_above(below);
}

}  // namespace qrules
