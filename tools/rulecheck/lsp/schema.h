// The keys of rule files, from schemas/rules.schema.json, which is compiled in; and where in a text one is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <qrules/support/source.h>

namespace qrules::tools::lsp {

struct SchemaKey {
  std::string name, doc;
  std::vector<std::string> values;  // when only some are allowed
};

// The keys that a map at this path may have: {} the file, {"rules"} a rule, {"rules", "tests", "expect"}, ...
std::vector<SchemaKey> keys_at(const std::vector<std::string>& path);

// Where in the structure a byte is, by the indentation of its line and those above it. Works in texts that are no YAML
// at the moment, which is what completion meets.
struct YamlPlace {
  std::vector<std::string> path;  // the keys around it, outermost first: {"rules", "match"}
  bool in_value = false;          // behind the last of them, or on a line of its block; else a key may be written here
  size_t begin = 0;               // where the text of that value begins (of a block: its first line)
};
YamlPlace place_at(const SourceFile& source, size_t offset);

struct KeyPlace {
  std::string name, doc;
  size_t begin = 0, end = 0;
};
// The key of a map under a byte.
std::optional<KeyPlace> key_at(const SourceFile& source, size_t offset);

}  // namespace qrules::tools::lsp
