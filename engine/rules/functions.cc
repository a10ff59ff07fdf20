#include <qrules/rules/functions.h>

namespace qrules {

std::string_view name(ExpressionType type) {
  switch (type) {
    case ExpressionType::any: return "any value";
    case ExpressionType::node: return "a node";
    case ExpressionType::number: return "a number";
    case ExpressionType::integer: return "an integer";
    case ExpressionType::size: return "a size";
    case ExpressionType::boolean: return "true or false";
    case ExpressionType::text: return "a text";
    case ExpressionType::dtype: return "a dtype";
    case ExpressionType::keyword: return "a keyword";
    case ExpressionType::list: return "a list";
    case ExpressionType::none: return "None";
  }
  return "";
}

Function& FunctionRegistry::add(Function function) {
  std::unique_ptr<Function>& entry = functions_[function.name];
  if (entry) {
    *entry = std::move(function);  // expressions point at it
  } else {
    entry = std::make_unique<Function>(std::move(function));
  }
  return *entry;
}

const Function* FunctionRegistry::find(std::string_view name) const {
  auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second.get();
}

std::vector<const Function*> FunctionRegistry::all() const {
  std::vector<const Function*> result;
  for (const auto& [name, function] : functions_) result.push_back(function.get());
  return result;
}

}  // namespace qrules
