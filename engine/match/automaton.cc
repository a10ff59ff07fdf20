// The public face of the decision structure: compilation, and sessions over one graph.

#include <qrules/match/automaton.h>

#include <algorithm>
#include <map>

#include <re2/re2.h>

#include <qrules/match/walk.h>

namespace qrules {

using match::Program;
using match::State;
using match::StateId;
using match::Test;

struct Automaton::Impl {
  Program program;
};

Automaton::Automaton() : impl_(std::make_unique<Impl>()) {}
Automaton::Automaton(Automaton&&) noexcept = default;
Automaton& Automaton::operator=(Automaton&&) noexcept = default;
Automaton::~Automaton() = default;

Automaton Automaton::compile(const RuleSet& rules, uint32_t phase) {
  std::vector<const Rule*> chosen;
  for (const Rule& rule : rules.rules) {
    if (rule.phase == phase) chosen.push_back(&rule);
  }
  return compile(rules, std::move(chosen));
}

Automaton Automaton::compile(const RuleSet& rules, std::vector<const Rule*> chosen) {
  Automaton result;
  result.impl_->program = match::compile(rules, std::move(chosen));
  return result;
}

size_t Automaton::depth() const { return impl_->program.depth; }

bool Automaton::runs_through(OpId op) const {
  const std::vector<OpId>& ops = impl_->program.runs_through;
  return std::binary_search(ops.begin(), ops.end(), op);
}

std::string Automaton::print() const { return match::print(impl_->program); }
std::string Automaton::dot() const { return match::dot(impl_->program); }
size_t Automaton::state_count() const { return impl_->program.states.size(); }

struct Automaton::Session::Impl : GraphListener {
  Impl(const Program& given_program, Graph& given_graph)
      : program(given_program),
        graph(given_graph),
        scene{program, graph, alive, [this](const Test& test, OpId op) { return matches_regex(test, op); }},
        walk(scene) {
    for (OpId op = 0; op < graph.op_histogram().size(); ++op) {
      if (graph.op_histogram()[op] > 0) note(op);
    }
    for (StateId child : program.states[0].others) regex_roots = regex_roots || has_regex(program.states[child].test);
    graph.add_listener(this);
  }
  ~Impl() override { graph.remove_listener(this); }

  void added(Node& node) override {
    if (node.is_call()) note(node.op());
  }

  void note(OpId op) {
    if (op >= present.size()) present.resize(op + 1, false);
    if (present[op]) return;
    present[op] = true;
    stale = true;
  }

  // Rules that need an operator which the graph does not have are left out, and with them the states that lead to no
  // other.
  void refresh() {
    stale = false;
    everything = false;
    const auto has = [&](const std::vector<OpId>& ops) {
      return ops.empty() ||
             std::any_of(ops.begin(), ops.end(), [&](OpId op) { return op < present.size() && present[op]; });
    };
    alive.assign(program.states.size(), false);
    starts.assign(present.size(), false);
    for (const match::CompiledRule& rule : program.rules) {
      if (!std::all_of(rule.required.begin(), rule.required.end(), has)) continue;
      for (StateId state : rule.states) alive[state] = true;
      if (rule.states.empty()) continue;
      add_starts(program.states[rule.states[0]].test);
    }
  }

  // Operators that a first test accepts; the ways of an alternative may be alternatives again.
  void add_starts(const Test& test) {
    for (OpId op : test.operators) {
      if (op < starts.size()) starts[op] = true;
    }
    for (const auto& branch : test.branches) {
      if (!branch.empty()) add_starts(branch.front());
    }
  }

  static bool has_regex(const Test& test) {
    return !test.regexes.empty() || std::any_of(test.branches.begin(), test.branches.end(), [](const auto& branch) {
      return !branch.empty() && has_regex(branch.front());
    });
  }

  bool can_start(const Node* node) {
    if (!node->is_call()) return false;
    if (stale || everything) refresh();
    return regex_roots || (node->op() < starts.size() && starts[node->op()]);
  }

  // Whether any rule could start at the node if the graph had all operators. Rules that cannot match in this graph are
  // then refused like others, by the test that fails.
  bool can_start_anything(const Node* node) {
    if (!node->is_call()) return false;
    if (!everything) {
      everything = true;
      alive.assign(program.states.size(), true);
      starts.assign(graph.operators().size(), false);
      for (StateId child : program.states[0].children) add_starts(program.states[child].test);
    }
    return regex_roots || (node->op() < starts.size() && starts[node->op()]);
  }

  bool matches_regex(const Test& test, OpId op) {
    for (const std::string& text : test.regexes) {
      auto& regex = regexes[text];
      if (!regex) regex = std::make_unique<re2::RE2>(text, re2::RE2::Quiet);
      auto [known, added] = regex_answers.emplace(std::make_pair(regex.get(), op), false);
      if (added) known->second = re2::RE2::FullMatch(graph.operators().name(op), *regex);
      if (known->second) return true;
    }
    return false;
  }

  const Program& program;
  Graph& graph;
  std::vector<bool> present;  // operators, by id
  std::vector<bool> starts;   // operators that some rule can start at
  std::vector<bool> alive;    // states
  bool stale = true;
  bool everything = false;  // alive says so of all states: explanations look at rules that cannot match too
  bool regex_roots = false;
  std::map<std::string, std::unique_ptr<re2::RE2>> regexes;
  std::map<std::pair<const re2::RE2*, OpId>, bool> regex_answers;
  match::Scene scene;
  match::Walk walk;
};

Automaton::Session::Session(const Automaton& automaton, Graph& graph)
    : impl_(std::make_unique<Impl>(automaton.impl_->program, graph)) {}
Automaton::Session::~Session() = default;
Automaton::Session::Session(Session&&) noexcept = default;

std::optional<Match> Automaton::Session::match(Node* node, const std::function<bool(const Match&)>& accept) {
  if (!impl_->can_start(node)) return std::nullopt;
  std::optional<Match> best = impl_->walk.first(node);
  if (!best || !accept || accept(*best)) return best;
  // Rare: the best match was dropped before. The others are tried in order.
  for (Match& match : impl_->walk.all(node)) {
    if (accept(match)) return std::move(match);
  }
  return std::nullopt;
}

std::vector<Match> Automaton::Session::all_matches(Node* node) {
  if (!impl_->can_start(node)) return {};
  return impl_->walk.all(node);
}

std::vector<NearMiss> Automaton::Session::explain(Node* node) {
  if (!impl_->can_start_anything(node)) return {};
  return impl_->walk.explain(node);
}

}  // namespace qrules
