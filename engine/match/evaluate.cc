// Expressions on a match, in three-valued logic: what is not known makes a condition not hold unless the rest decides.

#include <qrules/match/evaluate.h>

#include <cmath>

#include <qrules/graph/text.h>
#include <qrules/match/reason.h>

namespace qrules {
namespace {

class Evaluator {
 public:
  Evaluator(const Bindings& bindings, const FunctionContext& context) : bindings_(bindings), context_(context) {}

  Evaluated run(const Expression& expression) {
    switch (expression.kind) {
      case ExpressionKind::literal: return expression.literal;
      case ExpressionKind::slot: return slot(expression);
      case ExpressionKind::bound: return Argument(bindings_[expression.slot].bound);
      case ExpressionKind::list: return list(expression);
      case ExpressionKind::call: return call(expression);
      case ExpressionKind::logical_not: {
        Evaluated value = run(expression.operands[0]);
        const bool* truth = truth_of(value);
        return truth ? Evaluated(Argument(!*truth)) : not_known(std::move(value));
      }
      case ExpressionKind::logical_and: return logical(expression, false);
      case ExpressionKind::logical_or: return logical(expression, true);
      case ExpressionKind::conditional: {
        Evaluated condition = run(expression.operands[1]);
        const bool* truth = truth_of(condition);
        if (!truth) return not_known(std::move(condition));
        return run(expression.operands[*truth ? 0 : 2]);
      }
      case ExpressionKind::for_all: return loop(expression, false);
      case ExpressionKind::for_any: return loop(expression, true);
      default: break;
    }
    std::vector<Argument> operands;
    for (const Expression& operand : expression.operands) {
      Evaluated value = run(operand);
      if (std::holds_alternative<Unknown>(value)) return value;
      operands.push_back(std::get<Argument>(std::move(value)));
    }
    switch (expression.kind) {
      case ExpressionKind::negate: return negate(operands[0]);
      case ExpressionKind::equal: return Argument(operands[0] == operands[1]);
      case ExpressionKind::not_equal: return Argument(!(operands[0] == operands[1]));
      case ExpressionKind::in:
      case ExpressionKind::not_in: return membership(operands, expression.kind == ExpressionKind::in);
      case ExpressionKind::less:
      case ExpressionKind::less_equal:
      case ExpressionKind::greater:
      case ExpressionKind::greater_equal: return order(expression.kind, operands);
      default: return arithmetic(expression.kind, operands);
    }
  }

 private:
  static const bool* truth_of(const Evaluated& value) {
    const Argument* argument = std::get_if<Argument>(&value);
    return argument ? argument->get_if<bool>() : nullptr;
  }
  static Evaluated not_known(Evaluated value) {
    if (std::holds_alternative<Unknown>(value)) return value;
    return Unknown{"it is neither true nor false"};
  }

  Evaluated slot(const Expression& expression) {
    const Binding& binding = bindings_[expression.slot];
    if (binding.bound) return binding.value;
    if (context_.insert_before) return Argument();  // in a rewrite what was not matched is None
    return Unknown{std::string(expression.span.text()) + " is not bound in this match"};
  }

  Evaluated list(const Expression& expression) {
    Argument::List elements;
    for (const Expression& operand : expression.operands) {
      Evaluated value = run(operand);
      if (std::holds_alternative<Unknown>(value)) return value;
      elements.push_back(std::get<Argument>(std::move(value)));
    }
    return Argument(std::move(elements));
  }

  Evaluated call(const Expression& expression) {
    std::vector<Argument> arguments;
    for (size_t i = 0; i < expression.operands.size(); ++i) {
      Evaluated value = run(expression.operands[i]);
      if (std::holds_alternative<Unknown>(value)) return value;
      arguments.push_back(std::get<Argument>(std::move(value)));
      // Types that are only known now: functions rely on theirs.
      const std::vector<FunctionParameter>& parameters = expression.function->parameters;
      const ExpressionType wanted = parameters[std::min(i, parameters.size() - 1)].type;
      if (!has_type(arguments.back(), wanted)) {
        return Unknown{std::string(expression.operands[i].span.text()) + " is " +
                       print(arguments.back(), context_.graph.dims()) + ", not " + std::string(name(wanted))};
      }
    }
    return expression.function->evaluate(context_, arguments);
  }

