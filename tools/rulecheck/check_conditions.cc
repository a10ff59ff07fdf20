// Conditions of a rule that contradict each other, follow from each other, or are always true: see checks.h.
//
// Conditions are split at `and` into atoms. An atom that compares one term (rank(%x), dtype(%x), %low, constant(%w))
// with literals restricts that term to a domain: some values, all but some, or an interval. Two atoms of one term
// contradict each other when their domains do not meet, and one follows from the other when its domain contains the
// other's. The pattern and the functions restrict terms as well: a literal argument, a rank that is not negative.
// Anything else (loops, arithmetic between names, `or` over several terms) restricts nothing, so what is not decided is
// not reported. Domains are compared in pairs: three conditions that only together contradict are not found.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <qrules/graph/text.h>
#include <rulecheck/checks.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Domain {
  std::optional<std::vector<Argument>> only;
  std::vector<Argument> without;
  double low = -kInfinity, high = kInfinity;
  bool low_open = false, high_open = false;

  bool interval() const { return !only && (low > -kInfinity || high < kInfinity); }
  bool contains(const Argument& value) const {
    const auto is_it = [&](const Argument& other) { return other == value; };
    if (only && std::none_of(only->begin(), only->end(), is_it)) return false;
    if (std::any_of(without.begin(), without.end(), is_it)) return false;
    if (low == -kInfinity && high == kInfinity) return true;
    const auto number = value.number();
    return number && (low_open ? *number > low : *number >= low) && (high_open ? *number < high : *number <= high);
  }
  // No value in both. False when that is not certain.
  bool misses(const Domain& other) const {
    for (const auto& [finite, rest] : {std::pair(this, &other), std::pair(&other, this)}) {
      if (finite->only)
        return std::none_of(finite->only->begin(), finite->only->end(),
                            [&, r = rest](const Argument& value) { return r->contains(value); });
    }
    const double least = std::max(low, other.low), most = std::min(high, other.high);
    if (least > most) return true;
    const bool open = (least == low && low_open) || (least == other.low && other.low_open) ||
                      (most == high && high_open) || (most == other.high && other.high_open);
    return least == most && open;
  }
  // Every value of this one is in the other. False when that is not certain.
  bool inside(const Domain& other) const {
    if (only)
      return std::all_of(only->begin(), only->end(), [&](const Argument& value) { return other.contains(value); });
    if (other.only) return false;
    if (low < other.low || (low == other.low && other.low_open && !low_open)) return false;
    if (high > other.high || (high == other.high && other.high_open && !high_open)) return false;
    return std::none_of(other.without.begin(), other.without.end(),
                        [&](const Argument& value) { return contains(value); });
  }
};

// One restriction of one term, with its place.
struct Atom {
  std::string term;
  Domain domain;
  Span span;           // of the atom as written
  Span condition;      // of the line of `where`
  std::string source;  // for people: why it holds, when no condition says it
  bool integral = false;
  bool own = false;  // written in the rule, not in a predicate's body
  bool whole = false;
};

ExpressionKind flipped(ExpressionKind kind) {
  switch (kind) {
    case ExpressionKind::less: return ExpressionKind::greater;
    case ExpressionKind::less_equal: return ExpressionKind::greater_equal;
    case ExpressionKind::greater: return ExpressionKind::less;
    case ExpressionKind::greater_equal: return ExpressionKind::less_equal;
    default: return kind;
  }
}

ExpressionKind negated(ExpressionKind kind) {
  switch (kind) {
    case ExpressionKind::equal: return ExpressionKind::not_equal;
    case ExpressionKind::not_equal: return ExpressionKind::equal;
    case ExpressionKind::less: return ExpressionKind::greater_equal;
    case ExpressionKind::less_equal: return ExpressionKind::greater;
    case ExpressionKind::greater: return ExpressionKind::less_equal;
    case ExpressionKind::greater_equal: return ExpressionKind::less;
    case ExpressionKind::in: return ExpressionKind::not_in;
    case ExpressionKind::not_in: return ExpressionKind::in;
    default: return kind;
  }
}

