#include <qrules/match/refusal.h>

#include <algorithm>

#include <qrules/graph/text.h>

namespace qrules::match {
namespace {

constexpr size_t kOperatorsNamed = 3;

// The steps from a state's test to a test inside its ways: branch and position, alternating.
bool find_steps(const Test& from, const Test* wanted, std::vector<size_t>& steps) {
  if (&from == wanted) return true;
  for (size_t branch = 0; branch < from.branches.size(); ++branch) {
    for (size_t i = 0; i < from.branches[branch].size(); ++i) {
      steps.insert(steps.end(), {branch, i});
      if (find_steps(from.branches[branch][i], wanted, steps)) return true;
      steps.resize(steps.size() - 2);
    }
  }
  return false;
}

// Where the rule's author wrote the test. A state is shared by rules, so a test inside it is looked up in the rule's
// own copy, which has the same shape.
Span place_of(const Refusal& refusal, const Program& program, const CompiledRule& rule) {
  const auto state = std::find(rule.states.begin(), rule.states.end(), refusal.state) - rule.states.begin();
  const Span& whole = rule.places[static_cast<size_t>(state)];
  if (refusal.alike.size() > 0) return whole;
  const auto own = rule.ways.find(refusal.state);
  if (own == rule.ways.end()) return whole;
  std::vector<size_t> steps;
  if (!find_steps(program.states[refusal.state].test, refusal.test, steps)) return whole;
  const Test* test = &own->second;
  for (size_t i = 0; i + 1 < steps.size(); i += 2) test = &test->branches[steps[i]][steps[i + 1]];
  return test->span ? test->span : whole;
}

std::string what_is(const Node& node) {
  if (node.is_call()) return "`" + node.op_name() + "`";
  return node.kind() == NodeKind::placeholder ? "an input" : "a constant";
}

std::string named(const std::vector<OpId>& operators, const std::vector<std::string>& regexes,
                  const OperatorTable& table) {
  std::vector<std::string> names;
  for (OpId op : operators) names.push_back("`" + table.name(op) + "`");
  for (const std::string& regex : regexes) names.push_back("`" + regex + "`");
  if (names.empty()) return "any operator";
  if (names.size() > kOperatorsNamed) {
    const std::string count = std::to_string(names.size() - kOperatorsNamed + 1);
    names.resize(kOperatorsNamed - 1);
    names.push_back(count + " others");
  }
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

class Wording {
 public:
  Wording(const Refusal& refusal, const Graph& graph) : refusal_(refusal), graph_(graph) {}

  std::string reason(const std::vector<OpId>& wanted, const std::vector<std::string>& regexes) const {
    const Test& test = *refusal_.test;
    switch (test.kind) {
      case TestKind::call: {
        const std::string operators = named(wanted, regexes, graph_.operators());
        if (refusal_.cell.node)
          return "%" + refusal_.cell.node->name() + " is " + what_is(*refusal_.cell.node) + element() + ", not " +
                 operators;
        return seen() + ", the rule wants a call of " + operators;
      }
      case TestKind::users:
        if (!refusal_.cell.node) break;
        return "no user of %" + refusal_.cell.node->name() + " is " + named(wanted, regexes, graph_.operators());
      case TestKind::literal: return seen() + ", the rule wants " + shown(test.literal);
      case TestKind::equal:
      case TestKind::bind:
        if (refusal_.other.empty()) break;
        return seen() + ", the rule wants the same as " + other();
      case TestKind::list:
        if (const Argument::List* list = refusal_.cell.argument ? refusal_.cell.argument->list() : nullptr)
          return title_of(refusal_.cell.argument, refusal_.nodes) + " has " + std::to_string(list->size()) +
                 (list->size() == 1 ? " element" : " elements") + ", the rule wants " + std::to_string(test.count);
        return seen() + ", the rule wants a list";
      case TestKind::node: return seen() + ", the rule wants a tensor of the graph";
      case TestKind::present: return seen() + ", the rule wants a value";
      default: break;
    }
    return seen();
  }

 private:
  std::string shown(const Argument& argument) const { return print(argument, graph_.dims()); }

  // Which element of a list it is, when that is what a person would look for.
  std::string element() const {
    if (!refusal_.cell.argument) return "";
    const std::string title = title_of(refusal_.cell.argument, refusal_.nodes);
    return title.rfind("element ", 0) == 0 ? " (" + title + ")" : "";
  }

  std::string seen() const {
    const Cell& cell = refusal_.cell;
    if (cell.node && !cell.argument) return "%" + cell.node->name() + " is " + what_is(*cell.node);
    if (!cell.argument) return "there is no such argument";
    return title_of(cell.argument, refusal_.nodes) + " is " + shown(*cell.argument);
  }

  std::string other() const {
    const Cell& cell = refusal_.other;
    if (!cell.argument) return "%" + cell.node->name();
    const std::string title = title_of(cell.argument, refusal_.nodes);
    return (title == "the argument" ? "another one" : title) + ", " + shown(*cell.argument);
  }

  const Refusal& refusal_;
  const Graph& graph_;
};

}  // namespace

std::string title_of(const Argument* argument, const std::vector<Node*>& nodes) {
  const auto inside = [argument](const std::vector<Argument>& list) {
    return !list.empty() && !std::less<>()(argument, list.data()) && std::less<>()(argument, list.data() + list.size());
  };
  for (const Node* node : nodes) {
    const std::vector<Argument>& arguments = node->arguments();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Argument::List* list = arguments[i].list();
      const bool element = list && inside(*list);
      if (&arguments[i] != argument && !element) continue;
      const Signature* signature = node->graph().operators().signature(node->op());
      std::string title = "`" +
                          (signature && i < signature->parameters.size() ? signature->parameters[i].name
                                                                         : "argument " + std::to_string(i)) +
                          "` of %" + node->name();
      if (element) title = "element " + std::to_string(argument - list->data()) + " of " + title;
      return title;
    }
  }
  return "the argument";
}

NearMiss near_miss(const Refusal& refusal, const Program& program, const CompiledRule& rule, Node* root) {
  NearMiss miss;
  miss.rule = rule.rule;
  miss.root = root;
  miss.tests_passed = refusal.depth;
  miss.matched = refusal.nodes;
  if (refusal.condition) {
    miss.structural = false;
    miss.by = RefusedBy::condition;
    miss.refused = refusal.condition->text;
    miss.reason = refusal.condition_reason;
    miss.span = refusal.condition->expression.span;
    miss.node = refusal.node;
    miss.values = refusal.values;
    return miss;
  }
  const Test& test = *refusal.test;
  miss.by = test.kind == TestKind::call || test.kind == TestKind::users ? RefusedBy::op : RefusedBy::argument;
  // A group of one in which nothing else could be wants another call, which is nowhere.
  if (!refusal.group.empty() && refusal.nodes.size() == 1) miss.by = RefusedBy::op;
  std::vector<std::string> regexes = test.regexes;
  if (miss.by == RefusedBy::op && refusal.group.empty()) {
    miss.wanted = test.operators;
    for (const Test* other : refusal.alike) {
      miss.wanted.insert(miss.wanted.end(), other->operators.begin(), other->operators.end());
      regexes.insert(regexes.end(), other->regexes.begin(), other->regexes.end());
    }
  }
  miss.span = place_of(refusal, program, rule);
  miss.refused = miss.span.text();
  miss.reason = !refusal.group.empty() ? refusal.group : Wording(refusal, root->graph()).reason(miss.wanted, regexes);
  miss.node = refusal.group.empty() ? refusal.cell.node : refusal.node;
  // An argument that is no node is seen at the call that has it.
  if (!miss.node && refusal.cell.argument) {
    for (Node* node : refusal.nodes) {
      const Signature* signature = node->graph().operators().signature(node->op());
      for (size_t i = 0; i < node->arguments().size(); ++i) {
        if (&node->argument(i) != refusal.cell.argument) continue;
        miss.node = node;
        miss.at_default = signature && i < signature->parameters.size() && signature->parameters[i].has_default &&
                          node->argument(i) == signature->parameters[i].default_value;
      }
    }
  }
  return miss;
}

}  // namespace qrules::match
