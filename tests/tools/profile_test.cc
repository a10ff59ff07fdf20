// `qrules profile`: the table, the JSON and the trace of a graph that has a step of every kind, and how much work calls
// are.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include <qrules/graph/text.h>
#include <qrules/runtime/work.h>

#include "../catch.h"
#include "json_schema.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using qrules::DType;
using qrules::TensorLayout;
using qrules::WorkKind;
using qrules::testing::misfit;

std::string content_of(const fs::path& path) {
  std::ifstream stream(path);
  REQUIRE(stream);
  std::ostringstream content;
  content << stream.rdbuf();
  return std::move(content).str();
}

// A convolution with constants, a copy (the result of the convolution lies channels-last), a quantize that stays, and
// an operator for the dispatcher.
const char* const kGraph = R"(graph(%x: u8[1,16,8,8]) {
  %w = constant "w" : s8[32,16,3,3] {2}
  %s = constant "s" : f32[1] {0.01}
  %c: u8[1,32,6,6] = onednn.qconv.default(%x, 0.1, 0, %w, %s, None, [1, 1], [0, 0], [1, 1], 1, 0.5, 3, u8, "none", [])
  %f: f32[1,32,6,6] = quantized_decomposed.dequantize_per_tensor.default(%c, 0.5, 3, 0, 255, u8)
  %r: f32[1,1152] = aten.reshape.default(%f, [1, 1152])
  %e: f32[1,1152] = aten.cumsum.default(%r, 1)
  return (%e)
}
)";

