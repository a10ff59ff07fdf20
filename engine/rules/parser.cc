#include <qrules/rules/parser.h>

#include <qrules/rules/syntax_advice.h>

namespace qrules::syntax {

void Parser::fail(const std::string& expected) {
  fail(syntax_error(kind_, lexer_.text(), lexer_.peek(), lexer_.last_end(), expected));
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
