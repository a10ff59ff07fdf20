// See schema.h.

#include <rulecheck/lsp/schema.h>

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

namespace qrules::tools::lsp {
namespace {

using nlohmann::json;

const json& schema() {
  static const json parsed = json::parse(
#include <rules_schema.inc>
  );
  return parsed;
}

// Follows references, and of several forms takes the one that is a map or a list.
const json& resolved(const json& given) {
  const json* at = &given;
  for (int steps = 0; steps < 8; ++steps) {
    if (at->contains("$ref")) {
      const std::string reference = at->at("$ref").get<std::string>();
      at = &schema().at(json::json_pointer(reference.substr(1)));
    } else if (at->contains("oneOf")) {
      const json* next = at;
      for (const json& form : at->at("oneOf")) {
        if (form.contains("properties") || form.contains("items") || form.contains("$ref")) next = &form;
      }
      if (next == at) break;
      at = next;
    } else if (at->contains("items")) {
      at = &at->at("items");
    } else {
      break;
    }
  }
  return *at;
}

bool is_key(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

// A line "  - key: value": where its key begins and ends, and where its value does.
struct KeyLine {
  size_t key = 0, end = 0, value = 0;  // columns (bytes)
};
std::optional<KeyLine> read_line(std::string_view line) {
  size_t at = line.find_first_not_of(' ');
  while (at != std::string_view::npos && line.substr(at, 2) == "- ") at = line.find_first_not_of(' ', at + 1);
  if (at == std::string_view::npos) return std::nullopt;
  const size_t colon = line.find(':', at);
  if (colon == std::string_view::npos || !is_key(line.substr(at, colon - at))) return std::nullopt;
  if (colon + 1 < line.size() && line[colon + 1] != ' ' && line[colon + 1] != '\r') return std::nullopt;
  return KeyLine{at, colon, std::min(line.find_first_not_of(' ', colon + 1), line.size())};
}

}  // namespace

std::vector<SchemaKey> keys_at(const std::vector<std::string>& path) {
  const json* at = &schema();
  for (const std::string& key : path) {
    const json& map = resolved(*at);
    if (!map.contains("properties") || !map.at("properties").contains(key)) return {};
    at = &map.at("properties").at(key);
  }
  const json& map = resolved(*at);
  std::vector<SchemaKey> result;
  if (!map.contains("properties")) return result;
  for (const auto& [name, property] : map.at("properties").items()) {
    SchemaKey key;
    key.name = name;
    const json& inner = resolved(property);
    key.doc = property.value("description", inner.value("description", std::string()));
    if (inner.contains("enum")) {
      for (const json& value : inner.at("enum")) key.values.push_back(value.get<std::string>());
    } else if (inner.value("type", json()) == "boolean") {
      key.values = {"true", "false"};
    }
    result.push_back(std::move(key));
  }
  return result;
}

YamlPlace place_at(const SourceFile& source, size_t offset) {
  YamlPlace place;
  const uint32_t number = source.position(offset).line;
  const std::string_view line = source.line(number);
  const size_t column = offset - source.line_start(number);
  size_t indent = line.find_first_not_of(" -");
  indent = std::min(indent == std::string_view::npos ? line.size() : indent, column);
  if (const auto own = read_line(line); own && column > own->end) {
    place.path.push_back(std::string(line.substr(own->key, own->end - own->key)));
    place.in_value = true;
    place.begin = source.line_start(number) + own->value;
    indent = own->key;
  }
  bool first = place.path.empty();
  for (uint32_t above = number; above-- > 1 && indent > 0;) {
    const std::string_view text = source.line(above);
    const auto key = read_line(text);
    if (!key || key->key >= indent) {
      // A line of another form that stands less deep ends what is above only when it is a key.
      continue;
    }
    indent = key->key;
    place.path.insert(place.path.begin(), std::string(text.substr(key->key, key->end - key->key)));
    const std::string_view value = text.substr(key->value);
    if (first && !value.empty() && value.front() != '#' && value.front() != '[' && value.front() != '{') {
      // The lines of a block, or of a text that goes on.
      place.in_value = true;
      place.begin =
          source.line_start(above) + (value.front() == '|' || value.front() == '>' ? text.size() : key->value);
    } else if (first && !value.empty() && (value.front() == '[' || value.front() == '{')) {
      place.in_value = true;
      place.begin = source.line_start(above) + key->value;
    }
    first = false;
  }
  return place;
}

std::optional<KeyPlace> key_at(const SourceFile& source, size_t offset) {
  const uint32_t number = source.position(offset).line;
  const std::string_view line = source.line(number);
  const size_t start = source.line_start(number);
  const auto own = read_line(line);
  if (!own || offset < start + own->key || offset > start + own->end) return std::nullopt;
  YamlPlace place = place_at(source, start + own->key);
  if (place.in_value) return std::nullopt;
  const std::string name(line.substr(own->key, own->end - own->key));
  for (const SchemaKey& key : keys_at(place.path)) {
    if (key.name == name) return KeyPlace{name, key.doc, start + own->key, start + own->end};
  }
  return std::nullopt;
}

}  // namespace qrules::tools::lsp
