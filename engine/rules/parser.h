// What the parsers of patterns and of expressions share.
#pragma once

#include <string>

#include <qrules/rules/lexer.h>

namespace qrules::syntax {

// A parser by recursive descent over one text. An error is reported once and leaves the statement by Failed; the caller
// goes on with the next line.
class Parser {
 protected:
  struct Failed {};

  // Deeper than anything that a person writes, shallow enough for the stack.
  static constexpr int kDeepest = 200;

  // `kind` takes the arguments `expected` and `found`.
  Parser(const MappedText& text, std::vector<std::string_view> continuations, const DiagnosticKind& kind,
         Diagnostics& diagnostics)
      : lexer_(text, std::move(continuations)), kind_(kind), diagnostics_(diagnostics) {}

  [[noreturn]] void fail(const std::string& expected);
  [[noreturn]] void fail(Diagnostic diagnostic);
  void expect(std::string_view symbol);
  void skip_line();
  // True when something is left.
  bool skip_newlines();
  bool at_end_of_line() const {
    return lexer_.peek().kind == TokenKind::newline || lexer_.peek().kind == TokenKind::end;
  }

  Lexer lexer_;

  const DiagnosticKind& kind_;

 private:
  Diagnostics& diagnostics_;
};

}  // namespace qrules::syntax
