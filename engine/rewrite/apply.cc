// Applying one match, in three steps that are kept apart so that a refused match leaves no trace:
//
//  1. build (apply_build.cc): the statements of `rewrite` are evaluated in order; calls and constants they make are
//     added to the graph, unused. A listener records every node that appears, also those that functions make. Nothing
//     that was there is touched.
//  2. check (apply_check.cc): replacements must have the type of what they replace, and every user that will be
//     redirected must come after its new operand. Where a user comes earlier (rules with several roots), the
//     replacement and its operands are hoisted before that user if this makes no cycle; here that is only planned.
//  3. commit: hoist, redirect users, take over names, record provenance, erase what became unused. Nothing in this step
//     can fail.
//
// When step 1 or 2 refuses, the recorded nodes are erased, newest first. Cost: linear in the size of the match, its
// replacement and the number of redirected edges.

#include <algorithm>

#include <qrules/rewrite/application.h>

namespace qrules {
namespace {

// Names that provenance keeps; chains of rewrites would otherwise collect whole graphs.
constexpr size_t kMaxSources = 256;

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

}  // namespace

Application::Application(Graph& graph, const Match& match)
    : graph_(graph), match_(match), rule_(*match.rule), bindings_(match.bindings), recorder_(graph) {
  bindings_.resize(std::max(bindings_.size(), rule_.slots.size()));
}

std::variant<Applied, DroppedMatch> Application::run() {
  if (!build() || !collect_replacements() || !check_types() || !plan_order()) {
    while (!recorder_.created.empty()) graph_.erase(recorder_.created.back());
    return DroppedMatch{rule_.base_name, match_.root->name(), std::move(reason_), wrong_type_};
  }
  return commit();
}

std::vector<Node*> Application::users_to_redirect(const Node* from) const {
  std::vector<Node*> users = from->users();
  std::erase_if(users, [&](const Node* user) { return recorder_.made(user); });
  return users;
}

Applied Application::commit() {
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

void Application::record_provenance() {
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
int Application::siblings_in(const Node& made) const {
  const bool group = rule_.patterns[rule_.root].kind == PatternKind::siblings;
  int count = 0;
  for (const Node* node : match_.nodes) {
    if (!made.is_call() || !node->is_call() || node->op() != made.op()) continue;
    const int own = node->provenance() ? node->provenance()->siblings : 1;
    count = group ? count + own : std::max(count, own);
  }
  return std::max(count, 1);
}

void Application::redirect(const Replacement& replacement) {
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

void Application::distribute(const Replacement& replacement) {
  std::vector<Node*> users = users_to_redirect(replacement.from);
  for (size_t i = 0; i < users.size() && i < replacement.to.size(); ++i) {
    if (replacement.to[i] == replacement.from) continue;
    std::vector<Argument> arguments = users[i]->arguments();
    for (Argument& argument : arguments) substitute(argument, replacement.from, replacement.to[i]);
    graph_.set_arguments(users[i], std::move(arguments));
  }
}

void Application::take_names() {
  std::unordered_set<const Node*> named;
  for (const Replacement& replacement : replacements_) {
    Node* to = replacement.to.front();
    if (to == replacement.from || !recorder_.made(to) || !named.insert(to).second) continue;
    graph_.take_name(to, replacement.from);
  }
}

std::variant<Applied, DroppedMatch> apply_match(Graph& graph, const Match& match) {
  return Application(graph, match).run();
}

}  // namespace qrules
