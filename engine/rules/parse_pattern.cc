// The grammar of patterns (docs/rule-language.md), by recursive descent.

#include <charconv>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/lexer.h>
#include <qrules/rules/syntax.h>

namespace qrules::syntax {
namespace {

// Deeper than any pattern that a person writes, shallow enough for the stack.
constexpr int kDeepest = 200;

struct Failed {};  // the error is reported; the statement is skipped

class Parser {
 public:
  Parser(const MappedText& text, Diagnostics& diagnostics) : lexer_(text, {"|"}), diagnostics_(diagnostics) {}

  std::vector<Statement> statements() {
    std::vector<Statement> result;
    while (true) {
      while (lexer_.peek().kind == TokenKind::newline) lexer_.next();
      if (lexer_.peek().kind == TokenKind::end) return result;
      try {
        result.push_back(statement());
      } catch (const Failed&) {
        skip_line();
      }
    }
  }

  PatternPtr single() {
    try {
      while (lexer_.peek().kind == TokenKind::newline) lexer_.next();
      PatternPtr result = pattern(0);
      while (lexer_.peek().kind == TokenKind::newline) lexer_.next();
      if (lexer_.peek().kind != TokenKind::end) fail("the end of the pattern");
      return result;
    } catch (const Failed&) {
      return nullptr;
    }
  }

 private:
  [[noreturn]] void fail(std::string expected) {
    const Token& token = lexer_.peek();
    diagnostics_.add(Diagnostic(kPatternSyntax, lexer_.span(token), "expected " + expected)
                         .with("expected", std::move(expected)).with("found", describe(token)));
    throw Failed();
  }
  void expect(std::string_view symbol) {
    if (!lexer_.peek().is(symbol)) fail("`" + std::string(symbol) + "`");
    lexer_.next();
  }
  void skip_line() {
    while (lexer_.peek().kind != TokenKind::newline && lexer_.peek().kind != TokenKind::end) lexer_.next();
  }

  Statement statement() {
    Statement result;
    const size_t begin = lexer_.peek().begin;
    PatternPtr parsed = pattern(0);
    if (lexer_.peek().is("=")) {
      if (parsed->kind != Pattern::Kind::name || parsed->optional_name) fail("a name %x before `=`");
      lexer_.next();
      result.name = parsed->text;
      result.name_span = parsed->span;
      parsed = pattern(0);
    }
    if (lexer_.peek().kind != TokenKind::newline && lexer_.peek().kind != TokenKind::end) fail("the end of the statement");
    result.pattern = std::move(parsed);
    result.span = lexer_.span(begin, lexer_.last_end());
    return result;
  }

  PatternPtr pattern(int depth) {
    if (depth > kDeepest) fail("fewer levels of nesting");
    const size_t begin = lexer_.peek().begin;
    PatternPtr first = postfix(depth);
    if (!lexer_.peek().is("|")) return first;
    auto result = std::make_shared<Pattern>();
    result->kind = Pattern::Kind::alternative;
    result->children.push_back(std::move(first));
    while (lexer_.peek().is("|")) {
      lexer_.next();
      result->children.push_back(postfix(depth));
    }
    result->span = lexer_.span(begin, lexer_.last_end());
    return result;
  }

  PatternPtr postfix(int depth) {
    const size_t begin = lexer_.peek().begin;
    PatternPtr inner = primary(depth);
    const Token& token = lexer_.peek();
    if (!token.is("?") && !token.is("*") && !token.is("+")) return inner;
    if (inner->kind != Pattern::Kind::call && inner->kind != Pattern::Kind::alternative) {
      diagnostics_.add(Diagnostic(kNotAChain, lexer_.span(token)).with("postfix", token.text));
      throw Failed();
    }
    auto result = std::make_shared<Pattern>();
    result->kind = token.is("?") ? Pattern::Kind::optional : Pattern::Kind::repeat;
    result->minimum = token.is("+") ? 1 : 0;
    lexer_.next();
    result->children.push_back(std::move(inner));
    result->span = lexer_.span(begin, lexer_.last_end());
    return result;
  }

