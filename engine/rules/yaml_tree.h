// YAML as a tree in which every key and value knows its place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <qrules/rules/load.h>
#include <qrules/rules/mapped_text.h>
#include <qrules/support/result.h>

namespace qrules {

struct YamlNode;
using YamlPtr = std::unique_ptr<YamlNode>;

struct YamlEntry {
  std::string key;
  Span key_span;
  YamlPtr value;
};

struct YamlNode {
  enum class Kind : uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  Span span;                       // a scalar's text as written; for lists and maps the place of their first element
  MappedText text;                 // scalar
  bool quoted = false;             // scalar: in quotes or a block, so it is text whatever it looks like
  std::vector<YamlPtr> elements;   // list
  std::vector<YamlEntry> entries;  // map, in order of the file

  const YamlEntry* find(std::string_view key) const;
};

std::string_view name(YamlNode::Kind kind);

// Parses one document through yaml-cpp's event handler. Aliases are expanded (bounded by limits.yaml_nodes), duplicate
// keys refused, keys must be scalars. Errors QR0002, QR0003, QR0007, all with their place.
Result<YamlPtr> parse_yaml(const SourcePtr& file, const LoadLimits& limits);

}  // namespace qrules