  static bool has_type(const Argument& value, ExpressionType wanted) {
    switch (wanted) {
      case ExpressionType::node: return value.node() != nullptr;
      case ExpressionType::number: return value.number().has_value() || value.get_if<Dim>();
      case ExpressionType::integer:
      case ExpressionType::size: return value.get_if<int64_t>() || value.get_if<Dim>();
      case ExpressionType::boolean: return value.get_if<bool>() != nullptr;
      case ExpressionType::text: return value.get_if<std::string>() != nullptr;
      case ExpressionType::dtype: return value.get_if<DType>() != nullptr;
      case ExpressionType::keyword: return value.get_if<Keyword>() != nullptr;
      case ExpressionType::list: return value.list() != nullptr;
      case ExpressionType::none: return value.is_none();
      case ExpressionType::any: return true;
    }
    return true;
  }

  // `decisive`: the value of one of the parts that settles the whole. Without it, what is not known makes the whole not
  // known.
  template <typename Part>
  static Evaluated settle(size_t count, bool decisive, Part&& part) {
    std::optional<Unknown> unknown;
    for (size_t i = 0; i < count; ++i) {
      Evaluated value = part(i);
      if (const bool* truth = truth_of(value)) {
        if (*truth == decisive) return Argument(decisive);
      } else if (!unknown) {
        unknown = std::get<Unknown>(not_known(std::move(value)));
      }
    }
    if (unknown) return *unknown;
    return Argument(!decisive);
  }

  Evaluated logical(const Expression& expression, bool decisive) {
    return settle(expression.operands.size(), decisive, [&](size_t i) { return run(expression.operands[i]); });
  }

  Evaluated loop(const Expression& expression, bool decisive) {
    std::vector<Argument::List> lists;
    for (size_t i = 1; i < expression.operands.size(); ++i) {
      Evaluated value = run(expression.operands[i]);
      if (std::holds_alternative<Unknown>(value)) return value;
      const Argument& given = std::get<Argument>(value);
      if (!given.list()) return Unknown{std::string(expression.operands[i].span.text()) + " is no list here"};
      lists.push_back(*given.list());
      if (lists.back().size() != lists.front().size()) return Unknown{"the lists differ in length"};
    }
    Bindings inner = bindings_;
    Evaluator body(inner, context_);
    return settle(lists.front().size(), decisive, [&](size_t i) {
      for (size_t j = 0; j < lists.size(); ++j) inner[expression.loop_slots[j]] = {true, lists[j][i]};
      return body.run(expression.operands[0]);
    });
  }

  Evaluated membership(const std::vector<Argument>& operands, bool wanted) {
    const Argument::List* list = operands[1].list();
    if (!list) return Unknown{"what follows `in` is no list here"};
    for (const Argument& element : *list) {
      if (element == operands[0]) return Argument(wanted);
    }
    return Argument(!wanted);
  }

  Evaluated negate(const Argument& value) {
    if (const int64_t* integer = value.get_if<int64_t>(); integer && *integer != INT64_MIN) return Argument(-*integer);
    if (auto number = value.number()) return Argument(-*number);
    return Unknown{"it is no number here"};
  }

  Evaluated order(ExpressionKind kind, const std::vector<Argument>& operands) {
    const auto a = operands[0].number(), b = operands[1].number();
    if (a && b) return Argument(in_order(kind, *a, *b));
    const Dim* left = operands[0].get_if<Dim>();
    const Dim* right = operands[1].get_if<Dim>();
    if (const auto truth = left && b    ? order_of_size(kind, *left, *b)
                           : right && a ? order_of_size(mirrored(kind), *right, *a)
                                        : std::nullopt)
      return Argument(*truth);
    return Unknown{"the order of " + shown(operands[0]) + " and " + shown(operands[1]) + " is not known"};
  }

  static bool in_order(ExpressionKind kind, double a, double b) {
    switch (kind) {
      case ExpressionKind::less: return a < b;
      case ExpressionKind::less_equal: return a <= b;
      case ExpressionKind::greater: return a > b;
      default: return a >= b;
    }
  }

  static ExpressionKind mirrored(ExpressionKind kind) {
    switch (kind) {
      case ExpressionKind::less: return ExpressionKind::greater;
      case ExpressionKind::less_equal: return ExpressionKind::greater_equal;
      case ExpressionKind::greater: return ExpressionKind::less;
      default: return ExpressionKind::less_equal;
    }
  }

  // What the least value of a symbolic size decides of size `kind` number: that it is above, or not below.
  std::optional<bool> order_of_size(ExpressionKind kind, Dim size, double number) const {
    const auto least = context_.graph.dims().least(size);
    if (!least) return std::nullopt;
    const bool truth = in_order(kind, static_cast<double>(*least), number);
    const bool above = kind == ExpressionKind::greater || kind == ExpressionKind::greater_equal;
    return truth == above ? std::optional(truth) : std::nullopt;
  }

