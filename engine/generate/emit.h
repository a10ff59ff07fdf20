// A skeleton with wishes becomes a graph.
#pragma once

#include <qrules/generate/recipes.h>
#include <qrules/match/bindings.h>

namespace qrules::generate {

class Emitter {
 public:
  Emitter(Graph& graph, Skeleton& skeleton, Decisions& decisions, const Hints& hints, Recipes& recipes)
      : graph_(graph), skeleton_(skeleton), decisions_(decisions), hints_(hints), recipes_(recipes) {}

  // Makes all calls that rules ask for, their operands, further users and the results. False when a call does not take
  // the operands that were drawn; `refused` and `refused_term` say which.
  bool run();
  // What the rule's names stand for in the graph.
  Bindings bindings(const RuleTerms& rule) const;

  size_t calls = 0;  // made so far
  std::string refused;
  std::string refused_term;

 private:
  std::optional<Argument> value(Term* term);
  std::optional<Argument> make(Term* term);
  std::optional<Argument> call(Term* term);
  std::optional<Argument> leaf(Term* term);
  std::optional<Argument> plain(Term* term);
  Node* tensor(Term* term, const Wish& wish);
  Node* constant(Term* term, const Wish& wish);
  void use_elsewhere(Term* term, Node* node, std::vector<Argument>& results);
  bool asks(const Term* term, std::initializer_list<std::string_view> functions) const;
  TensorType type_of(const Wish& wish);

  Graph& graph_;
  Skeleton& skeleton_;
  Decisions& decisions_;
  const Hints& hints_;
  Recipes& recipes_;
  std::vector<Term*> made_;  // calls and tensors, in order
};

}  // namespace qrules::generate
