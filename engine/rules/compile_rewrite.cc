// From rewrite syntax to the statements that apply a match.

#include <algorithm>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/resolve.h>
#include <qrules/rules/scope.h>

namespace qrules {
namespace {

struct Failed {};

class RewriteCompiler {
 public:
  explicit RewriteCompiler(RuleContext& context)
      : context_(context), rule_(context.rule), matched_(context.rule.slots.size()) {}

  void compile(const MappedText& text) {
    const size_t errors = context_.diagnostics.size();
    for (const syntax::RewriteLine& line : syntax::parse_rewrite(text, context_.diagnostics)) {
      try {
        statement(line);
      } catch (const Failed&) {
        // Reported; later lines may still use the name.
        context_.failed = true;
        if (!context_.names.count(line.name)) context_.add_slot(line.name, ExpressionType::any, line.name_span);
        assigned_.push_back(context_.names.find(line.name)->second);
      }
    }
    if (context_.guessing || rule_.root == kNoPattern || context_.diagnostics.size() > errors || context_.failed)
      return;
    check_root(text);
  }

 private:
  [[noreturn]] void fail(Diagnostic diagnostic) {
    context_.diagnostics.add(std::move(diagnostic));
    throw Failed();
  }

  void check_root(const MappedText& text) {
    const Pattern& root = rule_.patterns[rule_.root];
    const std::vector<SlotId>& names =
        root.kind == PatternKind::siblings ? rule_.patterns[root.children[0]].slots : root.slots;
    if (names.empty()) {
      const Span& span = root.span;
      std::string name = "y";
      // The name that the rewrite gives what takes its place.
      if (!assigned_.empty()) name = rule_.slots[assigned_.back()].name;
      context_.diagnostics.add(Diagnostic(kNoRootName, span).fix("name it", span.part(0, 0), "%" + name + " = "));
      return;
    }
    auto replaced = std::find_first_of(rule_.replaced.begin(), rule_.replaced.end(), names.begin(), names.end());
    if (replaced == rule_.replaced.end()) {
      const std::string& name = rule_.slots[names.front()].name;
      // The last line's new name is what was meant, when nothing uses it.
      const bool new_name = last_name_ && !assigned_.empty() && assigned_.back() >= matched_;
      Diagnostic diagnostic = Diagnostic(kRootNotReplaced, new_name ? *last_name_ : first_line(text))
                                  .with("name", name)
                                  .label(rule_.slots[names.front()].span, "the root");
      if (new_name)
        diagnostic =
            std::move(diagnostic).fix("assign what takes its place to the root's name", *last_name_, "%" + name);
      else
        diagnostic = std::move(diagnostic).help("end with `%" + name + " = ...`");
      context_.diagnostics.add(std::move(diagnostic));
      return;
    }
    std::rotate(rule_.replaced.begin(), replaced, replaced + 1);
  }

  static Span first_line(const MappedText& text) {
    const size_t begin = std::min(text.text().find_first_not_of(" \n"), text.text().size());
    return text.span(begin, std::min(text.text().find('\n', begin), text.text().size()));
  }

  // The slot of `like %n` and `%n with`.
  SlotId matched_call(const std::pair<std::string, Span>& reference) {
    auto found = context_.names.find(reference.first);
    if (found == context_.names.end()) {
      context_.add_unbound(reference.first, reference.second);
      throw Failed();
    }
    if (context_.guessing) return found->second;
    if (rule_.slots[found->second].pattern == kNoPattern || rule_.slots[found->second].is_list) {
      std::string calls;
      for (const Slot& slot : rule_.slots) {
        if (slot.pattern != kNoPattern && slot.name.find('@') == std::string::npos)
          calls += (calls.empty() ? "%" : ", %") + slot.name;
      }
      fail(Diagnostic(kNotACall, reference.second)
               .with("name", reference.first)
               .label(rule_.slots[found->second].span, "bound here")
               .help("the calls that the pattern names are " + calls));
    }
    return found->second;
  }

  // Calls that the pattern of a slot may match.
  void collect_ops(PatternId id, std::vector<OpId>& ops) const {
    const Pattern& pattern = rule_.patterns[id];
    ops.insert(ops.end(), pattern.operators.ops.begin(), pattern.operators.ops.end());
    if (pattern.kind == PatternKind::alternative) {
      for (PatternId child : pattern.children) collect_ops(child, ops);
    }
  }

  void statement(const syntax::RewriteLine& line) {
    RewriteStatement result;
    result.span = line.span;
    switch (line.kind) {
      case syntax::RewriteLine::Kind::call: call(line, result); break;
      case syntax::RewriteLine::Kind::copy: copy(line, result); break;
      case syntax::RewriteLine::Kind::expression: {
        result.kind = RewriteStatement::Kind::expression;
        auto compiled = compile_expression(context_, *line.expression, true);
        if (!compiled) throw Failed();
        result.expression = std::move(*compiled);
        check_replacement(line, result.expression);
        break;
      }
    }
    result.result = result_slot(line, result);
    last_name_ = line.name_span;
    assigned_.push_back(result.result);
    rule_.rewrite.push_back(std::move(result));
  }

