// Tests that look among the users of a value: groups of siblings, and further roots.

#include <algorithm>
#include <unordered_set>

#include <qrules/graph/text.h>
#include <qrules/match/evaluate.h>
#include <qrules/match/walk.h>

namespace qrules::match {

// One member of a group: what it binds to the names that are its own.
struct Walk::Member {
  Node* node = nullptr;
  std::vector<Cell> values;
  std::vector<Node*> matched;
};

// The group is found from its first member, so that it is found once; from the others the search ends at the first
// member that stands before them, as a rule the first user of what is shared.
bool Walk::run_siblings(const Test& test, const Next& next) {
  Node* root = at(test.subject).node;
  if (!root) return false;
  std::vector<Cell> shared;
  std::vector<Member> members(1);
  left_out_ = {};
  if (!match_member(test, root, shared, members.front())) {
    if (left_out_.condition) refuse_group(left_out_.reason);
    return false;
  }
  // What other users of the same value are refused by says nothing about the rule.
  const bool explaining = explaining_;
  explaining_ = false;
  const Node* earlier = nullptr;
  for (Node* node : users_within(test, shared.front().node)) {
    if (node == root) continue;
    Member member;
    if (!match_member(test, node, shared, member)) continue;
    if (node->before(*root)) {
      earlier = node;
      break;
    }
    members.push_back(std::move(member));
  }
  explaining_ = explaining;
  if (earlier) {
    left_out_ = {};
    refuse_group("%" + earlier->name() + " comes first in the group");
    return false;
  }
  if (members.size() < 2) {
    const std::string alone = "%" + root->name() + " is the only member of its group";
    refuse_group(left_out_.reason.empty() ? alone : alone + ": " + left_out_.reason);
    return false;
  }
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.node->before(*b.node); });

  const size_t before = matched_.size();
  std::vector<std::vector<Cell>> values(test.captures.size());
  for (const Member& member : members) {
    matched_.insert(matched_.end(), member.matched.begin(), member.matched.end());
    for (size_t i = 0; i < values.size(); ++i) values[i].push_back(member.values[i]);
  }
  for (size_t i = 0; i < values.size(); ++i) lists_[test.captures[i].list] = std::move(values[i]);
  for (size_t i = 0; i < shared.size(); ++i) cells_[test.shares[i].out] = shared[i];
  const bool stop = next();
  for (const Capture& capture : test.captures) lists_[capture.list].reset();
  for (const Share& share : test.shares) cells_[share.out] = {};
  matched_.resize(before);
  return stop;
}

// `shared` is filled by the first member, and compared by the others.
bool Walk::match_member(const Test& test, Node* node, std::vector<Cell>& shared, Member& member) {
  const bool first = shared.empty();
  for (const Capture& capture : test.captures) {
    if (capture.fresh) cells_[capture.place.base] = {};
  }
  for (const Share& share : test.shares) {
    if (share.fresh) cells_[share.place.base] = {};
  }
  cells_[test.out] = {nullptr, node};
  const size_t before = matched_.size();
  const Next found = [&] {
    if (first) shared.assign(test.shares.size(), {});
    for (size_t i = 0; i < test.shares.size(); ++i) {
      const Cell cell = at(test.shares[i].place);
      if (first)
        shared[i] = cell;
      else if (!(cell.empty() && shared[i].empty()) && !equal(cell, shared[i])) {
        note_difference(node, cell, shared[i]);
        return false;
      }
    }
    if (test.members && !holds_for_member(test, node)) return false;
    for (const Capture& capture : test.captures) member.values.push_back(at(capture.place));
    member.matched.assign(matched_.begin() + static_cast<std::ptrdiff_t>(before), matched_.end());
    return true;
  };
  member.node = node;
  const bool matched = sequence(test.branches[0], 0, found);
  matched_.resize(before);
  return matched;
}

bool Walk::holds_for_member(const Test& test, Node* node) {
  Bindings bindings(test.members->slots.size());
  for (const auto& [slot, place] : test.member_slots) {
    const Cell cell = at(place);
    if (!cell.empty()) bindings[slot] = {true, value_of(cell)};
  }
  const FunctionContext context{scene_.graph, node, nullptr};
  for (const Condition& condition : test.members->member_conditions) {
    if (check(condition, *test.members, bindings, context, false).holds) continue;
    if (explains_groups_)
      left_out_ = {
          "%" + node->name() + " is left out: " + check(condition, *test.members, bindings, context, true).reason,
          &condition, node};
    return false;
  }
  return true;
}

// Kept when nothing else is known of why there is no group.
void Walk::note_difference(Node* node, const Cell& own, const Cell& shared) {
  if (!explains_groups_ || !left_out_.reason.empty() || !own.argument || !shared.argument) return;
  const DimTable& dims = scene_.graph.dims();
  left_out_ = {"%" + node->name() + " is left out: " + title_of(own.argument, matched_) + " is " +
                   print(*own.argument, dims) + ", not " + print(*shared.argument, dims),
               nullptr, node};
}

bool Walk::run_users(const Test& test, const Next& next) {
  std::vector<Node*> found = users_within(test, at(test.subject).node);
  std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) { return a->before(*b); });
  for (Node* user : found) {
    cells_[test.out] = {nullptr, user};
    if (next()) return true;
  }
  return false;
}

std::vector<Node*> Walk::users_within(const Test& test, Node* from) const {
  if (!from) return {};
  std::vector<Node*> level{from}, found;
  std::unordered_set<const Node*> seen;
  for (uint32_t i = 0; i < test.count && !level.empty(); ++i) {
    std::vector<Node*> above;
    for (Node* node : level) {
      for (const Use* use = node->first_use(); use; use = use->next) {
        if (!seen.insert(use->user).second) continue;
        above.push_back(use->user);
        if (use->user->is_call() && has_operator(test, use->user->op())) found.push_back(use->user);
      }
    }
    level = std::move(above);
  }
  return found;
}

}  // namespace qrules::match
