// The automaton finds what the naive matcher finds: the same matches, in the same order, with the same bindings and
// nodes. First for all small patterns on all small graphs, then for large ones with every form of the language.

#include <algorithm>
#include <functional>
#include <random>
#include <set>

#include <qrules/graph/text.h>
#include <qrules/match/automaton.h>
#include <qrules/rules/load.h>

#include "../catch.h"
#include "naive.h"

namespace qrules {
namespace {

const char* const kHeader =
    "qrules: 1\n"
    "phases: [{name: main}]\n"
    "operators:\n"
    "  t.a.default: \"(Tensor x) -> Tensor\"\n"
    "  t.b.default: \"(Tensor x, Tensor y) -> Tensor\"\n"
    "  t.n.default: \"(Tensor x, int n=1, bool flag=False) -> Tensor\"\n"
    "  t.o.default: \"(Tensor x, Tensor? extra=None) -> Tensor\"\n"
    "  t.p.one: \"(Tensor x) -> Tensor\"\n"
    "  t.p.two: \"(Tensor x, Tensor y) -> Tensor\"\n"
    "  t.done.default: \"() -> Tensor\"\n"
    "classes:\n"
    "  - {name: pair, ops: [t.b.default, aten.add.Tensor]}\n"
    "  - {name: wide, ops: [t.a.default, t.n.default, /t\\.p\\..*/]}\n"
    "macros:\n"
    "  - {name: \"either(p, q)\", any: [\"t.b.default(%p, %q)\", \"t.o.default(%q, %p)\"]}\n"
    "rules:\n";

std::string rule_text(size_t number, const std::string& match, const std::string& where = {},
                      const std::string& members = {}) {
  std::string text = "  - name: r" + std::to_string(number) + "\n    doc: d\n    phase: main\n    match: |\n";
  const auto block = [&](const std::string& lines) {
    for (size_t at = 0; at < lines.size();) {
      const size_t end = std::min(lines.find('\n', at), lines.size());
      text += "      " + lines.substr(at, end - at) + "\n";
      at = end + 1;
    }
  };
  block(match);
  if (!members.empty()) {
    text += "    members: |\n";
    block(members);
  }
  if (!where.empty()) {
    text += "    where: |\n";
    block(where);
  }
  return text + "    rewrite: \"%out = t.done.default()\"\n";
}

RuleSet load(const std::string& rules, const LoadOptions& options) {
  auto set = load_rules_text("oracle.yaml", kHeader + rules, options);
  if (!set) FAIL(render_text(set.diagnostics()));
  return std::move(set).value();
}

std::string shown(const Graph& graph, const std::vector<Match>& matches) {
  std::string text;
  for (const Match& match : matches) {
    text += match.rule->name + ":";
    for (size_t i = 0; i < match.bindings.size(); ++i) {
      text += " " + match.rule->slots[i].name + "=" +
              (match.bindings[i].bound ? print(match.bindings[i].value, graph.dims()) : "-");
    }
    text += " {";
    std::vector<std::string> names;
    for (const Node* node : match.nodes) names.push_back(node->name());
    if (!names.empty()) std::sort(names.begin() + 1, names.end());
    for (const std::string& name : names) text += " " + name;
    text += " }\n";
  }
  return text;
}

// Same rule, root, bindings and set of matched nodes (the root first).
bool same(const Match& a, const Match& b) {
  if (a.rule != b.rule || a.root != b.root || a.bindings != b.bindings || a.nodes.size() != b.nodes.size() ||
      a.nodes.empty())
    return false;
  if (a.nodes.front() != a.root || b.nodes.front() != b.root) return false;
  return std::is_permutation(a.nodes.begin(), a.nodes.end(), b.nodes.begin());
}

bool same(const std::vector<Match>& a, const std::vector<Match>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Match& x, const Match& y) { return same(x, y); });
}

// --- (a) all small patterns on all small graphs

struct Tree {
  std::string text;  // with a $ for each leaf
  size_t leaves = 0;
};

const char* const kUnary = "t.a.default";
const char* const kBinary[] = {"t.b.default", "aten.add.Tensor"};

Tree over(const std::string& op, const std::vector<Tree>& operands) {
  Tree result{op + "(", 0};
  for (size_t i = 0; i < operands.size(); ++i) {
    result.text += (i ? ", " : "") + operands[i].text;
    result.leaves += operands[i].leaves;
  }
  result.text += ")";
  return result;
}

