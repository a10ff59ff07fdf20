// The language server, driven through its streams. tests/tools/lsp/NAME.json is a recorded session: the files of a
// folder, then messages and what is received after each. QRULES_UPDATE_GOLDEN=1 records anew what is received: read the
// difference before it is committed. In all texts {root} is the URI of the folder.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <set>

#include <nlohmann/json.hpp>

#include "process.h"
#include "workspace.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using qrules::testing::Process;
using qrules::testing::Workspace;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string frame(const std::string& body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Session {
 public:
  explicit Session(const Workspace& workspace) : process_(workspace.folder(), {QRULES_BIN_DIR "/rulecheck", "lsp"}) {}

  Process& process() { return process_; }
  void send(const json& message) { process_.write(frame(message.dump())); }
  json request(const std::string& method, const json& params) {
    const int id = ++id_;
    send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
    while (true) {
      json message = receive().value();
      if (message.value("id", json()) == json(id)) return message;
    }
  }
  void notify(const std::string& method, const json& params) {
    send({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
  }
  json initialize(const json& capabilities = json::object()) {
    return request("initialize",
                   {{"capabilities", capabilities}, {"initializationOptions", {{"tests", "off"}}}})["result"];
  }
  void open(const std::string& uri, const std::string& text) {
    notify("textDocument/didOpen",
           {{"textDocument", {{"uri", uri}, {"languageId", "yaml"}, {"version", 1}, {"text", text}}}});
  }

  // The next message, or nothing when none comes in time.
  std::optional<json> receive(int milliseconds = Process::kPatience) {
    while (true) {
      const size_t head = buffer_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const size_t length = std::stoul(buffer_.substr(buffer_.find(':') + 1));
        if (buffer_.size() >= head + 4 + length) {
          json message = json::parse(buffer_.substr(head + 4, length));
          buffer_.erase(0, head + 4 + length);
          return message;
        }
      }
      if (!process_.read_some(buffer_, milliseconds)) return std::nullopt;
    }
  }
  // The diagnostics that are published next for a text.
  json diagnostics() {
    while (true) {
      json message = receive().value();
      if (message.value("method", "") == "textDocument/publishDiagnostics") return message["params"]["diagnostics"];
    }
  }
  int end() {
    request("shutdown", nullptr);
    notify("exit", nullptr);
    return process_.wait();
  }

 private:
  Process process_;
  std::string buffer_;
  int id_ = 1000;
};

// Times and the version of the program differ from run to run.
json without_chance(json message) {
  std::string text = message.dump();
  const std::string mark = "passed in ";
  for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += mark.size()) {
    const size_t begin = at + mark.size();
    text.replace(begin, text.find(" ms", begin) - begin, "?");
  }
  message = json::parse(text);
  if (message.contains(json::json_pointer("/result/serverInfo/version")))
    message["result"]["serverInfo"]["version"] = "?";
  return message;
}

std::set<fs::path> sessions() {
  std::set<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(QRULES_TEST_DIR) / "tools" / "lsp"))
    files.insert(entry.path());
  return files;
}

TEST_CASE("Recorded sessions with the language server", "[tools][lsp]") {
  const bool update = std::getenv("QRULES_UPDATE_GOLDEN") != nullptr;
  REQUIRE(sessions().size() >= 8);
  for (const fs::path& path : sessions()) {
    INFO(path.filename().string());
    std::ifstream stream(path);
    json recorded = json::parse(stream);
    stream.close();
    const Workspace workspace;
    for (const auto& [name, text] : recorded["files"].items()) workspace.write(name, text.get<std::string>());
    const std::string root = "file://" + fs::canonical(workspace.folder()).string();
    Session session(workspace);
    for (json& exchange : recorded["exchanges"]) {
      session.send(json::parse(replaced(exchange["send"].dump(), "{root}", root)));
      const auto receive = [&](int milliseconds) -> std::optional<json> {
        auto message = session.receive(milliseconds);
        if (!message) return std::nullopt;
        return json::parse(replaced(without_chance(*message).dump(), root, "{root}"));
      };
      if (update) {
        exchange["receive"] = json::array();
        while (auto message = receive(1500)) exchange["receive"].push_back(*message);
        continue;
      }
      for (const json& expected : exchange["receive"]) {
        const auto found = receive(Process::kPatience);
        REQUIRE(found);
        INFO("after " << exchange["send"].dump());
        CHECK(found->dump(1) == expected.dump(1));
      }
    }
    if (update) std::ofstream(path) << recorded.dump(1) << "\n";
    // Nothing that was not recorded comes before the answer.
    session.send({{"jsonrpc", "2.0"}, {"id", "end"}, {"method", "shutdown"}});
    const auto last = session.receive();
    REQUIRE(last);
    CHECK(last->value("id", json()) == json("end"));
    session.notify("exit", nullptr);
    CHECK(session.process().wait() == 0);
  }
}

