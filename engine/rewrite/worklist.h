// Which nodes a phase still has to visit.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_set>
#include <vector>

#include <qrules/graph/graph.h>

namespace qrules {

// What of a rule set decides how far a change can be seen.
struct Visibility {
  size_t depth = 1;                        // levels between a root and what its match looks at
  bool looks_through_users = false;        // some rule has roots besides its anchor
  std::function<bool(OpId)> runs_through;  // operators whose chains have no bound
};

// A first-in first-out queue of nodes, each in it at most once. It listens to its graph: `settle` turns what changed
// since the last call into nodes to visit, `forget` drops it (a refused match added and erased nodes of its own).
class Worklist : public GraphListener {
 public:
  Worklist(Graph& graph, Visibility visibility);
  ~Worklist() override;
  Worklist(const Worklist&) = delete;
  Worklist& operator=(const Worklist&) = delete;

  // Every call of the graph, in its order.
  void push_all();
  // The next node that is still there; null when nothing is left.
  Node* pop();
  void settle();
  void forget();

  void added(Node& node) override;
  void erased(Node& node) override;
  void users_changed(Node& node) override;

 private:
  void push(Node* node);
  void grow(uint32_t id);
  void mark_above(const std::vector<Node*>& changed);
  void mark_beside(const std::vector<Node*>& changed);
  bool stamp(const Node* node);

  Graph& graph_;
  Visibility visibility_;
  std::vector<uint32_t> queue_;  // ids; taken from head_ on
  size_t head_ = 0;
  std::vector<Node*> by_id_;  // null: erased, or never queued
  std::vector<uint8_t> queued_;
  std::vector<uint32_t> stamps_;  // of the last propagation that reached the node
  uint32_t round_ = 0;
  std::unordered_set<Node*> changed_;  // since the last settle; erased nodes are taken out
  size_t reach_;                       // nodes that one propagation may touch
  bool truncated_ = false;             // a propagation hit that limit: a full pass has to follow
};

}  // namespace qrules