std::vector<Tree> trees(size_t calls) {
  if (calls == 0) return {{"$", 1}};
  std::vector<Tree> result;
  for (const Tree& inner : trees(calls - 1)) result.push_back(over(kUnary, {inner}));
  for (const char* op : kBinary) {
    for (size_t left = 0; left < calls; ++left) {
      for (const Tree& a : trees(left)) {
        for (const Tree& b : trees(calls - 1 - left)) result.push_back(over(op, {a, b}));
      }
    }
  }
  return result;
}

// Every way to write `_` or a name, new or used before, at each leaf.
void name_leaves(const std::string& text, size_t used, std::vector<std::string>& out) {
  const size_t leaf = text.find('$');
  if (leaf == std::string::npos) {
    out.push_back(text);
    return;
  }
  const auto with = [&](const std::string& name) { return text.substr(0, leaf) + name + text.substr(leaf + 1); };
  name_leaves(with("_"), used, out);
  for (size_t i = 0; i <= used; ++i) name_leaves(with("%x" + std::to_string(i)), std::max(used, i + 1), out);
}

std::vector<std::string> small_patterns() {
  std::vector<std::string> result;
  for (size_t calls = 1; calls <= 3; ++calls) {
    for (const Tree& tree : trees(calls)) name_leaves("%out = " + tree.text, 0, result);
  }
  // The same call used twice.
  for (const Tree& shared : trees(1)) {
    std::vector<std::string> outer = {over(kUnary, {{"%r", 0}}).text};
    for (const char* op : kBinary) {
      const Tree r{"%r", 0}, leaf{"$", 1}, a = over(kUnary, {r});
      for (const Tree& tree : {over(op, {r, r}), over(kUnary, {over(op, {r, r})}), over(op, {a, r}), over(op, {r, a})})
        outer.push_back(tree.text);
      for (const char* inner : kBinary)
        outer.push_back(over(op, {over(inner, {r, leaf}), r}).text),
            outer.push_back(over(op, {r, over(inner, {leaf, r})}).text);
    }
    for (const std::string& text : outer) name_leaves("%r = " + shared.text + "\n%out = " + text, 0, result);
  }
  for (const Tree& shared : trees(2)) {
    for (const char* op : kBinary)
      name_leaves("%r = " + shared.text + "\n%out = " + std::string(op) + "(%r, %r)", 0, result);
  }
  return result;
}

// Every graph of at most `calls` calls over `inputs` inputs in which the last call needs all others, side by side in
// one graph. Returns the last calls.
std::vector<Node*> all_small_graphs(Graph& graph, size_t inputs, size_t calls) {
  OperatorTable& operators = graph.operators();
  const OpId unary = operators.intern(kUnary), binary = operators.intern(kBinary[0]),
             add = operators.intern(kBinary[1]);
  struct Call {
    OpId op;
    size_t first, second;
  };
  std::vector<Call> chosen;
  std::vector<Node*> roots;
  std::vector<Node*> values;
  for (size_t i = 0; i < inputs; ++i) values.push_back(graph.add_placeholder("in", ValueType::unknown()));
  const auto build = [&] {
    std::set<size_t> needed{inputs + chosen.size() - 1};
    for (size_t i = chosen.size(); i-- > 0;) {
      if (!needed.count(inputs + i)) return;
      needed.insert({chosen[i].first, chosen[i].second});
    }
    // Every input is used, in their order: anything else is a smaller graph or the same under other names.
    size_t used = 0;
    for (const Call& call : chosen) {
      for (size_t operand : {call.first, call.second}) {
        if (operand < inputs && operand > used) return;
        if (operand == used && used < inputs) ++used;
      }
    }
    if (used < inputs) return;
    values.resize(inputs);
    for (const Call& call : chosen) {
      std::vector<Argument> arguments{Argument(values[call.first])};
      if (call.op != unary) arguments.emplace_back(values[call.second]);
      if (call.op == add) arguments.emplace_back(1);
      values.push_back(graph.add_call(call.op, std::move(arguments), ValueType::unknown()));
    }
    roots.push_back(values.back());
  };
  const std::function<void()> choose = [&] {
    if (!chosen.empty()) build();
    if (chosen.size() == calls) return;
    const size_t known = inputs + chosen.size();
    for (size_t first = 0; first < known; ++first) {
      chosen.push_back({unary, first, first});
      choose();
      chosen.pop_back();
      for (size_t second = 0; second < known; ++second) {
        for (OpId op : {binary, add}) {
          chosen.push_back({op, first, second});
          choose();
          chosen.pop_back();
        }
      }
    }
  };
  choose();
  return roots;
}