struct Folder {
  fs::path path;
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "qrules-profile-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    std::ofstream(path / "graph.txt") << kGraph;
  }
  ~Folder() { fs::remove_all(path); }
  int run(const std::string& options) const {
    const std::string command = "cd '" + path.string() + "' && '" QRULES_BIN_DIR "/qrules' profile " + options;
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

TEST_CASE("A profile as JSON fits its schema and says what each step is", "[tools][profile]") {
  const Folder folder;
  REQUIRE(folder.run("graph.txt --no-rules --iters 3 --threads 1 --json --trace trace.json >profile.json") == 0);
  const json schema = json::parse(content_of(fs::path(QRULES_SOURCE_DIR) / "schemas/profile.schema.json"));
  const json profile = json::parse(content_of(folder.path / "profile.json"));
  CHECK(misfit(schema, profile, schema, "profile") == "");
  std::map<std::string, json> by_op;
  for (const json& step : profile["steps"]) by_op[step["op"]] = step;
  const json& convolution = by_op.at("onednn.qconv.default");
  CHECK(convolution["operations"] == 2 * 32 * 36 * 16 * 9);
  CHECK(convolution["bytes_written"] == 32 * 36);
  CHECK(convolution["bytes_read"] == 16 * 64 + 32 * 16 * 9 + 4);
  CHECK(convolution["gops"] > 0);
  const json& cumsum = by_op.at("aten.cumsum.default");
  CHECK(cumsum["family"] == "aten");
  CHECK(cumsum["why"].get<std::string>().find("PyTorch's runs") != std::string::npos);
  CHECK(by_op.at("quantized_decomposed.dequantize_per_tensor.default")["why"].get<std::string>().find(
            "qrules explain --node f") != std::string::npos);
  // What loses most comes first, and no step is missing from the groups.
  double last = 1e12;
  size_t steps = 0;
  for (const json& group : profile["opportunities"]) {
    CHECK(group["lost_us"] <= last);
    last = group["lost_us"];
    steps += group["steps"].get<size_t>();
  }
  CHECK(steps == profile["steps"].size());
}

// Perfetto and Chrome take complete events ("X") with numbers for ts and dur in microseconds, and metadata ("M").
TEST_CASE("A trace holds an event for each step, in order and apart", "[tools][profile]") {
  const Folder folder;
  REQUIRE(folder.run("graph.txt --no-rules --iters 2 --threads 1 --json --trace trace.json >profile.json") == 0);
  const json trace = json::parse(content_of(folder.path / "trace.json"));
  const json profile = json::parse(content_of(folder.path / "profile.json"));
  REQUIRE(trace["traceEvents"].is_array());
  std::vector<std::string> names;
  double end = 0;
  size_t metadata = 0;
  for (const json& event : trace["traceEvents"]) {
    REQUIRE(event["pid"].is_number_integer());
    REQUIRE(event["tid"].is_number_integer());
    REQUIRE(event["name"].is_string());
    if (event["ph"] == "M") {
      ++metadata;
      CHECK(event["args"]["name"].is_string());
      continue;
    }
    CHECK(event["ph"] == "X");
    REQUIRE(event["ts"].is_number());
    REQUIRE(event["dur"].is_number());
    CHECK(event["ts"].get<double>() >= end - 0.001);  // both are rounded to nanoseconds
    end = event["ts"].get<double>() + event["dur"].get<double>();
    CHECK(event["args"].is_object());
    names.push_back(event["name"]);
  }
  CHECK(metadata == 2);
  std::vector<std::string> steps;
  for (const json& step : profile["steps"]) steps.push_back(step["node"]);
  CHECK(names == steps);
}

TEST_CASE("The table of a profile names peaks, steps and opportunities", "[tools][profile]") {
  const Folder folder;
  REQUIRE(folder.run("graph.txt --no-rules --iters 2 --threads 1 >table.txt") == 0);
  const std::string table = content_of(folder.path / "table.txt");
  INFO(table);
  for (const char* part :
       {"of peak", "GOPS int8", "onednn.qconv.default", "aten.cumsum.default", "largest opportunities"})
    CHECK(table.find(part) != std::string::npos);
}

TEST_CASE("Profiles that cannot be made", "[tools][profile]") {
  const Folder folder;
  CHECK(folder.run("nothing.txt 2>/dev/null") == 3);
  CHECK(folder.run("graph.txt --no-rules --iters 1 --trace missing/trace.json >/dev/null 2>&1") == 3);
  CHECK(folder.run("graph.txt --iters 0 >/dev/null 2>&1") == 2);
}

TEST_CASE("Operations of calls", "[runtime][profile]") {
  struct Case {
    const char* call;
    std::vector<TensorLayout> inputs, outputs;
    int64_t operations;
    WorkKind kind;
  };
  const auto f32 = [](std::vector<int64_t> sizes) { return TensorLayout::contiguous(DType::f32, std::move(sizes)); };
  const auto u8 = [](std::vector<int64_t> sizes) { return TensorLayout::contiguous(DType::u8, std::move(sizes)); };
  const Case cases[] = {
      {"aten.mm.default(%a, %b)", {f32({3, 5}), f32({5, 7})}, {f32({3, 7})}, 2 * 3 * 5 * 7, WorkKind::float_product},
      {"aten.addmm.default(%a, %a, %b)",
       {f32({7}), f32({3, 5}), f32({5, 7})},
       {f32({3, 7})},
       2 * 3 * 5 * 7,
       WorkKind::float_product},
      {"aten.linear.default(%a, %b)",
       {f32({2, 3, 5}), f32({7, 5})},
       {f32({2, 3, 7})},
       2 * 2 * 3 * 5 * 7,
       WorkKind::float_product},
      {"vector.weight_only_linear.default(%a, %w, %s)",
       {f32({2, 3, 5}), TensorLayout::contiguous(DType::s8, {7, 5}), f32({7})},
       {f32({2, 3, 7})},
       2 * 2 * 3 * 5 * 7,
       WorkKind::float_product},
      {"vector.attention.default(%a, %a, %b)",
       {f32({2, 3, 5}), f32({2, 5, 11}), f32({2, 11, 7})},
       {f32({2, 3, 7})},
       2 * 2 * 3 * 11 * (5 + 7),
       WorkKind::float_product},
      {"vector.qattention.default(%q, 0.1, 3, %q, 0.1, 3, %q, 0.1, 3, None, 0.004, 0)",
       {u8({3, 5}), u8({5, 11}), u8({11, 7})},
       {f32({3, 7})},
       2 * 3 * 11 * (5 + 7),
       WorkKind::int8_product},
      {"aten.relu.default(%a)", {f32({3, 5})}, {f32({3, 5})}, 15, WorkKind::other},
      {"aten.max_pool2d.default(%a, [2, 2])", {f32({1, 1, 4, 4})}, {f32({1, 1, 2, 2})}, 16, WorkKind::other},
  };
  for (const Case& c : cases) {
    INFO(c.call);
    auto graph =
        qrules::parse_graph("g", std::string("graph(%a: f32[4,4], %b: f32[4,4], %q: u8[4,4], %w: s8[4,4], %s: f32[4]) "
                                             "{\n  %r: f32[4,4] = ") +
                                     c.call + "\n  return (%r)\n}\n");
    REQUIRE(graph.ok());
    const qrules::Node* node = graph->first();
    while (!node->is_call()) node = node->next();
    CHECK(qrules::operations_of(*node, c.inputs, c.outputs) == c.operations);
    CHECK(qrules::work_kind_of(*node, c.inputs) == c.kind);
  }
}

}  // namespace
