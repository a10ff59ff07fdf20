#include <qrules/graph/normalise.h>

#include <algorithm>

#include <qrules/graph/diagnostics.h>

namespace qrules {
namespace {

const char* describe(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::tensor: return "a tensor";
    case ParameterKind::tensor_list: return "a list of tensors";
    case ParameterKind::scalar: return "a number";
    case ParameterKind::integer: return "an integer";
    case ParameterKind::real: return "a number";
    case ParameterKind::boolean: return "true or false";
    case ParameterKind::text: return "a text in quotes";
    case ParameterKind::dtype: return "a dtype";
    case ParameterKind::keyword: return "a keyword such as channels_last";
    case ParameterKind::integer_list: return "a list of integers";
    case ParameterKind::real_list: return "a list of numbers";
    case ParameterKind::boolean_list: return "a list of true and false";
    case ParameterKind::qparam: return "a number or a one-element tensor";
    case ParameterKind::any: return "any value";
  }
  return "a value";
}

std::string describe(const Argument& value) {
  if (value.is_none()) return "None";
  if (value.get_if<bool>()) return "a boolean";
  if (value.get_if<int64_t>()) return "an integer";
  if (value.get_if<double>()) return "a real";
  if (value.get_if<std::string>()) return "a text";
  if (value.get_if<DType>()) return "a dtype";
  if (const Keyword* keyword = value.get_if<Keyword>()) return "the keyword `" + keyword->text + "`";
  if (value.get_if<Dim>()) return "a size";
  return value.node() ? "a value of the graph" : "a list";
}

bool is_integer(const Argument& value) { return value.get_if<int64_t>() || value.get_if<Dim>() || value.node(); }
bool is_number(const Argument& value) {
  return value.get_if<int64_t>() || value.get_if<double>() || value.get_if<bool>() || value.get_if<Dim>() ||
         value.node();
}

template <typename Check>
bool every(const Argument& value, Check check) {
  const Argument::List* elements = value.list();
  return elements && std::all_of(elements->begin(), elements->end(), check);
}

// What is wrong with a list: the first element that is none of what it takes.
std::string describe_for(const Argument& value, ParameterKind kind) {
  const Argument::List* elements = value.list();
  if (!elements) return describe(value);
  const auto fits = [&](const Argument& element) {
    switch (kind) {
      case ParameterKind::tensor_list: return element.node() || element.is_none();
      case ParameterKind::integer_list: return is_integer(element);
      case ParameterKind::real_list: return is_number(element);
      case ParameterKind::boolean_list: return element.get_if<bool>() != nullptr;
      default: return true;
    }
  };
  const auto wrong = std::find_if_not(elements->begin(), elements->end(), fits);
  return wrong == elements->end() ? "a list" : "a list with " + describe(*wrong);
}

// A bare word where a size is meant.
std::optional<std::string> size_meant(const Argument& value, ParameterKind kind) {
  if (kind != ParameterKind::integer_list && kind != ParameterKind::integer) return std::nullopt;
  const Argument::List* elements = value.list();
  const Argument* word = &value;
  if (elements) {
    const auto found = std::find_if(elements->begin(), elements->end(),
                                    [](const Argument& element) { return element.get_if<Keyword>() != nullptr; });
    if (found == elements->end()) return std::nullopt;
    word = &*found;
  }
  const Keyword* keyword = word->get_if<Keyword>();
  return keyword ? std::optional(keyword->text) : std::nullopt;
}

// Brings a value into the form that the parameter takes; false when it cannot be.
bool coerce(Argument& value, const Parameter& parameter) {
  if (value.is_none())
    return parameter.optional || parameter.kind == ParameterKind::any ||
           (parameter.has_default && parameter.default_value.is_none());
  switch (parameter.kind) {
    case ParameterKind::tensor:
      return value.node() != nullptr || value.number().has_value();  // a number stands for a rank-0 tensor
    case ParameterKind::tensor_list: return every(value, [](const Argument& e) { return e.node() || e.is_none(); });
    case ParameterKind::scalar:
    case ParameterKind::qparam: return is_number(value);
    case ParameterKind::integer: return is_integer(value) || value.get_if<bool>();
    case ParameterKind::real:
      if (const auto* integer = value.get_if<int64_t>()) value = static_cast<double>(*integer);
      return is_number(value);
    case ParameterKind::boolean:
      if (const auto* integer = value.get_if<int64_t>(); integer && (*integer == 0 || *integer == 1))
        value = *integer == 1;
      return value.get_if<bool>() != nullptr;
    case ParameterKind::text:
      if (const auto* keyword = value.get_if<Keyword>()) value = Argument(std::string(keyword->text));
      return value.get_if<std::string>() != nullptr;
    case ParameterKind::dtype: return value.get_if<DType>() != nullptr;
    case ParameterKind::keyword:
      if (const auto* text = value.get_if<std::string>()) value = Keyword{*text};
      return value.get_if<Keyword>() != nullptr || value.get_if<DType>() != nullptr;
    case ParameterKind::integer_list: {
      if (is_integer(value)) {
        // A lone integer stands for as many as the parameter's default has.
        const Argument::List* pattern = parameter.default_value.list();
        value = Argument::List(pattern && !pattern->empty() ? pattern->size() : 1, value);
      }
      return every(value, is_integer);
    }
    case ParameterKind::real_list:
      if (is_number(value)) value = Argument::List{value};
      return every(value, is_number);
    case ParameterKind::boolean_list:
      return every(value, [](const Argument& e) { return e.get_if<bool>() != nullptr; });
    case ParameterKind::any: return true;
  }
  return true;
}

}  // namespace