TEST_CASE("All small patterns match all small graphs as they do naively", "[match][oracle]") {
  LoadOptions options;
  options.operators = std::make_shared<OperatorTable>();
  std::string text;
  size_t count = 0;
  for (const std::string& pattern : small_patterns()) text += rule_text(count++, pattern);
  const RuleSet rules = load(text, options);
  REQUIRE(rules.rules.size() == count);
  REQUIRE(count > 2900);

  Graph graph(options.operators);
  std::vector<Node*> roots;
  for (size_t inputs = 1; inputs <= 4; ++inputs) {
    for (Node* root : all_small_graphs(graph, inputs, 3)) roots.push_back(root);
  }
  REQUIRE(roots.size() > 1500);

  const Automaton automaton = Automaton::compile(rules, 0);
  Automaton::Session together(automaton, graph);
  std::vector<std::vector<Match>> expected(roots.size());
  size_t matches = 0;
  for (size_t i = 0; i < roots.size(); ++i) {
    for (const Rule& rule : rules.rules) {
      for (Match& match : testing::naive_matches(rule, graph, roots[i])) expected[i].push_back(std::move(match));
    }
    matches += expected[i].size();
    const std::vector<Match> found = together.all_matches(roots[i]);
    if (!same(found, expected[i]))
      FAIL("together, at %" << roots[i]->name() << "\nfound\n"
                            << shown(graph, found) << "\nexpected\n"
                            << shown(graph, expected[i]));
    const std::optional<Match> first = together.match(roots[i]);
    REQUIRE(first.has_value() == !expected[i].empty());
    if (first) REQUIRE(same(*first, expected[i].front()));
  }
  CHECK(matches > 100'000);

  for (const Rule& rule : rules.rules) {
    const Automaton single = Automaton::compile(rules, {&rule});
    Automaton::Session alone(single, graph);
    for (size_t i = 0; i < roots.size(); ++i) {
      const auto begin =
          std::find_if(expected[i].begin(), expected[i].end(), [&](const Match& m) { return m.rule == &rule; });
      const auto end = std::find_if(begin, expected[i].end(), [&](const Match& m) { return m.rule != &rule; });
      const std::vector<Match> found = alone.all_matches(roots[i]);
      if (!std::equal(found.begin(), found.end(), begin, end,
                      [](const Match& a, const Match& b) { return same(a, b); })) {
        FAIL(rule.name << " alone, at %" << roots[i]->name() << "\nfound\n"
                       << shown(graph, found) << "\nexpected\n"
                       << shown(graph, {begin, end}));
      }
    }
  }
}

// --- (b) generated rules with every form, on generated graphs

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  size_t below(size_t limit) { return random_() % limit; }  // the same on every machine
  bool chance(size_t percent) { return below(100) < percent; }

  struct Text {
    std::string match, where, members;
  };

  Text rule() {
    statements_.clear();
    std::string root;
    if (chance(15)) return siblings();
    const size_t kind = below(10);
    root = kind == 0 ? call(3, {}) + " | " + call(3, {}) : call(3, {});
    Text result;
    if (chance(25))
      result.match +=
          (chance(50) ? "%u = " : "") + std::string("t.b.default(%x0, ") + (chance(50) ? "_" : pattern(1, {})) + ")\n";
    if (chance(10)) result.match += "aten.add.Tensor(t.a.default(%x1), %x0)\n";
    for (auto it = statements_.rbegin(); it != statements_.rend(); ++it) result.match += *it + "\n";
    result.match += "%out = " + root;
    if (chance(30)) result.where = "users(%x0) == 1";
    if (chance(10))
      result.where += std::string(result.where.empty() ? "" : "\n") + "not bound(%x1) or op(%x1) != \"t.a.default\"";
    return result;
  }

  // A graph with every operator; operands are recent values, so that patterns meet.
  std::string graph(size_t calls) {
    std::string text = "graph(%p0: f32[2], %p1: f32[2]) {\n";
    std::vector<std::string> values{"%p0", "%p1"};
    const auto value = [&] { return values[values.size() - 1 - below(std::min<size_t>(values.size(), 5))]; };
    for (size_t i = 0; i < calls; ++i) {
      const std::string name = "%v" + std::to_string(i);
      std::string made;
      switch (below(12)) {
        case 0:
        case 1: made = "t.a.default(" + value() + ")"; break;
        case 2:
        case 3: made = "t.b.default(" + value() + ", " + value() + ")"; break;
        case 4:
        case 5:
        case 6: made = "aten.add.Tensor(" + value() + ", " + value() + ")"; break;
        case 7:
          made = "t.n.default(" + value() + ", " + std::to_string(below(3)) + (chance(30) ? ", true" : "") + ")";
          break;
        case 8: made = "t.o.default(" + value() + (chance(60) ? ", " + value() : "") + ")"; break;
        case 9: made = "t.p.one(" + value() + ")"; break;
        case 10: made = "t.p.two(" + value() + ", " + value() + ")"; break;
        default:
          made = "aten.cat.default([" + value() + ", " + value() + (chance(50) ? ", " + value() : "") + "], 0)";
          break;
      }
      text += "  " + name + ": f32[2] = " + made + "\n";
      values.push_back(name);
    }
    return text + "  return (" + values.back() + ")\n}\n";
  }

 private:
  struct Place {
    bool each = false, repetition = false;
  };

  // A member is a call on %x0, or on a chain above it, whose other operands may be shared as well.
  Text siblings() {
    static const char* const kLinks[] = {"%x0",
                                         "t.a.default(%x0)",
                                         "t.a.default(%x0)*",
                                         "t.n.default(%x0, _)?",
                                         "aten.add.Tensor(%x0, %e0)",
                                         "(t.a.default(%x0) | %x0)"};
    const Place each{true, false};
    const std::string link = kLinks[below(6)];
    std::string member, shared = "%x0";
    switch (below(6)) {
      case 0: member = "t.b.default(" + link + ", " + pattern(1, each) + ")"; break;
      case 1: member = "aten.add.Tensor(" + link + ", " + pattern(1, each) + ")"; break;
      case 2: member = "t.a.default(" + link + ")"; break;
      case 3:
        member = "t.b.default(" + link + ", %x1)";
        if (chance(50)) shared += ", %x1";
        break;
      case 4: member = "(t.b.default(" + pattern(1, each) + ", " + link + ") | t.a.default(" + link + "))"; break;
      default:
        member = "t.n.default(" + link + ", %n0, ...)";
        if (chance(50)) shared += ", %n0";
        break;
    }
    Text result;
    result.match = "%out = siblings(" + shared + ") " + member;
    if (chance(25)) result.members = "users(%out) >= 1 and op(%out) != \"t.a.default\"";
    if (chance(25)) result.where = "len(%out) != 3";
    return result;
  }

  std::string leaf(Place place) {
    if (place.repetition || chance(25)) return "_";
    return (place.each ? "%e" : "%x") + std::to_string(below(3));
  }

  std::string pattern(size_t depth, Place place) {
    if (depth == 0 || chance(20)) return leaf(place);
    switch (below(12)) {
      case 0:
      case 1: return "(" + pattern(depth - 1, place) + " | " + pattern(depth - 1, place) + ")";
      case 2: return chained(depth, place, "?");
      case 3: return chained(depth, place, chance(50) ? "*" : "+");
      case 4:
        if (!place.each && !place.repetition) return statement(depth, place);
        break;
      default: break;
    }
    return call(depth, place);
  }

  std::string statement(size_t depth, Place place) {
    if (!statements_.empty() && chance(60)) return "%s" + std::to_string(below(statements_.size()));
    const std::string body = call(depth - 1, place);
    statements_.push_back("%s" + std::to_string(statements_.size()) + " = " + body);
    return "%s" + std::to_string(statements_.size() - 1);
  }

  std::string chained(size_t depth, Place place, const std::string& postfix) {
    Place inner = place;
    inner.repetition = place.repetition || postfix != "?";
    const std::string through = pattern(depth - 1, place);
    switch (below(4)) {
      case 0: return "t.a.default(" + through + ")" + postfix;
      case 1: return "t.b.default(" + through + ", " + pattern(depth - 1, inner) + ")" + postfix;
      case 2: return "t.n.default(" + through + ", _)" + postfix;
      default: return "aten.add.Tensor(" + through + ", " + pattern(depth - 1, inner) + ")" + postfix;
    }
  }

  std::string call(size_t depth, Place place) {
    const auto p = [&] { return pattern(depth == 0 ? 0 : depth - 1, place); };
    switch (below(13)) {
      case 0: return "t.a.default(" + p() + ")";
      case 1: return "t.b.default(" + p() + ", " + p() + ")";
      case 2:
      case 3: return "aten.add.Tensor(" + p() + ", " + p() + ")";
      case 4:
        return "t.n.default(" + p() +
               (chance(30)                       ? ")"
                : chance(30)                     ? ", ...)"
                : chance(50)                     ? ", 2)"
                : place.repetition || place.each ? ", _)"
                                                 : ", n=%n0)");
      case 5:
        return "t.o.default(" + p() +
               (chance(40) || place.repetition || place.each ? ")"
                : chance(50)                                 ? ", %b?)"
                                                             : ", " + p() + ")");
      case 6: return "t.p(" + p() + ")";
      case 7: return "t.p(" + p() + ", " + p() + ")";
      case 8: return "aten.cat.default([" + p() + ", " + p() + "])";
      case 9:
        if (place.each || place.repetition) return "aten.cat.default(_)";
        if (chance(30)) return "aten.cat.default(%l)";
        return "aten.cat.default([each " + pattern(depth == 0 ? 0 : depth - 1, {true, false}) + "])";
      case 10: return "@pair(" + p() + ", " + p() + ")";
      case 11: return "@wide(" + p() + ", ...)";
      default: return "either(" + p() + ", " + p() + ")";
    }
  }

  std::mt19937 random_;
  std::vector<std::string> statements_;
};

