// The grammar of patterns (docs/rule-language.md), by recursive descent.

#include <charconv>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/parser.h>
#include <qrules/rules/syntax.h>

namespace qrules::syntax {
namespace {

class PatternParser : Parser {
 public:
  PatternParser(const MappedText& text, Diagnostics& diagnostics) : Parser(text, {"|"}, kPatternSyntax, diagnostics) {}

  std::vector<Statement> statements() {
    std::vector<Statement> result;
    while (skip_newlines()) {
      try {
        result.push_back(statement());
      } catch (const Failed&) {
        skip_line();
      }
    }
    return result;
  }

  PatternPtr single() {
    try {
      skip_newlines();
      PatternPtr result = pattern(0);
      if (skip_newlines()) fail("the end of the pattern");
      return result;
    } catch (const Failed&) {
      return nullptr;
    }
  }

 private:
  Statement statement() {
    Statement result;
    const size_t begin = lexer_.peek().begin;
    PatternPtr parsed = pattern(0);
    if (lexer_.peek().is("=")) {
      if (parsed->kind == Pattern::Kind::word && parsed->text.find('.') == std::string::npos) {
        fail(Diagnostic(kPatternSyntax, parsed->span, "expected a name %x before `=`")
                 .with("expected", "a name %x before `=`")
                 .with("found", "`" + parsed->text + "`")
                 .fix("names begin with `%`", parsed->span.part(0, 0), "%"));
      }
      if (parsed->kind != Pattern::Kind::name || parsed->optional_name) fail("a name %x before `=`");
      lexer_.next();
      result.name = parsed->text;
      result.name_span = parsed->span;
      parsed = pattern(0);
    }
    if (!at_end_of_line()) fail("the end of the statement");
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
      fail(Diagnostic(kNotAChain, lexer_.span(token))
               .with("postfix", token.text)
               .fix("remove it", lexer_.span(token), ""));
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
        if (token.text == "siblings" && lexer_.peek().is("(")) return siblings(token, depth);
        if (lexer_.peek().is("(")) return call(std::move(result), token, depth);
        result->kind = Pattern::Kind::word;
        return result;
      case TokenKind::text:
        lexer_.next();
        result->kind = Pattern::Kind::literal;
        result->literal = Argument(token.text);
        return result;
      case TokenKind::number: return number(token, false, token.begin);
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
      default: break;
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
    bool each = false;
    if (lexer_.peek().is_word("each")) {
      lexer_.next();
      each = true;
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
    if (!lexer_.peek().is("]")) fail(each ? "`]`" : "`,` or `]`");
    lexer_.next();
    result->span = lexer_.span(open.begin, lexer_.last_end());
    return result;
  }

  // siblings(%a, %b) pattern
  PatternPtr siblings(const Token& word, int depth) {
    auto result = std::make_shared<Pattern>();
    result->kind = Pattern::Kind::siblings;
    expect("(");
    do {
      if (!result->shared.empty()) lexer_.next();
      const Token name = lexer_.peek();
      if (name.kind != TokenKind::value_name) fail("a name that the siblings share, %x");
      lexer_.next();
      result->shared.emplace_back(name.text, lexer_.span(name));
    } while (lexer_.peek().is(","));
    expect(")");
    result->children.push_back(pattern(depth + 1));
    result->span = lexer_.span(word.begin, lexer_.last_end());
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
        fail(Diagnostic(kPatternSyntax, argument.value->span, "positional arguments come first")
                 .with("expected", "a named argument")
                 .with("found", "`" + std::string(argument.value->span.text()) + "`")
                 .help("name it too, or write it before the named ones"));
      }
      result->arguments.push_back(std::move(argument));
      if (!lexer_.peek().is(",")) break;
      lexer_.next();
    }
    if (!lexer_.peek().is(")")) fail("`,` or `)`");
    lexer_.next();
    result->span = lexer_.span(callee.begin, lexer_.last_end());
    return result;
  }
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

std::vector<Statement> parse_match(const MappedText& text, Diagnostics& diagnostics) {
  return PatternParser(text, diagnostics).statements();
}

PatternPtr parse_pattern(const MappedText& text, Diagnostics& diagnostics) {
  return PatternParser(text, diagnostics).single();
}

}  // namespace qrules::syntax
