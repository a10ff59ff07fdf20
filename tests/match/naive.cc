// Recursion over Rule::patterns with continuations. Nothing is precomputed, shared between rules or reordered: patterns
// are visited as they are written, and every choice is undone before the next is tried.

#include "naive.h"

#include <algorithm>
#include <functional>
#include <optional>

#include <re2/re2.h>

#include <qrules/match/evaluate.h>

namespace qrules::testing {
namespace {

using Value = std::optional<Argument>;  // nothing: there is no such argument
using Next = std::function<bool()>;     // true: stop, what was found is enough

class Matcher {
 public:
  Matcher(const Rule& rule, Graph& graph, Node* root)
      : rule_(rule), graph_(graph), root_(root), bindings_(rule.slots.size()), seen_(rule.patterns.size()) {}

  std::vector<Match> run() {
    visit(rule_.root, Argument(root_), [&] { return extra_roots(0); });
    return std::move(found_);
  }

 private:
  // Statements that the root does not reach may be anywhere: the names they share tie them to the rest.
  bool extra_roots(size_t i) {
    if (i == rule_.extra_roots.size()) return report();
    for (Node* node : graph_.nodes()) {
      if (visit(rule_.extra_roots[i], Argument(node), [&] { return extra_roots(i + 1); })) return true;
    }
    return false;
  }

  bool report() {
    Match match;
    match.rule = &rule_;
    match.root = root_;
    for (const Value& value : bindings_) match.bindings.push_back(value ? Binding{true, *value} : Binding{});
    for (Node* node : nodes_) {
      if (std::find(match.nodes.begin(), match.nodes.end(), node) == match.nodes.end()) match.nodes.push_back(node);
    }
    const FunctionContext context{graph_, root_, nullptr};
    for (const Condition& condition : rule_.conditions) {
      if (!check(condition, rule_, match.bindings, context, false).holds) return false;
    }
    found_.push_back(std::move(match));
    return false;
  }

  // A pattern that was visited before (the same statement) stands for the same value.
  bool visit(PatternId id, const Value& value, const Next& next) {
    if (seen_[id]) return *seen_[id] == value && value && next();
    seen_[id] = value;
    const bool stop = bind(rule_.patterns[id].slots, 0, value, [&] { return match(id, value, next); });
    seen_[id].reset();
    return stop;
  }

  bool bind(const std::vector<SlotId>& slots, size_t i, const Value& value, const Next& next) {
    if (i == slots.size()) return next();
    Value& bound = bindings_[slots[i]];
    if (bound) return bound == value && bind(slots, i + 1, value, next);
    bound = value;
    const bool stop = bind(slots, i + 1, value, next);
    if (!stop) bound.reset();
    return stop;
  }

  bool match(PatternId id, const Value& value, const Next& next) {
    const Pattern& pattern = rule_.patterns[id];
    switch (pattern.kind) {
      case PatternKind::any: return next();
      case PatternKind::value:
        if (pattern.optional) return next();
        if (!value || value->is_none() || (pattern.node_required && !value->node())) return false;
        return next();
      case PatternKind::literal: return value && *value == pattern.literal && next();
      case PatternKind::call: {
        return call(pattern, value, kNoPattern, [&](const Value&) { return next(); });
      }
      case PatternKind::list: {
        const Argument::List* list = value ? value->list() : nullptr;
        return list && list->size() == pattern.children.size() && elements(pattern, *list, 0, next);
      }
      case PatternKind::each: return each(pattern, value, next);
      case PatternKind::alternative:
        return std::any_of(pattern.children.begin(), pattern.children.end(),
                           [&](PatternId child) { return visit(child, value, next); });
      case PatternKind::optional: {
        const Pattern& inner = rule_.patterns[pattern.children[0]];
        const PatternId through = inner.arguments[0].pattern;
        const bool stop = bind(inner.slots, 0, value, [&] {
          return call(inner, value, through, [&](const Value& below) { return visit(through, below, next); });
        });
        return stop || visit(through, value, next);
      }
      case PatternKind::repeat: return chain(pattern, value, next);
      case PatternKind::siblings: return siblings(pattern, value, next);
    }
    return false;
  }

