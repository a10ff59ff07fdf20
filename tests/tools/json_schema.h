// Whether a value fits a JSON schema: the keywords that the schemas of this project use.
#pragma once

#include <algorithm>
#include <regex>
#include <string>

#include <nlohmann/json.hpp>

namespace qrules::testing {

inline bool has_type(const nlohmann::json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  return false;
}

// What does not fit, with the path to it; empty when all does. A keyword that is not known here is a mistake of the
// schema, as it would go unchecked.
inline std::string misfit(const nlohmann::json& schema, const nlohmann::json& value, const nlohmann::json& root,
                          const std::string& at) {
  using nlohmann::json;
  const auto fitting = [&](const json& forms) {
    return std::count_if(forms.begin(), forms.end(),
                         [&](const json& form) { return misfit(form, value, root, at).empty(); });
  };
  for (const auto& [keyword, want] : schema.items()) {
    if (keyword == "type") {
      bool one = false;
      for (const json& type : want.is_array() ? want : json::array({want})) one = one || has_type(value, type);
      if (!one) return at + " is no " + (want.is_array() ? want.dump() : want.get<std::string>());
    } else if (keyword == "const") {
      if (value != want) return at + " is not " + want.dump();
    } else if (keyword == "enum") {
      if (std::find(want.begin(), want.end(), value) == want.end()) return at + " is none of " + want.dump();
    } else if (keyword == "oneOf") {
      if (fitting(want) != 1) return at + " fits " + std::to_string(fitting(want)) + " forms";
    } else if (keyword == "anyOf") {
      if (fitting(want) == 0) return at + " fits no form";
    } else if (keyword == "pattern") {
      if (value.is_string() && !std::regex_search(value.get<std::string>(), std::regex(want.get<std::string>())))
        return at + " does not read as " + want.get<std::string>();
    } else if (keyword == "minimum") {
      if (value.is_number() && value.get<double>() < want.get<double>()) return at + " is too small";
    } else if (keyword == "minLength") {
      if (value.is_string() && value.get<std::string>().size() < want.get<size_t>()) return at + " is too short";
    } else if (keyword == "minItems") {
      if (value.is_array() && value.size() < want.get<size_t>()) return at + " has too few elements";
    } else if (keyword == "minProperties") {
      if (value.is_object() && value.size() < want.get<size_t>()) return at + " has too few keys";
    } else if (keyword == "required") {
      for (const json& name : want) {
        if (value.is_object() && !value.contains(name.get<std::string>()))
          return at + " has no " + name.get<std::string>();
      }
    } else if (keyword == "items") {
      for (size_t i = 0; value.is_array() && i < value.size(); ++i) {
        if (auto wrong = misfit(want, value[i], root, at + "/" + std::to_string(i)); !wrong.empty()) return wrong;
      }
    } else if (keyword == "propertyNames") {
      for (const auto& [name, property] : value.items()) {
        if (auto wrong = misfit(want, json(name), root, at + "/" + name); !wrong.empty()) return wrong;
      }
    } else if (keyword == "properties") {
      for (const auto& [name, property] : want.items()) {
        if (!value.is_object() || !value.contains(name)) continue;
        if (auto wrong = misfit(property, value[name], root, at + "/" + name); !wrong.empty()) return wrong;
      }
    } else if (keyword == "additionalProperties") {
      for (const auto& [name, property] : value.items()) {
        if (schema.contains("properties") && schema["properties"].contains(name)) continue;
        if (want.is_boolean()) return at + " has " + name + " besides";
        if (auto wrong = misfit(want, property, root, at + "/" + name); !wrong.empty()) return wrong;
      }
    } else if (keyword == "$ref") {
      const json& target = root.at(json::json_pointer(want.get<std::string>().substr(1)));
      if (auto wrong = misfit(target, value, root, at); !wrong.empty()) return wrong;
    } else if (keyword[0] != '$' && keyword != "title" && keyword != "description" && keyword != "default") {
      return "the schema uses " + keyword;
    }
  }
  return "";
}

}  // namespace qrules::testing
