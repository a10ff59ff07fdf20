// schemas/rules.schema.json, as editors use it: every shipped file fits, what people get wrong does not, and it knows
// the keys that the loader knows.

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <qrules/rules/declarations.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/yaml_tree.h>

#include "../catch.h"
#include "json_schema.h"

namespace {

namespace fs = std::filesystem;
using namespace qrules;
using nlohmann::json;

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// YAML as editors hand it to a validator: plain scalars are numbers and booleans where they look like it.
json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null: return nullptr;
    case YamlNode::Kind::list: {
      json list = json::array();
      for (const YamlPtr& element : node.elements) list.push_back(to_json(*element));
      return list;
    }
    case YamlNode::Kind::map: {
      json map = json::object();
      for (const YamlEntry& entry : node.entries) map[entry.key] = to_json(*entry.value);
      return map;
    }
    case YamlNode::Kind::scalar: break;
  }
  const std::string& text = node.text.text();
  if (node.quoted) return text;
  if (text == "true" || text == "false") return text == "true";
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, integer); error == std::errc() && stop == end)
    return integer;
  double real = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, real); error == std::errc() && stop == end)
    return real;
  return text;
}

json read(const std::string& name, const std::string& text) {
  const Result<YamlPtr> tree = parse_yaml(std::make_shared<const SourceFile>(name, text), LoadLimits{});
  REQUIRE(tree.ok());
  return to_json(**tree);
}

std::string misfit_of(const json& value) {
  static const json schema = json::parse(content_of(fs::path(QRULES_SOURCE_DIR) / "schemas/rules.schema.json"));
  return testing::misfit(schema, value, schema, "file");
}

TEST_CASE("Every shipped rule file fits the schema", "[tools][schema]") {
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(QRULES_SOURCE_DIR) / "rules")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    INFO(entry.path().string());
    CHECK(misfit_of(read(entry.path().string(), content_of(entry.path()))) == "");
  }
  CHECK(files >= 10);
}

TEST_CASE("The schema refuses what people get wrong", "[tools][schema]") {
  const json good = read("good.yaml",
                         "qrules: 1\n"
                         "phases: [{name: main}]\n"
                         "classes: [{name: c, ops: [aten.relu.default]}]\n"
                         "macros: [{name: \"m(a)\", is: \"aten.relu.default(%a)\"}]\n"
                         "predicates: [{name: \"p(a)\", is: \"rank(a) == 1\"}]\n"
                         "rules:\n"
                         "  - name: r\n"
                         "    doc: d\n"
                         "    phase: main\n"
                         "    foreach: {n: [1, x, {op: y}]}\n"
                         "    match: \"%y = aten.relu.default(%x)\"\n"
                         "    rewrite: \"%y = %x\"\n"
                         "    tests:\n"
                         "      - name: t\n"
                         "        graph: graph(%x) {}\n"
                         "        expect: {fires: 1, numerics: true}\n");
  REQUIRE(misfit_of(good) == "");
  const auto refused = [&](const char* pointer, const json& value) {
    json changed = good;
    changed[json::json_pointer(pointer)] = value;
    return misfit_of(changed) != "";
  };
  const auto missing = [&](const char* parent, const char* key) {
    json changed = good;
    changed[json::json_pointer(parent)].erase(key);
    return misfit_of(changed) != "";
  };
  CHECK(refused("/qrules", 2));
  CHECK(refused("/rule", json::array()));
  CHECK(refused("/rules", json::object()));
  CHECK(refused("/phases/0/strategy", "twice"));
  CHECK(refused("/phases/0/before", "merge"));
  CHECK(refused("/classes/0/name", "1c"));
  CHECK(refused("/classes/0/op", "aten.relu.default"));
  CHECK(refused("/macros/0/name", "m(a"));
  CHECK(refused("/predicates/0/is", 1));
  CHECK(refused("/rules/0/name", "two words"));
  CHECK(refused("/rules/0/benefit", "high"));
  CHECK(refused("/rules/0/wheer", "rank(%x) == 1"));
  CHECK(refused("/rules/0/match", ""));
  CHECK(refused("/rules/0/match", json::array({"%y = aten.relu.default(%x)"})));
  CHECK(refused("/rules/0/foreach/n", json::array()));
  CHECK(refused("/rules/0/foreach/n", "x"));
  CHECK(refused("/rules/0/counter", json{{"name", "n"}}));
  CHECK(refused("/rules/0/tests/0/graph", "%x = aten.relu.default(%y)"));
  CHECK(refused("/rules/0/tests/0/expect/fires", -1));
  CHECK(refused("/rules/0/tests/0/expect/fires", "1"));
  CHECK(refused("/rules/0/tests/0/expect/numerics", "yes"));
  CHECK(refused("/rules/0/tests/0/expect/fire", 1));
  CHECK(missing("", "qrules"));
  CHECK(missing("/rules/0", "doc"));
  CHECK(missing("/rules/0", "phase"));
  CHECK(missing("/rules/0", "match"));
  CHECK(missing("/rules/0", "rewrite"));
  CHECK(missing("/rules/0/tests/0", "expect"));
  CHECK(missing("/rules/0/tests/0/expect", "fires"));
  CHECK(missing("/macros/0", "is"));
}

