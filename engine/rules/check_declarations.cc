// Macros, predicates and classes looked at for themselves: a mistake in one is said at its definition, once.

#include <algorithm>
#include <cctype>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/resolve.h>
#include <qrules/rules/scope.h>

namespace qrules {
namespace {

// Names of a pattern: %x.
void add_names(const syntax::Pattern& pattern, std::map<std::string, Span>& names) {
  if (pattern.kind == syntax::Pattern::Kind::name) names.emplace(pattern.text, pattern.span);
  for (const syntax::PatternArgument& argument : pattern.arguments) add_names(*argument.value, names);
  for (const syntax::PatternPtr& child : pattern.children) add_names(*child, names);
}

// Bare words of an expression: a predicate's parameters are among them.
void add_words(const syntax::Expression& expression, std::map<std::string, Span>& words) {
  if (expression.kind == syntax::Expression::Kind::word) words.emplace(expression.text, expression.span);
  for (const syntax::ExpressionPtr& operand : expression.operands) add_words(*operand, words);
}

class Checker {
 public:
  Checker(const Scope& scope, OperatorTable& operators, const FunctionRegistry& functions, const LoadLimits& limits,
          BrokenDeclarations& broken, Diagnostics& diagnostics)
      : scope_(scope),
        operators_(operators),
        functions_(functions),
        limits_(limits),
        broken_(broken),
        diagnostics_(diagnostics) {}

  void check(const RuleFile& file) {
    for (const ClassDeclaration& declared : file.classes) {
      if (!declared.broken) check_class(declared);
    }
    for (const MacroDeclaration& declared : file.macros) {
      if (!declared.broken && !broken_.count(&declared)) check_macro(declared);
    }
    for (const PredicateDeclaration& declared : file.predicates) {
      if (!declared.broken && !broken_.count(&declared)) check_predicate(declared);
    }
  }

 private:
  static constexpr size_t kSaidElsewhere = static_cast<size_t>(-1);

  template <typename Step>
  void run(const void* declaration, const Step& step) {
    Rule scratch;
    RuleContext context{scope_, operators_, functions_, limits_, diagnostics_, scratch, {}};
    context.broken = &broken_;
    const size_t before = diagnostics_.size();
    step(context);
    if (diagnostics_.size() > before)
      broken_[declaration] = before;
    else if (context.failed)
      broken_[declaration] = kSaidElsewhere;
  }

  void check_class(const ClassDeclaration& declared) {
    run(&declared, [&](RuleContext& context) {
      const Result<OperatorSet> resolved = resolve_class(context, declared);
      if (!resolved.ok()) diagnostics_.append(resolved.diagnostics());
    });
  }

  void check_macro(const MacroDeclaration& declared) {
    std::map<std::string, Span> names;
    for (const syntax::PatternPtr& body : declared.alternatives) {
      run(&declared, [&](RuleContext& context) { compile_macro_body(context, declared, *body); });
      add_names(*body, names);
      if (broken_.count(&declared)) return;
    }
    check_parameters(declared.name, declared.parameters, declared.span, names, "%");
  }

  void check_predicate(const PredicateDeclaration& declared) {
    std::map<std::string, Span> words;
    run(&declared, [&](RuleContext& context) { compile_predicate_body(context, declared); });
    if (broken_.count(&declared)) return;
    add_words(*declared.body, words);
    check_parameters(declared.name, declared.parameters, declared.span, words, "");
  }

  void check_parameters(const std::string& name, const std::vector<std::string>& parameters, const Span& span,
                        const std::map<std::string, Span>& used, const char* sigil) {
    std::vector<std::string> others;
    for (const auto& [other, place] : used) {
      if (std::find(parameters.begin(), parameters.end(), other) == parameters.end()) others.push_back(other);
    }
    for (const std::string& parameter : parameters) {
      if (used.count(parameter) || parameter[0] == '_') continue;
      const auto near = did_you_mean(parameter, others);
      Diagnostic diagnostic = Diagnostic(kUnusedParameter, near ? used.at(*near) : word_in(span, parameter))
                                  .with("parameter", parameter)
                                  .with("name", name);
      if (near) {
        diagnostic.labels.front().text = "a name of its own";
        diagnostic.labels.push_back({word_in(span, parameter), "the parameter"});
        diagnostic =
            std::move(diagnostic)
                .fix("did you mean `" + std::string(sigil) + parameter + "`?", used.at(*near), sigil + parameter);
      } else {
        diagnostic =
            std::move(diagnostic).help("use it in the body, or remove it here and where `" + name + "` is used");
      }
      diagnostics_.add(std::move(diagnostic));
    }
  }

  static Span word_in(const Span& span, const std::string& word) {
    const std::string_view text = span.text();
    const auto is_part = [&](size_t i) {
      return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
    };
    for (size_t at = text.find('('); at != std::string_view::npos; at = text.find(word, at + 1)) {
      if (text.compare(at, word.size(), word) == 0 && !is_part(at - 1) && !is_part(at + word.size()))
        return span.part(at, word.size());
    }
    return span;
  }

  const Scope& scope_;
  OperatorTable& operators_;
  const FunctionRegistry& functions_;
  const LoadLimits& limits_;
  BrokenDeclarations& broken_;
  Diagnostics& diagnostics_;
};

}  // namespace

void check_declarations(const RuleFile& file, const Scope& scope, OperatorTable& operators,
                        const FunctionRegistry& functions, const LoadLimits& limits, BrokenDeclarations& broken,
                        Diagnostics& diagnostics) {
  Checker(scope, operators, functions, limits, broken, diagnostics).check(file);
}

}  // namespace qrules
