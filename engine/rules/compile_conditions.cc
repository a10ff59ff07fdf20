// The conditions of `where`, `members` and counters: one expression a line, with the names it asks about and its cost.

#include <set>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/expression_types.h>
#include <qrules/rules/scope.h>

namespace qrules {
namespace {

using Type = ExpressionType;

void collect(const Expression& expression, std::set<SlotId>& slots, std::set<SlotId>& loops, int& cost) {
  if (expression.kind == ExpressionKind::slot || expression.kind == ExpressionKind::bound)
    slots.insert(expression.slot);
  if (expression.function) cost += expression.function->cost;
  loops.insert(expression.loop_slots.begin(), expression.loop_slots.end());
  for (const Expression& operand : expression.operands) collect(operand, slots, loops, cost);
}

std::optional<Condition> condition(RuleContext& context, const syntax::ConditionLine& line) {
  auto compiled = compile_expression(context, *line.expression, false);
  if (!compiled) return std::nullopt;
  if (compiled->type != Type::boolean && compiled->type != Type::any) {
    const std::string written(compiled->span.text());
    Diagnostic diagnostic = Diagnostic(kNotACondition, compiled->span).with("found", std::string(name(compiled->type)));
    if (is_number(compiled->type))
      diagnostic = std::move(diagnostic).propose("compare it", compiled->span, written + " == 1");
    else if (compiled->type == Type::node)
      diagnostic =
          std::move(diagnostic)
              .help("ask something about it, like `constant(" + written + ")` or `rank(" + written + ") == 2`");
    else if (compiled->type == Type::dtype)
      diagnostic = std::move(diagnostic).propose("compare it", compiled->span, written + " == f32");
    else
      diagnostic = std::move(diagnostic).help("write a comparison, or a predicate such as `constant(%x)`");
    context.diagnostics.add(std::move(diagnostic));
    context.failed = true;
    return std::nullopt;
  }
  Condition result;
  result.text = line.text;
  std::set<SlotId> slots, loops;
  collect(*compiled, slots, loops, result.cost);
  for (SlotId slot : slots) {
    if (!loops.count(slot)) result.slots.push_back(slot);
  }
  result.expression = std::move(*compiled);
  return result;
}

}  // namespace

void compile_conditions(RuleContext& context, const MappedText& text) {
  for (const syntax::ConditionLine& line : syntax::parse_conditions(text, context.diagnostics)) {
    if (auto compiled = condition(context, line)) context.rule.conditions.push_back(std::move(*compiled));
  }
}

void compile_member_conditions(RuleContext& context, const MappedText& text) {
  if (text.empty() || context.rule.root == kNoPattern) return;
  if (context.rule.patterns[context.rule.root].kind != PatternKind::siblings) {
    context.diagnostics.add(Diagnostic(kMembersWithoutSiblings, text.span())
                                .help("move the conditions to `where`, or match `siblings(%x) op(%x, ...)`"));
    return;
  }
  std::vector<SlotId> lists;
  for (SlotId slot = 0; slot < context.rule.slots.size(); ++slot) {
    if (!context.rule.slots[slot].is_list) continue;
    lists.push_back(slot);
    context.rule.slots[slot].is_list = false;
  }
  for (const syntax::ConditionLine& line : syntax::parse_conditions(text, context.diagnostics)) {
    if (auto compiled = condition(context, line)) context.rule.member_conditions.push_back(std::move(*compiled));
  }
  for (SlotId slot : lists) context.rule.slots[slot].is_list = true;
}

std::optional<Condition> compile_condition(RuleContext& context, const MappedText& text) {
  std::vector<syntax::ConditionLine> lines = syntax::parse_conditions(text, context.diagnostics);
  if (lines.size() > 1) {
    context.diagnostics.add(Diagnostic(kExpressionSyntax, lines[1].expression->span, "join them with `and`")
                                .with("expected", "one condition")
                                .with("found", "another")
                                .help("join them with `and`"));
  }
  if (lines.size() != 1) return std::nullopt;
  return condition(context, lines[0]);
}

}  // namespace qrules
