// The grammar of conditions and rewrites (docs/rule-language.md). Precedence as in Python:
// if-else, or, and, not, comparisons and in, + -, * / // %, unary -.

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/parser.h>
#include <qrules/rules/syntax.h>

namespace qrules::syntax {
namespace {

class ExpressionParser : Parser {
 public:
  ExpressionParser(const MappedText& text, std::vector<std::string_view> continuations, const DiagnosticKind& kind,
                   Diagnostics& diagnostics)
      : Parser(text, std::move(continuations), kind, diagnostics) {}

  std::vector<ConditionLine> conditions() {
    std::vector<ConditionLine> result;
    while (skip_newlines()) {
      try {
        depth_ = 0;
        const size_t begin = lexer_.peek().begin;
        ConditionLine line;
        line.expression = expression();
        end_of_line("the end of the condition");
        line.text = single_line(begin, lexer_.last_end());
        result.push_back(std::move(line));
      } catch (const Failed&) {
        skip_line();
      }
    }
    return result;
  }

  ExpressionPtr single() {
    try {
      skip_newlines();
      ExpressionPtr result = expression();
      if (skip_newlines()) fail("the end of the expression");
      return result;
    } catch (const Failed&) {
      return nullptr;
    }
  }

  std::vector<RewriteLine> rewrite() {
    std::vector<RewriteLine> result;
    while (skip_newlines()) {
      try {
        depth_ = 0;
        result.push_back(rewrite_line());
      } catch (const Failed&) {
        skip_line();
      }
    }
    return result;
  }

 private:
  [[noreturn]] void fail_at(const Span& span, std::string expected, std::string label) {
    fail(Diagnostic(kind_, span, label)
             .with("expected", std::move(expected))
             .with("found", "`" + std::string(span.text()) + "`")
             .help(label.empty() ? "name it: `parameter=value`" : "name it, `parameter=value`: " + label));
  }
  void end_of_line(const std::string& expected) {
    if (!at_end_of_line()) fail(expected);
  }
  std::string single_line(size_t begin, size_t end) const {
    std::string result;
    for (char c : lexer_.text().text().substr(begin, end - begin)) {
      const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
      if (space && (result.empty() || result.back() == ' ')) continue;
      result.push_back(space ? ' ' : c);
    }
    return result;
  }

  RewriteLine rewrite_line() {
    RewriteLine line;
    const size_t begin = lexer_.peek().begin;
    if (lexer_.peek().kind != TokenKind::value_name) fail("a name: `%name = value`");
    const Token name = lexer_.next();
    line.name = name.text;
    line.name_span = lexer_.span(name);
    expect("=");
    const Token head = lexer_.peek();
    if (head.kind == TokenKind::word && head.text.find('.') != std::string::npos) {
      line.kind = RewriteLine::Kind::call;
      lexer_.next();
      line.op = head.text;
      line.op_span = lexer_.span(head);
      expect("(");
      if (lexer_.peek().is_word("like")) {
        lexer_.next();
        line.like = matched_name();
        if (lexer_.peek().is(","))
          lexer_.next();
        else if (!lexer_.peek().is(")"))
          fail("`,` or `)`");
      }
      arguments(line);
    } else {
      line.expression = expression();
      if (lexer_.peek().is_word("with")) {
        if (line.expression->kind != Expression::Kind::name)
          fail("the end of the line: only a name can be followed by `with`");
        line.kind = RewriteLine::Kind::copy;
        line.like = {line.expression->text, line.expression->span};
        line.expression = nullptr;
        lexer_.next();
        expect("(");
        arguments(line);
        for (const RewriteLine::Value& value : line.values) {
          if (value.name.empty()) fail_at(value.value->span, "a named argument", "`with` changes arguments by name");
        }
      }
    }
    end_of_line("the end of the line");
    line.span = lexer_.span(begin, lexer_.last_end());
    return line;
  }

  std::pair<std::string, Span> matched_name() {
    if (lexer_.peek().kind != TokenKind::value_name) fail("a name %x");
    const Token token = lexer_.next();
    return {token.text, lexer_.span(token)};
  }

  void arguments(RewriteLine& line) {
    while (!lexer_.peek().is(")")) {
      RewriteLine::Value value;
      value.value = expression();
      if (lexer_.peek().is("=")) {
        if (value.value->kind != Expression::Kind::word) fail("`,` or `)`");
        lexer_.next();
        value.name = value.value->text;
        value.name_span = value.value->span;
        value.value = expression();
      } else if (!line.values.empty() && !line.values.back().name.empty()) {
        fail_at(value.value->span, "a named argument", "positional arguments come first");
      }
      line.values.push_back(std::move(value));
      if (!lexer_.peek().is(",")) break;
      lexer_.next();
    }
    if (!lexer_.peek().is(")")) fail("`,` or `)`");
    lexer_.next();
  }