constexpr const char* kRule =
    "qrules: 1\n"
    "phases: [{name: main}]\n"
    "rules:\n"
    "  - name: relu-twice\n"
    "    doc: \"Relu of relu \xC3\xA4 \xF0\x9F\x99\x82 is relu.\"\n"
    "    phase: main\n"
    "    match: |\n"
    "      # \xF0\x9F\x99\x82 \xF0\x9F\x99\x82\n"
    "      %r = aten.relu.default(%x)  # \xF0\x9F\x99\x82\n"
    "      %y = aten.relu.default(%r)\n"
    "    where: |\n"
    "      op(%x) != \"\xF0\x9F\x99\x82\" and rank(%unknown) == 1\n"
    "    rewrite: |\n"
    "      %y = %r\n";

TEST_CASE("Positions count what both sides agreed on", "[tools][lsp]") {
  // The place of %unknown in its line: one character before it is four bytes, two UTF-16 units, one code point.
  const auto place = [](const json& capabilities) {
    const Workspace workspace;
    Session session(workspace);
    const json answer = session.initialize(capabilities);
    session.open("file:///nowhere/a.yaml", kRule);
    const json found = session.diagnostics();
    REQUIRE(found.size() == 1);
    CHECK(found[0]["code"] == "QR0202");
    CHECK(found[0]["range"]["start"]["line"] == 11);
    // The same place is asked about, and answered.
    const json hover = session.request("textDocument/hover", {{"textDocument", {{"uri", "file:///nowhere/a.yaml"}}},
                                                              {"position", found[0]["range"]["start"]}});
    CHECK(hover["result"]["range"] == found[0]["range"]);
    CHECK(session.end() == 0);
    return std::pair(answer["capabilities"]["positionEncoding"].get<std::string>(),
                     found[0]["range"]["start"]["character"].get<int>());
  };
  const std::string line = "      op(%x) != \"\xF0\x9F\x99\x82\" and rank(%unknown) == 1";
  const int bytes = static_cast<int>(line.find("%unknown"));
  const auto with = [](json encodings) { return json{{"general", {{"positionEncodings", std::move(encodings)}}}}; };
  CHECK(place(json::object()) == std::pair<std::string, int>("utf-16", bytes - 2));
  CHECK(place(with({"utf-16"})) == std::pair<std::string, int>("utf-16", bytes - 2));
  CHECK(place(with({"utf-8", "utf-16"})) == std::pair<std::string, int>("utf-8", bytes));
  CHECK(place(with({"utf-32"})) == std::pair<std::string, int>("utf-32", bytes - 3));
}

