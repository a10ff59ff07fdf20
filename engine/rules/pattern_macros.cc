// Macros in patterns: a use is compiled as the macro's body with the patterns given for its parameters.

#include <algorithm>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/pattern_compiler.h>

namespace qrules {
namespace {

std::string head_of(const MacroDeclaration& macro) {
  std::string text = macro.name + "(";
  for (size_t i = 0; i < macro.parameters.size(); ++i) text += (i ? ", " : "") + macro.parameters[i];
  return text + ")";
}

}  // namespace

void PatternCompiler::compile_macro_body(const MacroDeclaration& macro, const syntax::Pattern& body) {
  const Environment caller;
  Environment inner;
  inner.caller = &caller;
  inner.depth = 1;
  inner.suffix = "@" + macro.name;
  const auto anything = std::make_shared<syntax::Pattern>();
  for (const std::string& parameter : macro.parameters) inner.parameters[parameter] = anything;
  attempt([&] { pattern(body, inner, Place()); });
}

PatternId PatternCompiler::macro(const syntax::Pattern& given, const Environment& environment, const Place& place) {
  auto found = context_.scope.macros.find(given.text);
  if (found == context_.scope.macros.end()) unknown_macro(given);
  const MacroDeclaration& declared = *found->second;
  if (context_.is_broken(&declared, declared.broken, given.callee_span)) throw Failed();
  if (environment.depth >= context_.limits.macro_depth) {
    fail(Diagnostic(kMacroDepth, given.callee_span)
             .with("name", given.text)
             .with("limit", static_cast<int64_t>(context_.limits.macro_depth))
             .label(declared.span, "the macro")
             .help("a chain of any length is written `op(%x)*`"));
  }
  Environment inner;
  inner.caller = &environment;
  inner.depth = environment.depth + 1;
  inner.suffix = "@" + declared.name + "." + std::to_string(++macro_uses_);
  const auto wrong_count = [&](const Span& span) {
    fail(Diagnostic(kMacroArguments, span)
             .with("name", declared.name)
             .with("expected", counted_arguments(declared.parameters.size()))
             .with("count", static_cast<int64_t>(given.arguments.size()) + (given.open ? 1 : 0))
             .label(declared.span, "defined here")
             .help("it is used as `" + head_of(declared) + "`; `_` stands for what does not matter"));
  };
  if (given.open) wrong_count(given.open_span);
  for (size_t i = 0; i < given.arguments.size(); ++i) {
    const syntax::PatternArgument& argument = given.arguments[i];
    if (i >= declared.parameters.size()) wrong_count(argument.value->span);
    const std::string& parameter = argument.name.empty() ? declared.parameters[i] : argument.name;
    if (std::find(declared.parameters.begin(), declared.parameters.end(), parameter) == declared.parameters.end()) {
      Diagnostic diagnostic = Diagnostic(kUnknownPatternParameter, argument.name_span)
                                  .with("op", declared.name)
                                  .with("parameter", parameter)
                                  .label(declared.span, "defined here");
      if (!diagnostic.suggest(parameter, declared.parameters, argument.name_span))
        diagnostic.helps.push_back({"it is used as `" + head_of(declared) + "`", {}, {}});
      fail(std::move(diagnostic));
    }
    inner.parameters[parameter] = argument.value;
  }
  if (inner.parameters.size() != declared.parameters.size()) wrong_count(given.callee_span);
  Place within = place;
  within.in_branch = place.in_branch || declared.alternatives.size() > 1;
  std::vector<PatternId> children;
  const size_t before = context_.diagnostics.size();
  try {
    for (const syntax::PatternPtr& alternative : declared.alternatives)
      children.push_back(pattern(*alternative, inner, within));
  } catch (const Failed&) {
    if (environment.depth == 0) blame_use(given, before);
    throw;
  }
  if (children.size() == 1) return children[0];
  Pattern result;
  result.kind = PatternKind::alternative;
  result.span = given.span;
  result.children = std::move(children);
  settle_branches(result);
  return add(std::move(result));
}

void PatternCompiler::unknown_macro(const syntax::Pattern& given) {
  if (context_.scope.names_missing) throw Failed();
  std::vector<std::string> known;
  for (const auto& [name, declaration] : context_.scope.macros) known.push_back(name);
  Diagnostic diagnostic = Diagnostic(kUnknownMacro, given.callee_span).with("name", given.text);
  // The short name of an operator, or a function of conditions.
  std::string operator_name;
  for (const char* space : {"aten.", "quantized_decomposed.", "onednn.", "prims."}) {
    if (operator_name.empty() && !context_.operators.overloads(space + given.text).empty())
      operator_name = space + given.text;
  }
  if (!operator_name.empty()) {
    const std::vector<std::string> overloads = context_.operators.overloads(operator_name);
    const std::string full = overloads.size() == 1 ? overloads[0] : operator_name;
    diagnostic = std::move(diagnostic).fix("operators have their namespace before them", given.callee_span, full);
  } else if (context_.scope.classes.count(given.text)) {
    diagnostic = std::move(diagnostic).fix("a class is written with `@`", given.callee_span, "@" + given.text);
  } else if (!diagnostic.suggest(given.text, known, given.callee_span)) {
    std::string list;
    for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
    diagnostic.helps.push_back({known.empty()
                                    ? "no macro is defined here; an operator has a namespace, like aten.relu.default"
                                    : "the macros here are " + list,
                                {},
                                {}});
  }
  fail(std::move(diagnostic));
}

// What is wrong inside a macro's body with the arguments of this use: the use comes first.
void PatternCompiler::blame_use(const syntax::Pattern& given, size_t before) {
  for (size_t i = before; i < context_.diagnostics.size(); ++i) {
    Diagnostic& diagnostic = context_.diagnostics[i];
    if (diagnostic.labels.empty()) continue;
    Label definition = diagnostic.labels.front();
    const bool in_use = definition.span.file == given.span.file && definition.span.begin >= given.span.begin &&
                        definition.span.end <= given.span.end;
    // Other statements of the same rule are no part of the macro.
    const bool in_rule = definition.span.file == text_span_.file && definition.span.begin >= text_span_.begin &&
                         definition.span.end <= text_span_.end;
    if (in_use || in_rule || diagnostic.labels.front().text == "in this use") continue;
    diagnostic.labels.front() = {given.span, "in this use"};
    if (definition.text.empty()) definition.text = "here in the macro";
    diagnostic.labels.push_back(std::move(definition));
  }
}

void compile_macro_body(RuleContext& context, const MacroDeclaration& macro, const syntax::Pattern& body) {
  PatternCompiler(context).compile_macro_body(macro, body);
}

}  // namespace qrules