bool is_comparison(ExpressionKind kind) { return negated(kind) != kind; }

// Functions whose value is a count.
bool is_count(const Expression& expression) {
  static const std::set<std::string, std::less<>> kCounts{"rank", "users", "users_besides", "len", "numel"};
  return expression.kind == ExpressionKind::call && kCounts.count(expression.function->name) > 0;
}

class Reader {
 public:
  explicit Reader(const Rule& rule) : rule_(rule) {}

  std::vector<Atom> read() {
    for (const Condition& condition : rule_.conditions) {
      whole_ = &condition.expression;
      condition_ = condition.expression.span;
      conjunct(condition.expression, false);
    }
    return std::move(atoms_);
  }

  // The text of a term; nothing for what has no single value.
  std::optional<std::string> text(const Expression& expression) const {
    switch (expression.kind) {
      case ExpressionKind::literal: return print(expression.literal, DimTable());
      case ExpressionKind::slot:
        // A name that may be unbound or a loop's is no fixed term, but it is the same one each time.
        return "%" + rule_.slots[expression.slot].name;
      case ExpressionKind::call:
        return expression.function->makes_values ? std::nullopt : joined(expression.function->name + "(", expression);
      case ExpressionKind::list: return joined("[", expression);
      case ExpressionKind::bound: return "bound(%" + rule_.slots[expression.slot].name + ")";
      case ExpressionKind::negate:
      case ExpressionKind::add:
      case ExpressionKind::subtract:
      case ExpressionKind::multiply:
      case ExpressionKind::divide:
      case ExpressionKind::floor_divide:
      case ExpressionKind::modulo:
        return joined("op" + std::to_string(static_cast<int>(expression.kind)) + "(", expression);
      default: return std::nullopt;
    }
  }

 private:
  std::optional<std::string> joined(std::string text_so_far, const Expression& expression) const {
    for (const Expression& operand : expression.operands) {
      auto part = text(operand);
      if (!part) return std::nullopt;
      text_so_far += *part + ",";
    }
    return text_so_far + ")";
  }

  // A literal, also a negative number.
  static std::optional<Argument> literal(const Expression& expression) {
    if (expression.kind == ExpressionKind::literal) return expression.literal;
    if (expression.kind != ExpressionKind::negate || expression.operands[0].kind != ExpressionKind::literal)
      return std::nullopt;
    const Argument& value = expression.operands[0].literal;
    if (const auto* integer = value.get_if<int64_t>()) return Argument(-*integer);
    if (const auto* real = value.get_if<double>()) return Argument(-*real);
    return std::nullopt;
  }

