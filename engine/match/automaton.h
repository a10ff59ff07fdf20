// The rules of a phase compiled into one decision structure.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <qrules/match/bindings.h>

namespace qrules {

// What a rule was refused by: an operator that is another one, an argument (a literal, an equal value, the length of a
// list, a missing operand), or a condition.
enum class RefusedBy : uint8_t { op, argument, condition };

// A name of a rule that stands for an argument of a call, and which one: "scale", "`scale` of %dequantize", "0.1".
struct NamedValue {
  std::string name, title, value;
};

// Something that came close: the deepest refusal of a rule at a node.
struct NearMiss {
  const Rule* rule = nullptr;
  Node* root = nullptr;
  size_t tests_passed = 0;
  size_t tests_total = 0;    // of the rule
  std::string_view refused;  // the test or condition ("users(%wf) == 1", "relu(%c)"): part of the rule's text
  std::string reason;        // what was seen there, in words
  Span span;                 // its place in the rule file
  Node* node = nullptr;      // where it was refused, if at a node
  bool structural = true;    // false: refused by a condition
  RefusedBy by = RefusedBy::op;
  bool at_default = false;         // refused by an argument that has its parameter's default: nobody wrote it
  std::vector<NamedValue> values;  // refused by a condition: those of its names that stand for no node
  std::vector<Node*> matched;      // calls that the pattern had matched until then, root first
  std::vector<OpId> wanted;        // refused by an operator: those that would have done (without regular expressions)
};

// Immutable once compiled; shared by threads. Refers to the rules it was compiled from, which must outlive it.
class Automaton {
 public:
  // Compiles the rules of one phase of the set.
  static Automaton compile(const RuleSet& rules, uint32_t phase);
  // Compiles these rules, tried in this order.
  static Automaton compile(const RuleSet& rules, std::vector<const Rule*> chosen);
  Automaton(Automaton&&) noexcept;
  Automaton& operator=(Automaton&&) noexcept;
  ~Automaton();

  // A view of the automaton for one graph: rules whose operators do not occur are left out, operators are resolved to
  // dense indexes. Cheap; made once for a pass and told of operators that appear later by itself.
  class Session {
   public:
    Session(const Automaton& automaton, Graph& graph);
    ~Session();
    Session(Session&&) noexcept;

    // The first rule, in order, that matches with `node` as its root and whose conditions hold. Nothing that no rule
    // can start at costs more than one array look-up. `accept` may refuse a match (its rewrite was tried and failed
    // before); the next is tried then.
    std::optional<Match> match(Node* node, const std::function<bool(const Match&)>& accept = {});
    // All matches of all rules, by rule order, then in the order that alternatives and operand orders are tried.
    std::vector<Match> all_matches(Node* node);
    // The same walk, recording for each rule whose root operator is there where it was refused: where most calls had
    // been matched, then where most tests had been passed; a condition comes after all of the pattern.
    std::vector<NearMiss> explain(Node* node);

   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  // The most nodes between a root and anything its match looks at through operands; chains count as
  // `unbounded_through`.
  size_t depth() const;
  // Operators that chains (`*`, `+`) run through: a change below such a chain can be seen from above it.
  bool runs_through(OpId op) const;

  std::string print() const;  // text: one state per line, with its test and the rules alive in it
  std::string dot() const;    // for Graphviz
  size_t state_count() const;

 private:
  friend class Session;
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Automaton();
};

}  // namespace qrules
