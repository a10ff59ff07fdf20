// Predicates in expressions: a use is compiled as the predicate's body with the expressions given for its parameters.

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/expression_compiler.h>

namespace qrules {
namespace {

// No name of a text.
constexpr const char* kAnyValue = "@";

}  // namespace

void ExpressionCompiler::compile_body(const PredicateDeclaration& predicate) {
  const Environment caller;
  Environment inner;
  inner.caller = &caller;
  inner.depth = 1;
  const auto any_value = std::make_shared<syntax::Expression>();
  any_value->kind = syntax::Expression::Kind::name;
  any_value->text = kAnyValue;
  context_.add_slot(kAnyValue, ExpressionType::any, predicate.span);
  for (const std::string& parameter : predicate.parameters) inner.parameters[parameter] = any_value;
  try {
    expression(*predicate.body, inner);
  } catch (const Failed&) {
    context_.failed = true;
  }
}

Expression ExpressionCompiler::expand(const syntax::Expression& given, const PredicateDeclaration& predicate,
                                      const Environment& environment) {
  if (context_.is_broken(&predicate, predicate.broken, given.text_span)) throw Failed();
  if (environment.depth >= context_.limits.macro_depth) {
    fail(Diagnostic(kPredicateDepth, given.text_span)
             .with("name", given.text)
             .with("limit", static_cast<int64_t>(context_.limits.macro_depth))
             .label(predicate.span, "the predicate")
             .help("say what it is by functions and other predicates"));
  }
  if (given.operands.size() != predicate.parameters.size()) {
    fail(Diagnostic(kArgumentCount, given.span)
             .with("name", predicate.name)
             .with("expected", counted_arguments(predicate.parameters.size()))
             .with("count", static_cast<int64_t>(given.operands.size()))
             .label(predicate.span, "defined here")
             .help("it is used as `" + std::string(predicate.span.text()) + "`"));
  }
  if (!predicate.body) throw Failed();  // its own error is reported
  Environment inner;
  inner.caller = &environment;
  inner.depth = environment.depth + 1;
  for (size_t i = 0; i < predicate.parameters.size(); ++i)
    inner.parameters[predicate.parameters[i]] = given.operands[i];
  // A wrong type inside is the fault of the use as often as of the definition; both places are shown.
  const size_t before = context_.diagnostics.size();
  try {
    return expression(*predicate.body, inner);
  } catch (const Failed&) {
    if (context_.diagnostics.size() > before && environment.depth == 0) blame_use(given, before);
    throw;
  }
}

void ExpressionCompiler::blame_use(const syntax::Expression& given, size_t before) {
  Diagnostics rewritten;
  for (size_t i = 0; i < context_.diagnostics.size(); ++i) {
    Diagnostic diagnostic = context_.diagnostics.list()[i];
    if (i >= before) {
      // What the author wrote comes first; an argument of the use stands there already.
      Label definition = diagnostic.labels.front();
      const bool in_use = definition.span.file == given.span.file && definition.span.begin >= given.span.begin &&
                          definition.span.end <= given.span.end;
      if (in_use) {
        rewritten.add(std::move(diagnostic));
        continue;
      }
      diagnostic.labels.front() = {given.span, "in this use"};
      definition.text = definition.text.empty() ? "here in the predicate" : definition.text;
      diagnostic.labels.push_back(std::move(definition));
    }
    rewritten.add(std::move(diagnostic));
  }
  context_.diagnostics = std::move(rewritten);
}

void compile_predicate_body(RuleContext& context, const PredicateDeclaration& predicate) {
  ExpressionCompiler(context, true).compile_body(predicate);
}

}  // namespace qrules