  static std::optional<std::vector<Argument>> literals(const Expression& list) {
    if (list.kind != ExpressionKind::list) return std::nullopt;
    std::vector<Argument> values;
    for (const Expression& element : list.operands) {
      auto value = literal(element);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return values;
  }

  void conjunct(const Expression& expression, bool negative) {
    if (expression.kind == ExpressionKind::logical_not) return conjunct(expression.operands[0], !negative);
    const bool both = expression.kind == (negative ? ExpressionKind::logical_or : ExpressionKind::logical_and);
    if (both) {
      for (const Expression& operand : expression.operands) conjunct(operand, negative);
      return;
    }
    if (auto atom = read_atom(expression, negative)) atoms_.push_back(std::move(*atom));
  }

  std::optional<Atom> read_atom(const Expression& expression, bool negative) const {
    Atom atom;
    atom.span = expression.span;
    atom.condition = condition_;
    atom.own = expression.span.file == condition_.file && expression.span.begin >= condition_.begin &&
               expression.span.end <= condition_.end;
    atom.whole = &expression == whole_;
    if (is_comparison(expression.kind)) return comparison(expression, negative, std::move(atom));
    if (expression.type != ExpressionType::boolean) return std::nullopt;
    if (expression.kind != ExpressionKind::call && expression.kind != ExpressionKind::bound) return std::nullopt;
    auto term = text(expression);
    if (!term) return std::nullopt;
    atom.term = std::move(*term);
    atom.domain.only = {Argument(!negative)};
    return atom;
  }

  std::optional<Atom> comparison(const Expression& expression, bool negative, Atom atom) const {
    const Expression* left = &expression.operands[0];
    const Expression* right = &expression.operands[1];
    ExpressionKind kind = negative ? negated(expression.kind) : expression.kind;
    if (literal(*left) && kind != ExpressionKind::in && kind != ExpressionKind::not_in) {
      std::swap(left, right);
      kind = flipped(kind);
    }
    auto term = text(*left);
    if (!term || literal(*left)) return std::nullopt;
    atom.term = std::move(*term);
    atom.integral = left->type == ExpressionType::integer || left->type == ExpressionType::size;
    if (kind == ExpressionKind::in || kind == ExpressionKind::not_in) {
      auto values = literals(*right);
      if (!values) return std::nullopt;
      if (kind == ExpressionKind::in)
        atom.domain.only = std::move(values);
      else
        atom.domain.without = std::move(*values);
      return atom;
    }
    const std::optional<Argument> value = literal(*right);
    if (!value) return between_terms(*right, kind, std::move(atom));
    if (kind == ExpressionKind::equal) atom.domain.only = {*value};
    if (kind == ExpressionKind::not_equal) atom.domain.without = {*value};
    if (kind == ExpressionKind::equal || kind == ExpressionKind::not_equal) return atom;
    const auto number = value->number();
    if (!number) return std::nullopt;
    const bool below = kind == ExpressionKind::less || kind == ExpressionKind::less_equal;
    const bool open = kind == ExpressionKind::less || kind == ExpressionKind::greater;
    (below ? atom.domain.high : atom.domain.low) = *number;
    (below ? atom.domain.high_open : atom.domain.low_open) = open;
    if (atom.integral && open && std::floor(*number) == *number) {
      // Of whole numbers: below 3 is at most 2.
      (below ? atom.domain.high : atom.domain.low) += below ? -1 : 1;
      (below ? atom.domain.high_open : atom.domain.low_open) = false;
    }
    return atom;
  }

  // Two terms: whether they are equal is a term of its own.
  std::optional<Atom> between_terms(const Expression& right, ExpressionKind kind, Atom atom) const {
    auto other = text(right);
    if (!other) return std::nullopt;
    if (kind == ExpressionKind::equal || kind == ExpressionKind::not_equal) {
      const bool equal = kind == ExpressionKind::equal;
      atom.term = "equal " + std::min(atom.term, *other) + " " + std::max(atom.term, *other);
      atom.domain.only = {Argument(equal)};
      atom.integral = false;
      return atom;
    }
    return std::nullopt;
  }

  const Rule& rule_;
  const Expression* whole_ = nullptr;
  Span condition_;
  std::vector<Atom> atoms_;
};

// What the pattern and the functions say of the terms that the conditions use.
class Facts {
 public:
  Facts(const Rule& rule, const OperatorTable& operators) : rule_(rule), operators_(operators), reader_(rule) {
    for (const Condition& condition : rule.conditions) collect(condition.expression);
  }
  const std::vector<Atom>& atoms() const { return atoms_; }

 private:
  void add(const Expression& expression, Domain domain, std::string source, const Span& span = {}) {
    auto term = reader_.text(expression);
    if (!term) return;
    Atom atom;
    atom.term = std::move(*term);
    atom.domain = std::move(domain);
    atom.source = std::move(source);
    atom.span = span;
    atoms_.push_back(std::move(atom));
  }

