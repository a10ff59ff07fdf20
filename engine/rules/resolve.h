// Which operators a call pattern names, and how each takes its arguments.
#pragma once

#include <vector>

#include <qrules/rules/scope.h>

namespace qrules {

// How one operator takes the arguments of a call pattern.
struct Layout {
  std::vector<uint32_t> parameters;  // of each argument
  std::vector<std::pair<uint32_t, Argument>> defaults;
  bool operator==(const Layout& other) const { return parameters == other.parameters && defaults == other.defaults; }
};

// Operators that take the arguments of a call pattern in the same places, sorted. Without operators: those that only
// regular expressions name, which take everything by position.
struct OperatorGroup {
  Layout layout;
  std::vector<OpId> operators;
};

struct ResolvedCall {
  OperatorSet all;
  std::vector<OperatorGroup> groups;  // at least one
};

// The operators of a call pattern that is no macro: one by its full name, all overloads of a packet, or those of a
// class. Of several, those that do not take the arguments are left out. Errors: unknown names (QR0102, QR0103), a bad
// regular expression (QR0117), no operator that takes the arguments (QR0115, QR0121), and for a lone operator what is
// wrong with them (QR0107, QR0108, QR0111).
Result<ResolvedCall> resolve_call(const RuleContext& context, const syntax::Pattern& given);

// The operators that a class lists; errors as for resolve_call.
Result<OperatorSet> resolve_class(const RuleContext& context, const ClassDeclaration& declared);

// "aten.relu.default(self)", defaults included.
std::string signature_text(const std::string& op, const Signature& signature);
// Adds what an unknown operator's name was likely meant to be.
void suggest_operator(const OperatorTable& operators, const std::string& name, const Span& span,
                      Diagnostic& diagnostic);

}  // namespace qrules