TEST_CASE("Changes in parts give the text that the editor has", "[tools][lsp]") {
  // Random edits of a text with characters of one to four bytes; the formatter gives back a text that says the same
  // only when both sides hold the same one, so what is compared is the diagnostics of a fresh server.
  std::mt19937 random(7);
  const Workspace workspace;
  Session session(workspace);
  session.initialize({{"general", {{"positionEncodings", {"utf-8"}}}}});
  const std::string uri = "file:///nowhere/a.yaml";
  std::string text = kRule;
  session.open(uri, text);
  session.diagnostics();
  const std::vector<std::string> pieces = {"x", "\n", "\xC3\xA4", "\xF0\x9F\x99\x82", "%y", " ", "relu", ""};
  const auto starts_character = [&](size_t at) { return at >= text.size() || (text[at] & 0xC0) != 0x80; };
  const auto position = [&](size_t at) {
    const size_t line_start = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return json{{"line", std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n')},
                {"character", at - line_start}};
  };
  for (int step = 0; step < 60; ++step) {
    size_t begin = random() % (text.size() + 1);
    while (!starts_character(begin)) --begin;
    size_t end = std::min(text.size(), begin + random() % 6);
    while (!starts_character(end)) ++end;
    const std::string& piece = pieces[random() % pieces.size()];
    const json edit = {{"range", {{"start", position(begin)}, {"end", position(end)}}}, {"text", piece}};
    text.replace(begin, end - begin, piece);
    session.notify("textDocument/didChange",
                   {{"textDocument", {{"uri", uri}, {"version", step + 2}}}, {"contentChanges", json::array({edit})}});
    const json partial = session.diagnostics();
    if (step % 10 != 9) continue;
    Session fresh(workspace);
    fresh.initialize({{"general", {{"positionEncodings", {"utf-8"}}}}});
    fresh.open(uri, text);
    CHECK(fresh.diagnostics() == partial);
  }
  CHECK(session.end() == 0);
}

TEST_CASE("The open text is checked, not the file", "[tools][lsp]") {
  const Workspace workspace;
  workspace.write("pipeline.yaml", "qrules: 1\nphases: [{name: main}]\n");
  workspace.write("lib.yaml", "qrules: 1\npredicates:\n  - {name: \"flat(x)\", doc: d, is: \"rank(x) == 1\"}\n");
  const std::string rule =
      replaced(replaced(kRule, "phases: [{name: main}]\n", "import: [lib.yaml]\n"), "rank(%unknown) == 1", "flat(%x)");
  workspace.write("a.yaml", "qrules: 1\nthis is no rule file\n");
  const std::string root = "file://" + fs::canonical(workspace.folder()).string();
  Session session(workspace);
  session.initialize();
  session.open(root + "/a.yaml", rule);
  for (const json& found : session.diagnostics()) CHECK(found["severity"] != 1);
  // A predicate disappears from the other open text: its use is wrong now, though the disk still has it.
  session.open(root + "/lib.yaml", "qrules: 1\npredicates:\n  - {name: \"round(x)\", doc: d, is: \"rank(x) == 1\"}\n");
  json codes = json::array();
  for (int i = 0; i < 2; ++i) {
    for (const json& found : session.diagnostics()) codes.push_back(found["code"]);
  }
  CHECK(codes == json::array({"QR0203"}));
  // Closed, it is what the disk says again.
  session.notify("textDocument/didClose", {{"textDocument", {{"uri", root + "/lib.yaml"}}}});
  for (int i = 0; i < 2; ++i) {
    for (const json& found : session.diagnostics()) CHECK(found["severity"] != 1);
  }
  CHECK(session.end() == 0);
}

TEST_CASE("Every fix that is offered takes its diagnostic away or changes the text", "[tools][lsp]") {
  // The broken files of the golden tests have one mistake each: with its fix applied it must not be the same report.
  size_t fixes = 0;
  const Workspace workspace;
  Session session(workspace);
  session.initialize({{"general", {{"positionEncodings", {"utf-8"}}}}});
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(QRULES_TEST_DIR) / "rules" / "broken")) {
    if (entry.path().extension() == ".yaml") files.insert(entry.path());
  }
  for (const fs::path& path : files) {
    INFO(path.filename().string());
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const std::string uri = "file:///nowhere/" + path.filename().string();
    session.open(uri, text);
    const json before = session.diagnostics();
    const json whole = {{"start", {{"line", 0}, {"character", 0}}}, {"end", {{"line", 100000}, {"character", 0}}}};
    const json actions = session.request(
        "textDocument/codeAction",
        {{"textDocument", {{"uri", uri}}}, {"range", whole}, {"context", {{"diagnostics", json::array()}}}})["result"];
    for (const json& action : actions) {
      ++fixes;
      const json& edit = action["edit"]["changes"][uri][0];
      session.notify("textDocument/didChange",
                     {{"textDocument", {{"uri", uri}, {"version", 2}}},
                      {"contentChanges", json::array({{{"range", edit["range"]}, {"text", edit["newText"]}}})}});
      CHECK(session.diagnostics() != before);
      session.notify("textDocument/didChange", {{"textDocument", {{"uri", uri}, {"version", 3}}},
                                                {"contentChanges", json::array({{{"text", text}}})}});
      CHECK(session.diagnostics() == before);
    }
    session.notify("textDocument/didClose", {{"textDocument", {{"uri", uri}}}});
    CHECK(session.diagnostics().empty());
  }
  CHECK(fixes >= 10);
  CHECK(session.end() == 0);
}

