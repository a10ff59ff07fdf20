// One match while it is applied. Shared by apply.cc, which says how, apply_build.cc and apply_check.cc.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <qrules/match/evaluate.h>
#include <qrules/rewrite/rewrite.h>

namespace qrules {

// Remembers nodes that appear, in order, while it listens.
class Recorder : public GraphListener {
 public:
  explicit Recorder(Graph& graph) : graph_(graph) { graph_.add_listener(this); }
  ~Recorder() override { graph_.remove_listener(this); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void added(Node& node) override {
    created.push_back(&node);
    present_.insert(&node);
  }
  void erased(Node& node) override {
    if (present_.erase(&node)) std::erase(created, &node);
  }
  bool made(const Node* node) const { return present_.count(node) != 0; }

  std::vector<Node*> created;

 private:
  Graph& graph_;
  std::unordered_set<const Node*> present_;
};

// One node of the graph and what takes its place: one value, or one value for each of its users in turn.
struct Replacement {
  Node* from = nullptr;
  std::vector<Node*> to;
};

class Application {
 public:
  Application(Graph& graph, const Match& match);
  std::variant<Applied, DroppedMatch> run();

 private:
  bool refuse(std::string why) {
    reason_ = std::move(why);
    return false;
  }
  std::string slot_name(SlotId slot) const { return "%" + rule_.slots[slot].name; }
  // Without the new nodes: these keep what they use.
  std::vector<Node*> users_to_redirect(const Node* from) const;

  // --- apply_build.cc
  bool build();
  bool evaluate_value(const Expression& expression, Argument& value);
  void bind(SlotId slot, Argument value);
  Node* bound_call(SlotId slot);
  bool build_call(const RewriteStatement& statement);
  bool take_like(const RewriteStatement& statement, size_t positional,
                 std::vector<std::pair<std::string, Argument>>& keywords);
  bool build_copy(const RewriteStatement& statement);
  bool copy_unknown(const RewriteStatement& statement, Node& source);
  bool build_expression(const RewriteStatement& statement);
  bool add_call(OpId op, std::vector<Argument> positional, std::vector<std::pair<std::string, Argument>> keywords,
                SlotId result);
  ValueType recorded_type(SlotId slot) const;
  void insert(OpId op, std::vector<Argument> arguments, ValueType type, SlotId result, std::vector<std::string> names);

  // --- apply_check.cc
  bool collect_replacements();
  bool collect_replacement(SlotId slot, const Argument& matched, const Argument& value);
  bool check_types();
  bool check_type(const Node& from, Node& to);
  std::string describe(const ValueType& type) const;
  bool plan_order();
  void find_dead();

  // --- apply.cc
  Applied commit();
  void record_provenance();
  int siblings_in(const Node& made) const;
  void redirect(const Replacement& replacement);
  void distribute(const Replacement& replacement);
  void take_names();

  Graph& graph_;
  const Match& match_;
  const Rule& rule_;
  Bindings bindings_;
  Recorder recorder_;
  std::vector<Replacement> replacements_;
  std::unordered_map<const Node*, size_t> replaced_;  // index of the replacement
  std::unordered_set<const Node*> dead_;
  std::vector<Node*> dead_order_;  // users before operands
  std::vector<Node*> hoist_;
  Node* hoist_position_ = nullptr;
  std::string reason_;
  bool wrong_type_ = false;
};

}  // namespace qrules
