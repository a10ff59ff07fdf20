// Applying one match, in three steps that are kept apart so that a refused match leaves no trace:
//
//  1. build: the statements of `rewrite` are evaluated in order; calls and constants they make are added to the graph,
//  unused.
//     A listener records every node that appears, also those that functions make. Nothing that was there is touched.
//  2. check: replacements must have the type of what they replace, and every user that will be redirected must come
//  after its new
//     operand. Where a user comes earlier (rules with several roots), the replacement and its operands are hoisted
//     before that user if this makes no cycle; here that is only planned.
//  3. commit: hoist, redirect users, take over names, record provenance, erase what became unused. Nothing in this step
//  can fail.
//
// When step 1 or 2 refuses, the recorded nodes are erased, newest first. Cost: linear in the size of the match, its
// replacement and the number of redirected edges.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/graph/text.h>
#include <qrules/match/evaluate.h>
#include <qrules/rewrite/placement.h>
#include <qrules/rewrite/rewrite.h>

namespace qrules {
namespace {

// More than any rule moves; keeps a hoist from becoming quadratic in the graph.
constexpr size_t kHoistLimit = 1024;
// Names that provenance keeps; chains of rewrites would otherwise collect whole graphs.
constexpr size_t kMaxSources = 256;

std::string first_message(const Diagnostics& diagnostics) {
  return diagnostics.empty() ? "refused" : diagnostics.list().front().message();
}

bool substitute(Argument& argument, const Node* from, Node* to) {
  if (argument.node() == from) {
    argument = Argument(to);
    return true;
  }
  const Argument::List* list = argument.list();
  if (!list) return false;
  Argument::List copy = *list;
  bool changed = false;
  for (Argument& element : copy) changed |= substitute(element, from, to);
  if (changed) argument = Argument(std::move(copy));
  return changed;
}

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
  Application(Graph& graph, const Match& match)
      : graph_(graph), match_(match), rule_(*match.rule), bindings_(match.bindings), recorder_(graph) {
    bindings_.resize(std::max(bindings_.size(), rule_.slots.size()));
  }

  std::variant<Applied, DroppedMatch> run() {
    if (!build() || !collect_replacements() || !check_types() || !plan_order()) {
      while (!recorder_.created.empty()) graph_.erase(recorder_.created.back());
      return DroppedMatch{rule_.base_name, match_.root->name(), std::move(reason_), wrong_type_};
    }
    return commit();
  }

 private:
  bool refuse(std::string why) {
    reason_ = std::move(why);
    return false;
  }

  std::string slot_name(SlotId slot) const { return "%" + rule_.slots[slot].name; }

  // --- 1. build

  bool build() {
    for (const RewriteStatement& statement : rule_.rewrite) {
      bool done = false;
      switch (statement.kind) {
        case RewriteStatement::Kind::call: done = build_call(statement); break;
        case RewriteStatement::Kind::copy: done = build_copy(statement); break;
        case RewriteStatement::Kind::expression: done = build_expression(statement); break;
      }
      if (!done) return false;
    }
    return true;
  }

  bool evaluate_value(const Expression& expression, Argument& value) {
    FunctionContext context{graph_, match_.root, match_.root};
    Evaluated evaluated = evaluate(expression, bindings_, context);
    if (auto* unknown = std::get_if<Unknown>(&evaluated)) return refuse(std::move(unknown->reason));
    value = std::get<Argument>(std::move(evaluated));
    return true;
  }

  void bind(SlotId slot, Argument value) { bindings_[slot] = {true, std::move(value)}; }

  Node* bound_call(SlotId slot) {
    Node* node = bindings_[slot].bound ? bindings_[slot].value.node() : nullptr;
    return node && node->is_call() ? node : nullptr;
  }

  bool build_call(const RewriteStatement& statement) {
    std::vector<Argument> positional;
    std::vector<std::pair<std::string, Argument>> keywords;
    for (const RewriteStatement::Value& value : statement.values) {
      Argument argument;
      if (!evaluate_value(value.value, argument)) return false;
      if (value.parameter.empty()) {
        positional.push_back(std::move(argument));
      } else {
        keywords.emplace_back(value.parameter, std::move(argument));
      }
    }
    if (statement.like && !take_like(statement, positional.size(), keywords)) return false;
    return add_call(statement.op, std::move(positional), std::move(keywords), statement.result);
  }