  SlotId result_slot(const syntax::RewriteLine& line, const RewriteStatement& value) {
    auto found = context_.names.find(line.name);
    if (found == context_.names.end()) {
      const ExpressionType type =
          value.kind == RewriteStatement::Kind::expression ? value.expression.type : ExpressionType::node;
      return context_.add_slot(line.name, type, line.name_span);
    }
    const SlotId slot = found->second;
    if (std::find(assigned_.begin(), assigned_.end(), slot) != assigned_.end()) {
      fail(Diagnostic(kAssignedTwice, line.name_span)
               .with("name", line.name)
               .help("give what an earlier line makes a name of its own, and use it here"));
    }
    if (context_.guessing) return slot;
    if (slot >= matched_) return slot;
    const PatternId pattern = rule_.slots[slot].pattern;
    if (pattern == kNoPattern)
      fail(Diagnostic(kNotReplaceable, line.name_span)
               .with("name", line.name)
               .label(rule_.slots[slot].span, "bound here")
               .propose("a new name", line.name_span, "%new_" + line.name));
    rule_.replaced.push_back(slot);
    return slot;
  }

  // A call is replaced by a value of the graph.
  void check_replacement(const syntax::RewriteLine& line, const Expression& value) {
    const auto found = context_.names.find(line.name);
    const bool replaces = found != context_.names.end() && found->second < matched_;
    if (!replaces || value.type == ExpressionType::node || value.type == ExpressionType::any) return;
    if (value.type == ExpressionType::none || context_.guessing) return;
    // The members of a group are replaced by a list of values.
    if (rule_.slots[found->second].is_list && value.type == ExpressionType::list) return;
    fail(Diagnostic(kTypeMismatch, value.span, "this is " + std::string(name(value.type)))
             .with("what", "what takes the place of `%" + line.name + "`")
             .with("expected", std::string(name(ExpressionType::node)))
             .with("found", std::string(name(value.type)))
             .help("a call of an operator, a bound value, or a function that makes one"));
  }

  RewriteStatement::Value value(const syntax::RewriteLine::Value& given, std::string parameter) {
    auto compiled = compile_expression(context_, *given.value, true);
    if (!compiled) throw Failed();
    return {std::move(parameter), std::move(*compiled)};
  }

  void call(const syntax::RewriteLine& line, RewriteStatement& result) {
    result.kind = RewriteStatement::Kind::call;
    const auto op = context_.operators.find(line.op);
    const Signature* signature = op ? context_.operators.signature(*op) : nullptr;
    if (!signature) {
      Diagnostic diagnostic = Diagnostic(kUnknownRewriteOperator, line.op_span).with("op", line.op);
      const std::vector<std::string> overloads = context_.operators.overloads(line.op);
      if (overloads.size() == 1) {
        diagnostic = std::move(diagnostic).fix("a rewrite names the overload", line.op_span, overloads[0]);
      } else if (!overloads.empty()) {
        std::string list, first = overloads[0];
        for (const std::string& overload : overloads) {
          list += (list.empty() ? "" : ", ") + overload;
          if (overload == line.op + ".default") first = overload;
        }
        diagnostic.notes.push_back("the overloads are " + list);
        diagnostic = std::move(diagnostic).propose("a rewrite names the overload", line.op_span, first);
      } else {
        suggest_operator(context_.operators, line.op, line.op_span, diagnostic);
      }
      fail(std::move(diagnostic));
    }
    result.op = *op;
    if (line.like) result.like = matched_call(*line.like);
    std::vector<bool> given(signature->parameters.size(), false);
    bool failed = false;
    for (size_t i = 0; i < line.values.size(); ++i) {
      try {
        result.values.push_back(call_value(line, i, *signature, given));
      } catch (const Failed&) {
        failed = true;
      }
    }
    if (failed) throw Failed();
    if (result.like) return;
    for (size_t i = 0; i < signature->parameters.size(); ++i) {
      const Parameter& parameter = signature->parameters[i];
      if (!given[i] && !parameter.has_default) {
        Diagnostic diagnostic = Diagnostic(kMissingRewriteArgument, line.op_span)
                                    .with("op", line.op)
                                    .with("parameter", parameter.name)
                                    .note(signature_text(line.op, *signature));
        const Span close = line.span.part(line.span.end - line.span.begin - 1, 0);
        const bool bound = context_.names.count(parameter.name) > 0;
        if (line.span.text().back() == ')')
          diagnostic.helps.push_back({bound ? "give it the value of that name" : "give it a value", close,
                                      (line.values.empty() ? "" : ", ") + parameter.name + "=%" + parameter.name,
                                      bound});
        fail(std::move(diagnostic));
      }
    }
  }