Result<std::vector<Argument>> normalise_arguments(const OperatorTable& operators, OpId op,
                                                  std::vector<Argument> positional,
                                                  std::vector<std::pair<std::string, Argument>> keywords) {
  const Signature* signature = operators.signature(op);
  if (!signature) {
    for (auto& [name, value] : keywords) positional.push_back(std::move(value));
    return positional;
  }
  const std::string& name = operators.name(op);
  const auto& parameters = signature->parameters;
  const size_t limit = static_cast<size_t>(
      std::count_if(parameters.begin(), parameters.end(), [](const Parameter& p) { return !p.keyword_only; }));
  if (positional.size() > limit) {
    return Diagnostic(kTooManyArguments)
        .with("op", name)
        .with("limit", static_cast<int64_t>(limit))
        .with("count", static_cast<int64_t>(positional.size()));
  }
  std::vector<Argument> arguments(parameters.size());
  std::vector<bool> given(parameters.size());
  for (size_t i = 0; i < positional.size(); ++i) {
    arguments[i] = std::move(positional[i]);
    given[i] = true;
  }
  for (auto& [parameter, value] : keywords) {
    const auto index = signature->find(parameter);
    if (!index) {
      Diagnostic unknown = Diagnostic(kUnknownParameter).with("op", name).with("parameter", parameter);
      std::vector<std::string> candidates;
      for (const Parameter& p : parameters) candidates.push_back(p.name);
      unknown.suggest(parameter, candidates);
      return unknown;
    }
    if (given[*index]) return Diagnostic(kArgumentGivenTwice).with("op", name).with("parameter", parameter);
    arguments[*index] = std::move(value);
    given[*index] = true;
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!given[i]) {
      if (!parameters[i].has_default)
        return Diagnostic(kMissingArgument).with("op", name).with("parameter", parameters[i].name);
      arguments[i] = parameters[i].default_value;
    }
    // Some schemas write a default in another kind (MemoryFormat memory_format=0): it fits as it is.
    const bool is_default = parameters[i].has_default && identical(arguments[i], parameters[i].default_value);
    if (!coerce(arguments[i], parameters[i]) && !is_default) {
      Diagnostic wrong = Diagnostic(kWrongArgument)
                             .with("op", name)
                             .with("parameter", parameters[i].name)
                             .with("expected", describe(parameters[i].kind))
                             .with("found", describe_for(arguments[i], parameters[i].kind));
      if (const auto word = size_meant(arguments[i], parameters[i].kind))
        wrong = std::move(wrong).help("a symbolic size is written `size(" + *word + ")` among arguments");
      return wrong;
    }
  }
  return arguments;
}

}  // namespace qrules