  ExpressionPtr expression() {
    if (++depth_ > kDeepest) fail("fewer levels of nesting");
    const size_t begin = lexer_.peek().begin;
    ExpressionPtr value = disjunction();
    if (lexer_.peek().is_word("if")) {
      lexer_.next();
      ExpressionPtr condition = disjunction();
      if (!lexer_.peek().is_word("else")) fail("`else`");
      lexer_.next();
      ExpressionPtr otherwise = expression();
      value = make(Expression::Kind::conditional, ExpressionKind::conditional, begin, {value, condition, otherwise});
    }
    --depth_;
    return value;
  }

  ExpressionPtr disjunction() {
    const size_t begin = lexer_.peek().begin;
    ExpressionPtr left = conjunction();
    while (lexer_.peek().is_word("or")) {
      lexer_.next();
      left = make(Expression::Kind::binary, ExpressionKind::logical_or, begin, {left, conjunction()});
    }
    return left;
  }

  ExpressionPtr conjunction() {
    const size_t begin = lexer_.peek().begin;
    ExpressionPtr left = negation();
    while (lexer_.peek().is_word("and")) {
      lexer_.next();
      left = make(Expression::Kind::binary, ExpressionKind::logical_and, begin, {left, negation()});
    }
    return left;
  }

  ExpressionPtr negation() {
    const size_t begin = lexer_.peek().begin;
    if (!lexer_.peek().is_word("not")) return comparison();
    if (++depth_ > kDeepest) fail("fewer levels of nesting");
    lexer_.next();
    ExpressionPtr inner = negation();
    --depth_;
    return make(Expression::Kind::unary, ExpressionKind::logical_not, begin, {inner});
  }

  ExpressionPtr comparison() {
    const size_t begin = lexer_.peek().begin;
    ExpressionPtr left = sum();
    static constexpr std::pair<std::string_view, ExpressionKind> kOperators[] = {
        {"==", ExpressionKind::equal},      {"!=", ExpressionKind::not_equal}, {"<", ExpressionKind::less},
        {"<=", ExpressionKind::less_equal}, {">", ExpressionKind::greater},    {">=", ExpressionKind::greater_equal}};
    ExpressionKind operation = ExpressionKind::literal;
    for (const auto& [symbol, kind] : kOperators) {
      if (lexer_.peek().is(symbol)) operation = kind;
    }
    if (operation != ExpressionKind::literal) {
      lexer_.next();
    } else if (lexer_.peek().is_word("in")) {
      lexer_.next();
      operation = ExpressionKind::in;
    } else if (lexer_.peek().is_word("not")) {
      lexer_.next();
      if (!lexer_.peek().is_word("in")) fail("`in`");
      lexer_.next();
      operation = ExpressionKind::not_in;
    } else {
      return left;
    }
    ExpressionPtr result = make(Expression::Kind::binary, operation, begin, {left, sum()});
    for (const auto& [symbol, kind] : kOperators) {
      if (lexer_.peek().is(symbol)) fail("`and`: comparisons do not chain");
    }
    return result;
  }

  ExpressionPtr sum() {
    const size_t begin = lexer_.peek().begin;
    ExpressionPtr left = product();
    while (lexer_.peek().is("+") || lexer_.peek().is("-")) {
      const ExpressionKind kind = lexer_.next().text == "+" ? ExpressionKind::add : ExpressionKind::subtract;
      left = make(Expression::Kind::binary, kind, begin, {left, product()});
    }
    return left;
  }

  ExpressionPtr product() {
    const size_t begin = lexer_.peek().begin;
    ExpressionPtr left = unary();
    while (true) {
      const Token& token = lexer_.peek();
      ExpressionKind kind;
      if (token.is("*"))
        kind = ExpressionKind::multiply;
      else if (token.is("/"))
        kind = ExpressionKind::divide;
      else if (token.is("//"))
        kind = ExpressionKind::floor_divide;
      else if (token.is("%"))
        kind = ExpressionKind::modulo;
      else
        return left;
      lexer_.next();
      left = make(Expression::Kind::binary, kind, begin, {left, unary()});
    }
  }

  ExpressionPtr unary() {
    const size_t begin = lexer_.peek().begin;
    if (!lexer_.peek().is("-")) return primary();
    if (++depth_ > kDeepest) fail("fewer levels of nesting");
    lexer_.next();
    ExpressionPtr inner = unary();
    --depth_;
    return make(Expression::Kind::unary, ExpressionKind::negate, begin, {inner});
  }

