#include <qrules/match/walk.h>

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include <qrules/graph/text.h>
#include <qrules/match/evaluate.h>

namespace qrules::match {

Walk::Walk(const Scene& scene) : scene_(scene), cells_(scene.program.registers), lists_(scene.program.lists) {}

void Walk::start(Node* root) {
  root_ = root;
  cells_[0] = {nullptr, root};
  matched_.clear();
  depth_ = 0;
}

std::optional<Match> Walk::first(Node* root) {
  start(root);
  best_ = kNoRule;
  best_match_.reset();
  children(0);
  return std::move(best_match_);
}

std::vector<Match> Walk::all(Node* root) {
  start(root);
  std::vector<std::pair<uint32_t, Match>> found;
  collected_ = &found;
  children(0);
  collected_ = nullptr;
  // A walk finds the matches of one rule in order, but goes from state to state rather than from rule to rule.
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Match> result;
  for (auto& [rule, match] : found) result.push_back(std::move(match));
  return result;
}

std::vector<NearMiss> Walk::explain(Node* root) {
  start(root);
  refusals_.resize(scene_.program.rules.size());
  refused_.clear();
  ++visit_;
  std::vector<std::pair<uint32_t, Match>> found;
  explaining_ = explains_groups_ = true;
  collected_ = &found;
  children(0);
  collected_ = nullptr;
  explaining_ = explains_groups_ = false;
  std::sort(refused_.begin(), refused_.end());
  std::vector<NearMiss> result;
  for (uint32_t index : refused_) {
    const Refusal& refusal = refusals_[index];
    if (refusal.matched || !refusal.refused()) continue;
    const CompiledRule& rule = scene_.program.rules[index];
    NearMiss miss = near_miss(refusal, scene_.program, rule, root);
    miss.tests_total = rule.states.size() + rule.conditions.size();
    result.push_back(std::move(miss));
  }
  return result;
}

Refusal& Walk::refusal_of(uint32_t rule) {
  Refusal& refusal = refusals_[rule];
  if (refusal.visit != visit_) {
    refusal.visit = visit_;
    refusal.matched = false;
    refusal.condition = nullptr;
    refusal.test = nullptr;
    refusal.group.clear();
    refused_.push_back(rule);
  }
  return refusal;
}

// --- states

void Walk::children(StateId id) {
  const State& state = scene_.program.states[id];
  for (const Switch& choice : state.switches) {
    const Cell cell = at(choice.subject);
    const auto found = cell.node && cell.node->is_call() ? choice.cases.find(cell.node->op()) : choice.cases.end();
    if (found != choice.cases.end()) {
      for (StateId child : found->second) enter(child);
    }
    if (!explaining_ || depth_ == 0) continue;
    for (StateId child : choice.states) {
      const bool entered = found != choice.cases.end() &&
                           std::find(found->second.begin(), found->second.end(), child) != found->second.end();
      if (!entered) refuse(child, scene_.program.states[child].test);
    }
  }
  for (StateId child : state.others) enter(child);
}

void Walk::enter(StateId id) {
  const State& state = scene_.program.states[id];
  if (!scene_.alive[id]) return;
  if (!collected_ && state.first_rule >= best_) return;  // a better rule has matched
  bool passed = false;
  const Next next = [&] {
    passed = true;
    const size_t inner = inner_;
    ++depth_;
    inner_ = 0;
    accept(id);
    children(id);
    inner_ = inner;
    --depth_;
    entered_ = id;
    return false;
  };
  entered_ = id;
  run(state.test, next);
  if (!passed && explaining_) refuse(id, state.test);
}

void Walk::accept(StateId id) {
  for (uint32_t index : scene_.program.states[id].accepts) {
    if (!collected_ && index >= best_) continue;
    Match match = make_match(index);
    const CompiledRule& compiled = scene_.program.rules[index];
    const FunctionContext context{scene_.graph, root_, nullptr, &match.nodes};
    bool holds = true;
    for (uint32_t number : compiled.conditions) {
      const Condition& condition = compiled.rule->conditions[number];
      if (check(condition, *compiled.rule, match.bindings, context, false).holds) {
        if (explaining_) ++depth_;
        continue;
      }
      holds = false;
      if (explaining_) refuse_by_condition(index, match, condition, context);
      break;
    }
    if (explaining_) depth_ = compiled.states.size();
    if (!holds) continue;
    if (collected_) {
      if (explaining_) refusal_of(index).matched = true;
      collected_->push_back({index, std::move(match)});
    } else {
      best_ = index;
      best_match_ = std::move(match);
    }
  }
}

void Walk::refuse(StateId id, const Test& test) {
  if (depth_ == 0 && inner_ == 0) return;  // not even the operator of the root
  const Cell cell = at(test.subject);
  // Every rule below this state was refused here.
  left_.assign(1, id);
  while (!left_.empty()) {
    const State& state = scene_.program.states[left_.back()];
    left_.pop_back();
    left_.insert(left_.end(), state.children.begin(), state.children.end());
    for (uint32_t index : state.accepts) {
      Refusal& refusal = refusal_of(index);
      if (refusal.matched || refusal.condition) continue;
      if (refusal.test) {
        const auto before = std::make_tuple(refusal.nodes.size(), refusal.depth, refusal.inner);
        const auto now = std::make_tuple(matched_.size(), depth_, inner_);
        if (now < before) continue;
        if (now == before) {
          // Another way at the same place: it would have taken these operators as well.
          if (test.kind == TestKind::call && refusal.test->kind == TestKind::call && refusal.test != &test &&
              refusal.state == id && refusal.cell.node == cell.node && refusal.cell.argument == cell.argument)
            refusal.alike.push_back(&test);
          continue;
        }
      }
      refusal.depth = depth_;
      refusal.inner = inner_;
      refusal.state = id;
      refusal.test = &test;
      refusal.alike.clear();
      refusal.group.clear();
      refusal.cell = cell;
      refusal.other = {};
      if (test.kind == TestKind::equal) refusal.other = at(test.other);
      if (test.kind == TestKind::bind) refusal.other = cells_[test.out];
      refusal.nodes = matched_;
    }
  }
}

void Walk::refuse_by_condition(uint32_t index, const Match& match, const Condition& condition,
                               const FunctionContext& context) {
  Refusal& refusal = refusal_of(index);
  if (refusal.matched || (refusal.condition && depth_ <= refusal.depth)) return;
  refusal.depth = depth_;
  refusal.condition = &condition;
  refusal.condition_reason = check(condition, *match.rule, match.bindings, context, true).reason;
  refusal.nodes = match.nodes;
  refusal.node = root_;
  refusal.values.clear();
  for (SlotId slot : condition.slots) {
    const SlotSource& source = scene_.program.rules[index].slots[slot];
    if (source.kind != SlotSource::Kind::place) continue;
    const Cell cell = at(source.place);
    if (!cell.argument || cell.node) continue;
    const std::string& name = match.rule->slots[slot].name;
    refusal.values.push_back({name.substr(0, name.find('@')), title_of(cell.argument, match.nodes),
                              print(*cell.argument, scene_.graph.dims())});
  }
  // The node that the condition asks about, when there is one.
  for (SlotId slot : condition.slots) {
    if (match.bindings[slot].bound && match.bindings[slot].value.node()) {
      refusal.node = match.bindings[slot].value.node();
      break;
    }
  }
}

Match Walk::make_match(uint32_t index) {
  const CompiledRule& compiled = scene_.program.rules[index];
  Match match;
  match.rule = compiled.rule;
  match.root = root_;
  match.bindings.resize(compiled.slots.size());
  for (size_t slot = 0; slot < compiled.slots.size(); ++slot) {
    const SlotSource& source = compiled.slots[slot];
    if (source.kind == SlotSource::Kind::place) {
      const Cell cell = at(source.place);
      if (!cell.empty()) match.bindings[slot] = {true, value_of(cell)};
    } else if (source.kind == SlotSource::Kind::list && lists_[source.list]) {
      Argument::List values;
      for (const Cell& cell : *lists_[source.list]) values.push_back(value_of(cell));
      match.bindings[slot] = {true, Argument(std::move(values))};
    }
  }
  std::unordered_set<const Node*> seen;
  for (Node* node : matched_) {
    if (seen.insert(node).second) match.nodes.push_back(node);
  }
  return match;
}

// --- places

Cell Walk::at(Place place) const {
  const Cell& base = cells_[place.base];
  if (place.index < 0) return base;
  const size_t index = static_cast<size_t>(place.index);
  const Argument* argument = nullptr;
  if (base.node) {
    if (index < base.node->arguments().size()) argument = &base.node->argument(index);
  } else if (base.argument) {
    const Argument::List* list = base.argument->list();
    if (list && index < list->size()) argument = &(*list)[index];
  }
  return {argument, argument ? argument->node() : nullptr};
}

bool Walk::equal(const Cell& a, const Cell& b) {
  if (a.node || b.node) return a.node == b.node;
  return a.argument && b.argument && *a.argument == *b.argument;
}

Argument Walk::value_of(const Cell& cell) {
  if (cell.argument) return *cell.argument;
  return cell.node ? Argument(cell.node) : Argument();
}

bool Walk::has_operator(const Test& test, OpId op) const {
  return std::binary_search(test.operators.begin(), test.operators.end(), op) ||
         (!test.regexes.empty() && scene_.matches_regex(test, op));
}

// --- tests

template <typename F>
bool Walk::sequence(const std::vector<Test>& tests, size_t position, F&& next) {
  if (position == tests.size()) return next();
  bool passed = false;
  const Next rest = [&] {
    passed = true;
    ++inner_;
    const bool stop = sequence(tests, position + 1, next);
    --inner_;
    return stop;
  };
  const bool stop = run(tests[position], rest);
  if (!passed && explaining_) refuse(entered_, tests[position]);
  return stop;
}

template <typename F>
bool Walk::run(const Test& test, F&& next) {
  switch (test.kind) {
    case TestKind::call: return run_call(test, next);
    case TestKind::node: return at(test.subject).node ? next() : false;
    case TestKind::present: {
      const Cell cell = at(test.subject);
      return cell.node || (cell.argument && !cell.argument->is_none()) ? next() : false;
    }
    case TestKind::literal: {
      const Cell cell = at(test.subject);
      return cell.argument && *cell.argument == test.literal ? next() : false;
    }
    case TestKind::equal: return equal(at(test.subject), at(test.other)) ? next() : false;
    case TestKind::bind: {
      const Cell cell = at(test.subject);
      if (!cells_[test.out].empty()) return equal(cells_[test.out], cell) ? next() : false;
      cells_[test.out] = cell;
      const bool stop = next();
      cells_[test.out] = {};
      return stop;
    }
    case TestKind::list: {
      const Cell cell = at(test.subject);
      const Argument::List* list = cell.argument ? cell.argument->list() : nullptr;
      if (!list || list->size() != test.count) return false;
      cells_[test.out] = cell;
      return next();
    }
    case TestKind::swap: return run_swap(test, next);
    case TestKind::alternative:
      for (const std::vector<Test>& branch : test.branches) {
        if (sequence(branch, 0, next)) return true;
      }
      return false;
    case TestKind::optional: return run_optional(test, next);
    case TestKind::repeat: return run_repeat(test, next);
    case TestKind::each: return run_each(test, next);
    case TestKind::siblings: return run_siblings(test, next);
    case TestKind::users: return run_users(test, next);
  }
  return false;
}

bool Walk::run_call(const Test& test, const Next& next) {
  const Cell cell = at(test.subject);
  if (!cell.node || !cell.node->is_call() || !has_operator(test, cell.node->op())) return false;
  cells_[test.out] = {nullptr, cell.node};
  matched_.push_back(cell.node);
  const bool stop = next();
  matched_.pop_back();
  return stop;
}

bool Walk::run_swap(const Test& test, const Next& next) {
  const Cell first = at({test.subject.base, 0}), second = at({test.subject.base, 1});
  cells_[test.out] = first;
  cells_[test.out + 1] = second;
  if (next()) return true;
  if (equal(first, second)) return false;
  cells_[test.out] = second;
  cells_[test.out + 1] = first;
  return next();
}

bool Walk::run_optional(const Test& test, const Next& next) {
  const Next taken = [&] {
    cells_[test.out] = at(test.through);
    return next();
  };
  if (sequence(test.branches[0], 0, taken)) return true;
  cells_[test.out] = at(test.subject);
  return next();
}

bool Walk::run_repeat(const Test& test, const Next& next) {
  // After each number of links: where the chain has got to, and how many nodes have been matched.
  struct End {
    Cell cell;
    size_t nodes = 0;
  };
  const size_t before = matched_.size();
  std::vector<End> ends{{at(test.subject), before}};
  std::vector<Node*> nodes = matched_;
  while (ends.back().cell.node) {
    cells_[test.other.base] = ends.back().cell;
    End further;
    const Next linked = [&] {
      nodes.insert(nodes.end(), matched_.begin() + static_cast<std::ptrdiff_t>(before), matched_.end());
      further = {at(test.through), nodes.size()};
      return true;
    };
    const bool matched = sequence(test.branches[0], 0, linked);
    matched_.resize(before);
    if (!matched) break;
    ends.push_back(further);
  }
  for (size_t length = ends.size(); length-- > test.count;) {
    matched_.assign(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(ends[length].nodes));
    cells_[test.out] = ends[length].cell;
    if (next()) return true;
  }
  matched_.resize(before);
  return false;
}

bool Walk::run_each(const Test& test, const Next& next) {
  const Cell cell = at(test.subject);
  const Argument::List* list = cell.argument ? cell.argument->list() : nullptr;
  if (!list || list->empty()) return false;
  std::vector<std::vector<Cell>> values(test.captures.size());
  const size_t before = matched_.size();
  std::vector<Node*> nodes;
  for (const Argument& element : *list) {
    for (const Capture& capture : test.captures) {
      if (capture.fresh) cells_[capture.place.base] = {};
    }
    cells_[test.out] = {&element, element.node()};
    const Next found = [&] {
      for (size_t i = 0; i < test.captures.size(); ++i) values[i].push_back(at(test.captures[i].place));
      nodes.insert(nodes.end(), matched_.begin() + static_cast<std::ptrdiff_t>(before), matched_.end());
      return true;
    };
    const bool matched = sequence(test.branches[0], 0, found);
    matched_.resize(before);
    if (!matched) return false;
  }
  matched_.insert(matched_.end(), nodes.begin(), nodes.end());
  for (size_t i = 0; i < test.captures.size(); ++i) lists_[test.captures[i].list] = std::move(values[i]);
  const bool stop = next();
  for (const Capture& capture : test.captures) lists_[capture.list].reset();
  matched_.resize(before);
  return stop;
}

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

// Every rule below the state is refused because its root makes no group, or by what left the others out.
void Walk::refuse_group(const std::string& reason) {
  if (!explaining_) return;
  left_.assign(1, entered_);
  while (!left_.empty()) {
    const State& state = scene_.program.states[left_.back()];
    left_.pop_back();
    left_.insert(left_.end(), state.children.begin(), state.children.end());
    for (uint32_t index : state.accepts) {
      Refusal& refusal = refusal_of(index);
      if (refusal.matched || refusal.condition) continue;
      refusal.depth = 1;
      refusal.inner = 0;
      refusal.state = entered_;
      refusal.test = &scene_.program.states[entered_].test;
      refusal.alike.clear();
      refusal.cell = {nullptr, root_};
      refusal.other = {};
      refusal.nodes.assign(1, root_);
      if (left_out_.node && left_out_.node != root_) refusal.nodes.push_back(left_out_.node);
      refusal.group = reason;
      refusal.condition = left_out_.condition;
      refusal.condition_reason = reason;
      refusal.node = left_out_.node;
      refusal.values.clear();
    }
  }
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

// Kept when nothing else is known of why there is no group.
void Walk::note_difference(Node* node, const Cell& own, const Cell& shared) {
  if (!explains_groups_ || !left_out_.reason.empty() || !own.argument || !shared.argument) return;
  const DimTable& dims = scene_.graph.dims();
  left_out_ = {"%" + node->name() + " is left out: " + title_of(own.argument, matched_) + " is " +
                   print(*own.argument, dims) + ", not " + print(*shared.argument, dims),
               nullptr, node};
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

bool Walk::run_users(const Test& test, const Next& next) {
  std::vector<Node*> found = users_within(test, at(test.subject).node);
  std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) { return a->before(*b); });
  for (Node* user : found) {
    cells_[test.out] = {nullptr, user};
    if (next()) return true;
  }
  return false;
}

}  // namespace qrules::match
