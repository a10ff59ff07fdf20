// schemas/report.schema.json says what `qrules run --report` writes: the report of a graph that has an entry in every
// part fits, and one with a field more, less or of another type does not.

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <qrules/runtime/npy.h>

#include "../catch.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "null") return value.is_null();
  return false;
}

// The keywords of JSON Schema that the report's schema uses; another one is a mistake, as it would go unchecked.
std::string misfit(const json& schema, const json& value, const json& root, const std::string& at) {
  for (const auto& [keyword, want] : schema.items()) {
    if (keyword == "type") {
      bool one = false;
      for (const json& type : want.is_array() ? want : json::array({want})) one = one || has_type(value, type);
      if (!one) return at + " is no " + (want.is_array() ? want.dump() : want.get<std::string>());
    } else if (keyword == "enum") {
      if (std::find(want.begin(), want.end(), value) == want.end()) return at + " is none of " + want.dump();
    } else if (keyword == "minimum") {
      if (value.is_number() && value.get<double>() < want.get<double>()) return at + " is too small";
    } else if (keyword == "required") {
      for (const json& name : want) {
        if (!value.contains(name.get<std::string>())) return at + " has no " + name.get<std::string>();
      }
    } else if (keyword == "items") {
      for (size_t i = 0; i < value.size(); ++i) {
        if (auto wrong = misfit(want, value[i], root, at + "/" + std::to_string(i)); !wrong.empty()) return wrong;
      }
    } else if (keyword == "properties") {
      for (const auto& [name, property] : want.items()) {
        if (!value.contains(name)) continue;
        if (auto wrong = misfit(property, value[name], root, at + "/" + name); !wrong.empty()) return wrong;
      }
    } else if (keyword == "additionalProperties") {
      if (!value.is_object()) continue;
      for (const auto& [name, property] : value.items()) {
        if (schema.contains("properties") && schema["properties"].contains(name)) continue;
        if (want.is_boolean()) return at + " has " + name + " besides";
        if (auto wrong = misfit(want, property, root, at + "/" + name); !wrong.empty()) return wrong;
      }
    } else if (keyword == "$ref") {
      const json& target = root.at(json::json_pointer(want.get<std::string>().substr(1)));
      if (auto wrong = misfit(target, value, root, at); !wrong.empty()) return wrong;
    } else if (keyword[0] != '$' && keyword != "title" && keyword != "description") {
      return "the schema uses " + keyword;
    }
  }
  return "";
}

json read_json(const fs::path& path) {
  std::ifstream stream(path);
  REQUIRE(stream);
  return json::parse(stream);
}

// A fused pair, an operator for the dispatcher, and a dequantize that stays.
const char* const kGraph = R"(graph(%x: u8[1,2,4,4]) {
  %f: f32[1,2,4,4] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.5, 3, 0, 255, u8)
  %p: f32[1,2,2,2] = aten.max_pool2d.default(%f, [2, 2])
  %q: u8[1,2,2,2] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 3, 0, 255, u8)
  %g: f32[1,2,2,2] = quantized_decomposed.dequantize_per_tensor.default(%q, 0.5, 3, 0, 255, u8)
  %e: f32[1,2,2,2] = aten.exp.default(%g)
  return (%e)
}
)";

TEST_CASE("The report of a run fits its schema", "[tools][report]") {
  std::string pattern = (fs::temp_directory_path() / "qrules-report-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const fs::path folder = pattern;
  std::ofstream(folder / "graph.txt") << kGraph;
  const auto layout = qrules::TensorLayout::contiguous(qrules::DType::u8, {1, 2, 4, 4});
  const std::vector<uint8_t> elements(32, 7);
  REQUIRE(qrules::write_npy((folder / "x.npy").string(), layout, elements.data()).ok());
  const std::string command = "cd '" + folder.string() +
                              "' && '" QRULES_BIN_DIR "/qrules' run graph.txt --rules '" QRULES_SOURCE_DIR
                              "/rules' --input x.npy --report report.json --json >printed.json";
  REQUIRE(std::system(command.c_str()) == 0);
  const json schema = read_json(fs::path(QRULES_SOURCE_DIR) / "schemas/report.schema.json");
  const json report = read_json(folder / "report.json");
  const json printed = read_json(folder / "printed.json");
  fs::remove_all(folder);

  CHECK(misfit(schema, report, schema, "report") == "");
  CHECK(printed == report);
  CHECK(report["rules_fired"].value("qmaxpool2d", 0) == 1);
  CHECK(report["counters"].value("qmaxpool2d_matcher_count", 0) == 1);
  CHECK(report["fallback_ops"].value("aten.exp.default", 0) == 1);
  CHECK(report["unfused_dequant"] == 1);

  const auto changed = [&](const auto& change) {
    json copy = report;
    change(copy);
    return misfit(schema, copy, schema, "report");
  };
  CHECK(changed([](json& copy) { copy["more"] = 1; }) == "report has more besides");
  CHECK(changed([](json& copy) { copy["memory"].erase("arena_bytes"); }) == "report/memory has no arena_bytes");
  CHECK(changed([](json& copy) { copy["rules_fired"]["qmaxpool2d"] = "1"; }) ==
        "report/rules_fired/qmaxpool2d is no integer");
  CHECK(changed([](json& copy) { copy["in_place"] = -1; }) == "report/in_place is too small");
  CHECK(changed([](json& copy) {
          copy["dropped_matches"].push_back({{"rule", "r"}});
        }).find("report/dropped_matches/0 has no ") == 0);
  CHECK(changed([](json& copy) { copy["slow"] = json::object(); }) == "report/slow is no array");
}

TEST_CASE("Locks and explanations fit their schemas", "[tools][report]") {
  std::string pattern = (fs::temp_directory_path() / "qrules-schema-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const fs::path folder = pattern;
  // The pool's other side has another scale: a condition refuses, with values.
  std::string graph = kGraph;
  graph.replace(graph.find("(%p, 0.5"), 8, "(%p, 0.7");
  std::ofstream(folder / "graph.txt") << graph;
  const std::string start = "cd '" + folder.string() + "' && '" QRULES_BIN_DIR "/qrules' ";
  const std::string end = " --rules '" QRULES_SOURCE_DIR "/rules' ";
  REQUIRE(std::system((start + "opt graph.txt --lock lock.json" + end).c_str()) == 0);
  REQUIRE(std::system((start + "explain graph.txt --json" + end + ">explain.json").c_str()) == 0);
  for (const char* name : {"lock", "explain"}) {
    INFO(name);
    const json schema = read_json(fs::path(QRULES_SOURCE_DIR) / "schemas" / (std::string(name) + ".schema.json"));
    json answer = read_json(folder / (std::string(name) + ".json"));
    CHECK(misfit(schema, answer, schema, name) == "");
    answer["more"] = 1;
    CHECK(misfit(schema, answer, schema, name) == name + std::string(" has more besides"));
  }
  const json explained = read_json(folder / "explain.json");
  CHECK(explained["near_misses"][0]["values"].size() == 4);
  fs::remove_all(folder);
}

}  // namespace