TEST_CASE("Completion offers first what fits best", "[tools][lsp]") {
  // Long lists depend on the operators there are, so only their beginnings are looked at.
  const Workspace workspace;
  Session session(workspace);
  session.initialize();
  const std::string uri = "file:///nowhere/a.yaml";
  session.open(uri, kRule);
  const auto offered = [&](const std::string& rewrite) {
    const std::string text = replaced(kRule, "%y = %r\n", rewrite + "\n");
    session.notify("textDocument/didChange", {{"textDocument", {{"uri", uri}, {"version", 2}}},
                                              {"contentChanges", json::array({{{"text", text}}})}});
    const json list = session.request(
        "textDocument/completion",
        {{"textDocument", {{"uri", uri}}}, {"position", {{"line", 13}, {"character", 6 + rewrite.size()}}}})["result"];
    std::vector<std::string> labels;
    for (const json& item : list["items"]) labels.push_back(item["label"].get<std::string>());
    labels.push_back(list["isIncomplete"] == true ? "and more" : "the end");
    return labels;
  };
  std::vector<std::string> labels = offered("%y = aten.add.Tensor(%r, ");
  REQUIRE(labels.size() > 100);
  CHECK(std::vector<std::string>(labels.begin(), labels.begin() + 3) ==
        std::vector<std::string>{"alpha=", "other=", "self="});
  CHECK(labels.back() == "and more");
  labels = offered("%y = transp");
  REQUIRE(labels.size() > 2);
  CHECK(labels[0] == "transpose");
  CHECK(std::find(labels.begin(), labels.end(), "aten.transpose.int") != labels.end());
  labels = offered("%y = close(1, 2, re");
  REQUIRE_FALSE(labels.empty());
  CHECK(labels[0] == "rel=");
  CHECK(session.end() == 0);
}

TEST_CASE("What siblings share is explained, found and offered", "[tools][lsp]") {
  const Workspace workspace;
  Session session(workspace);
  session.initialize();
  const std::string uri = "file:///nowhere/siblings.yaml";
  const std::string line = "      %y = siblings(%x, %s) aten.mul.Tensor(%x, %s)";
  const std::string text =
      "qrules: 1\nphases: [{name: p}]\nrules:\n  - name: r\n    doc: d\n    phase: p\n    match: |\n" + line +
      "\n    rewrite: |\n      %y = %y\n";
  session.open(uri, text);
  const auto at = [&](const char* method, size_t column) {
    return session.request(
        method, {{"textDocument", {{"uri", uri}}}, {"position", {{"line", 7}, {"character", column}}}})["result"];
  };
  CHECK(at("textDocument/hover", line.find("siblings") + 3).dump().find("agree in the names") != std::string::npos);
  CHECK(at("textDocument/hover", line.find("%s") + 1).dump().find("Tensor other of aten.mul.Tensor") !=
        std::string::npos);
  CHECK(at("textDocument/definition", line.find("%s") + 1)["range"]["start"]["character"] == line.rfind("%s"));
  const json inside = at("textDocument/completion", line.find(", %s)") + 2);
  REQUIRE_FALSE(inside["items"].empty());
  for (const json& item : inside["items"]) CHECK(item["label"].get<std::string>()[0] == '%');
  const json word = at("textDocument/completion", line.find("siblings") + 3);
  REQUIRE_FALSE(word["items"].empty());
  CHECK(word["items"][0]["label"] == "siblings");
  CHECK(session.end() == 0);
}

