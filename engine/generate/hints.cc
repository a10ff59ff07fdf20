// See hints.h.

#include <qrules/generate/hints.h>

#include <algorithm>
#include <set>

namespace qrules::generate {
namespace {

using Loops = std::map<SlotId, SlotId>;  // a loop's name to the list it runs over

SlotId resolved(SlotId slot, const Loops& loops) {
  const auto found = loops.find(slot);
  return found == loops.end() ? slot : found->second;
}

Loops inside(const Expression& expression, const Loops& outer) {
  Loops loops = outer;
  for (size_t i = 1; i < expression.operands.size(); ++i) {
    const Expression& list = expression.operands[i];
    if (list.kind == ExpressionKind::slot && i - 1 < expression.loop_slots.size())
      loops[expression.loop_slots[i - 1]] = resolved(list.slot, outer);
  }
  return loops;
}

bool is_loop(const Expression& expression) {
  return expression.kind == ExpressionKind::for_all || expression.kind == ExpressionKind::for_any;
}

bool compares(ExpressionKind kind) {
  switch (kind) {
    case ExpressionKind::equal:
    case ExpressionKind::less:
    case ExpressionKind::less_equal:
    case ExpressionKind::greater:
    case ExpressionKind::greater_equal: return true;
    default: return false;
  }
}

class Collector {
 public:
  Collector(const Rule& rule, const std::string& prefix, Hints& hints) : rule_(rule), prefix_(prefix), hints_(hints) {}

  void visit(const Expression& expression, const Loops& outer) {
    const Loops loops = is_loop(expression) ? inside(expression, outer) : outer;
    if (expression.kind == ExpressionKind::literal) literal(expression.literal);
    const bool close = expression.kind == ExpressionKind::call && expression.function->name == "close";
    if (compares(expression.kind) || close) {
      std::vector<std::string> compared;
      for (const Expression& operand : expression.operands) {
        if (operand.kind == ExpressionKind::slot) compared.push_back(name(operand.slot, loops));
      }
      for (const std::string& a : compared) {
        for (const std::string& b : compared) {
          if (a != b) hints_.related[a].push_back(b);
        }
      }
    }
    if (expression.kind == ExpressionKind::call) {
      for (const Expression& operand : expression.operands) {
        if (operand.kind == ExpressionKind::slot)
          hints_.asked_about[name(operand.slot, loops)].push_back(expression.function);
      }
    }
    for (const Expression& operand : expression.operands) visit(operand, loops);
  }

 private:
  std::string name(SlotId slot, const Loops& loops) const { return prefix_ + rule_.slots[resolved(slot, loops)].name; }

  void literal(const Argument& value) {
    const auto add = [](auto& list, const auto& item) {
      if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
    };
    if (const DType* dtype = value.get_if<DType>()) return add(hints_.dtypes, *dtype);
    if (const Argument::List* list = value.list()) {
      for (const Argument& element : *list) literal(element);
    }
    if (value.is_none()) return;
    if (const int64_t* integer = value.get_if<int64_t>(); integer && *integer > 0 && *integer <= 64)
      add(hints_.sizes, *integer);
    add(hints_.literals, value);
    // What is next to a bound is as telling as the bound.
    if (const int64_t* integer = value.get_if<int64_t>(); integer && std::abs(*integer) < 1'000'000) {
      add(hints_.literals, Argument(*integer + 1));
      add(hints_.literals, Argument(*integer - 1));
      if (*integer > 0 && *integer < 64) add(hints_.sizes, *integer + 1);
    }
  }

  const Rule& rule_;
  const std::string& prefix_;
  Hints& hints_;
};

void add_slots(const Expression& expression, const Loops& outer, std::set<SlotId>& found) {
  const Loops loops = is_loop(expression) ? inside(expression, outer) : outer;
  if (expression.kind == ExpressionKind::slot || expression.kind == ExpressionKind::bound)
    found.insert(resolved(expression.slot, loops));
  for (const Expression& operand : expression.operands) add_slots(operand, loops, found);
}

}  // namespace

void collect_hints(const Rule& rule, const std::string& prefix, Hints& hints) {
  Collector collector(rule, prefix, hints);
  for (const Condition& condition : rule.member_conditions) collector.visit(condition.expression, {});
  for (const Condition& condition : rule.conditions) collector.visit(condition.expression, {});
}

std::vector<const Expression*> conjuncts(const Expression& expression) {
  if (expression.kind != ExpressionKind::logical_and) return {&expression};
  std::vector<const Expression*> all;
  for (const Expression& operand : expression.operands) {
    for (const Expression* part : conjuncts(operand)) all.push_back(part);
  }
  return all;
}

std::vector<SlotId> slots_of(const Expression& expression) {
  std::set<SlotId> found;
  add_slots(expression, {}, found);
  return {found.begin(), found.end()};
}

}  // namespace qrules::generate
