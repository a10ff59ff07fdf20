// Functions that conditions and rewrites may call, registered by name from C++.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <qrules/graph/graph.h>

namespace qrules {

// Static type of an expression. `number` is an integer or a real; `size` is an integer that may be symbolic; `any` is
// not checked.
enum class ExpressionType : uint8_t { any, node, number, integer, size, boolean, text, dtype, keyword, list, none };
std::string_view name(ExpressionType type);

// What an expression gives: a value, or the reason in words why it is not known ("the type of %x is unknown").
struct Unknown {
  std::string reason;
};
using Evaluated = std::variant<Argument, Unknown>;

// What a function may look at. Functions that make values (`makes_values`) get a non-null `insert_before` and may add
// calls and constants to the graph there; others must not change the graph.
struct FunctionContext {
  Graph& graph;
  Node* root = nullptr;  // the matched root
  Node* insert_before = nullptr;
  const std::vector<Node*>* matched = nullptr;  // calls of the match, where they are known
};

struct FunctionParameter {
  std::string name;
  ExpressionType type = ExpressionType::any;
  bool has_default = false;
  Argument default_value;
};

struct Function {
  std::string name;
  std::vector<FunctionParameter> parameters;
  bool variadic = false;  // the last parameter may be repeated, or be absent
  ExpressionType result = ExpressionType::any;
  bool makes_values = false;  // for rewrites only
  int cost = 1;               // 0 type look-up, 1 users and arguments, 5 walks, 20 scans of constant data
  std::string doc;            // one sentence: what it is
  // What is said of the value when a condition does not hold, with {0}, {1}... for the arguments as printed and
  // {result} for the value: "%x has rank 3". Of a boolean function: what is said when it is false.
  std::string refusal;
  std::string contrary;  // of a boolean function: what is said when it is true and should not be
  // The same with what a sentence cannot look up (which user, which element); an empty text: the sentence does.
  std::function<std::string(const FunctionContext&, std::span<const Argument>, const Argument& result)> detail;
  std::function<Evaluated(const FunctionContext&, std::span<const Argument>)> evaluate;
};

// Filled at start-up, then only read. Addresses of functions stay valid.
class FunctionRegistry {
 public:
  // The functions of docs/rule-language.md (implemented in match/ and rewrite/).
  static FunctionRegistry builtin();

  // Replaces a function of the same name.
  Function& add(Function function);
  const Function* find(std::string_view name) const;
  std::vector<const Function*> all() const;

 private:
  std::map<std::string, std::unique_ptr<Function>, std::less<>> functions_;
};

}  // namespace qrules
