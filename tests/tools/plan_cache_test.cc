// `qrules run --cache`: a start from a plan in a folder tells and computes the same as one without.

#include <fcntl.h>

#include <cstdlib>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "workspace.h"

namespace {

using nlohmann::json;
using qrules::testing::Workspace;
namespace fs = std::filesystem;

const std::string kCase = QRULES_TEST_CASES "/qconv2d_add_relu_fn";

struct Outcome {
  int code = 0;
  std::string errors, result;
  json report, times;
  // Rules are read and applied only when the plan is not known.
  bool from_cache() const { return times["optimize"] == 0.0; }
};

// The case's model, copied into the workspace, with all of its inputs.
class Runs {
 public:
  Runs() {
    fs::copy_file(kCase + "/model.pt2", space.folder() / "model.pt2");
    fs::copy(QRULES_SOURCE_DIR "/rules", space.folder() / "rules", fs::copy_options::recursive);
    for (int i = 0; fs::exists(kCase + "/in_" + std::to_string(i) + ".npy"); ++i)
      inputs_ += " --input '" + kCase + "/in_" + std::to_string(i) + ".npy'";
  }
  Outcome run(const std::string& options = "--cache cache", const std::string& environment = "",
              const std::string& name = "a", const std::string& rules = "rules") const {
    const std::string command = "cd '" + space.folder().string() + "' && " + environment +
                                " '" QRULES_BIN_DIR "/qrules' run model.pt2 --rules " + rules + inputs_ +
                                " --json --output-dir out_" + name + " " + options + " >" + name + ".json 2>" + name +
                                ".err";
    Outcome outcome;
    outcome.code = WEXITSTATUS(std::system(command.c_str()));
    outcome.errors = space.read(name + ".err");
    outcome.result = space.read("out_" + name + "/out_0.npy");
    outcome.report = json::parse(space.read(name + ".json"), nullptr, false);
    if (outcome.report.is_object()) {
      outcome.times = outcome.report["timings_ms"];
      outcome.report.erase("timings_ms");
    }
    return outcome;
  }
  size_t plans() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(space.folder() / "cache"))
      count += entry.path().extension() == ".plan" ? 1 : 0;
    return count;
  }
  fs::path plan() const {
    for (const auto& entry : fs::directory_iterator(space.folder() / "cache")) {
      if (entry.path().extension() == ".plan") return entry.path();
    }
    FAIL("no plan");
    return {};
  }
  size_t files() const {
    const fs::directory_iterator all(space.folder() / "cache");
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }
  Workspace space;

 private:
  std::string inputs_;
};