  // Arguments of the same names that the statement does not give itself.
  bool take_like(const RewriteStatement& statement, size_t positional,
                 std::vector<std::pair<std::string, Argument>>& keywords) {
    Node* source = bound_call(*statement.like);
    if (!source) return refuse("`like " + slot_name(*statement.like) + "`: it is not a call here");
    const Signature* signature = graph_.operators().signature(statement.op);
    if (!signature) return true;
    for (size_t i = positional; i < signature->parameters.size(); ++i) {
      const std::string& name = signature->parameters[i].name;
      bool given = std::any_of(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == name; });
      if (given) continue;
      if (const Argument* argument = source->argument(name)) keywords.emplace_back(name, *argument);
    }
    return true;
  }

  bool build_copy(const RewriteStatement& statement) {
    Node* source = statement.like ? bound_call(*statement.like) : nullptr;
    if (!source) return refuse("`with`: what is copied is not a call here");
    const Signature* signature = graph_.operators().signature(source->op());
    if (!signature) return copy_unknown(statement, *source);
    std::vector<std::pair<std::string, Argument>> keywords;
    for (size_t i = 0; i < signature->parameters.size() && i < source->arguments().size(); ++i) {
      keywords.emplace_back(signature->parameters[i].name, source->argument(i));
    }
    for (const RewriteStatement::Value& value : statement.values) {
      auto place =
          std::find_if(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == value.parameter; });
      if (place == keywords.end()) {
        return refuse("`" + source->op_name() + "` has no parameter `" + value.parameter + "`");
      }
      if (!evaluate_value(value.value, place->second)) return false;
    }
    return add_call(source->op(), {}, std::move(keywords), statement.result);
  }

  // An operator without a signature: only its own keyword arguments can be changed.
  bool copy_unknown(const RewriteStatement& statement, Node& source) {
    std::vector<Argument> arguments = source.arguments();
    const std::vector<std::string>& names = source.argument_names();
    for (const RewriteStatement::Value& value : statement.values) {
      auto place = std::find(names.begin(), names.end(), value.parameter);
      size_t index = arguments.size() - static_cast<size_t>(names.end() - place);
      if (place == names.end() || index >= arguments.size()) {
        return refuse("`" + source.op_name() + "` has no signature and was called without `" + value.parameter + "`");
      }
      if (!evaluate_value(value.value, arguments[index])) return false;
    }
    insert(source.op(), std::move(arguments), recorded_type(statement.result), statement.result, names);
    return true;
  }

  bool add_call(OpId op, std::vector<Argument> positional, std::vector<std::pair<std::string, Argument>> keywords,
                SlotId result) {
    auto arguments = normalise_arguments(graph_.operators(), op, std::move(positional), std::move(keywords));
    if (!arguments.ok()) return refuse(first_message(arguments.diagnostics()));
    auto type = infer_type(graph_, op, *arguments);
    if (!type.ok()) return refuse(first_message(type.diagnostics()));
    if (type->kind == ValueType::Kind::unknown) *type = recorded_type(result);
    insert(op, std::move(*arguments), std::move(*type), result, {});
    return true;
  }

  // The type of the node that this slot's new value replaces, or unknown.
  ValueType recorded_type(SlotId slot) const {
    if (std::find(rule_.replaced.begin(), rule_.replaced.end(), slot) == rule_.replaced.end())
      return ValueType::unknown();
    const Binding& matched = match_.bindings[slot];
    Node* node = matched.bound ? matched.value.node() : nullptr;
    return node ? node->type() : ValueType::unknown();
  }

  void insert(OpId op, std::vector<Argument> arguments, ValueType type, SlotId result, std::vector<std::string> names) {
    Node* before = insertion_point(arguments, match_.root);
    bind(result, graph_.add_call(op, std::move(arguments), std::move(type), {}, before, std::move(names)));
  }

  bool build_expression(const RewriteStatement& statement) {
    Argument value;
    if (!evaluate_value(statement.expression, value)) return false;
    bind(statement.result, std::move(value));
    return true;
  }

  // --- 2. check

  bool collect_replacements() {
    for (SlotId slot : rule_.replaced) {
      const Binding& matched = match_.bindings[slot];
      if (!matched.bound || matched.value.is_none()) continue;
      if (!collect_replacement(slot, matched.value, bindings_[slot].value)) return false;
    }
    return true;
  }

  bool collect_replacement(SlotId slot, const Argument& matched, const Argument& value) {
    if (const Argument::List* old_list = matched.list()) {
      const Argument::List* new_list = value.list();
      if (!new_list || new_list->size() != old_list->size()) {
        return refuse(slot_name(slot) + " holds " + std::to_string(old_list->size()) +
                      " values; as many must replace them");
      }
      for (size_t i = 0; i < old_list->size(); ++i) {
        if (!collect_replacement(slot, (*old_list)[i], (*new_list)[i])) return false;
      }
      return true;
    }
    Replacement replacement{matched.node(), {}};
    if (!replacement.from) return refuse(slot_name(slot) + " is not a value of the graph here and cannot be replaced");
    if (Node* node = value.node()) {
      replacement.to.push_back(node);
    } else if (const Argument::List* list = value.list()) {
      for (const Argument& element : *list) {
        if (!element.node())
          return refuse(slot_name(slot) + " would be replaced by a list with something else than values in it");
        replacement.to.push_back(element.node());
      }
      if (list->size() > 1 && list->size() != users_to_redirect(replacement.from).size()) {
        return refuse(slot_name(slot) + " would be replaced by a list whose length is not its number of users");
      }
    }
    if (replacement.to.empty())
      return refuse(slot_name(slot) + " would be replaced by something that is not a value of the graph");
    auto [place, added] = replaced_.emplace(replacement.from, replacements_.size());
    if (!added) {
      if (replacements_[place->second].to == replacement.to) return true;
      return refuse(slot_name(slot) + " is the same node as another replaced name and would get two replacements");
    }
    replacements_.push_back(std::move(replacement));
    return true;
  }

  std::vector<Node*> users_to_redirect(const Node* from) const {
    std::vector<Node*> users = from->users();
    std::erase_if(users, [&](const Node* user) { return recorder_.made(user); });
    return users;
  }

  bool check_types() {
    for (const Replacement& replacement : replacements_) {
      for (Node* to : replacement.to) {
        if (to != replacement.from && !check_type(*replacement.from, *to)) return false;
      }
    }
    return true;
  }

  bool check_type(const Node& from, Node& to) {
    const ValueType& old_type = from.type();
    if (old_type.kind == ValueType::Kind::unknown) return true;
    if (to.type().kind == ValueType::Kind::unknown) {
      if (recorder_.made(&to)) graph_.set_type(&to, old_type);
      return true;
    }
    bool same = old_type.kind == to.type().kind && old_type.tensors.size() == to.type().tensors.size();
    for (size_t i = 0; same && i < old_type.tensors.size(); ++i)
      same = compatible(old_type.tensors[i], to.type().tensors[i]);
    if (same) return true;
    wrong_type_ = true;
    return refuse("the replacement of `" + from.name() + "` has type " + describe(to.type()) + " instead of " +
                  describe(old_type));
  }

  // Equal, where sizes that are symbolic and different count as unknown.
  static bool compatible(const TensorType& a, const TensorType& b) {
    if (a.dtype != b.dtype || a.sizes.size() != b.sizes.size()) return false;
    for (size_t i = 0; i < a.sizes.size(); ++i) {
      if (a.sizes[i].is_static() && b.sizes[i].is_static() && a.sizes[i] != b.sizes[i]) return false;
    }
    return true;
  }

  std::string describe(const ValueType& type) const {
    if (const TensorType* tensor = type.as_tensor()) return print(*tensor, graph_.dims());
    std::string text = "(";
    for (const TensorType& part : type.tensors) text += (text.size() > 1 ? ", " : "") + print(part, graph_.dims());
    return text + ")";
  }

  // Which nodes go, and whether every redirected user comes after its new operand.
  bool plan_order() {
    find_dead();
    Node* position = nullptr;
    std::vector<Node*> late;
    for (const Replacement& replacement : replacements_) {
      std::vector<Node*> users;
      for (size_t i = 0; i < replacement.to.size(); ++i) {
        Node* to = replacement.to[i];
        if (to == replacement.from || to->before(*replacement.from)) continue;
        if (users.empty()) users = users_to_redirect(replacement.from);
        for (size_t u = 0; u < users.size(); ++u) {
          if (replacement.to.size() > 1 && u != i) continue;
          if (dead_.count(users[u]) || to->before(*users[u])) continue;
          late.push_back(to);
          if (!position || users[u]->before(*position)) position = users[u];
        }
      }
    }
    hoist_position_ = position;
    for (Node* to : late) {
      if (std::find(hoist_.begin(), hoist_.end(), to) != hoist_.end()) continue;
      if (!collect_hoist(to, position, kHoistLimit, hoist_)) {
        return refuse("the replacement would have to stand before `" + position->name() + "`, which it depends on");
      }
    }
    return true;
  }

  // Matched nodes that nothing will use once the replaced ones are redirected. Users come before operands in the
  // walk, so one pass finds them all.
  void find_dead() {
    std::vector<Node*> nodes = match_.nodes;
    for (const Replacement& replacement : replacements_) nodes.push_back(replacement.from);
    std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return b->before(*a); });
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    // What the new nodes use, and what takes the place of something.
    std::unordered_set<const Node*> used, kept;
    for (const Node* created : recorder_.created) {
      for (const Use& use : created->operands()) used.insert(use.value);
    }
    for (const Replacement& replacement : replacements_) kept.insert(replacement.to.begin(), replacement.to.end());
    for (Node* node : nodes) {
      if (!node->is_call() || kept.count(node)) continue;
      bool dead = true;
      if (replaced_.count(node)) {
        dead = !used.count(node);
      } else {
        for (const Use* use = node->first_use(); use && dead; use = use->next) dead = dead_.count(use->user) != 0;
      }
      if (!dead) continue;
      dead_.insert(node);
      dead_order_.push_back(node);
    }
  }

  // --- 3. commit

  Applied commit() {
    Applied applied;
    for (const Node* node : match_.nodes) applied.matched.push_back(node->name());
    record_provenance();
    for (Node* node : hoist_) graph_.move_before(node, hoist_position_);
    for (const Replacement& replacement : replacements_) redirect(replacement);
    take_names();
    std::vector<Node*> candidates = dead_order_;
    for (auto node = recorder_.created.rbegin(); node != recorder_.created.rend(); ++node) {
      if ((*node)->unused()) candidates.push_back(*node);
    }
    graph_.erase_unused_from(std::move(candidates));
    applied.created = recorder_.created;
    return applied;
  }

  void record_provenance() {
    if (recorder_.created.empty()) return;
    Provenance provenance;
    provenance.rule = rule_.base_name;
    std::unordered_set<std::string> seen;
    auto add = [&](const std::string& source) {
      if (provenance.sources.size() < kMaxSources && seen.insert(source).second) provenance.sources.push_back(source);
    };
    for (const Node* node : match_.nodes) {
      add(node->name());
      const Provenance* earlier = node->provenance();
      if (!earlier) continue;
      for (const std::string& source : earlier->sources) add(source);
      if (provenance.location.empty()) provenance.location = earlier->location;
    }
    for (Node* node : recorder_.created) {
      provenance.siblings = siblings_in(*node);
      graph_.set_provenance(node, provenance);
    }
  }

  // How many calls of the match a new call of their operator does: all of a group.
  int siblings_in(const Node& made) const {
    const bool group = rule_.patterns[rule_.root].kind == PatternKind::siblings;
    int count = 0;
    for (const Node* node : match_.nodes) {
      if (!made.is_call() || !node->is_call() || node->op() != made.op()) continue;
      const int own = node->provenance() ? node->provenance()->siblings : 1;
      count = group ? count + own : std::max(count, own);
    }
    return std::max(count, 1);
  }

  void redirect(const Replacement& replacement) {
    Node* from = replacement.from;
    if (replacement.to.size() > 1) {
      distribute(replacement);
      return;
    }
    Node* to = replacement.to.front();
    if (to == from) return;
    // New nodes that use the old value (a value wrapped in a call on itself) keep it.
    std::vector<std::pair<Node*, std::vector<Argument>>> kept;
    for (Node* node : recorder_.created) {
      for (const Use& use : node->operands()) {
        if (use.value != from) continue;
        kept.emplace_back(node, node->arguments());
        break;
      }
    }
    graph_.replace_all_uses(from, to);
    for (auto& [node, arguments] : kept) graph_.set_arguments(node, std::move(arguments));
  }

  void distribute(const Replacement& replacement) {
    std::vector<Node*> users = users_to_redirect(replacement.from);
    for (size_t i = 0; i < users.size() && i < replacement.to.size(); ++i) {
      if (replacement.to[i] == replacement.from) continue;
      std::vector<Argument> arguments = users[i]->arguments();
      for (Argument& argument : arguments) substitute(argument, replacement.from, replacement.to[i]);
      graph_.set_arguments(users[i], std::move(arguments));
    }
  }

  void take_names() {
    std::unordered_set<const Node*> named;
    for (const Replacement& replacement : replacements_) {
      Node* to = replacement.to.front();
      if (to == replacement.from || !recorder_.made(to) || !named.insert(to).second) continue;
      graph_.take_name(to, replacement.from);
    }
  }

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

}  // namespace

std::variant<Applied, DroppedMatch> apply_match(Graph& graph, const Match& match) {
  return Application(graph, match).run();
}

}  // namespace qrules
