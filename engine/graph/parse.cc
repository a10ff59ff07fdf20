// Reads the text form of graphs by recursive descent. One error ends a parse: what follows a wrong line would be noise.

#include <charconv>
#include <cmath>

#include <qrules/graph/diagnostics.h>
#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/graph/text.h>

#include "constant_text.h"
#include "lexer.h"

namespace qrules {
namespace {

using text::Lexer;
using text::Token;
using text::TokenKind;

constexpr int kDeepest = 64;
// Elements that a text spells out are kept in memory: one short line must not ask for all there is.
constexpr int64_t kMostWrittenBytes = int64_t{1} << 28;

struct Stop {
  Diagnostic diagnostic;
};

class GraphParser {
 public:
  GraphParser(const Span& span, std::shared_ptr<OperatorTable> operators) : lexer_(span), graph_(std::move(operators)) {
    advance();
  }

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
    if (token_.kind == TokenKind::bad && token_.span.text().substr(0, 1) == "\"")
      throw Stop{Diagnostic(kUnterminatedText, token_.span)};
    throw Stop{Diagnostic(kGraphSyntax, token_.span).with("expected", wanted).with("found", found)};
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
    if (graph_.find(name.text))
      throw Stop{Diagnostic(kValueBoundTwice, name.span).with("name", std::string(name.text))};
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
    if (!dtype) throw Stop{Diagnostic(kUnknownDType, token_.span).with("text", std::string(token_.text))};
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
    // An input that is no tensor has no type.
    graph_.add_placeholder(name.text, take(":") ? parse_type() : ValueType::unknown());
  }