  bool elements(const Pattern& pattern, const Argument::List& list, size_t i, const Next& next) {
    if (i == list.size()) return next();
    return visit(pattern.children[i], list[i], [&] { return elements(pattern, list, i + 1, next); });
  }

  bool says_nothing(PatternId id) const {
    return rule_.patterns[id].kind == PatternKind::any && rule_.patterns[id].slots.empty();
  }

  // `through`: not visited as the call's first argument; its value is handed to `next` (chains go on there).
  bool call(const Pattern& pattern, const Value& value, PatternId through,
            const std::function<bool(const Value&)>& next) {
    Node* node = value ? value->node() : nullptr;
    if (!node || !node->is_call() || !is_operator(pattern.operators, node->op())) return false;
    nodes_.push_back(node);
    bool stop = operands(pattern, *node, false, through, next);
    // The other order, when that is another question.
    const bool asks = std::any_of(pattern.arguments.begin(), pattern.arguments.end(), [&](const PatternArgument& a) {
      return a.parameter < 2 && !says_nothing(a.pattern);
    });
    if (!stop && pattern.commutative && asks && !(node->argument(0) == node->argument(1)))
      stop = operands(pattern, *node, true, through, next);
    if (!stop) nodes_.pop_back();
    return stop;
  }

  bool operands(const Pattern& pattern, const Node& node, bool swapped, PatternId through,
                const std::function<bool(const Value&)>& next) {
    for (const auto& [parameter, wanted] : pattern.defaults) {
      const Value given = operand(node, parameter, swapped);
      if (!given || !(*given == wanted)) return false;
    }
    return arguments(pattern, node, swapped, through == kNoPattern ? 0 : 1, [&] {
      return next(pattern.arguments.empty() ? Value() : operand(node, pattern.arguments[0].parameter, swapped));
    });
  }

  bool arguments(const Pattern& pattern, const Node& node, bool swapped, size_t i, const Next& next) {
    if (i == pattern.arguments.size()) return next();
    const PatternArgument& argument = pattern.arguments[i];
    return visit(argument.pattern, operand(node, argument.parameter, swapped),
                 [&] { return arguments(pattern, node, swapped, i + 1, next); });
  }

  static Value operand(const Node& node, size_t parameter, bool swapped) {
    if (swapped && parameter < 2) parameter = 1 - parameter;
    return parameter < node.arguments().size() ? Value(node.argument(parameter)) : Value();
  }

  bool is_operator(const OperatorSet& set, OpId op) const {
    if (std::find(set.ops.begin(), set.ops.end(), op) != set.ops.end()) return true;
    return std::any_of(set.regexes.begin(), set.regexes.end(), [&](const std::string& regex) {
      return re2::RE2::FullMatch(graph_.operators().name(op), regex);
    });
  }

  // The first way in which each link matches counts; lengths are tried from the longest.
  bool chain(const Pattern& pattern, const Value& value, const Next& next) {
    const Pattern& link = rule_.patterns[pattern.children[0]];
    const PatternId through = link.arguments[0].pattern;
    struct End {
      Value value;
      std::vector<Node*> nodes;
    };
    const std::vector<Node*> before = nodes_;
    std::vector<End> ends{{value, before}};
    while (call(link, ends.back().value, through, [&](const Value& below) {
      ends.push_back({below, nodes_});
      return true;
    })) {
    }
    bool stop = false;
    while (!stop && ends.size() > pattern.minimum) {
      nodes_ = ends.back().nodes;
      stop = visit(through, ends.back().value, next);
      ends.pop_back();
    }
    if (!stop) nodes_ = before;
    return stop;
  }

  // Each element in its own scope; the first way in which it matches counts. Names of the scope bind lists outside it.
  bool each(const Pattern& pattern, const Value& value, const Next& next) {
    const Argument::List* list = value ? value->list() : nullptr;
    if (!list || list->empty()) return false;
    std::vector<SlotId> inner;
    names_below(pattern.children[0], inner);
    std::vector<Argument::List> collected(inner.size());
    const std::vector<Value> outer_bindings = bindings_;
    const std::vector<std::optional<Value>> outer_seen = seen_;
    const std::vector<Node*> outer_nodes = nodes_;
    const auto restore = [&] {
      bindings_ = outer_bindings;
      seen_ = outer_seen;
    };
    for (const Argument& element : *list) {
      const bool matched = visit(pattern.children[0], element, [&] {
        for (size_t i = 0; i < inner.size(); ++i) collected[i].push_back(bindings_[inner[i]].value_or(Argument()));
        return true;
      });
      restore();
      if (!matched) {
        nodes_ = outer_nodes;
        return false;
      }
    }
    for (size_t i = 0; i < inner.size(); ++i) bindings_[inner[i]] = Argument(collected[i]);
    if (next()) return true;
    restore();
    nodes_ = outer_nodes;
    return false;
  }

