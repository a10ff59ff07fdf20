// Reads the text form of graphs by recursive descent. One error ends a parse: what follows a wrong line would be noise.

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/graph/text.h>

#include "lexer.h"

namespace qrules {
namespace {

using text::Lexer;
using text::Token;
using text::TokenKind;

inline const DiagnosticKind kUnexpectedText{
    "QR0540", Level::error, "unexpected-graph-text", "expected {wanted}, found {found}",
    "The text form of a graph is `graph(%x: f32[2,3]) { ... return (%y) }`; see docs/graph-text.md."};
inline const DiagnosticKind kUnknownValue{
    "QR0541", Level::error, "unknown-value", "nothing before this line is called %{name}",
    "A value is used before the line that makes it, or its name is misspelt."};
inline const DiagnosticKind kValueDefinedTwice{
    "QR0542", Level::error, "value-defined-twice", "%{name} is defined twice",
    "Every value has a name of its own."};
inline const DiagnosticKind kUnknownOperator{
    "QR0543", Level::error, "unknown-operator-in-graph", "unknown operator `{op}`",
    "No signature file declares the operator. Declare it under `operators:` in a rule file, or correct its name."};
inline const DiagnosticKind kUnknownDType{
    "QR0544", Level::error, "unknown-dtype", "unknown dtype `{dtype}`",
    "Dtypes are u8, s8, s16, s32, s64, bool, f16, bf16, f32, f64, f8e4m3, f8e5m2, c64, c128."};
inline const DiagnosticKind kTooDeep{
    "QR0545", Level::error, "graph-text-too-deep", "lists are nested more than {limit} deep",
    "The nesting of lists in arguments is bounded."};
inline const DiagnosticKind kWrongConstant{
    "QR0546", Level::error, "wrong-constant", "{what}",
    "A constant lists one value for all of its elements, or one for each, in row-major order."};

constexpr int kDeepest = 64;
constexpr int64_t kLargestConstant = int64_t{1} << 28;

struct Stop {
  Diagnostic diagnostic;
};

class GraphParser {
 public:
  GraphParser(const Span& span, std::shared_ptr<OperatorTable> operators) : lexer_(span), graph_(std::move(operators)) { advance(); }

  Graph parse() {
    expect_word("graph");
    expect("(");
    if (!take(")")) {
      do {
        parse_placeholder();
      } while (take(","));
      expect(")");
    }
    expect("{");
    while (!take("}")) {
      if (token_.kind == TokenKind::word && token_.text == "return") {
        parse_return();
        expect("}");
        break;
      }
      parse_statement();
    }
    if (token_.kind != TokenKind::end) unexpected("the end of the text");
    return std::move(graph_);
  }

 private:
  void advance() { token_ = lexer_.next(); }

  [[noreturn]] void unexpected(const std::string& wanted) {
    std::string found = "`" + std::string(token_.span.text().substr(0, 40)) + "`";
    if (token_.kind == TokenKind::end) found = "the end of the text";
    if (token_.kind == TokenKind::bad && token_.span.text().substr(0, 1) == "\"") found = "a text that is not closed";
    throw Stop{Diagnostic(kUnexpectedText, token_.span).with("wanted", wanted).with("found", found)};
  }
  bool is(std::string_view symbol) const { return token_.kind == TokenKind::symbol && token_.text == symbol; }
  bool take(std::string_view symbol) {
    if (!is(symbol)) return false;
    advance();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!take(symbol)) unexpected("`" + std::string(symbol) + "`");
  }
  void expect_word(std::string_view word) {
    if (token_.kind != TokenKind::word || token_.text != word) unexpected("`" + std::string(word) + "`");
    advance();
  }

  void define(const Token& name) {
    if (graph_.find(name.text)) throw Stop{Diagnostic(kValueDefinedTwice, name.span).with("name", std::string(name.text))};
  }