TEST_CASE("Generated rules match generated graphs as they do naively", "[match][oracle]") {
  size_t rules_seen = 0, matches = 0, with_several = 0, groups = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    LoadOptions options;
    options.operators = std::make_shared<OperatorTable>();
    Generator generator(seed);
    // A generated rule may break a rule of the language (names in repetitions, values not shared): it is left out.
    std::string text;
    size_t count = 0, tried = 0;
    while (count < 24 && tried < 200) {
      const Generator::Text rule = generator.rule();
      const std::string one = rule_text(tried++, rule.match, rule.where, rule.members);
      if (!load_rules_text("oracle.yaml", kHeader + one, options).ok()) continue;
      text += one;
      ++count;
    }
    REQUIRE(count == 24);
    const RuleSet rules = load(text, options);
    rules_seen += rules.rules.size();
    const Automaton automaton = Automaton::compile(rules, 0);
    std::vector<Automaton> single;
    for (const Rule& rule : rules.rules) single.push_back(Automaton::compile(rules, {&rule}));
    for (size_t size : {3, 8, 14, 24, 40}) {
      auto graph = parse_graph("generated", generator.graph(size), options.operators);
      if (!graph) FAIL(render_text(graph.diagnostics()));
      Automaton::Session together(automaton, *graph);
      std::vector<Automaton::Session> alone;
      for (const Automaton& one : single) alone.emplace_back(one, *graph);
      for (Node* root : graph->nodes()) {
        std::vector<Match> expected;
        for (size_t i = 0; i < rules.rules.size(); ++i) {
          const Rule& rule = rules.rules[i];
          const std::vector<Match> of_rule = testing::naive_matches(rule, *graph, root);
          with_several += of_rule.size() > 1 ? 1 : 0;
          groups += rule.patterns[rule.root].kind == PatternKind::siblings ? of_rule.size() : 0;
          const std::vector<Match> found = alone[i].all_matches(root);
          if (!same(found, of_rule)) {
            FAIL("seed " << seed << ", " << rule.name << " alone, at %" << root->name() << "\n"
                         << rule.span.file->text().substr(rule.span.begin, 700) << "\n"
                         << print(*graph) << "\nfound\n"
                         << shown(*graph, found) << "\nexpected\n"
                         << shown(*graph, of_rule) << single[i].print());
          }
          expected.insert(expected.end(), of_rule.begin(), of_rule.end());
        }
        matches += expected.size();
        const std::vector<Match> found = together.all_matches(root);
        if (!same(found, expected))
          FAIL("seed " << seed << ", together, at %" << root->name() << "\n"
                       << print(*graph) << "\nfound\n"
                       << shown(*graph, found) << "\nexpected\n"
                       << shown(*graph, expected));
        const std::optional<Match> first = together.match(root);
        REQUIRE(first.has_value() == !expected.empty());
        if (first) REQUIRE(same(*first, expected.front()));
      }
    }
  }
  // The comparison means something.
  CHECK(rules_seen == 60 * 24);
  CHECK(matches > 2'000);
  CHECK(with_several > 500);
  CHECK(groups > 150);
}

