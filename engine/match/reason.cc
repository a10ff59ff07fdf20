#include <qrules/match/reason.h>

#include <qrules/graph/text.h>
#include <qrules/match/evaluate.h>

namespace qrules {
namespace {

class Explainer {
 public:
  Explainer(const Rule& rule, const Bindings& bindings, const FunctionContext& context)
      : rule_(rule), bindings_(bindings), context_(context) {}

  // Why the expression is not `wanted`.
  std::string why(const Expression& expression, bool wanted = true) {
    switch (expression.kind) {
      case ExpressionKind::logical_not: return why(expression.operands[0], !wanted);
      case ExpressionKind::logical_and:
      case ExpressionKind::logical_or: return why_joined(expression, wanted);
      case ExpressionKind::conditional:
        if (const auto condition = truth(expression.operands[1]))
          return why(expression.operands[*condition ? 0 : 2], wanted);
        return why(expression.operands[1], wanted);
      default: break;
    }
    Evaluated value = run(expression);
    if (auto* unknown = std::get_if<Unknown>(&value)) return unknown->reason;
    if (expression.kind == ExpressionKind::for_all && wanted) return element(expression);
    std::string seen;
    collect(expression, seen);
    if (seen.empty()) return "`" + std::string(expression.span.text()) + "` " + (wanted ? "does not hold" : "holds");
    return seen + wish(expression, wanted);
  }

 private:
  Evaluated run(const Expression& expression) const { return evaluate(expression, bindings_, context_); }

  std::optional<bool> truth(const Expression& expression) const {
    const Evaluated value = run(expression);
    const Argument* argument = std::get_if<Argument>(&value);
    const bool* known = argument ? argument->get_if<bool>() : nullptr;
    return known ? std::optional(*known) : std::nullopt;
  }

  // One part settles it, or all of them together do.
  std::string why_joined(const Expression& expression, bool wanted) {
    const bool one_settles = (expression.kind == ExpressionKind::logical_and) == wanted;
    std::string reasons;
    for (const Expression& operand : expression.operands) {
      if (one_settles && truth(operand) == wanted) continue;
      const std::string reason = why(operand, wanted);
      if (one_settles) return reason;
      if (reasons.find(reason) == std::string::npos) reasons += (reasons.empty() ? "" : "; ") + reason;
    }
    return reasons;
  }

  // The first element for which a loop's body does not hold.
  std::string element(const Expression& expression) {
    std::vector<Argument::List> lists;
    for (size_t i = 1; i < expression.operands.size(); ++i)
      lists.push_back(*std::get<Argument>(run(expression.operands[i])).list());
    Bindings inner = bindings_;
    for (size_t i = 0; i < lists.front().size(); ++i) {
      for (size_t j = 0; j < lists.size(); ++j) inner[expression.loop_slots[j]] = {true, lists[j][i]};
      Explainer body(rule_, inner, context_);
      if (body.truth(expression.operands[0]) != true)
        return "element " + std::to_string(i) + ": " + body.why(expression.operands[0]);
    }
    return "an element does not hold";
  }

  // What would have done instead, when one side of a comparison is a fixed value.
  std::string wish(const Expression& expression, bool wanted) const {
    if (expression.operands.size() != 2 || !fixed(expression.operands[1]) || fixed(expression.operands[0])) return "";
    const Evaluated value = run(expression.operands[1]);
    const Argument* right = std::get_if<Argument>(&value);
    if (!right) return "";
    const char* word = nullptr;
    switch (expression.kind) {
      case ExpressionKind::equal: word = wanted ? "" : "anything but "; break;
      case ExpressionKind::not_equal: word = wanted ? "anything but " : ""; break;
      case ExpressionKind::less: word = wanted ? "less than " : "at least "; break;
      case ExpressionKind::less_equal: word = wanted ? "at most " : "more than "; break;
      case ExpressionKind::greater: word = wanted ? "more than " : "at most "; break;
      case ExpressionKind::greater_equal: word = wanted ? "at least " : "less than "; break;
      case ExpressionKind::in: word = wanted ? "one of " : "none of "; break;
      case ExpressionKind::not_in: word = wanted ? "none of " : "one of "; break;
      default: return "";
    }
    return ", the rule wants " + (word + print(*right, context_.graph.dims()));
  }

  // Written as a value, or computed from such: it is the same in every match.
  static bool fixed(const Expression& expression) {
    if (expression.kind == ExpressionKind::literal) return true;
    if (expression.kind == ExpressionKind::slot || expression.kind == ExpressionKind::bound || expression.function)
      return false;
    for (const Expression& operand : expression.operands) {
      if (!fixed(operand)) return false;
    }
    return true;
  }

  void say(std::string& seen, const std::string& sentence) const {
    if (!sentence.empty() && seen.find(sentence) == std::string::npos) seen += (seen.empty() ? "" : ", ") + sentence;
  }

  std::string name_of(SlotId slot) const {
    const std::string& name = rule_.slots[slot].name;
    return "%" + name.substr(0, name.find('@'));
  }

  // Values of the calls and names in an expression.
  void collect(const Expression& expression, std::string& seen) const {
    if (expression.kind == ExpressionKind::call) {
      const Evaluated value = run(expression);
      if (const Argument* result = std::get_if<Argument>(&value)) say(seen, sentence(expression, *result));
      return;
    }
    if (expression.kind == ExpressionKind::slot) {
      const Binding& binding = bindings_[expression.slot];
      if (binding.bound && !binding.value.node())
        say(seen, name_of(expression.slot) + " is " + print(binding.value, context_.graph.dims()));
      return;
    }
    if (expression.kind == ExpressionKind::bound)
      say(seen, name_of(expression.slot) + (bindings_[expression.slot].bound ? " is bound" : " is not bound"));
    for (const Expression& operand : expression.operands) collect(operand, seen);
  }

  std::string sentence(const Expression& call, const Argument& result) const {
    const Function& function = *call.function;
    std::vector<Argument> arguments;
    for (const Expression& operand : call.operands) {
      const Evaluated value = run(operand);
      if (const Argument* argument = std::get_if<Argument>(&value)) arguments.push_back(*argument);
    }
    if (function.detail && arguments.size() == call.operands.size()) {
      if (std::string text = function.detail(context_, arguments, result); !text.empty()) return text;
    }
    std::string text = result == Argument(true) ? function.contrary : function.refusal;
    if (text.empty()) text = function.name + " is {result}";
    const auto replace = [&](const std::string& key, const std::string& value) {
      for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + value.size()))
        text.replace(at, key.size(), value);
    };
    for (size_t i = 0; i < call.operands.size(); ++i) {
      replace("{" + std::to_string(i) + "}", shown(call.operands[i]));
    }
    replace("{result}", print(result, context_.graph.dims()));
    return text;
  }

  // An argument of a function: a node by its own name, another value with the rule's name for it.
  std::string shown(const Expression& expression) const {
    const Evaluated value = run(expression);
    const Argument* argument = std::get_if<Argument>(&value);
    if (!argument) return std::string(expression.span.text());
    const std::string text = print(*argument, context_.graph.dims());
    if (expression.kind == ExpressionKind::slot && !argument->node())
      return name_of(expression.slot) + " (" + text + ")";
    return text;
  }

  const Rule& rule_;
  const Bindings& bindings_;
  const FunctionContext& context_;
};

}  // namespace

std::string why_not(const Expression& expression, const Rule& rule, const Bindings& bindings,
                    const FunctionContext& context) {
  return Explainer(rule, bindings, context).why(expression);
}

}  // namespace qrules
