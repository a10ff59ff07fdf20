// What the parsers make of pattern, condition and rewrite texts, before names mean anything.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <qrules/graph/argument.h>
#include <qrules/rules/expression.h>
#include <qrules/rules/mapped_text.h>
#include <qrules/support/diagnostic.h>

namespace qrules::syntax {

struct Pattern;
using PatternPtr = std::shared_ptr<const Pattern>;

struct PatternArgument {
  std::string name;  // empty: positional
  Span name_span;
  PatternPtr value;
};

struct Pattern {
  enum class Kind : uint8_t { any, name, literal, word, call, list, each, alternative, optional, repeat, siblings };
  Kind kind = Kind::any;
  Span span;
  std::string text;            // name, word, callee
  bool optional_name = false;  // %b?
  bool is_class = false;       // call of @text
  bool open = false;           // call that ends in `...`
  Span open_span;
  Argument literal;
  std::vector<PatternArgument> arguments;  // call
  Span callee_span;
  std::vector<PatternPtr> children;                  // list, each, alternative, optional, repeat, siblings
  uint32_t minimum = 0;                              // repeat
  std::vector<std::pair<std::string, Span>> shared;  // siblings: the names in parentheses
};

struct Statement {
  std::string name;  // empty: none
  Span name_span;
  PatternPtr pattern;
  Span span;
};

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

struct Expression {
  // As qrules::Expression, but names are not resolved: `name` (%x), `word` (a parameter, dtype, keyword).
  enum class Kind : uint8_t { literal, name, word, list, call, unary, binary, conditional, loop };
  Kind kind = Kind::literal;
  Span span;
  std::string text;  // name, word, function
  Span text_span;
  ExpressionKind operation = ExpressionKind::literal;  // unary, binary, loop
  Argument literal;
  std::vector<ExpressionPtr> operands;      // loop: body, lists
  std::vector<std::string> argument_names;  // call: empty for positional ones
  std::vector<Span> argument_name_spans;    // call: in step with the names
  std::vector<std::pair<std::string, Span>> loop_names;
};

struct ConditionLine {
  ExpressionPtr expression;
  std::string text;  // as written, white space made single spaces
};

struct RewriteLine {
  enum class Kind : uint8_t { call, copy, expression };
  Kind kind = Kind::expression;
  std::string name;
  Span name_span;
  Span span;
  std::string op;  // call
  Span op_span;
  std::optional<std::pair<std::string, Span>> like;  // call: like %n; copy: the node
  struct Value {
    std::string name;  // empty: positional
    Span name_span;
    ExpressionPtr value;
  };
  std::vector<Value> values;
  ExpressionPtr expression;
};

// Each parser adds what is wrong to `diagnostics` (one error for a statement) and gives what it could read.
std::vector<Statement> parse_match(const MappedText& text, Diagnostics& diagnostics);
// One pattern: of a macro.
PatternPtr parse_pattern(const MappedText& text, Diagnostics& diagnostics);
std::vector<ConditionLine> parse_conditions(const MappedText& text, Diagnostics& diagnostics);
ExpressionPtr parse_expression(const MappedText& text, Diagnostics& diagnostics);
std::vector<RewriteLine> parse_rewrite(const MappedText& text, Diagnostics& diagnostics);

// The value of a number token; nothing when it is out of range or malformed.
std::optional<Argument> parse_number(const std::string& text);

}  // namespace qrules::syntax
