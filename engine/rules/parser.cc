#include <qrules/rules/parser.h>

#include <qrules/rules/diagnostics.h>

namespace qrules::syntax {

void Parser::fail(const std::string& expected) {
  const Token& token = lexer_.peek();
  Diagnostic diagnostic = Diagnostic(kind_, lexer_.span(token), "expected " + expected)
                              .with("expected", expected)
                              .with("found", describe(token));
  if (token.is("=") && &kind_ == &kExpressionSyntax)
    diagnostic = std::move(diagnostic).fix("equality is written `==`", lexer_.span(token), "==");
  fail(std::move(diagnostic));
}

void Parser::fail(Diagnostic diagnostic) {
  diagnostics_.add(std::move(diagnostic));
  throw Failed();
}

void Parser::expect(std::string_view symbol) {
  if (!lexer_.peek().is(symbol)) fail("`" + std::string(symbol) + "`");
  lexer_.next();
}

void Parser::skip_line() {
  while (!at_end_of_line()) lexer_.next();
}

bool Parser::skip_newlines() {
  while (lexer_.peek().kind == TokenKind::newline) lexer_.next();
  return lexer_.peek().kind != TokenKind::end;
}

}  // namespace qrules::syntax
