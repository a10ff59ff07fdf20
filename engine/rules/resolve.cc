#include <qrules/rules/resolve.h>

#include <algorithm>

#include <re2/re2.h>

#include <qrules/graph/text.h>
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
      else
        diagnostic.helps.push_back(
            {"name operators in the class, or patterns between slashes that match some", {}, {}});
      fail(std::move(diagnostic));
    }
    std::string list;
    for (OpId op : all.ops) {
      if (list.size() < 200)
        list += (list.empty() ? "" : ", ") + context_.operators.name(op);
      else if (list.back() != '.')
        list += ", ...";
    }
    fail(Diagnostic(kNoOverload, given.callee_span)
             .with("op", all.text)
             .help("it stands for " + list + "; `...` as the last argument leaves all other parameters free"));
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
      if (!diagnostic.suggest(given.text, known, given.callee_span, "@")) {
        std::string list;
        for (const std::string& name : known) list += (list.empty() ? "@" : ", @") + name;
        diagnostic.helps.push_back(
            {known.empty() ? "no class is defined here; `classes: [{name: " + given.text + ", ops: [...]}]` defines one"
                           : "the classes here are " + list,
             {},
             {}});
      }
      fail(std::move(diagnostic));
    }
    resolve_entries(*found->second, result);
    return result;
  }

 public:
  void resolve_entries(const ClassDeclaration& declared, OperatorSet& result) {
    for (const MappedText& entry : declared.entries) {
      const std::string& text = entry.text();
      if (text.size() > 2 && text.front() == '/' && text.back() == '/')
        resolve_regex(text.substr(1, text.size() - 2), entry.span(), result);
      else
        resolve_name(text, entry.span(), result);
    }
    std::sort(result.ops.begin(), result.ops.end());
    result.ops.erase(std::unique(result.ops.begin(), result.ops.end()), result.ops.end());
  }

 private:
  void resolve_name(const std::string& name, const Span& span, OperatorSet& result) {
    const size_t before = result.ops.size();
    const auto op = context_.operators.find(name);
    if (op && context_.operators.signature(*op)) {
      result.ops.push_back(*op);
      return;
    }
    for (const std::string& overload : context_.operators.overloads(name))
      result.ops.push_back(context_.operators.intern(overload));
    if (result.ops.size() > before) return;
    Diagnostic diagnostic = Diagnostic(kUnknownOperator, span).with("op", name);
    suggest_operator(context_.operators, name, span, diagnostic);
    fail(std::move(diagnostic));
  }

  void resolve_regex(const std::string& text, const Span& span, OperatorSet& result) {
    const re2::RE2 regex(text, re2::RE2::Quiet);
    if (!regex.ok())
      fail(Diagnostic(kBadRegex, span)
               .with("regex", text)
               .with("why", regex.error())
               .help("a dot that is meant as such is written `\\.`, brackets are closed"));
    for (const std::string& name : context_.operators.known_names()) {
      if (re2::RE2::FullMatch(name, regex)) result.ops.push_back(context_.operators.intern(name));
    }
    result.regexes.push_back(text);
  }

  // Arguments i to end with the comma before them.
  static Span without_arguments(const syntax::Pattern& given, size_t i, size_t end) {
    const size_t begin = i > 0 ? given.arguments[i - 1].value->span.end
                               : (given.arguments[i].name.empty() ? given.arguments[i].value->span.begin
                                                                  : given.arguments[i].name_span.begin);
    return {given.span.file, begin, given.arguments[end - 1].value->span.end};
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
          if (!diagnostic.suggest(argument.name, known, argument.name_span))
            diagnostic.helps.push_back({signature_text(name, signature), {}, {}});
          fail(std::move(diagnostic));
        }
        index = *found;
      } else if (i >= signature.parameters.size()) {
        if (!alone) return std::nullopt;
        size_t last = i + 1;
        while (last < given.arguments.size() && given.arguments[last].name.empty()) ++last;
        fail(Diagnostic(kTooManyPatternArguments, argument.value->span)
                 .with("op", name)
                 .with("limit", counted_arguments(signature.parameters.size()))
                 .note(signature_text(name, signature))
                 .propose(i + 1 < last ? "remove them" : "remove it", without_arguments(given, i, last), ""));
      }
      if (taken[index]) {
        if (!alone) return std::nullopt;
        fail(Diagnostic(kRewriteArgumentTwice, argument.name.empty() ? argument.value->span : argument.name_span)
                 .with("parameter", signature.parameters[index].name)
                 .propose("remove it", without_arguments(given, i, i + 1), ""));
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
        const Span close = given.span.part(given.span.end - given.span.begin - 1, 0);
        fail(Diagnostic(kUnnamedParameter, given.callee_span)
                 .with("op", name)
                 .with("parameter", parameter.name)
                 .note(signature_text(name, signature))
                 .fix("`" + parameter.name + "=_` takes any value, `...` as the last argument leaves all others free",
                      close, (given.arguments.empty() ? "" : ", ") + parameter.name + "=_"));
      }
      layout.defaults.push_back({static_cast<uint32_t>(i), parameter.default_value});
    }
    return layout;
  }

  const RuleContext& context_;
};

}  // namespace