TEST_CASE("Tests of rules are run when a text is saved", "[tools][lsp]") {
  const Workspace workspace;
  const std::string uri = "file://" + fs::canonical(workspace.folder()).string() + "/a.yaml";
  const auto rule = [](int fires) {
    return replaced(kRule, "op(%x) != \"\xF0\x9F\x99\x82\" and rank(%unknown) == 1", "rank(%x) == 1") +
           "    tests:\n"
           "      - name: two\n"
           "        graph: |\n"
           "          graph(%x: f32[4]) {\n"
           "            %r: f32[4] = aten.relu.default(%x)\n"
           "            %y: f32[4] = aten.relu.default(%r)\n"
           "            return (%y)\n"
           "          }\n"
           "        expect: {fires: " +
           std::to_string(fires) + "}\n";
  };
  for (const bool as_diagnostics : {false, true}) {
    Session session(workspace);
    session.request("initialize", {{"capabilities", {{"workspace", {{"codeLens", {{"refreshSupport", true}}}}}}},
                                   {"initializationOptions",
                                    {{"tests", "save"}, {"testResults", as_diagnostics ? "diagnostics" : "lenses"}}}});
    session.open(uri, rule(1));
    session.diagnostics();
    const json document = {{"textDocument", {{"uri", uri}}}};
    CHECK(session.request("textDocument/codeLens", document)["result"].empty());
    session.notify("textDocument/didSave", document);
    session.diagnostics();  // of loading
    json found = session.diagnostics();
    size_t passed = 0;
    for (const json& diagnostic : found) {
      CHECK(diagnostic["severity"] != 1);
      passed += diagnostic["severity"] == 3 && diagnostic["message"].get<std::string>().rfind("passed", 0) == 0 ? 1 : 0;
    }
    CHECK(passed == (as_diagnostics ? 1 : 0));
    if (!as_diagnostics) {
      CHECK(session.receive().value()["method"] == "workspace/codeLens/refresh");
      const json lenses = session.request("textDocument/codeLens", document)["result"];
      REQUIRE(lenses.size() == 1);
      CHECK(lenses[0]["range"]["start"] == json{{"line", 15}, {"character", 14}});
      CHECK(lenses[0]["command"]["title"].get<std::string>().rfind("passed in ", 0) == 0);
    }
    // A test that fails is an error at its name, and its lens says so.
    session.notify("textDocument/didChange", {{"textDocument", {{"uri", uri}, {"version", 2}}},
                                              {"contentChanges", json::array({{{"text", rule(2)}}})}});
    session.diagnostics();
    session.notify("textDocument/didSave", document);
    session.diagnostics();
    found = session.diagnostics();
    bool failed = false;
    for (const json& diagnostic : found)
      failed = failed || (diagnostic["code"] == "QR0420" && diagnostic["severity"] == 1);
    CHECK(failed);
    CHECK(session.end() == 0);
  }
}