  // Every call of the graph is asked, each in its own scope: the first way in which it matches, agrees and satisfies
  // the conditions on a member counts. The group is that of its first member.
  bool siblings(const Pattern& pattern, const Value& value, const Next& next) {
    std::vector<SlotId> inner;
    names_below(pattern.children[0], inner);
    const std::vector<Value> outer_bindings = bindings_;
    const std::vector<std::optional<Value>> outer_seen = seen_;
    const std::vector<Node*> outer_nodes = nodes_;
    std::optional<std::vector<Value>> shared;
    struct Member {
      std::vector<Value> values;
      std::vector<Node*> nodes;
    };
    const auto find = [&](Node* node) -> std::optional<Member> {
      Member member;
      const bool matched = visit(pattern.children[0], Argument(node), [&] {
        std::vector<Value> own;
        for (SlotId slot : pattern.shared) own.push_back(bindings_[slot]);
        if (shared && own != *shared) return false;
        Bindings bindings;
        for (const Value& bound : bindings_) bindings.push_back(bound ? Binding{true, *bound} : Binding{});
        const FunctionContext context{graph_, node, nullptr};
        for (const Condition& condition : rule_.member_conditions) {
          if (!check(condition, rule_, bindings, context, false).holds) return false;
        }
        if (!shared) shared = own;
        for (SlotId slot : inner) member.values.push_back(bindings_[slot]);
        member.nodes.assign(nodes_.begin() + static_cast<std::ptrdiff_t>(outer_nodes.size()), nodes_.end());
        return true;
      });
      bindings_ = outer_bindings;
      seen_ = outer_seen;
      nodes_ = outer_nodes;
      if (!matched) return std::nullopt;
      return member;
    };
    Node* root = value ? value->node() : nullptr;
    if (!root || !find(root)) return false;
    std::vector<Member> members;
    for (Node* node : graph_.nodes()) {
      std::optional<Member> member = find(node);
      if (member && members.empty() && node != root) return false;
      if (member) members.push_back(std::move(*member));
    }
    if (members.size() < 2) return false;
    for (size_t i = 0; i < inner.size(); ++i) {
      Argument::List values;
      for (const Member& member : members) values.push_back(member.values[i].value_or(Argument()));
      bindings_[inner[i]] = Argument(std::move(values));
    }
    for (size_t i = 0; i < pattern.shared.size(); ++i) bindings_[pattern.shared[i]] = (*shared)[i];
    for (const Member& member : members) nodes_.insert(nodes_.end(), member.nodes.begin(), member.nodes.end());
    if (next()) return true;
    bindings_ = outer_bindings;
    seen_ = outer_seen;
    nodes_ = outer_nodes;
    return false;
  }

  void names_below(PatternId id, std::vector<SlotId>& slots) const {
    const Pattern& pattern = rule_.patterns[id];
    for (SlotId slot : pattern.slots) {
      if (rule_.slots[slot].is_list && std::find(slots.begin(), slots.end(), slot) == slots.end())
        slots.push_back(slot);
    }
    for (const PatternArgument& argument : pattern.arguments) names_below(argument.pattern, slots);
    for (PatternId child : pattern.children) names_below(child, slots);
  }

  const Rule& rule_;
  Graph& graph_;
  Node* root_;
  std::vector<Value> bindings_;
  std::vector<std::optional<Value>> seen_;  // by pattern: the value it stands for on this path
  std::vector<Node*> nodes_;
  std::vector<Match> found_;
};

}  // namespace

std::vector<Match> naive_matches(const Rule& rule, Graph& graph, Node* root) {
  return Matcher(rule, graph, root).run();
}

}  // namespace qrules::testing
