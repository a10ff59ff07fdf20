// What an operator's operands may be when its result is to have a certain type: the way from a result back to its
// operands. A recipe is a proposal. Type inference and the conditions have the last word, so an operator without one
// only takes longer to get right.
#pragma once

#include <qrules/generate/skeleton.h>

namespace qrules::generate {

// What the rules mention: worth trying where a choice is free.
struct Hints {
  std::vector<DType> dtypes;
  std::vector<int64_t> sizes;
  std::vector<Argument> literals;                                   // numbers, texts, lists
  std::map<std::string, std::vector<std::string>> related;          // slots that one condition compares
  std::map<std::string, std::vector<const Function*>> asked_about;  // which functions conditions apply to a slot
  bool asks(const std::string& slot, std::string_view function) const;
};

class Recipes {
 public:
  Recipes(const OperatorTable& operators, Decisions& decisions, const Hints& hints)
      : operators_(operators), decisions_(decisions), hints_(hints) {}

  // Asks for a term of this type, and so for its operands. The first wish of a term is the one that counts.
  void ask(Term* term, Wish wish);
  // A type for a result: any of the usual sizes.
  Wish draw_wish(const std::string& name);
  DType draw_dtype(const std::string& name, std::initializer_list<DType> usual);
  int64_t draw_size(const std::string& name);

 private:
  friend class CallRecipe;
  const OperatorTable& operators_;
  Decisions& decisions_;
  const Hints& hints_;
};

}  // namespace qrules::generate
