// Reading JSON that may have any form: every access says what it wants and gets null when it is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <qrules/runtime/archive.h>
#include <qrules/support/result.h>

namespace qrules::model {

using Json = nlohmann::json;

// The field of an object; null when `json` is no object or lacks it.
inline const Json* field(const Json& json, const char* name) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(name);
  return found == json.end() ? nullptr : &*found;
}

// A field that must be an object or list to be there.
inline const Json* object_field(const Json& json, const char* name) {
  const Json* value = field(json, name);
  return value && value->is_object() ? value : nullptr;
}
inline const Json* list_field(const Json& json, const char* name) {
  const Json* value = field(json, name);
  return value && value->is_array() ? value : nullptr;
}

// Null unless the field is a text.
inline const std::string* text_field(const Json& json, const char* name) {
  const Json* value = field(json, name);
  return value ? value->get_ptr<const std::string*>() : nullptr;
}

// An integer of 64 bits.
inline std::optional<int64_t> integer(const Json& json) {
  if (json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  if (!json.is_number_integer()) return std::nullopt;
  return json.get<int64_t>();
}
inline std::optional<int64_t> integer_field(const Json& json, const char* name) {
  const Json* value = field(json, name);
  return value ? integer(*value) : std::nullopt;
}

// {"as_int": 3} and the like, torch.export's tagged unions: the one field of the object.
struct Tagged {
  std::string_view tag;
  const Json* value = nullptr;
};
inline std::optional<Tagged> tagged(const Json& json) {
  if (!json.is_object() || json.size() != 1) return std::nullopt;
  return Tagged{json.begin().key(), &json.begin().value()};
}

// Parses a member of the archive. Errors: QR0603, QR0604, QR0606.
Result<Json> read_json(Archive& archive, const std::string& member);

}  // namespace qrules::model