  RewriteStatement::Value call_value(const syntax::RewriteLine& line, size_t i, const Signature& signature,
                                     std::vector<bool>& given) {
    const syntax::RewriteLine::Value& argument = line.values[i];
    size_t index = i;
    if (!argument.name.empty()) {
      const auto found = signature.find(argument.name);
      if (!found) unknown_parameter(argument, line.op, signature);
      index = *found;
    } else if (i >= signature.parameters.size()) {
      fail(Diagnostic(kTooManyPatternArguments, argument.value->span)
               .with("op", line.op)
               .with("limit", counted_arguments(signature.parameters.size()))
               .note(signature_text(line.op, signature))
               .propose("remove it", without_argument(line, i), ""));
    }
    const Parameter& parameter = signature.parameters[index];
    if (given[index])
      fail(Diagnostic(kRewriteArgumentTwice, argument.name.empty() ? argument.value->span : argument.name_span)
               .with("parameter", parameter.name)
               .propose("remove it", without_argument(line, i), ""));
    given[index] = true;
    RewriteStatement::Value result = value(argument, parameter.name);
    check_kind(parameter, result.value);
    return result;
  }

  [[noreturn]] void unknown_parameter(const syntax::RewriteLine::Value& argument, const std::string& op,
                                      const Signature& signature) {
    std::vector<std::string> known;
    for (const Parameter& candidate : signature.parameters) known.push_back(candidate.name);
    Diagnostic diagnostic =
        Diagnostic(kUnknownRewriteParameter, argument.name_span).with("op", op).with("parameter", argument.name);
    if (!diagnostic.suggest(argument.name, known, argument.name_span))
      diagnostic.helps.push_back({signature_text(op, signature), {}, {}});
    fail(std::move(diagnostic));
  }

  // An argument with the comma before it.
  static Span without_argument(const syntax::RewriteLine& line, size_t i) {
    const syntax::RewriteLine::Value& own = line.values[i];
    const size_t begin =
        i > 0 ? line.values[i - 1].value->span.end : (own.name.empty() ? own.value->span.begin : own.name_span.begin);
    return {line.span.file, begin, own.value->span.end};
  }

  void check_kind(const Parameter& parameter, const Expression& given) {
    const ExpressionType wanted = type_of(parameter);
    const ExpressionType found = given.type;
    const auto number = [](ExpressionType type) {
      return type == ExpressionType::number || type == ExpressionType::integer || type == ExpressionType::size;
    };
    if (wanted == ExpressionType::any || found == ExpressionType::any || found == ExpressionType::none ||
        wanted == found)
      return;
    if (number(wanted) && number(found)) return;
    // A scalar operand is a number where a tensor is meant, and a lone integer a list of one.
    if (wanted == ExpressionType::node && number(found)) return;
    if (wanted == ExpressionType::list && number(found)) return;
    fail(Diagnostic(kTypeMismatch, given.span, "this is " + std::string(name(found)))
             .with("what", "`" + parameter.name + "`")
             .with("expected", std::string(name(wanted)))
             .with("found", std::string(name(found)))
             .help(wanted == ExpressionType::node ? "a bound value or what an earlier line makes"
                   : wanted == ExpressionType::list
                       ? "a list: `[1, 2]`, `shape(%x)`, or a name that the pattern binds to one"
                       : "see the operator's signature in docs/operators.md or PyTorch's"));
  }

  void copy(const syntax::RewriteLine& line, RewriteStatement& result) {
    result.kind = RewriteStatement::Kind::copy;
    result.like = matched_call(*line.like);
    std::vector<OpId> ops;
    const PatternId copied = rule_.slots[*result.like].pattern;
    if (copied != kNoPattern) collect_ops(copied, ops);  // none when the pattern has mistakes
    for (const syntax::RewriteLine::Value& argument : line.values) {
      for (OpId op : ops) {
        const Signature* signature = context_.operators.signature(op);
        if (signature && !signature->find(argument.name))
          unknown_parameter(argument, context_.operators.name(op), *signature);
      }
      for (const RewriteStatement::Value& earlier : result.values) {
        if (earlier.parameter == argument.name)
          fail(Diagnostic(kRewriteArgumentTwice, argument.name_span)
                   .with("parameter", argument.name)
                   .help("change each argument once"));
      }
      result.values.push_back(value(argument, argument.name));
      if (!ops.empty()) {
        if (const Signature* signature = context_.operators.signature(ops[0]))
          check_kind(signature->parameters[*signature->find(argument.name)], result.values.back().value);
      }
    }
  }

  RuleContext& context_;
  Rule& rule_;
  size_t matched_;  // slots below are bound by the match
  std::vector<SlotId> assigned_;
  std::optional<Span> last_name_;  // of the last line
};

}  // namespace

void compile_rewrite(RuleContext& context, const MappedText& text) {
  if (text.empty()) {
    context.diagnostics.add(Diagnostic(kRewriteSyntax, text.span())
                                .with("expected", "`%name = value`")
                                .with("found", "nothing")
                                .help("say what takes the root's place: `%y = aten.relu.default(%x)`, or `%y = %x`"));
    context.failed = true;
    return;
  }
  RewriteCompiler(context).compile(text);
}

}  // namespace qrules