// Forms in which a matcher can go wrong that a generator meets rarely.
TEST_CASE("Awkward rules match generated graphs as they do naively", "[match][oracle]") {
  const char* const patterns[] = {
      "%r = t.a.default(%x0)\n%out = t.a.default(t.b.default(%r, %r)?)",
      "%r = t.a.default(%x0)\n%out = t.a.default(aten.add.Tensor(%r, %r)?)",
      "%r = t.a.default(%x0)\n%out = t.b.default(%r, aten.add.Tensor(%x1, %r)*)",
      "%r = aten.add.Tensor(%x0, %x1)\n%out = t.b.default(t.a.default(%r) | %r, t.b.default(%r, _) | %r)",
      "%out = t.b.default(%x0, t.b.default(%x1, t.a.default(_))*)",
      "%out = t.b.default(aten.add.Tensor(%x0, t.a.default(_) | t.b.default(_, _))+, %x1)",
      "%out = aten.add.Tensor(aten.cat.default([each t.a.default(%e0) | %e1]), aten.cat.default([each %e2 | _]))",
      "%out = t.b.default(aten.cat.default([each t.a.default(%e0)?]), aten.cat.default([each (t.b.default(%e1, _) | "
      "%e2)]))",
      "%out = aten.cat.default([each aten.add.Tensor(t.a.default(%e0), %e1)])",
      "%out = aten.cat.default([each t.a.default(%e0)]) | t.b.default(%x0, _)",
      "%out = aten.cat.default(%l) | t.b.default(aten.cat.default(%l), %x0)",
      "%out = aten.add.Tensor(aten.add.Tensor(aten.add.Tensor(%x0, %x1), %x2), %x0)",
      "%out = aten.add.Tensor(aten.add.Tensor(%x0, %x1)?, aten.add.Tensor(%x1, %x2)?)",
      "%out = t.b.default(aten.add.Tensor(_, %x0)?, aten.add.Tensor(%x0, _)*)",
      "%out = (t.a.default(%x0) | (t.b.default(%x0, _) | aten.add.Tensor(%x0, %x1)))",
      "%out = t.o.default(%x0, %b?) | t.o.default(t.a.default(%b), _)",
      "%u = t.b.default(t.a.default(%x0)?, %x1)\n%out = t.a.default(%x0)",
      "%u = aten.add.Tensor(%x0, %x1)\n%v = aten.add.Tensor(%x1, %x2)\n%out = t.a.default(%x0)",
      "%u = t.b.default(t.a.default(%x0)*, _)\n%out = t.a.default(%x0 | t.b.default(%x0, _))",
      "%r = t.a.default(%x0)\n%u = t.b.default(%r, _)\n%out = aten.add.Tensor(%r, _)",
      "%out = siblings(%x0) aten.add.Tensor(%x0, _)",
      "%out = siblings(%x0) t.b.default(aten.add.Tensor(%x0, %e0)?, %e1)",
      "%r = t.a.default(%x0)\n%out = siblings(%r) aten.add.Tensor(%r, %e0)",
      "%out = siblings(%x0, %n0) t.n.default(t.a.default(%x0)*, %n0, ...)",
      "%out = siblings(%x0) (t.b.default(%e0, %x0) | aten.add.Tensor(%x0, %e1))",
  };
  LoadOptions options;
  options.operators = std::make_shared<OperatorTable>();
  std::string text;
  size_t count = 0;
  for (const char* pattern : patterns) text += rule_text(count++, pattern);
  const RuleSet rules = load(text, options);
  const Automaton automaton = Automaton::compile(rules, 0);
  std::set<const Rule*> matched;
  for (uint32_t seed = 1; seed <= 150; ++seed) {
    auto graph = parse_graph("generated", Generator(seed).graph(10 + seed % 25), options.operators);
    if (!graph) FAIL(render_text(graph.diagnostics()));
    Automaton::Session session(automaton, *graph);
    for (Node* root : graph->nodes()) {
      std::vector<Match> expected;
      for (const Rule& rule : rules.rules) {
        for (Match& match : testing::naive_matches(rule, *graph, root)) {
          matched.insert(&rule);
          expected.push_back(std::move(match));
        }
      }
      const std::vector<Match> found = session.all_matches(root);
      if (!same(found, expected))
        FAIL("seed " << seed << ", at %" << root->name() << "\n"
                     << print(*graph) << "\nfound\n"
                     << shown(*graph, found) << "\nexpected\n"
                     << shown(*graph, expected) << automaton.print());
    }
  }
  for (const Rule& rule : rules.rules) {
    INFO(patterns[std::stoul(rule.name.substr(1))]);
    CHECK(matched.count(&rule) == 1);
  }
}

}  // namespace
}  // namespace qrules
