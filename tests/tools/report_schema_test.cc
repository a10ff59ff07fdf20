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
#include "json_schema.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using qrules::testing::misfit;

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
