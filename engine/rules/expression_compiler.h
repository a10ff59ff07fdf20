// From expression syntax to typed expressions: names to slots, predicates expanded, functions looked up, types checked.
// Shared by compile_expression.cc, expression_calls.cc and expression_predicates.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <qrules/rules/scope.h>

namespace qrules {

class ExpressionCompiler {
 public:
  ExpressionCompiler(RuleContext& context, bool in_rewrite) : context_(context), in_rewrite_(in_rewrite) {}

  std::optional<Expression> compile(const syntax::Expression& given);
  void compile_body(const PredicateDeclaration& predicate);

 private:
  struct Failed {};  // reported; the expression is given up

  // Parameters of the predicate that is being expanded.
  struct Environment {
    const Environment* caller = nullptr;
    std::map<std::string, syntax::ExpressionPtr> parameters;
    size_t depth = 0;
  };

  // --- compile_expression.cc
  [[noreturn]] void fail(Diagnostic diagnostic);
  // Fails when the value's type is another; `what` is what wants it, for the message.
  void want(const Expression& value, ExpressionType wanted, const std::string& what);
  [[noreturn]] void mismatch(const Expression& value, const Span& span, ExpressionType wanted, const std::string& what);
  Expression expression(const syntax::Expression& given, const Environment& environment);
  Expression slot(const syntax::Expression& given, const std::string& slot_name);
  Expression word(const syntax::Expression& given, const Environment& environment);
  Diagnostic unknown_word(const syntax::Expression& given, const Environment& environment) const;
  Expression operation(const syntax::Expression& given, const Environment& environment);
  Expression loop(const syntax::Expression& given, const Environment& environment);
  ExpressionType element_type(const Expression& list) const;

  // --- expression_calls.cc
  Expression call(const syntax::Expression& given, const Environment& environment);
  std::vector<Expression> arguments(const syntax::Expression& given, const Function& function,
                                    const Environment& environment);
  void check_argument_name(const Expression& call);
  void collect_ops(PatternId id, std::vector<OpId>& ops, bool& known) const;
  [[noreturn]] void unknown(const syntax::Expression& given);

  // --- expression_predicates.cc
  Expression expand(const syntax::Expression& given, const PredicateDeclaration& predicate,
                    const Environment& environment);
  void blame_use(const syntax::Expression& given, size_t before);

  RuleContext& context_;
  bool in_rewrite_;
};

}  // namespace qrules