  Dim parse_size(const Span& span) {
    auto size = graph_.dims().parse(span.text());
    if (!size) {
      Diagnostic error = size.diagnostics().list().front();
      error.labels.insert(error.labels.begin(), {span, ""});
      throw Stop{std::move(error)};
    }
    return *size;
  }

  // After the opening bracket: comma-separated expressions up to `closer`, read as raw text.
  std::vector<Dim> parse_sizes(size_t from, char closer) {
    lexer_.reset(from);
    std::vector<Dim> sizes;
    const std::string stops = std::string(",") + closer;
    while (true) {
      const Span span = lexer_.raw_until(stops);
      if (span.begin != span.end) sizes.push_back(parse_size(span));
      advance();
      if (!is(",")) break;
      if (span.begin == span.end) unexpected("a size");
      lexer_.reset(token_.span.end);
    }
    expect(std::string(1, closer));
    return sizes;
  }

  TensorType parse_tensor_type() {
    if (token_.kind != TokenKind::word) unexpected("a type such as f32[2,3]");
    const auto dtype = parse_dtype(token_.text);
    if (!dtype) throw Stop{Diagnostic(kUnknownDType, token_.span).with("dtype", std::string(token_.text))};
    TensorType type{*dtype, {}, {}};
    advance();
    if (!is("[")) unexpected("`[` and the sizes");
    type.sizes = parse_sizes(token_.span.end, ']');
    if (token_.kind == TokenKind::word && token_.text == "strides") {
      advance();
      if (!is("(")) unexpected("`(` and the strides");
      type.strides = parse_sizes(token_.span.end, ')');
    }
    return type;
  }

  ValueType parse_type() {
    if (!take("(")) return ValueType::tensor(parse_tensor_type());
    std::vector<TensorType> types;
    if (!take(")")) {
      do {
        types.push_back(parse_tensor_type());
      } while (take(","));
      expect(")");
    }
    return ValueType::tuple(std::move(types));
  }

  void parse_placeholder() {
    const Token name = token_;
    if (name.kind != TokenKind::value_name) unexpected("a value such as %x");
    define(name);
    advance();
    expect(":");
    graph_.add_placeholder(name.text, parse_type());
  }

  void parse_statement() {
    const Token name = token_;
    if (name.kind != TokenKind::value_name) unexpected("a value such as %y, `return` or `}`");
    define(name);
    advance();
    std::optional<ValueType> type;
    if (take(":")) type = parse_type();
    expect("=");
    if (token_.kind != TokenKind::word) unexpected("an operator or `constant`");
    if (token_.text == "constant") {
      parse_constant(name);
    } else {
      parse_call(name, std::move(type));
    }
  }

  void parse_constant(const Token& name) {
    advance();
    std::string constant_name;
    if (token_.kind == TokenKind::text) {
      if (!text::unescape(token_.text, constant_name)) unexpected("a text with JSON escapes");
      advance();
    }
    expect(":");
    const Span type_span = token_.span;
    const TensorType type = parse_tensor_type();
    std::vector<int64_t> sizes;
    for (Dim size : type.sizes) {
      if (!size.is_static()) throw Stop{Diagnostic(kWrongConstant, type_span).with("what", "the sizes of a constant are numbers")};
      sizes.push_back(size.value());
    }
    ConstantPtr constant;
    if (is("{")) {
      constant = parse_elements(type.dtype, sizes);
    } else {
      auto unknown = std::make_shared<Constant>();
      unknown->dtype = type.dtype;
      unknown->sizes = sizes;
      unknown->bytes = static_cast<size_t>(unknown->element_count()) * size_of(type.dtype);
      constant = std::move(unknown);
    }
    graph_.add_constant(name.text, std::move(constant), nullptr, constant_name);
  }

