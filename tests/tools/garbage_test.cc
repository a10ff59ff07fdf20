// The program qrules on what it must refuse: one clear message, the documented exit code, never a signal.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "workspace.h"

namespace {

namespace fs = std::filesystem;

constexpr int kFine = 0, kWrong = 1, kUsage = 2, kUnreadable = 3;

struct Outcome {
  int code = -1;        // -1: a signal
  std::string message;  // what went to stderr
};

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The program runs in a folder of the test.
class Workspace : public qrules::testing::Workspace {
 public:
  // A .npy file of version 1.0 with this type and shape, as NumPy writes them, and so many bytes of zeros.
  void write_npy(const std::string& name, const std::string& type, const std::string& shape, size_t bytes) const {
    std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
    while ((10 + header.size() + 1) % 64 != 0) header += ' ';
    header += '\n';
    std::string file("\x93NUMPY\x01\x00", 8);
    file += static_cast<char>(header.size() & 255);
    file += static_cast<char>(header.size() >> 8);
    write(name, file + header + std::string(bytes, '\0'));
  }
  // Two minutes are much more than any of these takes; a run that hangs ends with code 124.
  Outcome run(const std::string& arguments) const {
    const std::string command = "cd '" + folder().string() + "' && timeout 120 '" QRULES_BIN_DIR "/qrules' " +
                                arguments + " >/dev/null 2>messages";
    const int status = std::system(command.c_str());
    Outcome outcome;
    // The shell reports a signal of its child as 128 and more.
    if (WIFEXITED(status) && WEXITSTATUS(status) < 124) outcome.code = WEXITSTATUS(status);
    outcome.message = content_of(folder() / "messages");
    return outcome;
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// One error with this code and this text in it; a library's internals are no message.
void check_refused(const Outcome& outcome, int code, const std::string& text) {
  INFO(outcome.message);
  CHECK(outcome.code == code);
  CHECK(count_of(outcome.message, "error[QR") == 1);
  CHECK(contains(outcome.message, text));
  CHECK_FALSE(contains(outcome.message, "terminate"));
  CHECK_FALSE(contains(outcome.message, "Exception raised from"));
  CHECK(outcome.message.size() < 3000);
}

const std::string kModel = QRULES_TEST_CASES "/qconv2d/model.pt2";
const std::string kInput = QRULES_TEST_CASES "/qconv2d/in_0.npy";

constexpr const char* kGraph = "graph(%x: f32[2,3], %y: f32[3]) {\n  %a = aten.add.Tensor(%x, %y)\n  return (%a)\n}\n";

TEST_CASE("A good model runs") {
  const Workspace space;
  space.write("good.graph", kGraph);
  space.write_npy("x.npy", "<f4", "(2, 3)", 24);
  space.write_npy("y.npy", "<f4", "(3,)", 12);
  CHECK(space.run("run " + kModel + " --input " + kInput + " --output-dir out").code == kFine);
  CHECK(fs::file_size(space.folder() / "out/out_0.npy") > 128);
  const Outcome text = space.run("run good.graph --input x.npy --input y.npy");
  INFO(text.message);
  CHECK(text.code == kFine);
  CHECK(space.run("opt good.graph").code == kFine);
  CHECK(space.run("explain good.graph").code == kFine);
  CHECK(space.run("--version").code == kFine);
  CHECK(space.run("run --help").code == kFine);
}

TEST_CASE("Models that cannot be read") {
  const Workspace space;
  for (const char* command : {"run", "opt", "explain", "bench"}) {
    INFO(command);
    check_refused(space.run(std::string(command) + " missing.pt2"), kUnreadable,
                  "cannot read `missing.pt2`: there is no such file");
    check_refused(space.run(std::string(command) + " ."), kUnreadable, "cannot read `.`: it is a folder");
  }
}

TEST_CASE("Model files that are none") {
  const Workspace space;
  space.write("empty.pt2", "");
  space.write("newline.graph", "\n");
  space.write("zeros.pt2", std::string(5000, '\0'));
  space.write("name.pt2", "PK\x03\x04");
  for (const char* file : {"empty.pt2", "newline.graph", "zeros.pt2", "name.pt2"}) {
    INFO(file);
    check_refused(space.run(std::string("run ") + file), kWrong, file);
  }
  std::mt19937 generator(3);
  for (int round = 0; round < 12; ++round) {
    std::string bytes(generator() % 4000 + 1, '\0');
    for (char& byte : bytes) byte = static_cast<char>(generator());
    if (round % 3 == 0) bytes = "PK\x03\x04" + bytes;
    if (round % 3 == 1) bytes = "graph(" + bytes;
    space.write("random.pt2", bytes);
    const Outcome outcome = space.run("opt random.pt2");
    INFO(outcome.message);
    CHECK(outcome.code == kWrong);
    CHECK(contains(outcome.message, "error[QR"));
  }
}

TEST_CASE("Truncated and damaged archives") {
  const Workspace space;
  const std::string whole = content_of(kModel);
  REQUIRE(whole.size() > 2000);
  for (size_t bytes : {size_t{1}, size_t{3}, size_t{4}, size_t{30}, size_t{100}, whole.size() / 4, whole.size() / 2,
                       whole.size() - 1000, whole.size() - 22, whole.size() - 1}) {
    INFO(bytes);
    space.write("cut.pt2", whole.substr(0, bytes));
    check_refused(space.run("run cut.pt2 --input " + kInput), kWrong, "cut.pt2");
  }
  // Bytes changed anywhere: refused, or without effect where nothing reads them.
  std::mt19937 generator(5);
  for (int round = 0; round < 25; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 20; ++i) damaged[generator() % damaged.size()] = static_cast<char>(generator());
    space.write("damaged.pt2", damaged);
    const Outcome outcome = space.run("run damaged.pt2 --input " + kInput);
    INFO("round " << round << "\n" << outcome.message);
    CHECK((outcome.code == kFine || outcome.code == kWrong));
    CHECK((outcome.code == kFine) != contains(outcome.message, "error[QR"));
  }
}

TEST_CASE("Graphs as text with mistakes") {
  const Workspace space;
  const auto check = [&](const std::string& graph, const std::string& text) {
    space.write("wrong.graph", graph);
    check_refused(space.run("opt wrong.graph"), kWrong, text);
  };
  check("graph(%x: f32[2]) {\n", "expected");
  check("graph(%x: f32[2]) {\n  %a = aten.neg.default(%z)\n  return (%a)\n}\n", "no value is called `%z`");
  check("graph(%x: f33[2]) {\n  return (%x)\n}\n", "unknown dtype `f33`");
  check("graph(%x: f32[2]) {\n  %a = aten.negate.default(%x)\n  return (%a)\n}\n",
        "unknown operator `aten.negate.default`");
  check("graph(%x: f32[2], %y: f32[3]) {\n  %a = aten.add.Tensor(%x, %y)\n  return (%a)\n}\n", "aten.add.Tensor");
  check("graph(%x: f32[99999999999999999999]) {\n  return (%x)\n}\n", "99999999999999999999");
  check("graph(%x: f32[2]) {\n  return (%x)\n}\ngraph", "expected");
  check("graph(%x: f32[2]) {\n  %a = \"op\"(" + std::string(20000, '[') + ")\n  return (%a)\n}\n", "levels of nesting");
}

TEST_CASE("Graphs that nothing can run") {
  const Workspace space;
  space.write_npy("x.npy", "<f4", "(2,)", 8);
  space.write("op.graph", "graph(%x: f32[2]) {\n  %a: f32[2] = \"my.op.default\"(%x)\n  return (%a)\n}\n");
  check_refused(space.run("run op.graph --input x.npy"), kWrong, "nothing can run `%a` (my.op.default)");
  space.write(
      "constant.graph",
      "graph(%x: f32[2]) {\n  %w = constant \"w\" : f32[2]\n  %a = aten.add.Tensor(%x, %w)\n  return (%a)\n}\n");
  check_refused(space.run("run constant.graph --input x.npy"), kWrong, "the elements of constant `%w` are not known");
}

TEST_CASE("Wrong inputs") {
  const Workspace space;
  space.write("good.graph", kGraph);
  space.write_npy("x.npy", "<f4", "(2, 3)", 24);
  space.write_npy("y.npy", "<f4", "(3,)", 12);
  space.write_npy("bytes.npy", "|u1", "(2, 3)", 6);
  space.write_npy("long.npy", "<f4", "(4,)", 16);
  check_refused(space.run("run good.graph"), kWrong, "the model takes 2 inputs, got 0");
  check_refused(space.run("run good.graph --input x.npy"), kWrong, "the model takes 2 inputs, got 1");
  check_refused(space.run("run good.graph --input x.npy --input y.npy --input y.npy"), kWrong,
                "the model takes 2 inputs, got 3");
  check_refused(space.run("run good.graph --input bytes.npy --input y.npy"), kWrong, "input 0 (`%x`) is f32, got u8");
  check_refused(space.run("run good.graph --input x.npy --input long.npy"), kWrong,
                "input 1 (`%y`) has the sizes [3], got [4]");
  check_refused(space.run("run good.graph --input x.npy --input x.npy"), kWrong,
                "input 1 (`%y`) has the sizes [3], got [2,3]");
}

TEST_CASE("Input files that are no arrays") {
  const Workspace space;
  space.write("one.graph", "graph(%x: f32[2,3]) {\n  return (%x)\n}\n");
  const auto check = [&](int code, const std::string& text) {
    check_refused(space.run("run one.graph --input in.npy"), code, text);
  };
  check(kUnreadable, "in.npy");
  space.write("in.npy", "");
  check(kWrong, "in.npy");
  space.write("in.npy", "no array at all, but more than ten bytes");
  check(kWrong, "in.npy");
  space.write_npy("in.npy", "<f4", "(2, 3)", 23);  // a byte is missing
  check(kWrong, "in.npy");
  space.write_npy("in.npy", "<f4", "(2, 99999999999999)", 24);
  check(kWrong, "in.npy");
  space.write_npy("in.npy", "<f4", "(9223372036854775807, 9223372036854775807)", 24);
  check(kWrong, "in.npy");
  space.write_npy("in.npy", "<f4", "(-2, -3)", 24);
  check(kWrong, "in.npy");
  space.write_npy("in.npy", "|O", "(2, 3)", 48);
  check(kWrong, "in.npy");
  space.write_npy("in.npy", "<f4", "(2, 3", 24);
  check(kWrong, "in.npy");
  std::mt19937 generator(6);
  const std::string good = [&] {
    space.write_npy("in.npy", "<f4", "(2, 3)", 24);
    return content_of(space.folder() / "in.npy");
  }();
  for (int round = 0; round < 20; ++round) {
    std::string damaged = good.substr(0, round % 2 ? good.size() : generator() % good.size());
    for (int i = 0; i < 4; ++i)
      damaged[generator() % std::min<size_t>(damaged.size(), 60)] = static_cast<char>(generator());
    space.write("in.npy", damaged);
    const Outcome outcome = space.run("run one.graph --input in.npy");
    INFO(outcome.message);
    CHECK((outcome.code == kFine || outcome.code == kWrong));
  }
}

TEST_CASE("An index that is out of range while the model runs") {
  const Workspace space;
  space.write("table.graph",
              "graph(%t: f32[2,3], %i: s64[1]) {\n  %a: f32[1,3] = aten.embedding.default(%t, %i)\n  return (%a)\n}\n");
  space.write_npy("t.npy", "<f4", "(2, 3)", 24);
  space.write_npy("i.npy", "<i8", "(1,)", 0);
  std::ofstream(space.folder() / "i.npy", std::ios::binary | std::ios::app) << std::string("\x07\0\0\0\0\0\0\0", 8);
  const Outcome outcome = space.run("run table.graph --input t.npy --input i.npy");
  INFO(outcome.message);
  CHECK(outcome.code == kWrong);
  CHECK(contains(outcome.message, "error"));
  CHECK(contains(outcome.message, "did not run to its end"));
}

TEST_CASE("Folders and files that cannot be written") {
  const Workspace space;
  space.write("one.graph", "graph(%x: f32[2,3]) {\n  return (%x)\n}\n");
  space.write_npy("x.npy", "<f4", "(2, 3)", 24);
  space.write("file", "in the way");
  // Permissions do not stop every user; a file in the place of a folder does.
  check_refused(space.run("run one.graph --input x.npy --output-dir file"), kUnreadable, "cannot write");
  check_refused(space.run("run one.graph --input x.npy --output-dir file/deeper"), kUnreadable, "cannot write");
  check_refused(space.run("run one.graph --input x.npy --output-dir /proc/none"), kUnreadable, "cannot write");
  check_refused(space.run("run one.graph --input x.npy --report missing/report.json"), kUnreadable,
                "cannot write `missing/report.json`");
  check_refused(space.run("opt one.graph -o missing/out.graph"), kUnreadable, "cannot write `missing/out.graph`");
  check_refused(space.run("opt one.graph --phase-dumps file"), kUnreadable, "cannot write");
  CHECK(content_of(space.folder() / "file") == "in the way");
}

std::string rule_with(const std::string& match, const std::string& where) {
  return "qrules: 1\nphases: [{name: main}]\nrules:\n  - name: one\n    doc: A rule.\n    phase: main\n    match: |\n  "
         "    " +
         match + "\n    where: |\n      " + where + "\n    rewrite: |\n      %y = aten.relu.default(%x)\n";
}

TEST_CASE("Rules with mistakes") {
  const Workspace space;
  space.write("one.graph", "graph(%x: f32[2,3]) {\n  return (%x)\n}\n");
  const auto check = [&](const std::string& rules, const std::string& text) {
    space.write("rules/pipeline.yaml", rules);
    check_refused(space.run("opt one.graph --rules rules"), kWrong, text);
  };
  space.write("rules/pipeline.yaml", rule_with("%y = aten.gelu.default(%x)", "rank(%x) == 2"));
  const Outcome good = space.run("opt one.graph --rules rules");
  INFO(good.message);
  CHECK(good.code == kFine);
  check("qrules: 1\nrules:\n\t- name: one\n", "QR0002");
  check(rule_with("%y = aten.gelux.default(%x)", "rank(%x) == 2"), "unknown operator `aten.gelux");
  check(rule_with("%y = aten.gelu.default(%x)", "rank(%z) == 2"), "`%z`");
  check("", "pipeline.yaml");
  check("- 1\n- 2\n", "pipeline.yaml");
  check("qrules: 7\nphases: [{name: main}]\n", "7");
}

TEST_CASE("Rules that import themselves") {
  const Workspace space;
  space.write("one.graph", "graph(%x: f32[2,3]) {\n  return (%x)\n}\n");
  space.write("rules/pipeline.yaml", "qrules: 1\nphases: [{name: main}]\nimport: [a.yaml]\n");
  space.write("rules/a.yaml", "qrules: 1\nimport: [b.yaml]\n");
  space.write("rules/b.yaml", "qrules: 1\nimport: [a.yaml]\n");
  check_refused(space.run("opt one.graph --rules rules"), kWrong, "imports itself");
}

TEST_CASE("Rules that would exhaust memory or the stack") {
  const Workspace space;
  space.write("one.graph", "graph(%x: f32[2,3]) {\n  return (%x)\n}\n");
  const auto check = [&](const std::string& rules) {
    space.write("rules/pipeline.yaml", rules);
    check_refused(space.run("opt one.graph --rules rules"), kWrong, "pipeline.yaml");
  };
  check("qrules: 1\nrules: " + std::string(10000, '[') + std::string(10000, ']') + "\n");
  std::string deep = "qrules: 1\nrules:\n";
  for (size_t level = 1; level < 1000; ++level) deep += std::string(level, ' ') + "a:\n";
  check(deep);
  std::string bomb = "qrules: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 10; ++level) {
    bomb += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [";
    for (int i = 0; i < 10; ++i) bomb += (i ? ", *a" : "*a") + std::to_string(level - 1);
    bomb += "]\n";
  }
  check(bomb + "rules: *a9\n");
  std::string parentheses = std::string(20000, '(') + "1" + std::string(20000, ')');
  check(rule_with("%y = aten.gelu.default(%x)", parentheses + " == 1"));
}

TEST_CASE("Rules folders that are none") {
  const Workspace space;
  space.write("one.graph", "graph(%x: f32[2,3]) {\n  return (%x)\n}\n");
  check_refused(space.run("opt one.graph --rules missing"), kUnreadable, "missing");
  fs::create_directories(space.folder() / "empty");
  check_refused(space.run("opt one.graph --rules empty"), kWrong, "no phases are declared for `empty`");
}

TEST_CASE("Wrong command lines") {
  const Workspace space;
  for (const char* arguments :
       {"", "nothing", "run", "run a.graph --unknown", "run a.graph b.graph", "run a.graph --threads 0",
        "run a.graph --threads many", "bench a.graph --iters 0", "bench a.graph --warmup -1", "run a.graph --input",
        "--unknown", "opt a.graph --output"}) {
    INFO(arguments);
    const Outcome outcome = space.run(arguments);
    INFO(outcome.message);
    CHECK(outcome.code == kUsage);
    CHECK_FALSE(outcome.message.empty());
    CHECK(outcome.message.size() < 2000);
  }
}

}  // namespace
