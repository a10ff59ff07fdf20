// Calls of the exact reference handlers, by graph text.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <qrules/lowerings/register.h>

#include "catch.h"
#include "fake_context.h"

namespace qrules::testing {

using Values = std::vector<double>;

inline const Handler& handler_of(const std::string& op) {
  static const HandlerRegistry* registry = [] {
    auto* made = new HandlerRegistry;
    register_decomposed_handlers(*made);
    return made;
  }();
  const auto found = registry->find(op);
  if (found.empty()) throw std::runtime_error("no handler for " + op);
  return *found.front();
}

// "graph(parameters) { %y: type = call return (%y) }"
inline std::string graph(const std::string& parameters, const std::string& type, const std::string& call) {
  return "graph(" + parameters + ") {\n%y: " + type + " = " + call + "\nreturn (%y)\n}\n";
}

// Prepares, which must succeed, and runs.
inline FakeContext& execute(FakeContext& context) {
  REQUIRE(context.prepare(handler_of(context.op())) == "");
  context.run();
  return context;
}

// One call on inputs given in operand order.
inline Values run(const std::string& text, const std::vector<Values>& inputs, size_t result = 0) {
  FakeContext context(text);
  for (size_t i = 0; i < inputs.size(); ++i) context.fill(i, inputs[i]);
  return execute(context).values(result);
}

inline std::string refusal(const std::string& text) {
  FakeContext context(text);
  return context.prepare(handler_of(context.op()));
}

}  // namespace qrules::testing