TEST_CASE("Garbage does not end or hang a session", "[tools][lsp]") {
  const Workspace workspace;
  Session session(workspace);
  Process& process = session.process();
  const auto error_of = [&](const std::string& bytes) {
    process.write(bytes);
    const auto message = session.receive();
    REQUIRE(message);
    return message->at("error").at("code").get<int>();
  };
  // Before `initialize`.
  CHECK(error_of(frame(R"({"jsonrpc":"2.0","id":1,"method":"textDocument/hover","params":{}})")) == -32002);
  process.write(frame(R"({"jsonrpc":"2.0","method":"textDocument/didOpen","params":{}})"));
  CHECK(error_of(frame(R"({"jsonrpc":"2.0","id":1,"method":"shutdown"})")) == -32002);
  session.initialize();
  CHECK(error_of(frame(R"({"jsonrpc":"2.0","id":2,"method":"initialize","params":{}})")) == -32600);

  CHECK(error_of(frame("{")) == -32700);
  CHECK(error_of(frame("")) == -32700);
  CHECK(error_of(frame("\xFF\xFE{}")) == -32700);
  CHECK(error_of(frame("[]")) == -32600);
  CHECK(error_of(frame("17")) == -32600);
  CHECK(error_of(frame(std::string(100000, '['))) == -32600);
  CHECK(error_of(frame(R"({"id":{},"method":"x"})")) == -32600);
  CHECK(error_of(frame(R"({"id":1,"method":7})")) == -32600);
  CHECK(error_of(frame(R"({"id":1,"method":"no/such"})")) == -32601);
  CHECK(error_of("Content-Length: many\r\n\r\n") == -32600);
  CHECK(error_of("Content-Length: -1\r\n\r\n") == -32600);
  CHECK(error_of("Content-Length: 99999999999999999999999\r\n\r\n") == -32600);
  // Headers that are none, and long ones, are skipped.
  process.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(100000, 'x') + "\n");
  CHECK(error_of(frame(R"({"id":1,"method":"no/such"})")) == -32601);
  // A body longer than said: its rest is no header.
  process.write("Content-Length: 5\r\n\r\n{\"id\":1,\"method\":\"x\"}");
  CHECK(session.receive().value().at("error").at("code") == -32700);
  CHECK(error_of(frame(R"({"id":1,"method":"no/such"})")) == -32601);
  // More than the limit: thrown away.
  process.write("Content-Length: 40000000\r\n\r\n");
  const std::string block(1'000'000, ' ');
  for (int i = 0; i < 40; ++i) REQUIRE(process.write(block));
  CHECK(session.receive().value().at("error").at("code") == -32600);

  // Wrong parameters of every method, and texts that are not open.
  const std::vector<json> wrong = {
      json(),
      json::array(),
      "x",
      3,
      json::object(),
      {{"textDocument", 1}},
      {{"textDocument", {{"uri", 1}}}},
      {{"textDocument", {{"uri", "file:///none"}}}},
      {{"textDocument", {{"uri", "file:///a.yaml"}}}, {"position", "here"}},
      {{"textDocument", {{"uri", "file:///a.yaml"}}}, {"position", {{"line", 1.5}, {"character", "x"}}}}};
  session.open("file:///a.yaml", kRule);
  session.diagnostics();
  for (const char* method : {"hover", "definition", "references", "completion", "documentSymbol", "codeAction",
                             "codeLens", "formatting", "didOpen", "didChange", "didClose", "didSave"}) {
    for (const json& params : wrong) {
      if (method[0] == 'd' && method[1] == 'i')
        session.notify(std::string("textDocument/") + method, params);
      else
        session.request(std::string("textDocument/") + method, params);
    }
  }
  // Places far outside are the end.
  for (const int64_t far : {int64_t{-5}, int64_t{1} << 40, INT64_MAX}) {
    const json place = {{"line", far}, {"character", far}};
    CHECK(session.request("textDocument/hover", {{"textDocument", {{"uri", "file:///b.yaml"}}}, {"position", place}})
              .contains("error"));
    session.open("file:///b.yaml", kRule);
    CHECK(
        session.request("textDocument/completion", {{"textDocument", {{"uri", "file:///b.yaml"}}}, {"position", place}})
            .contains("result"));
    session.notify("textDocument/didClose", {{"textDocument", {{"uri", "file:///b.yaml"}}}});
  }
  // Texts that are no rule files.
  for (const std::string& text : {std::string(), std::string("\0\0", 2), std::string(300000, '['),
                                  std::string("a:\n") + std::string(5000, ' ') + "b", std::string("\xE2\x82\xAC: [%"),
                                  std::string("- &a [*a, *a]\n")}) {
    session.open("file:///c.yaml", text);
    session.diagnostics();
    for (const char* method : {"hover", "completion", "definition", "documentSymbol", "formatting", "codeLens"}) {
      session.request(std::string("textDocument/") + method,
                      {{"textDocument", {{"uri", "file:///c.yaml"}}}, {"position", {{"line", 0}, {"character", 1}}}});
    }
  }
  // After `shutdown` only `exit` counts.
  CHECK(session.request("shutdown", nullptr).contains("result"));
  CHECK(error_of(frame(R"({"id":1,"method":"textDocument/hover"})")) == -32600);
  session.notify("exit", nullptr);
  CHECK(process.wait() == 0);
}

TEST_CASE("The end of input ends the server", "[tools][lsp]") {
  const Workspace workspace;
  for (const std::string& bytes :
       {std::string(), std::string("Content-Le"), std::string("Content-Length: 100\r\n\r\n{"),
        frame(R"({"id":1,"method":"initialize","params":{}})")}) {
    Session session(workspace);
    session.process().write(bytes);
    session.process().close_input();
    CHECK(session.process().wait() == 1);  // without `shutdown`
  }
}

}  // namespace
