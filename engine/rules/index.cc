// See index.h. The texts are read by the parsers that the compilers use; what a name means is taken from the scope and
// the compiled rule. Instances of a template mention the same places, so only one of them is indexed.

#include <qrules/rules/index.h>

#include <algorithm>

#include <qrules/graph/text.h>

namespace qrules {
namespace {

std::string_view kind_name(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::tensor: return "Tensor";
    case ParameterKind::tensor_list: return "Tensor[]";
    case ParameterKind::scalar: return "Scalar";
    case ParameterKind::integer: return "int";
    case ParameterKind::real: return "float";
    case ParameterKind::boolean: return "bool";
    case ParameterKind::text: return "str";
    case ParameterKind::dtype: return "dtype";
    case ParameterKind::keyword: return "keyword";
    case ParameterKind::integer_list: return "int[]";
    case ParameterKind::real_list: return "float[]";
    case ParameterKind::boolean_list: return "bool[]";
    case ParameterKind::qparam: return "qparam";
    case ParameterKind::any: return "any";
  }
  return "any";
}

std::string written(const Span& span) { return std::string(span.text()); }

class Indexer {
 public:
  Indexer(const Scope& scope, const OperatorTable& operators, RuleIndex& index)
      : scope_(scope), operators_(operators), index_(index) {}

  void set_rule(const Rule& rule) { rule_ = &rule; }
  // Names that stand for arguments: of the macro or predicate whose body is indexed.
  void set_parameters(const std::vector<std::string>& names, const Span& definition) {
    parameters_ = &names;
    parameters_span_ = definition;
  }
  void define(const std::string& name, const Span& span) { definitions_.emplace(name, span); }

  void statements(const std::vector<syntax::Statement>& all) {
    for (const syntax::Statement& statement : all) {
      if (!statement.name.empty()) define(statement.name, statement.name_span);
    }
    for (const syntax::Statement& statement : all) {
      if (!statement.name.empty()) {
        std::string role = statement.pattern ? written(statement.pattern->span) : std::string();
        statements_.emplace(statement.name, role);
        value(statement.name, statement.name_span, std::move(role));
      }
      if (statement.pattern) pattern(*statement.pattern, "");
    }
  }

  void pattern(const syntax::Pattern& given, const std::string& role) {
    using Kind = syntax::Pattern::Kind;
    if (given.kind == Kind::name) {
      define(given.text, given.span);
      value(given.text, given.span, role);
    } else if (given.kind == Kind::call) {
      call(given);
    }
    for (const syntax::PatternPtr& child : given.children) {
      if (child) pattern(*child, role);
    }
    // What siblings share is bound in their pattern, which stands behind.
    for (const auto& [shared, span] : given.shared) value(shared, span, "");
  }

  void expression(const syntax::Expression& given) {
    using Kind = syntax::Expression::Kind;
    switch (given.kind) {
      case Kind::name: value(given.text, given.span, ""); break;
      case Kind::word:
        if (is_parameter(given.text)) add(MentionKind::parameter, given.span, given.text, parameters_span_);
        break;
      case Kind::call: {
        auto predicate = scope_.predicates.find(given.text);
        Mention& mention = predicate == scope_.predicates.end()
                               ? add(MentionKind::function, given.text_span, given.text, {})
                               : add(MentionKind::predicate, given.text_span, given.text, predicate->second->span);
        for (const syntax::ExpressionPtr& operand : given.operands)
          mention.arguments.push_back(operand ? written(operand->span) : std::string());
        break;
      }
      case Kind::loop:
        for (const auto& [loop_name, span] : given.loop_names) {
          define(loop_name, span);
          value(loop_name, span, "an element of the loop's list");
        }
        break;
      default: break;
    }
    for (const syntax::ExpressionPtr& operand : given.operands) {
      if (operand) expression(*operand);
    }
  }

