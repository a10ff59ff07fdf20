// See mutate.h.

#include <rulecheck/mutate.h>

#include <algorithm>

#include <rulecheck/numerics_here.h>
#include <rulecheck/test_runner.h>

namespace qrules::tools {
namespace {

Expression always(const Expression& from) {
  Expression expression;
  expression.kind = ExpressionKind::literal;
  expression.type = ExpressionType::boolean;
  expression.span = from.span;
  expression.literal = Argument(true);
  return expression;
}

Expression negated(const Expression& from) {
  Expression expression;
  expression.kind = ExpressionKind::logical_not;
  expression.type = ExpressionType::boolean;
  expression.span = from.span;
  expression.operands = {from};
  return expression;
}

std::string shown(const Span& span, const std::string& otherwise) {
  std::string text(span ? span.text() : std::string_view(otherwise));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() > 80 ? text.substr(0, 77) + "..." : text;
}

class Maker {
 public:
  explicit Maker(const Rule& rule) : rule_(rule) {}

  std::vector<Mutant> run() {
    for (size_t i = 0; i < rule_.member_conditions.size(); ++i) condition(&Rule::member_conditions, i);
    for (size_t i = 0; i < rule_.conditions.size(); ++i) condition(&Rule::conditions, i);
    of_pattern_ = true;
    for (PatternId id = 0; id < rule_.patterns.size(); ++id) pattern(id);
    return std::move(mutants_);
  }

 private:
  void add(std::string what, const Span& span, std::function<void(Rule&)> change) {
    mutants_.push_back({rule_.base_name, std::move(what), span, std::move(change), of_pattern_});
  }

  void condition(std::vector<Condition> Rule::*list, size_t i) {
    const Condition& condition = (rule_.*list)[i];
    add("without `" + condition.text + "`", condition.expression.span, [list, i](Rule& rule) {
      (rule.*list)[i].expression = always((rule.*list)[i].expression);
      (rule.*list)[i].slots.clear();
    });
    add("with `" + condition.text + "` turned round", condition.expression.span,
        [list, i](Rule& rule) { (rule.*list)[i].expression = negated((rule.*list)[i].expression); });
    if (condition.expression.kind != ExpressionKind::logical_and) return;
    for (size_t part = 0; part < condition.expression.operands.size(); ++part) {
      const Expression& operand = condition.expression.operands[part];
      add("without `" + shown(operand.span, "a part") + "`", operand.span, [list, i, part](Rule& rule) {
        Expression& changed = (rule.*list)[i].expression.operands[part];
        changed = always(changed);
      });
    }
  }

  void pattern(PatternId id) {
    const Pattern& pattern = rule_.patterns[id];
    const std::string text = shown(pattern.span, "?");
    switch (pattern.kind) {
      case PatternKind::literal:
        add("with `" + text + "` free", pattern.span, [id](Rule& rule) { rule.patterns[id].kind = PatternKind::any; });
        break;
      case PatternKind::alternative:
        for (size_t way = 0; way < pattern.children.size() && pattern.children.size() > 1; ++way) {
          const Span& span = rule_.patterns[pattern.children[way]].span;
          add("without the way `" + shown(span, "?") + "`", span, [id, way](Rule& rule) {
            auto& children = rule.patterns[id].children;
            children.erase(children.begin() + static_cast<std::ptrdiff_t>(way));
          });
        }
        break;
      case PatternKind::optional:
        add("with `" + text + "` required", pattern.span,
            [id](Rule& rule) { rule.patterns[id].kind = PatternKind::alternative; });
        add("without `" + text + "`", pattern.span, [id](Rule& rule) {
          Pattern& changed = rule.patterns[id];
          changed.kind = PatternKind::alternative;
          changed.children = {rule.patterns[changed.children[0]].arguments[0].pattern};
        });
        break;
      case PatternKind::value:
        if (pattern.optional)
          add("with `" + text + "` required", pattern.span, [id](Rule& rule) { rule.patterns[id].optional = false; });
        break;
      default: break;
    }
  }

  const Rule& rule_;
  std::vector<Mutant> mutants_;
  bool of_pattern_ = false;
};

}  // namespace

std::vector<Mutant> mutants_of(const RuleSet& rules, const std::string& base_name) {
  for (const Rule& rule : rules.rules) {
    if (rule.base_name == base_name) return Maker(rule).run();
  }
  return {};
}

MutantOutcome run_mutant(const RuleSet& rules, Mutant mutant) {
  RuleSet changed = rules;
  const Rule* first = nullptr;
  for (const Rule& rule : rules.rules) {
    if (rule.base_name == mutant.rule && !first) first = &rule;
  }
  for (Rule& rule : changed.rules) {
    // Instances differ where `${...}` stood: the change is made where the form is the same.
    if (rule.base_name != mutant.rule || rule.conditions.size() != first->conditions.size() ||
        rule.member_conditions.size() != first->member_conditions.size())
      continue;
    if (!mutant.of_pattern || rule.patterns.size() == first->patterns.size()) mutant.change(rule);
  }
  const Rewriter rewriter(std::move(changed));
  const Comparison compare = compare_here();
  MutantOutcome outcome{std::move(mutant), false, {}};
  for (const Rule& rule : rewriter.rules().rules) {
    if (rule.base_name != outcome.mutant.rule) continue;
    for (const RuleTest& test : rule.tests) {
      if (run_test(rewriter, rule, test, compare).passed) continue;
      outcome.killed = true;
      outcome.by = test.name;
      return outcome;
    }
  }
  return outcome;
}

}  // namespace qrules::tools