  ConstantPtr parse_elements(DType dtype, const std::vector<int64_t>& sizes) {
    const Span start = token_.span;
    expect("{");
    std::vector<double> reals;
    std::vector<int64_t> integers;
    if (!is("}")) {
      do {
        const Argument value = parse_argument(0);
        const auto real = value.number();
        if (!real || value.node()) throw Stop{Diagnostic(kWrongConstant, start).with("what", "the elements of a constant are numbers")};
        reals.push_back(*real);
        integers.push_back(value.integer().value_or(0));
      } while (take(","));
    }
    expect("}");
    if (dtype == DType::f16 || dtype == DType::f8e4m3 || dtype == DType::f8e5m2 || dtype == DType::c64 || dtype == DType::c128) {
      throw Stop{Diagnostic(kWrongConstant, start).with("what", "elements of " + std::string(qrules::name(dtype)) + " cannot be written out")};
    }
    int64_t count = 1;
    for (int64_t size : sizes) {
      if (size != 0 && count > kLargestConstant / size) throw Stop{Diagnostic(kWrongConstant, start).with("what", "the constant is too large to be written out")};
      count *= size;
    }
    if (reals.size() != 1 && static_cast<int64_t>(reals.size()) != count) {
      throw Stop{Diagnostic(kWrongConstant, start).with("what", "the constant has " + std::to_string(count) + " elements, " + std::to_string(reals.size()) + " are listed")};
    }
    return Constant::make(dtype, sizes, [&](void* memory) {
      for (int64_t i = 0; i < count; ++i) {
        const size_t from = reals.size() == 1 ? 0 : static_cast<size_t>(i);
        store_element(memory, dtype, i, reals[from], integers[from]);
      }
    });
  }

  static void store_element(void* memory, DType dtype, int64_t i, double real, int64_t integer) {
    const auto put = [&](auto value) { std::memcpy(static_cast<char*>(memory) + static_cast<size_t>(i) * sizeof value, &value, sizeof value); };
    const auto round_bf16 = [](float value) {
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    };
    switch (dtype) {
      case DType::u8: case DType::s8: case DType::boolean: put(static_cast<uint8_t>(integer)); break;
      case DType::s16: case DType::u16: put(static_cast<uint16_t>(integer)); break;
      case DType::bf16: put(round_bf16(static_cast<float>(real))); break;
      case DType::s32: case DType::u32: put(static_cast<uint32_t>(integer)); break;
      case DType::s64: case DType::u64: put(integer); break;
      case DType::f32: put(static_cast<float>(real)); break;
      case DType::f64: put(real); break;
      default: break;  // refused before
    }
  }

  void parse_call(const Token& name, std::optional<ValueType> type) {
    const Token op_token = token_;
    const std::string op_name(op_token.text);
    const auto op = graph_.operators().find(op_name);
    if (!op || !graph_.operators().signature(*op)) {
      Diagnostic error = Diagnostic(kUnknownOperator, op_token.span).with("op", op_name);
      if (auto near = did_you_mean(op_name, graph_.operators().known_names())) {
        error.helps.push_back({"did you mean `" + *near + "`?", op_token.span, *near});
      }
      throw Stop{std::move(error)};
    }
    advance();
    expect("(");
    std::vector<Argument> positional;
    std::vector<std::pair<std::string, Argument>> keywords;
    if (!take(")")) {
      do {
        if (token_.kind == TokenKind::word) {
          const Token word = token_;
          const size_t after = lexer_.offset();
          advance();
          if (take("=")) {
            keywords.emplace_back(std::string(word.text), parse_argument(0));
            continue;
          }
          lexer_.reset(after);
          token_ = word;
        }
        if (!keywords.empty()) unexpected("name=value after the first named argument");
        positional.push_back(parse_argument(0));
      } while (take(","));
      expect(")");
    }
    auto arguments = normalise_arguments(graph_.operators(), *op, std::move(positional), std::move(keywords));
    if (!arguments) throw Stop{placed(arguments.diagnostics(), op_token.span)};
    if (!type) {
      auto inferred = infer_type(graph_, *op, *arguments);
      if (!inferred) throw Stop{placed(inferred.diagnostics(), op_token.span)};
      type = std::move(*inferred);
    }
    graph_.add_call(*op, std::move(*arguments), std::move(*type), name.text);
  }