  void rewrite(const syntax::RewriteLine& line) {
    define(line.name, line.name_span);
    value(line.name, line.name_span, "");
    const Signature* signature = nullptr;
    if (line.kind == syntax::RewriteLine::Kind::call) {
      add(MentionKind::op, line.op_span, line.op, {});
      signature = signature_of(line.op);
    }
    if (line.like) value(line.like->first, line.like->second, "");
    for (const syntax::RewriteLine::Value& argument : line.values) {
      if (!argument.name.empty()) named_argument(argument.name, argument.name_span, line.op, signature);
      if (argument.value) expression(*argument.value);
    }
    if (line.expression) expression(*line.expression);
  }

  Mention& add(MentionKind kind, const Span& span, std::string name, const Span& definition) {
    Mention mention;
    mention.kind = kind;
    mention.span = span;
    mention.name = std::move(name);
    mention.definition = definition;
    if (rule_) mention.rule = rule_->base_name;
    index_.mentions.push_back(std::move(mention));
    return index_.mentions.back();
  }

 private:
  bool is_parameter(const std::string& name) const {
    return parameters_ && std::find(parameters_->begin(), parameters_->end(), name) != parameters_->end();
  }

  void value(const std::string& name, const Span& span, std::string role) {
    if (is_parameter(name)) {
      add(MentionKind::parameter, span, name, parameters_span_);
      return;
    }
    auto definition = definitions_.find(name);
    Mention& mention =
        add(MentionKind::value, span, name, definition == definitions_.end() ? Span() : definition->second);
    if (auto statement = statements_.find(name); statement != statements_.end()) role = statement->second;
    if (!role.empty()) roles_.emplace(name, role);
    if (auto known = roles_.find(name); known != roles_.end()) mention.role = known->second;
    if (!rule_) return;
    for (const Slot& slot : rule_->slots) {
      if (slot.name != name) continue;
      mention.type = (slot.is_list ? "list of " : "") + std::string(qrules::name(slot.type));
      break;
    }
  }

  // The signature of an operator, or of the first overload of a packet.
  const Signature* signature_of(const std::string& op) const {
    if (const auto id = operators_.find(op); id && operators_.signature(*id)) return operators_.signature(*id);
    for (const std::string& overload : operators_.overloads(op)) {
      const auto id = operators_.find(overload);
      if (id && operators_.signature(*id)) return operators_.signature(*id);
    }
    return nullptr;
  }

  void named_argument(const std::string& name, const Span& span, const std::string& op, const Signature* signature) {
    Mention& mention = add(MentionKind::argument, span, name, {});
    const auto found = signature ? signature->find(name) : std::nullopt;
    if (found) mention.role = describe(signature->parameters[*found]) + " of " + op;
  }

  void call(const syntax::Pattern& given) {
    const Signature* signature = nullptr;
    const MacroDeclaration* macro = nullptr;
    if (given.is_class) {
      auto found = scope_.classes.find(given.text);
      add(MentionKind::class_name, given.callee_span, given.text,
          found == scope_.classes.end() ? Span() : found->second->span);
    } else if (given.text.find('.') == std::string::npos) {
      auto found = scope_.macros.find(given.text);
      if (found != scope_.macros.end()) macro = found->second;
      Mention& mention = add(MentionKind::macro, given.callee_span, given.text, macro ? macro->span : Span());
      for (const syntax::PatternArgument& argument : given.arguments)
        mention.arguments.push_back(argument.value ? written(argument.value->span) : std::string());
    } else {
      add(MentionKind::op, given.callee_span, given.text, {});
      signature = signature_of(given.text);
    }
    for (size_t i = 0; i < given.arguments.size(); ++i) {
      const syntax::PatternArgument& argument = given.arguments[i];
      if (!argument.name.empty()) named_argument(argument.name, argument.name_span, given.text, signature);
      std::string role;
      if (signature) {
        const auto found = argument.name.empty() ? std::optional<size_t>(i) : signature->find(argument.name);
        if (found && *found < signature->parameters.size())
          role = describe(signature->parameters[*found]) + " of " + given.text;
      } else if (macro && argument.name.empty() && i < macro->parameters.size()) {
        role = macro->parameters[i] + " of " + macro->name;
      }
      if (argument.value) pattern(*argument.value, role);
    }
  }

