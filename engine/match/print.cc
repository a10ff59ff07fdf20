// The decision structure as text and for Graphviz.

#include <set>

#include <qrules/graph/text.h>
#include <qrules/match/program.h>

namespace qrules::match {
namespace {

class Printer {
 public:
  explicit Printer(const Program& program) : program_(program) {}

  std::string text() {
    std::string out = std::to_string(program_.rules.size()) + " rules, " + std::to_string(program_.states.size()) +
                      " states, " + std::to_string(program_.registers) + " positions\n";
    print(0, 0, out);
    return out;
  }

  std::string graph() {
    std::string out = "digraph automaton {\n  node [shape=box, fontname=monospace];\n";
    for (StateId id = 0; id < program_.states.size(); ++id) {
      const State& state = program_.states[id];
      std::string label = id == 0 ? "start" : describe(state.test);
      for (uint32_t rule : state.accepts) label += "\\n=> " + program_.rules[rule].rule->name;
      std::string escaped;
      for (char c : label) escaped += c == '"' ? "\\\"" : std::string(1, c);
      out += "  s" + std::to_string(id) + " [label=\"" + escaped + "\"" +
             (state.accepts.empty() ? "" : ", style=bold") + "];\n";
      for (StateId child : state.children) out += "  s" + std::to_string(id) + " -> s" + std::to_string(child) + ";\n";
    }
    return out + "}\n";
  }

 private:
  void print(StateId id, size_t indent, std::string& out) {
    const State& state = program_.states[id];
    if (id != 0) {
      out += std::string(2 * indent, ' ') + std::to_string(id) + ": " + describe(state.test);
      std::set<std::string> alive;
      collect(id, alive);
      out += "  {";
      size_t shown = 0;
      for (const std::string& rule : alive) {
        if (++shown > 4) break;
        out += (shown > 1 ? ", " : "") + rule;
      }
      if (alive.size() > 4) out += ", and " + std::to_string(alive.size() - 4) + " more";
      out += "}\n";
      for (uint32_t rule : state.accepts) {
        out += std::string(2 * indent + 2, ' ') + "=> " + program_.rules[rule].rule->name + " (" +
               std::to_string(rule) + ")\n";
      }
    }
    for (StateId child : state.children) print(child, indent + (id == 0 ? 0 : 1), out);
  }

  void collect(StateId id, std::set<std::string>& rules) const {
    for (uint32_t rule : program_.states[id].accepts) rules.insert(program_.rules[rule].rule->name);
    for (StateId child : program_.states[id].children) collect(child, rules);
  }

  static std::string place(Place at) {
    if (at.base == 0 && at.index < 0) return "root";
    const std::string base = at.base == 0 ? "root" : "r" + std::to_string(at.base);
    return at.index < 0 ? base : base + "[" + std::to_string(at.index) + "]";
  }

  std::string operators(const Test& test) const {
    std::string out;
    for (size_t i = 0; i < test.operators.size() && i < 3; ++i)
      out += (i ? "|" : "") + program_.operators->name(test.operators[i]);
    if (test.operators.size() > 3) out += "|... " + std::to_string(test.operators.size()) + " operators";
    for (const std::string& regex : test.regexes) out += (out.empty() ? "/" : "|/") + regex + "/";
    return out;
  }

  std::string branch(const std::vector<Test>& tests) const {
    std::string out = "[";
    for (size_t i = 0; i < tests.size(); ++i) out += (i ? "; " : "") + describe(tests[i]);
    return out + "]";
  }

  std::string describe(const Test& test) const {
    const std::string at = place(test.subject), out = "r" + std::to_string(test.out);
    switch (test.kind) {
      case TestKind::call: return out + " = " + at + " is " + operators(test);
      case TestKind::node: return at + " is a node";
      case TestKind::present: return at + " is not None";
      case TestKind::literal: return at + " == " + qrules::print(test.literal, DimTable());
      case TestKind::equal: return at + " same as " + place(test.other);
      case TestKind::bind: return "bind " + out + " to " + at;
      case TestKind::list: return out + " = " + at + " is a list of " + std::to_string(test.count);
      case TestKind::swap:
        return out + ", r" + std::to_string(test.out + 1) + " = operands of " + at + " in either order";
      case TestKind::alternative: {
        std::string ways;
        for (const auto& tests : test.branches) ways += (ways.empty() ? "" : " or ") + branch(tests);
        return at + " any of " + ways;
      }
      case TestKind::optional: return out + " = " + at + " through " + branch(test.branches[0]) + "?";
      case TestKind::repeat:
        return out + " = " + at + " through " + branch(test.branches[0]) + (test.count ? "+" : "*");
      case TestKind::each: return at + " each " + out + " " + branch(test.branches[0]);
      case TestKind::siblings: {
        std::string shared;
        for (const Share& share : test.shares)
          shared += (shared.empty() ? "" : ", ") + ("r" + std::to_string(share.out)) + " = " + place(share.place);
        return at + " and siblings within " + std::to_string(test.count) + " sharing " + shared + " each " + out + " " +
               branch(test.branches[0]) + (test.members ? " with conditions" : "");
      }
      case TestKind::users:
        return out + " = user of " + at + " within " + std::to_string(test.count) + " that is " + operators(test);
    }
    return "";
  }

  const Program& program_;
};

}  // namespace

std::string print(const Program& program) { return Printer(program).text(); }
std::string dot(const Program& program) { return Printer(program).graph(); }

}  // namespace qrules::match
