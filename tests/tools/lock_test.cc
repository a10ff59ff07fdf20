// `qrules opt --lock` and `--expect`: what fused is recorded, a loss is found out and explained, a gain is told.

#include <string>

#include <nlohmann/json.hpp>

#include "workspace.h"

namespace {

using nlohmann::json;
using qrules::testing::Workspace;

const char* const kGraph = R"(graph(%x: u8[1,2,4,4]) {
  %f: f32[1,2,4,4] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.5, 3, 0, 255, u8)
  %p: f32[1,2,2,2] = aten.max_pool2d.default(%f, [2, 2])
  %q: u8[1,2,2,2] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 3, 0, 255, u8)
  return (%q)
}
)";

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Outcome {
  int code = 0;
  std::string output, errors;
};

Outcome opt(const Workspace& space, const std::string& arguments) {
  const std::string command = "cd '" + space.folder().string() + "' && '" QRULES_BIN_DIR "/qrules' opt " + arguments +
                              " --rules '" QRULES_SOURCE_DIR "/rules' >out.txt 2>err.txt";
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), read(space.folder() / "out.txt"), read(space.folder() / "err.txt")};
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("A lock records what fused and is the same every time", "[tools][lock]") {
  const Workspace space;
  space.write("graph.txt", kGraph);
  REQUIRE(opt(space, "graph.txt --lock a.json").code == 0);
  REQUIRE(opt(space, "graph.txt --lock b.json").code == 0);
  CHECK(read(space.folder() / "a.json") == read(space.folder() / "b.json"));
  const json lock = json::parse(read(space.folder() / "a.json"));
  CHECK(lock["qrules_lock"] == 1);
  CHECK(lock["rules"] == json({{"qmaxpool2d", 1}}));
  CHECK(lock["fired"] == json::array({{{"rule", "qmaxpool2d"}, {"root", "q"}}}));
  CHECK(lock["unfused_dequantizes"].empty());
  CHECK(lock["handlers"].is_object());
  const Outcome same = opt(space, "graph.txt --expect a.json");
  CHECK(same.code == 0);
  CHECK(same.output == "all fuses as the lock says\n");
}

TEST_CASE("A plan with symbolic sizes has no handlers in its lock", "[tools][lock]") {
  const Workspace space;
  space.write("graph.txt", "graph(%x: f32[s0]) {\n  %y: f32[s0] = aten.relu6.default(%x)\n  return (%y)\n}\n");
  REQUIRE(opt(space, "graph.txt --lock a.json").code == 0);
  const json lock = json::parse(read(space.folder() / "a.json"));
  CHECK(lock["handlers"].is_null());
  CHECK(lock["rules"]["relu6-is-hardtanh"] == 1);
}

TEST_CASE("A loss has an exit code of its own and is explained and a gain is fine", "[tools][lock]") {
  const Workspace space;
  space.write("good.txt", kGraph);
  space.write("bad.txt", with(kGraph, "(%p, 0.5", "(%p, 0.7"));
  REQUIRE(opt(space, "good.txt --lock good.json").code == 0);
  REQUIRE(opt(space, "bad.txt --lock bad.json").code == 0);
  const Outcome lost = opt(space, "bad.txt --expect good.json");
  CHECK(lost.code == 4);
  INFO(lost.output);
  CHECK(contains(lost.output, "lost    qmaxpool2d fires 0 times, the lock says 1; not at %q\n"));
  CHECK(contains(lost.output, "1 dequantize stays, the lock says 0"));
  CHECK(contains(lost.output, "qmaxpool2d at %q: %scale (0.5) and %out_scale (0.7) differ"));
  CHECK(contains(lost.output, "2-int8-movement/pool.yaml:"));
  const Outcome gained = opt(space, "good.txt --expect bad.json -o graph.txt");
  CHECK(gained.code == 0);
  CHECK(contains(gained.output, "gained  qmaxpool2d fires 1 time, the lock says 0"));
  CHECK_FALSE(contains(gained.output, "lost"));
  CHECK(contains(read(space.folder() / "graph.txt"), "onednn.qmaxpool2d"));
}

TEST_CASE("Which fast kernel has a step is no matter and exact ones and the dispatcher are a loss", "[tools][lock]") {
  const Workspace space;
  space.write("graph.txt", kGraph);
  REQUIRE(opt(space, "graph.txt --lock lock.json").code == 0);
  json lock = json::parse(read(space.folder() / "lock.json"));
  const int64_t pools = lock["handlers"]["onednn.qmaxpool2d"].get<int64_t>();
  const auto expect = [&](const char* handler, int64_t count) {
    json changed = lock;
    changed["handlers"].erase("onednn.qmaxpool2d");
    changed["handlers"][handler] = count;
    space.write("changed.json", changed.dump());
    return opt(space, "graph.txt --expect changed.json");
  };
  CHECK(expect("avx512.qmaxpool2d", pools).code == 0);
  const Outcome lost = expect("avx512.qmaxpool2d", pools + 1);
  CHECK(lost.code == 4);
  CHECK(contains(lost.output, "`qmaxpool2d` on fast kernels has 1 steps, the lock says 2"));
  CHECK(expect("decomposed.qmaxpool2d", pools).code == 0);  // a gain
  CHECK(contains(expect("aten", pools).output, "aten has 0 steps, the lock says 1"));
}

TEST_CASE("What is no lock is refused with the reason", "[tools][lock]") {
  const Workspace space;
  space.write("graph.txt", kGraph);
  REQUIRE(opt(space, "graph.txt --lock good.json").code == 0);
  const std::string good = read(space.folder() / "good.json");
  const json lock = json::parse(good);
  const auto changed = [&](const char* key, const json& value) {
    json copy = lock;
    copy[key] = value;
    return copy.dump();
  };
  const std::pair<std::string, std::string> files[] = {
      {good.substr(0, good.size() / 2), "it is no JSON"},
      {"", "it is no JSON"},
      {"[1, 2]", "it has no key `qrules_lock`"},
      {"{\"name\": \"package\"}", "it has no key `qrules_lock`"},
      {changed("qrules_lock", 2), "it has version 2, this program reads version 1"},
      {changed("rules", json::array()), "`rules` has to map rules to counts"},
      {changed("rules", {{"r", -1}}), "`rules` has to map rules to counts"},
      {changed("handlers", "x"), "`handlers` has to be null or to map handlers to counts"},
      {changed("fired", 3), "`fired` has to be a list"},
      {changed("fired", json::array({1})), "an element of `fired`"},
      {changed("unfused_dequantizes", json::array({1})), "an element of `unfused_dequantizes`"},
  };
  for (const auto& [text, why] : files) {
    INFO(text);
    space.write("other.json", text);
    const Outcome outcome = opt(space, "graph.txt --expect other.json");
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.errors, "QR0797"));
    CHECK(contains(outcome.errors, why));
  }
  const Outcome missing = opt(space, "graph.txt --expect nowhere.json");
  CHECK(missing.code == 3);
  CHECK(contains(missing.errors, "QR0796"));
}

}  // namespace
