// What `explain` keeps of a walk: for each rule, where it was refused last.

#include <algorithm>
#include <tuple>

#include <qrules/graph/text.h>
#include <qrules/match/evaluate.h>
#include <qrules/match/walk.h>

namespace qrules::match {

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

template <typename Call>
void Walk::for_refused_below(StateId id, const Call& call) {
  left_.assign(1, id);
  while (!left_.empty()) {
    const State& state = scene_.program.states[left_.back()];
    left_.pop_back();
    left_.insert(left_.end(), state.children.begin(), state.children.end());
    for (uint32_t index : state.accepts) {
      Refusal& refusal = refusal_of(index);
      if (!refusal.matched && !refusal.condition) call(refusal);
    }
  }
}

void Walk::refuse(StateId id, const Test& test) {
  if (depth_ == 0 && inner_ == 0) return;  // not even the operator of the root
  const Cell cell = at(test.subject);
  for_refused_below(id, [&](Refusal& refusal) {
    if (refusal.test) {
      const auto before = std::make_tuple(refusal.nodes.size(), refusal.depth, refusal.inner);
      const auto now = std::make_tuple(matched_.size(), depth_, inner_);
      if (now < before) return;
      if (now == before) {
        // Another way at the same place: it would have taken these operators as well.
        if (test.kind == TestKind::call && refusal.test->kind == TestKind::call && refusal.test != &test &&
            refusal.state == id && refusal.cell.node == cell.node && refusal.cell.argument == cell.argument)
          refusal.alike.push_back(&test);
        return;
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
  });
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

// Every rule below the state is refused because its root makes no group, or by what left the others out.
void Walk::refuse_group(const std::string& reason) {
  if (!explaining_) return;
  for_refused_below(entered_, [&](Refusal& refusal) {
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
  });
}

}  // namespace qrules::match