  static Domain exactly(Argument value) {
    Domain domain;
    domain.only = {std::move(value)};
    return domain;
  }

  void collect(const Expression& expression) {
    for (const Expression& operand : expression.operands) collect(operand);
    if (is_count(expression)) {
      Domain domain;
      domain.low = 0;
      add(expression, std::move(domain), "a count is at least 0");
    }
    if (expression.kind == ExpressionKind::bound && !rule_.slots[expression.slot].may_be_unbound)
      add(expression, exactly(true), "every match binds the name", rule_.slots[expression.slot].span);
    if (expression.kind != ExpressionKind::call || expression.operands.empty()) return;
    const std::string& function = expression.function->name;
    const Expression& first = expression.operands[0];
    if (first.kind != ExpressionKind::slot) return;
    const Slot& slot = rule_.slots[first.slot];
    if (function == "is_none" && is_required_node(first.slot))
      add(expression, exactly(false), "the pattern takes a node here", slot.span);
    if (function == "is_node" && is_required_node(first.slot))
      add(expression, exactly(true), "the pattern takes a node here", slot.span);
    if (slot.pattern == kNoPattern || slot.may_be_unbound || slot.is_list) return;
    const Pattern& pattern = rule_.patterns[slot.pattern];
    if (pattern.kind != PatternKind::call || !pattern.operators.regexes.empty() || pattern.operators.ops.empty())
      return;
    if (function == "op") {
      Domain domain;
      domain.only.emplace();
      for (const OpId op : pattern.operators.ops) domain.only->push_back(Argument(operators_.name(op)));
      add(expression, std::move(domain), "the pattern names the operator", pattern.span);
    }
    if (function == "arg" && expression.operands.size() == 2) argument(expression, pattern);
  }

  void argument(const Expression& expression, const qrules::Pattern& pattern) {
    const std::string* wanted = expression.operands[1].literal.get_if<std::string>();
    if (!wanted) return;
    // The same place in all operators that it may be.
    std::optional<size_t> index;
    for (const OpId op : pattern.operators.ops) {
      const Signature* signature = operators_.signature(op);
      const auto found = signature ? signature->find(*wanted) : std::nullopt;
      if (!found || (index && *index != *found)) return;
      index = *found;
    }
    for (const auto& [parameter, value] : pattern.defaults) {
      if (parameter == *index) add(expression, exactly(value), "the pattern leaves it at its default", pattern.span);
    }
    for (const PatternArgument& given : pattern.arguments) {
      const Pattern& value = rule_.patterns[given.pattern];
      if (given.parameter == *index && value.kind == PatternKind::literal && !pattern.commutative)
        add(expression, exactly(value.literal), "the pattern gives it", value.span);
    }
  }

  bool is_required_node(SlotId id) const {
    const Slot& slot = rule_.slots[id];
    if (slot.may_be_unbound || slot.is_list) return false;
    bool found = false;
    for (const Pattern& pattern : rule_.patterns) {
      if (std::find(pattern.slots.begin(), pattern.slots.end(), id) == pattern.slots.end()) continue;
      const bool node = pattern.kind == PatternKind::call ||
                        (pattern.kind == PatternKind::value && pattern.node_required && !pattern.optional);
      if (!node) return false;
      found = true;
    }
    return found;
  }