size_t lines_of(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST_CASE("A cached plan tells and computes the same", "[tools][cache]") {
  const Runs runs;
  const Outcome without = runs.run("");
  REQUIRE(without.code == 0);
  REQUIRE_FALSE(without.result.empty());
  const Outcome first = runs.run(), second = runs.run();
  CHECK(first.code == 0);
  CHECK(second.code == 0);
  CHECK_FALSE(without.from_cache());
  CHECK_FALSE(first.from_cache());
  CHECK(second.from_cache());
  CHECK(first.report == without.report);
  CHECK(second.report == without.report);
  CHECK(second.report["rules_fired"].size() > 0);
  CHECK(first.result == without.result);
  CHECK(second.result == without.result);
  CHECK(first.errors == without.errors);
  CHECK(second.errors == without.errors);
  CHECK(runs.files() == 1);
}

TEST_CASE("Whatever a plan follows from makes another one", "[tools][cache]") {
  const Runs runs;
  CHECK_FALSE(runs.run().from_cache());
  CHECK_FALSE(runs.run("--cache cache --threads 1").from_cache());
  CHECK(runs.run("--cache cache --threads 1").from_cache());
  // Instructions that the tests themselves are not held to.
  const char* held = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string other_isa =
      std::string("ONEDNN_MAX_CPU_ISA=") + (held && std::string(held) == "AVX2" ? "SSE41" : "AVX2");
  CHECK_FALSE(runs.run("--cache cache", other_isa).from_cache());
  CHECK(runs.run("--cache cache", other_isa).from_cache());
  CHECK_FALSE(runs.run("--cache other").from_cache());
  CHECK(runs.plans() == 3);
  CHECK(runs.run().from_cache());

  // A rule's text, a rule more, a rule set elsewhere.
  const std::string file = "rules/5-fusion/mine.yaml", text = "qrules: 1\nrules: []\n";
  runs.space.write(file, text);
  CHECK_FALSE(runs.run().from_cache());
  CHECK(runs.run().from_cache());
  runs.space.write(file, text + "# more\n");
  CHECK_FALSE(runs.run().from_cache());
  fs::remove(runs.space.folder() / file);
  CHECK(runs.run().from_cache());
  fs::copy(runs.space.folder() / "rules", runs.space.folder() / "copy", fs::copy_options::recursive);
  CHECK(runs.run("--cache cache", "", "a", "copy").from_cache());

  // The same model written again is the same; another one at its place is not.
  fs::remove(runs.space.folder() / "model.pt2");
  fs::copy_file(kCase + "/model.pt2", runs.space.folder() / "model.pt2");
  CHECK(runs.run().from_cache());
  fs::remove(runs.space.folder() / "model.pt2");
  fs::copy_file(QRULES_TEST_CASES "/qat_qconv2d_add_relu/model.pt2", runs.space.folder() / "model.pt2");
  const Outcome other = runs.run();
  CHECK_FALSE(other.from_cache());
}

TEST_CASE("A rule that is imported from elsewhere is looked at too", "[tools][cache]") {
  const Runs runs;
  runs.space.write("elsewhere.yaml", "qrules: 1\nrules: []\n");
  runs.space.write("rules/5-fusion/mine.yaml", "qrules: 1\nimport: [../../elsewhere.yaml]\nrules: []\n");
  CHECK_FALSE(runs.run().from_cache());
  CHECK(runs.run().from_cache());
  runs.space.write("elsewhere.yaml", "qrules: 1\nrules: []\n# another\n");
  const Outcome stale = runs.run();
  CHECK_FALSE(stale.from_cache());
  CHECK(stale.code == 0);
  CHECK(stale.errors.find("is stale: the rules have changed") != std::string::npos);
  CHECK(runs.run().from_cache());
}

TEST_CASE("A damaged plan is told in one line and made anew", "[tools][cache]") {
  const Runs runs;
  const Outcome whole = runs.run();
  const std::string name = "cache/" + runs.plan().filename().string(), bytes = runs.space.read(name);
  std::string flipped = bytes;
  const size_t last = bytes.find_last_not_of('\0');
  flipped[last] = static_cast<char>(flipped[last] ^ 4);
  for (const std::string& damaged : {bytes.substr(0, bytes.size() / 2), std::string(), std::string("another file\n"),
                                     "QRPLAN 1" + std::string(100, '\xff'), flipped}) {
    runs.space.write(name, damaged);
    const Outcome outcome = runs.run();
    INFO(outcome.errors);
    CHECK(outcome.code == 0);
    CHECK(lines_of(outcome.errors) == lines_of(whole.errors) + 1);
    CHECK(outcome.errors.find("note[QR0708]") != std::string::npos);
    CHECK(outcome.report == whole.report);
    CHECK(outcome.result == whole.result);
    CHECK(runs.space.read(name) == bytes);
    CHECK(runs.run().errors == whole.errors);
  }
}

TEST_CASE("A folder that cannot be written to is a warning", "[tools][cache]") {
  const Runs runs;
  const Outcome without = runs.run("");
  runs.space.write("file", "");
  const Outcome outcome = runs.run("--cache file/below");
  CHECK(outcome.code == 0);
  CHECK(lines_of(outcome.errors) == lines_of(without.errors) + 1);
  CHECK(outcome.errors.find("warning[QR0709]") != std::string::npos);
  CHECK(outcome.report == without.report);
  CHECK(outcome.result == without.result);
}

TEST_CASE("Errors with a cache are those without", "[tools][cache]") {
  const Runs runs;
  runs.space.write("broken.pt2", "PK\x03\x04 and nothing more");
  const auto errors = [&](const std::string& arguments) {
    const std::string command = "cd '" + runs.space.folder().string() + "' && '" QRULES_BIN_DIR "/qrules' run " +
                                arguments + " >out.txt 2>err.txt";
    const int code = WEXITSTATUS(std::system(command.c_str()));
    return std::to_string(code) + " " + runs.space.read("err.txt");
  };
  for (const char* arguments : {"none.pt2", "broken.pt2", "model.pt2", "model.pt2 --input none.npy", ". --no-rules"}) {
    INFO(arguments);
    const std::string without = errors(arguments);
    CHECK(without[0] != '0');
    CHECK(errors(std::string(arguments) + " --cache cache") == without);
  }
}

TEST_CASE("Processes share a cache", "[tools][cache]") {
  const Runs runs;
  const Outcome alone = runs.run("");
  std::vector<Outcome> outcomes(6);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round) {
        // One of them removes the plan under the others.
        if (i == 0) {
          std::error_code error;
          fs::remove_all(runs.space.folder() / "cache", error);
        }
        outcomes[i] = runs.run("--cache cache", "", std::string(1, static_cast<char>('a' + i)));
        if (outcomes[i].code != 0) break;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Outcome& outcome : outcomes) {
    INFO(outcome.errors);
    CHECK(outcome.code == 0);
    CHECK(outcome.report == alone.report);
    CHECK(outcome.result == alone.result);
    CHECK(outcome.errors.find("damaged") == std::string::npos);
  }
  CHECK(runs.run().code == 0);
  CHECK(runs.run().from_cache());
  CHECK(runs.files() == 1);
}