  ExpressionPtr primary() {
    const Token token = lexer_.peek();
    auto result = std::make_shared<Expression>();
    result->span = lexer_.span(token);
    result->text = token.text;
    result->text_span = result->span;
    switch (token.kind) {
      case TokenKind::value_name:
        lexer_.next();
        result->kind = Expression::Kind::name;
        return result;
      case TokenKind::text:
        lexer_.next();
        result->literal = Argument(token.text);
        return result;
      case TokenKind::number: {
        auto value = parse_number(token.text);
        if (!value) fail("a number");
        lexer_.next();
        result->literal = *value;
        return result;
      }
      case TokenKind::word: {
        static constexpr std::string_view kReserved[] = {"and", "or", "not", "in", "if", "else", "for", "with", "like"};
        for (std::string_view word : kReserved) {
          if (token.text == word) fail("an expression");
        }
        lexer_.next();
        if (lexer_.peek().is("(")) return call(std::move(result), token);
        result->kind = Expression::Kind::word;
        return result;
      }
      case TokenKind::symbol:
        if (token.text == "(" || token.text == "[") {
          lexer_.next();
          const std::string_view close = token.text == "(" ? ")" : "]";
          std::vector<ExpressionPtr> elements;
          bool comma = false;
          while (!lexer_.peek().is(close)) {
            elements.push_back(expression());
            comma = lexer_.peek().is(",");
            if (!comma) break;
            lexer_.next();
          }
          const size_t count = elements.size();
          if (!lexer_.peek().is(close)) fail("`,` or `" + std::string(close) + "`");
          lexer_.next();
          if (token.text == "(" && count == 1 && !comma) return elements.front();
          return make(Expression::Kind::list, ExpressionKind::list, token.begin, std::move(elements));
        }
        break;
      default: break;
    }
    fail("an expression");
  }

  ExpressionPtr call(std::shared_ptr<Expression> result, const Token& callee) {
    result->kind = Expression::Kind::call;
    lexer_.next();  // (
    while (!lexer_.peek().is(")")) {
      ExpressionPtr value = expression();
      std::string name;
      Span name_span;
      if (lexer_.peek().is("=") && value->kind == Expression::Kind::word) {
        lexer_.next();
        name = value->text;
        name_span = value->span;
        value = expression();
      }
      result->operands.push_back(std::move(value));
      result->argument_names.push_back(std::move(name));
      result->argument_name_spans.push_back(std::move(name_span));
      if (lexer_.peek().is_word("for") && result->operands.size() == 1 &&
          (callee.text == "all" || callee.text == "any")) {
        loop(*result);
        break;
      }
      if (!lexer_.peek().is(",")) break;
      lexer_.next();
    }
    if (!lexer_.peek().is(")")) fail("`,` or `)`");
    lexer_.next();
    result->span = lexer_.span(callee.begin, lexer_.last_end());
    return result;
  }

  void loop(Expression& result) {
    lexer_.next();  // for
    result.kind = Expression::Kind::loop;
    result.operation = result.text == "all" ? ExpressionKind::for_all : ExpressionKind::for_any;
    while (true) {
      result.loop_names.push_back(matched_name());
      if (!lexer_.peek().is(",")) break;
      lexer_.next();
    }
    if (!lexer_.peek().is_word("in")) fail("`in`");
    lexer_.next();
    while (true) {
      result.operands.push_back(expression());
      if (!lexer_.peek().is(",")) break;
      lexer_.next();
    }
  }

  ExpressionPtr make(Expression::Kind kind, ExpressionKind operation, size_t begin,
                     std::vector<ExpressionPtr> operands) {
    auto result = std::make_shared<Expression>();
    result->kind = kind;
    result->operation = operation;
    result->operands = std::move(operands);
    result->span = lexer_.span(begin, lexer_.last_end());
    return result;
  }

  int depth_ = 0;
};

}  // namespace

std::vector<ConditionLine> parse_conditions(const MappedText& text, Diagnostics& diagnostics) {
  return ExpressionParser(text, {"and", "or"}, kExpressionSyntax, diagnostics).conditions();
}

ExpressionPtr parse_expression(const MappedText& text, Diagnostics& diagnostics) {
  return ExpressionParser(text, {"and", "or"}, kExpressionSyntax, diagnostics).single();
}

std::vector<RewriteLine> parse_rewrite(const MappedText& text, Diagnostics& diagnostics) {
  return ExpressionParser(text, {"and", "or"}, kRewriteSyntax, diagnostics).rewrite();
}

}  // namespace qrules::syntax
