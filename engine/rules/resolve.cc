#include <qrules/rules/resolve.h>

#include <algorithm>

#include <re2/re2.h>

#include <qrules/rules/diagnostics.h>

namespace qrules {
namespace {

struct Refused {
  Diagnostic diagnostic;
};

class Resolver {
 public:
  explicit Resolver(const RuleContext& context) : context_(context) {}

  // Operators that take the arguments in the same places form a group.
  ResolvedCall call(const syntax::Pattern& given) {
    ResolvedCall result;
    result.all = resolve(given);
    const OperatorSet& all = result.all;
    std::vector<OperatorGroup>& groups = result.groups;
    const bool alone = all.ops.size() == 1 && all.regexes.empty();
    for (OpId op : all.ops) {
      auto layout = layout_of(op, given, alone);
      if (!layout) continue;
      auto same =
          std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.layout == *layout; });
      if (same == groups.end())
        groups.push_back({*layout, {op}});
      else
        same->operators.push_back(op);
    }
    if (groups.empty() && !all.regexes.empty() && given.open &&
        std::all_of(given.arguments.begin(), given.arguments.end(), [](const auto& a) { return a.name.empty(); })) {
      Layout positional;
      for (uint32_t i = 0; i < given.arguments.size(); ++i) positional.parameters.push_back(i);
      groups.push_back({positional, {}});
    }
    if (groups.empty()) no_overload(given, all);
    for (OperatorGroup& group : groups) std::sort(group.operators.begin(), group.operators.end());
    return result;
  }

 private:
  [[noreturn]] static void fail(Diagnostic diagnostic) { throw Refused{std::move(diagnostic)}; }

  [[noreturn]] void no_overload(const syntax::Pattern& given, const OperatorSet& all) {
    if (all.ops.empty()) {
      Diagnostic diagnostic = Diagnostic(kEmptyClass, given.callee_span).with("text", all.text);
      if (!all.regexes.empty())
        diagnostic.helps.push_back(
            {"operators that no signature declares are matched by position, with `...` as the last argument", {}, {}});
      fail(std::move(diagnostic));
    }
    std::string list;
    for (OpId op : all.ops) {
      if (list.size() < 200)
        list += (list.empty() ? "" : ", ") + context_.operators.name(op);
      else if (list.back() != '.')
        list += ", ...";
    }
    fail(Diagnostic(kNoOverload, given.callee_span).with("op", all.text).help("it stands for " + list));
  }

  OperatorSet resolve(const syntax::Pattern& given) {
    OperatorSet result;
    result.text = (given.is_class ? "@" : "") + given.text;
    if (!given.is_class) {
      resolve_name(given.text, given.callee_span, result);
      return result;
    }
    auto found = context_.scope.classes.find(given.text);
    if (found == context_.scope.classes.end()) {
      std::vector<std::string> known;
      for (const auto& [name, declaration] : context_.scope.classes) known.push_back(name);
      Diagnostic diagnostic = Diagnostic(kUnknownClass, given.callee_span).with("name", given.text);
      diagnostic.suggest(given.text, known, given.callee_span, "@");
      fail(std::move(diagnostic));
    }
    for (const MappedText& entry : found->second->entries) {
      const std::string& text = entry.text();
      if (text.size() > 2 && text.front() == '/' && text.back() == '/')
        resolve_regex(text.substr(1, text.size() - 2), entry.span(), result);
      else
        resolve_name(text, entry.span(), result);
    }
    std::sort(result.ops.begin(), result.ops.end());
    result.ops.erase(std::unique(result.ops.begin(), result.ops.end()), result.ops.end());
    return result;
  }

  void resolve_name(const std::string& name, const Span& span, OperatorSet& result) {
    const auto op = context_.operators.find(name);
    if (op && context_.operators.signature(*op)) {
      result.ops.push_back(*op);
      return;
    }
    for (const std::string& overload : context_.operators.overloads(name))
      result.ops.push_back(context_.operators.intern(overload));
    if (!result.ops.empty()) return;
    Diagnostic diagnostic = Diagnostic(kUnknownOperator, span).with("op", name);
    std::vector<std::string> known = context_.operators.known_names();
    diagnostic.suggest(name, known, span);
    fail(std::move(diagnostic));
  }

  void resolve_regex(const std::string& text, const Span& span, OperatorSet& result) {
    const re2::RE2 regex(text, re2::RE2::Quiet);
    if (!regex.ok()) fail(Diagnostic(kBadRegex, span).with("regex", text).with("why", regex.error()));
    for (const std::string& name : context_.operators.known_names()) {
      if (re2::RE2::FullMatch(name, regex)) result.ops.push_back(context_.operators.intern(name));
    }
    result.regexes.push_back(text);
  }

  // Nothing when the operator does not take these arguments; that is an error for a lone operator.
  std::optional<Layout> layout_of(OpId op, const syntax::Pattern& given, bool alone) {
    const Signature& signature = *context_.operators.signature(op);
    const std::string& name = context_.operators.name(op);
    Layout layout;
    std::vector<bool> taken(signature.parameters.size(), false);
    for (size_t i = 0; i < given.arguments.size(); ++i) {
      const syntax::PatternArgument& argument = given.arguments[i];
      size_t index = i;
      if (!argument.name.empty()) {
        const auto found = signature.find(argument.name);
        if (!found) {
          if (!alone) return std::nullopt;
          std::vector<std::string> known;
          for (const Parameter& parameter : signature.parameters) known.push_back(parameter.name);
          Diagnostic diagnostic = Diagnostic(kUnknownPatternParameter, argument.name_span)
                                      .with("op", name)
                                      .with("parameter", argument.name);
          diagnostic.suggest(argument.name, known, argument.name_span);
          fail(std::move(diagnostic));
        }
        index = *found;
      } else if (i >= signature.parameters.size()) {
        if (!alone) return std::nullopt;
        fail(Diagnostic(kTooManyPatternArguments, argument.value->span)
                 .with("op", name)
                 .with("limit", counted_arguments(signature.parameters.size())));
      }
      if (taken[index]) {
        if (!alone) return std::nullopt;
        fail(Diagnostic(kRewriteArgumentTwice, argument.value->span)
                 .with("parameter", signature.parameters[index].name));
      }
      taken[index] = true;
      layout.parameters.push_back(static_cast<uint32_t>(index));
    }
    if (given.open) return layout;
    for (size_t i = 0; i < signature.parameters.size(); ++i) {
      if (taken[i]) continue;
      const Parameter& parameter = signature.parameters[i];
      if (!parameter.has_default) {
        if (!alone) return std::nullopt;
        fail(
            Diagnostic(kUnnamedParameter, given.callee_span)
                .with("op", name)
                .with("parameter", parameter.name)
                .help("`" + parameter.name + "=_` takes any value; `...` as the last argument leaves all others free"));
      }
      layout.defaults.push_back({static_cast<uint32_t>(i), parameter.default_value});
    }
    return layout;
  }

  const RuleContext& context_;
};

}  // namespace

Result<ResolvedCall> resolve_call(const RuleContext& context, const syntax::Pattern& given) {
  try {
    return Resolver(context).call(given);
  } catch (const Refused& refused) {
    return refused.diagnostic;
  }
}

}  // namespace qrules