  static Diagnostic placed(const Diagnostics& diagnostics, const Span& span) {
    Diagnostic error = diagnostics.list().front();
    error.labels.insert(error.labels.begin(), {span, ""});
    return error;
  }

  Argument parse_argument(int depth) {
    if (depth > kDeepest) throw Stop{Diagnostic(kTooDeep, token_.span).with("limit", int64_t{kDeepest})};
    const Token token = token_;
    switch (token.kind) {
      case TokenKind::value_name: {
        Node* node = graph_.find(token.text);
        if (!node) throw Stop{unknown_value(token)};
        advance();
        return node;
      }
      case TokenKind::number: return parse_number();
      case TokenKind::text: {
        std::string unescaped;
        if (!text::unescape(token.text, unescaped)) unexpected("a text with JSON escapes");
        advance();
        return unescaped;
      }
      case TokenKind::word: return parse_word();
      case TokenKind::symbol:
        if (token.text == "[") {
          advance();
          Argument::List elements;
          if (!take("]")) {
            do {
              elements.push_back(parse_argument(depth + 1));
            } while (take(","));
            expect("]");
          }
          return elements;
        }
        [[fallthrough]];
      default: unexpected("an argument");
    }
  }

  Diagnostic unknown_value(const Token& token) {
    Diagnostic error = Diagnostic(kUnknownValue, token.span).with("name", std::string(token.text));
    std::vector<std::string> candidates;
    for (const Node* node = graph_.first(); node; node = node->next()) candidates.push_back(node->name());
    if (auto near = did_you_mean(token.text, candidates)) error.helps.push_back({"did you mean `%" + *near + "`?", token.span, "%" + *near});
    return error;
  }

  Argument parse_number() {
    const std::string digits(token_.text);
    if (digits == "-inf" || digits == "+inf") {
      advance();
      return digits[0] == '-' ? -INFINITY : INFINITY;
    }
    int64_t integer = 0;
    const char* end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, integer).ptr == end) {
      advance();
      return integer;
    }
    char* stop = nullptr;
    const double real = std::strtod(digits.c_str(), &stop);
    if (stop != digits.c_str() + digits.size()) unexpected("a number");
    advance();
    return real;
  }

  Argument parse_word() {
    const std::string word(token_.text);
    if (word == "size") {
      advance();
      if (!is("(")) unexpected("`(` and a size");
      const auto sizes = parse_sizes(token_.span.end, ')');
      if (sizes.size() != 1) unexpected("one size");
      return sizes[0];
    }
    advance();
    if (word == "None") return {};
    if (word == "true" || word == "True") return true;
    if (word == "false" || word == "False") return false;
    if (word == "inf") return INFINITY;
    if (word == "nan") return NAN;
    if (auto dtype = parse_dtype(word)) return *dtype;
    return Keyword{word};
  }

  void parse_return() {
    advance();
    expect("(");
    std::vector<Argument> results;
    if (!take(")")) {
      do {
        results.push_back(parse_argument(0));
      } while (take(","));
      expect(")");
    }
    graph_.set_outputs(std::move(results));
  }

  Lexer lexer_;
  Token token_;
  Graph graph_;
};

}  // namespace

Result<Graph> parse_graph(const Span& span, std::shared_ptr<OperatorTable> operators) {
  try {
    return GraphParser(span, std::move(operators)).parse();
  } catch (Stop& stop) {
    return std::move(stop.diagnostic);
  }
}

Result<Graph> parse_graph(std::string name, std::string text, std::shared_ptr<OperatorTable> operators) {
  const size_t end = text.size();
  return parse_graph(Span{std::make_shared<SourceFile>(std::move(name), std::move(text)), 0, end}, std::move(operators));
}

}  // namespace qrules
