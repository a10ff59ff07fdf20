// Building what takes the place of a match: the statements of `rewrite`, evaluated in order.

#include <algorithm>

#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/rewrite/application.h>
#include <qrules/rewrite/placement.h>

namespace qrules {
namespace {

std::string first_message(const Diagnostics& diagnostics) {
  return diagnostics.empty() ? "refused" : diagnostics.list().front().message();
}

}  // namespace

bool Application::build() {
  for (const RewriteStatement& statement : rule_.rewrite) {
    bool done = false;
    switch (statement.kind) {
      case RewriteStatement::Kind::call: done = build_call(statement); break;
      case RewriteStatement::Kind::copy: done = build_copy(statement); break;
      case RewriteStatement::Kind::expression: done = build_expression(statement); break;
    }
    if (!done) return false;
  }
  return true;
}

bool Application::evaluate_value(const Expression& expression, Argument& value) {
  FunctionContext context{graph_, match_.root, match_.root};
  Evaluated evaluated = evaluate(expression, bindings_, context);
  if (auto* unknown = std::get_if<Unknown>(&evaluated)) return refuse(std::move(unknown->reason));
  value = std::get<Argument>(std::move(evaluated));
  return true;
}

void Application::bind(SlotId slot, Argument value) { bindings_[slot] = {true, std::move(value)}; }

Node* Application::bound_call(SlotId slot) {
  Node* node = bindings_[slot].bound ? bindings_[slot].value.node() : nullptr;
  return node && node->is_call() ? node : nullptr;
}

bool Application::build_call(const RewriteStatement& statement) {
  std::vector<Argument> positional;
  std::vector<std::pair<std::string, Argument>> keywords;
  for (const RewriteStatement::Value& value : statement.values) {
    Argument argument;
    if (!evaluate_value(value.value, argument)) return false;
    if (value.parameter.empty()) {
      positional.push_back(std::move(argument));
    } else {
      keywords.emplace_back(value.parameter, std::move(argument));
    }
  }
  if (statement.like && !take_like(statement, positional.size(), keywords)) return false;
  return add_call(statement.op, std::move(positional), std::move(keywords), statement.result);
}

// Arguments of the same names that the statement does not give itself.
bool Application::take_like(const RewriteStatement& statement, size_t positional,
                            std::vector<std::pair<std::string, Argument>>& keywords) {
  Node* source = bound_call(*statement.like);
  if (!source) return refuse("`like " + slot_name(*statement.like) + "`: it is not a call here");
  const Signature* signature = graph_.operators().signature(statement.op);
  if (!signature) return true;
  for (size_t i = positional; i < signature->parameters.size(); ++i) {
    const std::string& name = signature->parameters[i].name;
    bool given = std::any_of(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == name; });
    if (given) continue;
    if (const Argument* argument = source->argument(name)) keywords.emplace_back(name, *argument);
  }
  return true;
}

bool Application::build_copy(const RewriteStatement& statement) {
  Node* source = statement.like ? bound_call(*statement.like) : nullptr;
  if (!source) return refuse("`with`: what is copied is not a call here");
  const Signature* signature = graph_.operators().signature(source->op());
  if (!signature) return copy_unknown(statement, *source);
  std::vector<std::pair<std::string, Argument>> keywords;
  for (size_t i = 0; i < signature->parameters.size() && i < source->arguments().size(); ++i) {
    keywords.emplace_back(signature->parameters[i].name, source->argument(i));
  }
  for (const RewriteStatement::Value& value : statement.values) {
    auto place =
        std::find_if(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == value.parameter; });
    if (place == keywords.end()) {
      return refuse("`" + source->op_name() + "` has no parameter `" + value.parameter + "`");
    }
    if (!evaluate_value(value.value, place->second)) return false;
  }
  return add_call(source->op(), {}, std::move(keywords), statement.result);
}

// An operator without a signature: only its own keyword arguments can be changed.
bool Application::copy_unknown(const RewriteStatement& statement, Node& source) {
  std::vector<Argument> arguments = source.arguments();
  const std::vector<std::string>& names = source.argument_names();
  for (const RewriteStatement::Value& value : statement.values) {
    auto place = std::find(names.begin(), names.end(), value.parameter);
    size_t index = arguments.size() - static_cast<size_t>(names.end() - place);
    if (place == names.end() || index >= arguments.size()) {
      return refuse("`" + source.op_name() + "` has no signature and was called without `" + value.parameter + "`");
    }
    if (!evaluate_value(value.value, arguments[index])) return false;
  }
  insert(source.op(), std::move(arguments), recorded_type(statement.result), statement.result, names);
  return true;
}

bool Application::add_call(OpId op, std::vector<Argument> positional,
                           std::vector<std::pair<std::string, Argument>> keywords, SlotId result) {
  auto arguments = normalise_arguments(graph_.operators(), op, std::move(positional), std::move(keywords));
  if (!arguments.ok()) return refuse(first_message(arguments.diagnostics()));
  auto type = infer_type(graph_, op, *arguments);
  if (!type.ok()) return refuse(first_message(type.diagnostics()));
  if (type->kind == ValueType::Kind::unknown) *type = recorded_type(result);
  insert(op, std::move(*arguments), std::move(*type), result, {});
  return true;
}

// The type of the node that this slot's new value replaces, or unknown.
ValueType Application::recorded_type(SlotId slot) const {
  if (std::find(rule_.replaced.begin(), rule_.replaced.end(), slot) == rule_.replaced.end())
    return ValueType::unknown();
  const Binding& matched = match_.bindings[slot];
  Node* node = matched.bound ? matched.value.node() : nullptr;
  return node ? node->type() : ValueType::unknown();
}

void Application::insert(OpId op, std::vector<Argument> arguments, ValueType type, SlotId result,
                         std::vector<std::string> names) {
  Node* before = insertion_point(arguments, match_.root);
  bind(result, graph_.add_call(op, std::move(arguments), std::move(type), {}, before, std::move(names)));
}

bool Application::build_expression(const RewriteStatement& statement) {
  Argument value;
  if (!evaluate_value(statement.expression, value)) return false;
  bind(statement.result, std::move(value));
  return true;
}

}  // namespace qrules
