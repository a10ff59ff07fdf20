// Whether what was built can take the place of a match: one value for each that goes, of its type, before its users.

#include <algorithm>

#include <qrules/graph/text.h>
#include <qrules/rewrite/application.h>
#include <qrules/rewrite/placement.h>

namespace qrules {
namespace {

// More than any rule moves; keeps a hoist from becoming quadratic in the graph.
constexpr size_t kHoistLimit = 1024;

// Equal, where sizes that are symbolic and different count as unknown.
bool compatible(const TensorType& a, const TensorType& b) {
  if (a.dtype != b.dtype || a.sizes.size() != b.sizes.size()) return false;
  for (size_t i = 0; i < a.sizes.size(); ++i) {
    if (a.sizes[i].is_static() && b.sizes[i].is_static() && a.sizes[i] != b.sizes[i]) return false;
  }
  return true;
}

}  // namespace

bool Application::collect_replacements() {
  for (SlotId slot : rule_.replaced) {
    const Binding& matched = match_.bindings[slot];
    if (!matched.bound || matched.value.is_none()) continue;
    if (!collect_replacement(slot, matched.value, bindings_[slot].value)) return false;
  }
  return true;
}

bool Application::collect_replacement(SlotId slot, const Argument& matched, const Argument& value) {
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

bool Application::check_types() {
  for (const Replacement& replacement : replacements_) {
    for (Node* to : replacement.to) {
      if (to != replacement.from && !check_type(*replacement.from, *to)) return false;
    }
  }
  return true;
}

bool Application::check_type(const Node& from, Node& to) {
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

std::string Application::describe(const ValueType& type) const {
  if (const TensorType* tensor = type.as_tensor()) return print(*tensor, graph_.dims());
  std::string text = "(";
  for (const TensorType& part : type.tensors) text += (text.size() > 1 ? ", " : "") + print(part, graph_.dims());
  return text + ")";
}

// Which nodes go, and whether every redirected user comes after its new operand.
bool Application::plan_order() {
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
void Application::find_dead() {
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

}  // namespace qrules