Result<OperatorSet> resolve_class(const RuleContext& context, const ClassDeclaration& declared) {
  try {
    OperatorSet result;
    Resolver(context).resolve_entries(declared, result);
    return result;
  } catch (const Refused& refused) {
    return refused.diagnostic;
  }
}

std::string signature_text(const std::string& op, const Signature& signature) {
  std::string text = op + "(";
  for (size_t i = 0; i < signature.parameters.size(); ++i) {
    const Parameter& parameter = signature.parameters[i];
    text += (i ? ", " : "") + parameter.name;
    if (parameter.has_default) text += "=" + print(parameter.default_value, DimTable());
  }
  return text + ")";
}

void suggest_operator(const OperatorTable& operators, const std::string& name, const Span& span,
                      Diagnostic& diagnostic) {
  // Another overload of the same packet is nearer than any operator of another name.
  const size_t dot = name.rfind('.');
  const size_t first = name.find('.');
  if (dot != std::string::npos && dot != first) {
    const std::string packet = name.substr(0, dot);
    std::vector<std::string> overloads = operators.overloads(packet);
    if (!overloads.empty()) {
      std::sort(overloads.begin(), overloads.end());
      if (overloads.size() == 1) {
        diagnostic =
            std::move(diagnostic).fix("`" + packet + "` has the overload `" + overloads[0] + "`", span, overloads[0]);
        return;
      }
      if (!diagnostic.suggest(name, overloads, span))
        diagnostic = std::move(diagnostic).propose("all overloads of `" + packet + "`", span, packet);
      std::string list;
      for (const std::string& overload : overloads) {
        if (list.size() < 120)
          list += (list.empty() ? "" : ", ") + overload;
        else if (list.back() != '.')
          list += ", ...";
      }
      diagnostic.notes.push_back("the overloads of `" + packet + "` are " + list);
      return;
    }
  }
  std::vector<std::string> known = operators.known_names();
  // Packets, and the packet for a name that has no overload.
  std::vector<std::string> packets;
  for (const std::string& full : known) packets.push_back(full.substr(0, full.rfind('.')));
  std::sort(packets.begin(), packets.end());
  packets.erase(std::unique(packets.begin(), packets.end()), packets.end());
  if (dot == first && dot != std::string::npos) {
    if (diagnostic.suggest(name, packets, span) || diagnostic.suggest(name, known, span)) return;
  } else {
    // The packet is nearer than the rest of another operator's name: the last part is kept.
    const auto packet = dot == std::string::npos ? std::nullopt : did_you_mean(name.substr(0, dot), packets);
    if (packet) {
      const std::string whole = *packet + name.substr(dot);
      if (operators.find(whole)) {
        diagnostic = std::move(diagnostic).fix("did you mean `" + whole + "`?", span, whole);
        return;
      }
    }
    if (diagnostic.suggest(name, known, span)) return;
  }
  // The same operator in another namespace.
  const std::string tail = first == std::string::npos ? name : name.substr(first);
  for (const char* space : {"aten", "quantized_decomposed", "onednn", "prims"}) {
    const std::string whole = space + tail;
    if (operators.overloads(whole).empty() && !operators.find(whole)) continue;
    diagnostic = std::move(diagnostic).fix("did you mean `" + whole + "`?", span, whole);
    return;
  }
  diagnostic.helps.push_back(
      {"operators are named namespace.name.overload, like aten.relu.default; one of your own is declared under "
       "`operators:`",
       {},
       {}});
}

Result<ResolvedCall> resolve_call(const RuleContext& context, const syntax::Pattern& given) {
  try {
    return Resolver(context).call(given);
  } catch (const Refused& refused) {
    return refused.diagnostic;
  }
}

}  // namespace qrules