  Evaluated arithmetic(ExpressionKind kind, const std::vector<Argument>& operands) {
    if (kind == ExpressionKind::add && operands[0].list() && operands[1].list()) {
      Argument::List joined = *operands[0].list();
      joined.insert(joined.end(), operands[1].list()->begin(), operands[1].list()->end());
      return Argument(std::move(joined));
    }
    const int64_t* left = operands[0].get_if<int64_t>();
    const int64_t* right = operands[1].get_if<int64_t>();
    if (left && right && kind != ExpressionKind::divide) return integer_arithmetic(kind, *left, *right);
    if (operands[0].get_if<Dim>() || operands[1].get_if<Dim>()) return size_arithmetic(kind, operands);
    const auto a = operands[0].number(), b = operands[1].number();
    if (!a || !b) return Unknown{shown(operands[a ? 1 : 0]) + " is no number"};
    switch (kind) {
      case ExpressionKind::add: return Argument(*a + *b);
      case ExpressionKind::subtract: return Argument(*a - *b);
      case ExpressionKind::multiply: return Argument(*a * *b);
      default: break;
    }
    if (*b == 0) return Unknown{"division by zero"};
    if (kind == ExpressionKind::divide) return Argument(*a / *b);
    if (kind == ExpressionKind::floor_divide) return Argument(std::floor(*a / *b));
    return Argument(*a - *b * std::floor(*a / *b));
  }

  static Evaluated integer_arithmetic(ExpressionKind kind, int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflow = false;
    switch (kind) {
      case ExpressionKind::add: overflow = __builtin_add_overflow(a, b, &result); break;
      case ExpressionKind::subtract: overflow = __builtin_sub_overflow(a, b, &result); break;
      case ExpressionKind::multiply: overflow = __builtin_mul_overflow(a, b, &result); break;
      default: {
        if (b == 0) return Unknown{"division by zero"};
        if (a == INT64_MIN && b == -1) return Unknown{"a number is out of range"};
        const int64_t quotient = a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
        result = kind == ExpressionKind::floor_divide ? quotient : a - quotient * b;
      }
    }
    if (overflow) return Unknown{"a number is out of range"};
    return Argument(result);
  }

  Evaluated size_arithmetic(ExpressionKind kind, const std::vector<Argument>& operands) {
    Dim dims[2];
    for (size_t i = 0; i < 2; ++i) {
      if (const Dim* dim = operands[i].get_if<Dim>())
        dims[i] = *dim;
      else if (const int64_t* integer = operands[i].get_if<int64_t>(); integer && *integer >= 0)
        dims[i] = Dim(*integer);
      else
        return Unknown{shown(operands[i]) + " is no size"};
    }
    DimTable& table = context_.graph.dims();
    switch (kind) {
      case ExpressionKind::add: return Argument(table.add(dims[0], dims[1]));
      case ExpressionKind::subtract: return Argument(table.subtract(dims[0], dims[1]));
      case ExpressionKind::multiply: return Argument(table.multiply(dims[0], dims[1]));
      case ExpressionKind::floor_divide:
      case ExpressionKind::modulo:
        if (dims[1] == Dim(0)) return Unknown{"division by zero"};
        return Argument(kind == ExpressionKind::modulo ? table.modulo(dims[0], dims[1])
                                                       : table.floor_divide(dims[0], dims[1]));
      default: return Unknown{"a symbolic size has no quotient"};
    }
  }

  std::string shown(const Argument& value) const { return print(value, context_.graph.dims()); }

  const Bindings& bindings_;
  const FunctionContext& context_;
};

}  // namespace

Evaluated evaluate(const Expression& expression, const Bindings& bindings, const FunctionContext& context) {
  return Evaluator(bindings, context).run(expression);
}

Verdict check(const Condition& condition, const Rule& rule, const Bindings& bindings, const FunctionContext& context,
              bool explain) {
  Evaluated value = evaluate(condition.expression, bindings, context);
  Verdict verdict;
  const Argument* argument = std::get_if<Argument>(&value);
  const bool* truth = argument ? argument->get_if<bool>() : nullptr;
  verdict.holds = truth && *truth;
  if (!verdict.holds && explain) verdict.reason = why_not(condition.expression, rule, bindings, context);
  return verdict;
}

}  // namespace qrules