TEST_CASE("A plan without packed weights is kept as well", "[tools][cache]") {
  const Workspace space;
  space.write("graph.txt", "graph() {\n  %x = constant : f32[2] {0.5}\n  return (%x)\n}\n");
  const std::string command = "cd '" + space.folder().string() +
                              "' && '" QRULES_BIN_DIR
                              "/qrules' run graph.txt --no-rules --cache cache --json >out.json 2>err.txt";
  for (const bool known : {false, true}) {
    CHECK(WEXITSTATUS(std::system(command.c_str())) == 0);
    CHECK((json::parse(space.read("out.json"))["timings_ms"]["optimize"] == 0.0) == known);
  }
}

TEST_CASE("A graph as text is kept too, with bench and profile", "[tools][cache]") {
  const Workspace space;
  space.write(
      "graph.txt",
      "graph(%x: u8[1,4]) {\n  %w = constant : s8[2,4] {1, 2, 3, 4, 5, 6, 7, 8}\n  %s = constant : f32[1] {0.5}\n"
      "  %y: f32[1,2] = onednn.qlinear.default(%x, 0.25, 3, %w, %s, None, 1.0, 0, f32)\n  return (%y)\n}\n");
  const auto bench = [&](const std::string& command) {
    const std::string line = "cd '" + space.folder().string() + "' && '" QRULES_BIN_DIR "/qrules' " + command +
                             " graph.txt --rules '" QRULES_SOURCE_DIR
                             "/rules' --cache cache --json >out.json 2>err.txt";
    CHECK(WEXITSTATUS(std::system(line.c_str())) == 0);
    return json::parse(space.read("out.json"));
  };
  CHECK(bench("bench --iters 2")["optimize_ms"] != 0.0);
  CHECK(bench("bench --iters 2")["optimize_ms"] == 0.0);
  CHECK(bench("profile --iters 2").is_object());
}

}  // namespace