  void parse_statement() {
    const Token name = token_;
    if (name.kind != TokenKind::value_name) unexpected("a value such as %y, `return` or `}`");
    define(name);
    advance();
    std::optional<ValueType> type;
    if (take(":")) type = parse_type();
    expect("=");
    if (token_.kind == TokenKind::text) return parse_unknown_call(name, std::move(type));
    if (token_.kind != TokenKind::word) unexpected("an operator or `constant`");
    if (token_.text == "constant") {
      if (type) unexpected("an operator (the type of a constant follows it)");
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
    auto constant = std::make_shared<Constant>();
    constant->dtype = type.dtype;
    int64_t bytes = static_cast<int64_t>(size_of(type.dtype));
    for (Dim size : type.sizes) {
      if (!size.is_static()) bad_constant(name, type_span, "its sizes are not numbers");
      if (__builtin_mul_overflow(bytes, size.value(), &bytes)) bad_constant(name, type_span, "it is too large");
      constant->sizes.push_back(size.value());
    }
    constant->bytes = static_cast<size_t>(bytes);
    ConstantPtr value = std::move(constant);
    if (is("{")) value = parse_elements(name, *value);
    graph_.add_constant(name.text, std::move(value), nullptr, constant_name);
  }

  [[noreturn]] static void bad_constant(const Token& name, const Span& span, std::string why) {
    throw Stop{Diagnostic(kBadConstant, span).with("name", std::string(name.text)).with("why", std::move(why))};
  }

  // One element as written: stored into constants as it is, so that u64 and reals keep every bit.
  struct Element {
    Span span;
    std::variant<int64_t, uint64_t, double> value;
  };

  Element parse_element(const Token& name) {
    const Token token = token_;
    if (token.kind == TokenKind::word &&
        (token.text == "true" || token.text == "True" || token.text == "false" || token.text == "False")) {
      advance();
      return {token.span, int64_t{token.text == "true" || token.text == "True"}};
    }
    uint64_t large = 0;
    if (token.kind == TokenKind::number) {
      const char* end = token.text.data() + token.text.size();
      const auto read = std::from_chars(token.text.data(), end, large);
      if (read.ec == std::errc() && read.ptr == end && large > static_cast<uint64_t>(INT64_MAX)) {
        advance();
        return {token.span, large};
      }
    }
    const bool number = token.kind == TokenKind::number ||
                        (token.kind == TokenKind::word && (token.text == "inf" || token.text == "nan"));
    if (!number) bad_constant(name, token.span, "its elements are numbers");
    const Argument value = parse_argument(0);
    if (const int64_t* integer = value.get_if<int64_t>()) return {token.span, *integer};
    return {token.span, *value.get_if<double>()};
  }

  ConstantPtr parse_elements(const Token& name, const Constant& shape) {
    const Span start = token_.span;
    expect("{");
    std::vector<Element> elements;
    if (!is("}")) {
      do {
        elements.push_back(parse_element(name));
      } while (take(","));
    }
    expect("}");
    if (!text::has_element_text(shape.dtype))
      bad_constant(name, start, "elements of " + std::string(qrules::name(shape.dtype)) + " cannot be written out");
    if (shape.bytes > static_cast<size_t>(kMostWrittenBytes))
      bad_constant(name, start, "it is too large to be written out");
    const int64_t count = shape.element_count();
    if (elements.size() != 1 && static_cast<int64_t>(elements.size()) != count) {
      bad_constant(name, start,
                   "it has " + std::to_string(count) + " elements, " + std::to_string(elements.size()) + " are listed");
    }
    return Constant::make(shape.dtype, shape.sizes, [&](void* memory) {
      for (int64_t i = 0; i < count; ++i) {
        const Element& element = elements[elements.size() == 1 ? 0 : static_cast<size_t>(i)];
        const bool stored = std::visit([&](auto value) { return store(memory, shape.dtype, i, value); }, element.value);
        if (!stored)
          bad_constant(
              name, element.span,
              std::string(element.span.text()) + " is not a value of " + std::string(qrules::name(shape.dtype)));
      }
    });
  }

  static bool store(void* memory, DType dtype, int64_t i, double value) {
    return text::store_real(memory, dtype, i, value);
  }
  template <typename Integer>
  static bool store(void* memory, DType dtype, int64_t i, Integer value) {
    return text::store_integer(memory, dtype, i, value);
  }

  void parse_call(const Token& name, std::optional<ValueType> type) {
    const Token op_token = token_;
    const std::string op_name(op_token.text);
    const auto op = graph_.operators().find(op_name);
    if (!op || !graph_.operators().signature(*op)) {
      Diagnostic error = Diagnostic(kUnknownGraphOperator, op_token.span).with("op", op_name);
      error.suggest(op_name, graph_.operators().known_names(), op_token.span);
      throw Stop{std::move(error)};
    }
    advance();
    auto [positional, keywords] = parse_arguments();
    auto arguments = normalise_arguments(graph_.operators(), *op, std::move(positional), std::move(keywords));
    if (!arguments) throw Stop{placed(arguments.diagnostics(), op_token.span)};
    if (!type) {
      auto inferred = infer_type(graph_, *op, *arguments);
      if (!inferred) throw Stop{placed(inferred.diagnostics(), op_token.span)};
      type = std::move(*inferred);
    }
    graph_.add_call(*op, std::move(*arguments), std::move(*type), name.text);
  }

  // An operator in quotes has no signature: its arguments are taken as they are.
  void parse_unknown_call(const Token& name, std::optional<ValueType> type) {
    const Token op_token = token_;
    std::string op_name;
    if (!text::unescape(op_token.text, op_name)) unexpected("a text with JSON escapes");
    const OpId op = graph_.operators().intern(op_name);
    if (graph_.operators().signature(op)) unexpected("an operator without quotes, for it has a signature");
    advance();
    auto [arguments, keywords] = parse_arguments();
    std::vector<std::string> names;
    for (auto& [keyword, value] : keywords) {
      names.push_back(keyword);
      arguments.push_back(std::move(value));
    }
    graph_.add_call(op, std::move(arguments), type ? std::move(*type) : ValueType::unknown(), name.text, nullptr,
                    std::move(names));
  }

  struct Arguments {
    std::vector<Argument> positional;
    std::vector<std::pair<std::string, Argument>> keywords;
  };

  Arguments parse_arguments() {
    expect("(");
    Arguments arguments;
    if (!take(")")) {
      do {
        if (token_.kind == TokenKind::word) {
          const Token word = token_;
          const size_t after = lexer_.offset();
          advance();
          if (take("=")) {
            arguments.keywords.emplace_back(std::string(word.text), parse_argument(0));
            continue;
          }
          lexer_.reset(after);
          token_ = word;
        }
        if (!arguments.keywords.empty()) unexpected("name=value after the first named argument");
        arguments.positional.push_back(parse_argument(0));
      } while (take(","));
      expect(")");
    }
    return arguments;
  }

  static Diagnostic placed(const Diagnostics& diagnostics, const Span& span) {
    Diagnostic error = diagnostics.list().front();
    error.labels.insert(error.labels.begin(), {span, ""});
    return error;
  }

  Argument parse_argument(int depth) {
    if (depth > kDeepest) throw Stop{Diagnostic(kNestedTooDeeply, token_.span).with("limit", int64_t{kDeepest})};
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
    Diagnostic error = Diagnostic(kUnboundValue, token.span).with("name", std::string(token.text));
    std::vector<std::string> candidates;
    for (const Node* node = graph_.first(); node; node = node->next()) candidates.push_back(node->name());
    error.suggest(token.text, candidates, token.span, "%");
    return error;
  }

  Argument parse_number() {
    const auto bad = [&](const char* why) {
      return Stop{
          Diagnostic(kBadNumber, token_.span).with("text", std::string(token_.text.substr(0, 40))).with("why", why)};
    };
    std::string_view digits = token_.text;
    if (digits[0] == '+') digits.remove_prefix(1);
    const char* begin = digits.data();
    const char* end = begin + digits.size();
    int64_t integer = 0;
    const auto whole = std::from_chars(begin, end, integer);
    if (whole.ptr == end) {
      if (whole.ec != std::errc()) throw bad("it does not fit 64 bits");
      advance();
      return integer;
    }
    double real = 0;
    const auto read = std::from_chars(begin, end, real);
    if (read.ptr != end) throw bad("it is neither an integer nor a real");
    if (read.ec != std::errc()) throw bad("it is out of range");
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
  return parse_graph(Span{std::make_shared<SourceFile>(std::move(name), std::move(text)), 0, end},
                     std::move(operators));
}

}  // namespace qrules