  const Scope& scope_;
  const OperatorTable& operators_;
  RuleIndex& index_;
  const Rule* rule_ = nullptr;
  const std::vector<std::string>* parameters_ = nullptr;
  Span parameters_span_;
  std::map<std::string, Span> definitions_;
  std::map<std::string, std::string> statements_;  // what a statement's name stands for
  std::map<std::string, std::string> roles_;
};

}  // namespace

const Mention* RuleIndex::at(const std::string& file, size_t offset) const {
  const Mention* best = nullptr;
  for (const Mention& mention : mentions) {
    const Span& span = mention.span;
    if (!span || span.file->name() != file || offset < span.begin || offset > span.end) continue;
    if (!best || span.end - span.begin < best->span.end - best->span.begin) best = &mention;
  }
  return best;
}

std::string describe(const Parameter& parameter) {
  static const DimTable no_symbols;
  std::string text(kind_name(parameter.kind));
  if (parameter.optional) text += "?";
  text += " " + parameter.name;
  if (parameter.has_default) text += "=" + print(parameter.default_value, no_symbols);
  return text;
}

std::string describe(const std::string& op, const Signature& signature) {
  std::string text = op + "(";
  bool star = false;
  for (size_t i = 0; i < signature.parameters.size(); ++i) {
    if (i > 0) text += ", ";
    if (signature.parameters[i].keyword_only && !star) {
      star = true;
      text += "*, ";
    }
    text += describe(signature.parameters[i]);
  }
  text += ") -> ";
  if (signature.returns.size() == 1) return text + signature.returns[0];
  std::string list;
  for (const std::string& result : signature.returns) list += (list.empty() ? "" : ", ") + result;
  return text + "(" + list + ")";
}

void index_declarations(const RuleFile& file, const Scope& scope, const OperatorTable& operators, RuleIndex& index) {
  Indexer top(scope, operators, index);
  for (const ClassDeclaration& declared : file.classes) {
    top.add(MentionKind::class_name, declared.span, declared.name, declared.span);
    for (const MappedText& entry : declared.entries) {
      if (entry.text().front() != '/') top.add(MentionKind::op, entry.span(), entry.text(), {});
    }
  }
  for (const MacroDeclaration& declared : file.macros) {
    top.add(MentionKind::macro, declared.span, declared.name, declared.span);
    for (const syntax::PatternPtr& alternative : declared.alternatives) {
      Indexer body(scope, operators, index);
      body.set_parameters(declared.parameters, declared.span);
      body.pattern(*alternative, "");
    }
  }
  for (const PredicateDeclaration& declared : file.predicates) {
    top.add(MentionKind::predicate, declared.span, declared.name, declared.span);
    if (!declared.body) continue;
    Indexer body(scope, operators, index);
    body.set_parameters(declared.parameters, declared.span);
    body.expression(*declared.body);
  }
  for (size_t i = 0; i < file.phases.size(); ++i)
    top.add(MentionKind::phase, file.phase_spans[i], file.phases[i].name, file.phase_spans[i]);
  for (const RuleDeclaration& rule : file.rules) {
    top.add(MentionKind::rule, rule.name.span(), rule.name.text(), rule.name.span());
    top.add(MentionKind::phase, rule.phase.span, rule.phase.name, {});
    for (const auto* references : {&rule.before, &rule.after}) {
      for (const NamedReference& other : *references) top.add(MentionKind::rule, other.span, other.name, {});
    }
  }
}

void index_rule(const RuleContext& context, const RuleTexts& texts, RuleIndex& index) {
  Diagnostics reported;  // when the rule was compiled
  Indexer indexer(context.scope, context.operators, index);
  indexer.set_rule(context.rule);
  indexer.statements(syntax::parse_match(texts.match, reported));
  for (const MappedText* conditions : {&texts.members, &texts.where, &texts.counter_when}) {
    for (const syntax::ConditionLine& line : syntax::parse_conditions(*conditions, reported)) {
      if (line.expression) indexer.expression(*line.expression);
    }
  }
  for (const syntax::RewriteLine& line : syntax::parse_rewrite(texts.rewrite, reported)) indexer.rewrite(line);
}

}  // namespace qrules