  PatternPtr primary(int depth) {
    const Token token = lexer_.peek();
    auto result = std::make_shared<Pattern>();
    result->span = lexer_.span(token);
    switch (token.kind) {
      case TokenKind::value_name:
        lexer_.next();
        result->kind = Pattern::Kind::name;
        result->text = token.text;
        if (lexer_.peek().is("?")) {
          lexer_.next();
          result->optional_name = true;
          result->span = lexer_.span(token.begin, lexer_.last_end());
        }
        return result;
      case TokenKind::class_name:
        lexer_.next();
        result->is_class = true;
        result->text = token.text;
        if (!lexer_.peek().is("(")) fail("`(` after a class");
        return call(std::move(result), token, depth);
      case TokenKind::word:
        lexer_.next();
        result->text = token.text;
        if (token.text == "_" && !lexer_.peek().is("(")) return result;  // Kind::any
        if (lexer_.peek().is("(")) return call(std::move(result), token, depth);
        result->kind = Pattern::Kind::word;
        return result;
      case TokenKind::text:
        lexer_.next();
        result->kind = Pattern::Kind::literal;
        result->literal = Argument(token.text);
        return result;
      case TokenKind::number:
        return number(token, false, token.begin);
      case TokenKind::symbol:
        if (token.text == "-") {
          lexer_.next();
          const Token digits = lexer_.peek();
          if (digits.is_word("inf")) {
            lexer_.next();
            result->kind = Pattern::Kind::literal;
            result->literal = Argument(-std::numeric_limits<double>::infinity());
            return result;
          }
          if (digits.kind != TokenKind::number) fail("a number");
          return number(digits, true, token.begin);
        }
        if (token.text == "(") {
          lexer_.next();
          PatternPtr inner = pattern(depth + 1);
          expect(")");
          return inner;
        }
        if (token.text == "[") return list(token, depth);
        break;
      default:
        break;
    }
    fail("a pattern");
  }

  PatternPtr number(const Token& token, bool negative, size_t begin) {
    auto value = parse_number(negative ? "-" + token.text : token.text);
    if (!value) fail("a number");
    lexer_.next();
    auto result = std::make_shared<Pattern>();
    result->kind = Pattern::Kind::literal;
    result->literal = *value;
    result->span = lexer_.span(begin, lexer_.last_end());
    return result;
  }

  PatternPtr list(const Token& open, int depth) {
    lexer_.next();
    auto result = std::make_shared<Pattern>();
    if (lexer_.peek().is_word("each")) {
      lexer_.next();
      result->kind = Pattern::Kind::each;
      result->children.push_back(pattern(depth + 1));
    } else {
      result->kind = Pattern::Kind::list;
      while (!lexer_.peek().is("]")) {
        result->children.push_back(pattern(depth + 1));
        if (!lexer_.peek().is(",")) break;
        lexer_.next();
      }
    }
    expect("]");
    result->span = lexer_.span(open.begin, lexer_.last_end());
    return result;
  }

  PatternPtr call(std::shared_ptr<Pattern> result, const Token& callee, int depth) {
    result->kind = Pattern::Kind::call;
    result->callee_span = lexer_.span(callee);
    lexer_.next();  // (
    while (!lexer_.peek().is(")")) {
      if (lexer_.peek().is("...")) {
        result->open = true;
        result->open_span = lexer_.span(lexer_.next());
        if (!lexer_.peek().is(")")) fail("`)`: `...` stands last");
        break;
      }
      PatternArgument argument;
      argument.value = pattern(depth + 1);
      if (lexer_.peek().is("=")) {
        if (argument.value->kind != Pattern::Kind::word) fail("`,` or `)`");
        lexer_.next();
        argument.name = argument.value->text;
        argument.name_span = argument.value->span;
        argument.value = pattern(depth + 1);
      } else if (!result->arguments.empty() && !result->arguments.back().name.empty()) {
        diagnostics_.add(Diagnostic(kPatternSyntax, argument.value->span, "positional arguments come first")
                             .with("expected", "a named argument").with("found", "`" + std::string(argument.value->span.text()) + "`"));
        throw Failed();
      }
      result->arguments.push_back(std::move(argument));
      if (!lexer_.peek().is(",")) break;
      lexer_.next();
    }
    expect(")");
    result->span = lexer_.span(callee.begin, lexer_.last_end());
    return result;
  }

  Lexer lexer_;
  Diagnostics& diagnostics_;
};

}  // namespace

std::optional<Argument> parse_number(const std::string& text) {
  const bool real = text.find_first_of(".eE") != std::string::npos;
  const char* end = text.data() + text.size();
  if (!real) {
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end) return Argument(value);
    return std::nullopt;
  }
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end) return Argument(value);
  return std::nullopt;
}

std::vector<Statement> parse_match(const MappedText& text, Diagnostics& diagnostics) { return Parser(text, diagnostics).statements(); }

PatternPtr parse_pattern(const MappedText& text, Diagnostics& diagnostics) { return Parser(text, diagnostics).single(); }

}  // namespace qrules::syntax
