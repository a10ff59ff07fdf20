// The states that a walk goes through, and the tests that look at a node and what is below it.

#include <qrules/match/walk.h>

#include <algorithm>
#include <unordered_set>

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

bool Walk::sequence(const std::vector<Test>& tests, size_t position, const Next& next) {
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

bool Walk::run(const Test& test, const Next& next) {
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

}  // namespace qrules::match
