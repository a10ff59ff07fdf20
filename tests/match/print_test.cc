// The decision structure in print: every rule and state is named, and the picture is well-formed.

#include <regex>
#include <sstream>
#include <set>

#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

RuleSet several_rules() {
  const char* rewrite = "%y = aten.tanh.default(%y)";
  return testing::rules_of(testing::rule_file(
      "classes:\n  - {name: odd, ops: [\"/odd[.]\\\"quoted\\\"/\", aten.abs.default]}\nrules:\n" +
      testing::rule_text("first", "%y = aten.relu.default(aten.neg.default(%x))", "", rewrite) +
      testing::rule_text("second", "%y = aten.relu.default(aten.neg.default(aten.abs.default(%x)))", "", rewrite) +
      testing::rule_text("swapped", "%y = aten.add.Tensor(aten.neg.default(%x), 2)", "", rewrite) +
      testing::rule_text("chained", "%y = aten.relu.default(aten.neg.default(%x)*)", "", rewrite) +
      testing::rule_text("optional", "%y = aten.tanh.default(aten.neg.default(%x)?)", "", rewrite) +
      testing::rule_text("alternative", "%y = aten.tanh.default(aten.neg.default(%x) | aten.abs.default(%x))", "",
                         rewrite) +
      testing::rule_text("listed", "%y = aten.cat.default([%a, %b], 1)", "", rewrite) +
      testing::rule_text("each", "%y = aten.cat.default([each %x])", "", rewrite) +
      testing::rule_text("classed", "%y = aten.sigmoid.default(@odd(%x, ...))", "", rewrite) +
      testing::rule_text("text", "%y = aten.gelu.default(%x, approximate=\"tanh\")", "", rewrite) +
      testing::rule_text("extra", "%z = aten.neg.default(%x)\n%y = aten.exp.default(%x)", "", rewrite)));
}

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

TEST_CASE("The text names every state and where each rule is accepted", "[match][print]") {
  const RuleSet rules = several_rules();
  const Automaton automaton = Automaton::compile(rules, 0);
  const std::string text = automaton.print();
  INFO(text);
  CHECK(text.find(std::to_string(rules.rules.size()) + " rules, " + std::to_string(automaton.state_count()) +
                  " states") == 0);
  for (size_t state = 1; state < automaton.state_count(); ++state)
    CHECK(std::regex_search(text, std::regex("\n *" + std::to_string(state) + ": ")));
  for (const Rule& rule : rules.rules) CHECK(count(text, "=> " + rule.name + " (") == 1);
  for (const char* words : {"root is aten.relu.default", " in either order", "?", "*", "any of", "is a list of 2",
                            "each", "user of", "/odd", "== \"tanh\"", "is a node"}) {
    INFO(words);
    CHECK(text.find(words) != std::string::npos);
  }
}

TEST_CASE("Rules that begin alike share states", "[match][print]") {
  const RuleSet rules = several_rules();
  size_t alone = 0;
  for (const Rule& rule : rules.rules) alone += Automaton::compile(rules, {&rule}).state_count() - 1;
  const Automaton automaton = Automaton::compile(rules, 0);
  CHECK(automaton.state_count() - 1 < alone);
  // The relu and the neg below it are asked once for the two rules.
  std::vector<const Rule*> two;
  for (const Rule& rule : rules.rules) {
    if (rule.name == "first" || rule.name == "second") two.push_back(&rule);
  }
  CHECK(count(Automaton::compile(rules, two).print(), "is aten.neg.default") == 1);
}

TEST_CASE("The picture is well-formed: quoted labels, and edges between states that are there", "[match][print]") {
  const RuleSet rules = several_rules();
  const Automaton automaton = Automaton::compile(rules, 0);
  const std::string dot = automaton.dot();
  INFO(dot);
  CHECK(dot.rfind("digraph automaton {\n", 0) == 0);
  CHECK(dot.substr(dot.size() - 2) == "}\n");
  const std::regex node(R"re(  s(\d+) \[label="((?:[^"\\]|\\.)*)"(, style=bold)?\];)re"),
      edge(R"(  s(\d+) -> s(\d+);)"), settings(R"(  node \[[^\]"]*\];)");
  std::set<std::string> declared, reached{"0"};
  size_t edges = 0, accepting = 0;
  std::istringstream lines(dot);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "}") {
    std::smatch parts;
    if (std::regex_match(line, parts, node)) {
      CHECK(declared.insert(parts[1]).second);
      accepting += parts[3].matched;
    } else if (std::regex_match(line, parts, edge)) {
      ++edges;
      CHECK(reached.insert(parts[2]).second);  // a tree
    } else {
      CHECK(std::regex_match(line, settings));
    }
  }
  CHECK(declared.size() == automaton.state_count());
  CHECK(edges == automaton.state_count() - 1);
  CHECK(declared == reached);
  CHECK(accepting >= 1);
  for (const Rule& rule : rules.rules) CHECK(dot.find("=> " + rule.name) != std::string::npos);
}

}  // namespace
}  // namespace qrules