TEST_CASE("The schema refuses files with unknown or missing keys, as the loader does", "[tools][schema]") {
  size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(QRULES_TEST_DIR) / "rules" / "broken")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path().filename().string());
    const auto source = std::make_shared<const SourceFile>(entry.path().string(), content_of(entry.path()));
    const Result<YamlPtr> tree = parse_yaml(source, LoadLimits{});
    if (!tree.ok()) continue;
    Diagnostics found;
    read_declarations(source, **tree, found);
    const bool keys = !found.empty() && std::all_of(found.list().begin(), found.list().end(), [](const Diagnostic& d) {
      return d.kind == &kUnknownKey || d.kind == &kMissingKey || d.kind == &kUnsupportedVersion;
    });
    if (!keys) continue;
    ++seen;
    CHECK(misfit_of(to_json(**tree)) != "");
  }
  CHECK(seen >= 4);
}

TEST_CASE("Keys of the schema are keys of the loader", "[tools][schema]") {
  const json schema = json::parse(content_of(fs::path(QRULES_SOURCE_DIR) / "schemas/rules.schema.json"));
  // A map with every key of the schema: none of them is unknown to the loader, whatever else is wrong with it.
  const auto unknown = [&](const std::string& head, const std::string& indent, const json& properties) {
    std::string text = head;
    bool first = true;
    for (const auto& [key, property] : properties.items()) {
      text += first ? indent : std::string(indent.size(), ' ');
      text += key + ": x\n";
      first = false;
    }
    const auto source = std::make_shared<const SourceFile>("all.yaml", text);
    const Result<YamlPtr> tree = parse_yaml(source, LoadLimits{});
    REQUIRE(tree.ok());
    Diagnostics found;
    read_declarations(source, **tree, found);
    std::string keys;
    for (const Diagnostic& diagnostic : found.list()) {
      if (diagnostic.kind == &kUnknownKey) keys += diagnostic.message() + "\n";
    }
    return keys;
  };
  CHECK(unknown("", "", schema["properties"]) == "");
  for (const auto& [list, definition] : std::map<std::string, std::string>{{"classes", "class"},
                                                                           {"macros", "macro"},
                                                                           {"predicates", "predicate"},
                                                                           {"phases", "phase"},
                                                                           {"rules", "rule"}})
    CHECK(unknown("qrules: 1\n" + list + ":\n", "  - ", schema["$defs"][definition]["properties"]) == "");
  CHECK(unknown("qrules: 1\nrules:\n  - tests:\n", "      - ", schema["$defs"]["test"]["properties"]) == "");
}

}  // namespace