  const Rule& rule_;
  const OperatorTable& operators_;
  Reader reader_;
  std::vector<Atom> atoms_;
};

Span place_of(const Atom& atom) { return atom.own ? atom.span : atom.condition; }

Diagnostic with_reason(Diagnostic diagnostic, const Atom& reason) {
  if (!reason.source.empty()) {
    diagnostic.notes.push_back(reason.source);
    if (reason.span) diagnostic.labels.push_back({reason.span, "here"});
  } else {
    diagnostic.labels.push_back({place_of(reason), diagnostic.kind == &kContradiction ? "and this" : "says it"});
  }
  return diagnostic;
}

// Findings of one instance of a rule.
std::vector<Diagnostic> findings(const Rule& rule, const OperatorTable& operators) {
  std::vector<Diagnostic> found;
  const std::vector<Atom> atoms = Reader(rule).read();
  const Facts facts(rule, operators);
  std::set<size_t> reported;
  const auto report = [&](size_t i, Diagnostic diagnostic) {
    if (reported.insert(i).second) found.push_back(std::move(diagnostic));
  };
  for (size_t i = 0; i < atoms.size(); ++i) {
    const Atom& atom = atoms[i];
    const std::string written(place_of(atom).text());
    for (const Atom& fact : facts.atoms()) {
      if (fact.term != atom.term) continue;
      if (atom.domain.misses(fact.domain))
        report(i, with_reason(Diagnostic(kContradiction, place_of(atom), "never true")
                                  .with("rule", rule.base_name)
                                  .with("condition", written)
                                  .help("the rule can never fire: change the condition or the pattern"),
                              fact));
      else if (atom.own && fact.domain.inside(atom.domain))
        report(i, with_reason(Diagnostic(kAlwaysTrue, place_of(atom), "always true")
                                  .with("rule", rule.base_name)
                                  .with("condition", written)
                                  .help("remove it, or ask what was meant"),
                              fact));
    }
    if (atom.term.rfind("equal ", 0) == 0) {
      // A term compared with itself.
      const std::string rest = atom.term.substr(6);
      const size_t half = rest.size() / 2;
      const bool same = rest.size() % 2 == 1 && rest[half] == ' ' && rest.compare(0, half, rest, half + 1, half) == 0;
      if (same && atom.own) {
        const bool equal = atom.domain.contains(Argument(true));
        report(i, Diagnostic(equal ? kAlwaysTrue : kContradiction, place_of(atom), "both sides are the same")
                      .with("rule", rule.base_name)
                      .with("condition", written)
                      .help("compare it with something else"));
      }
    }
    for (size_t j = 0; j < atoms.size(); ++j) {
      const Atom& other = atoms[j];
      if (i == j || other.term != atom.term) continue;
      if (j < i && atom.domain.misses(other.domain))
        report(i, with_reason(Diagnostic(kContradiction, place_of(atom), "never true together")
                                  .with("rule", rule.base_name)
                                  .with("condition", written)
                                  .help("the rule can never fire: join the two with `or`, or remove one"),
                              other));
      // Of two that say the same, the second one is too much.
      const bool implied = other.domain.inside(atom.domain) && (j < i || !atom.domain.inside(other.domain));
      if (implied && atom.own && !reported.count(j))
        report(i, with_reason(Diagnostic(kImpliedCondition, place_of(atom), "says nothing more")
                                  .with("rule", rule.base_name)
                                  .with("condition", written)
                                  .help("remove it"),
                              other));
    }
  }
  return found;
}

}  // namespace

Diagnostics check_conditions(const RuleSet& rules, const std::string& filter) {
  Diagnostics result;
  std::map<std::string, std::vector<const Rule*>> by_name;
  for (const Rule& rule : rules.rules) {
    if (chosen(rule, filter)) by_name[rule.base_name].push_back(&rule);
  }
  for (const auto& [name, instances] : by_name) {
    // What is so in some instances of a template only is how it was meant.
    std::map<std::pair<std::string, size_t>, std::pair<size_t, Diagnostic>> counted;
    for (const Rule* instance : instances) {
      for (Diagnostic& diagnostic : findings(*instance, *rules.operators)) {
        auto& entry = counted[{diagnostic.kind->code, diagnostic.labels.front().span.begin}];
        if (entry.first++ == 0) entry.second = std::move(diagnostic);
      }
    }
    for (auto& [place, entry] : counted) {
      if (entry.first == instances.size()) result.add(std::move(entry.second));
    }
  }
  return result;
}

}  // namespace qrules::tools
