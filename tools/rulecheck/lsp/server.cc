// See server.h. One thread reads frames, one runs tests; this one does everything else, in the order of the messages.
// Changes are only marked: rules are loaded when nothing more is waiting, or when somebody asks a question, so that
// fast typing costs one load and no answer is about an older text.

#include <rulecheck/lsp/server.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <variant>

#include <common/json_diagnostics.h>
#include <rulecheck/format/format.h>
#include <rulecheck/lsp/answers.h>
#include <rulecheck/lsp/completion.h>
#include <rulecheck/lsp/test_thread.h>
#include <rulecheck/lsp/transport.h>
#include <rulecheck/lsp/workspace.h>

#ifndef QRULES_VERSION
#define QRULES_VERSION "0"
#endif

namespace qrules::tools::lsp {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto kIdle = std::chrono::milliseconds(400);     // without typing before tests are run
constexpr auto kLongest = std::chrono::milliseconds(150);  // that a change waits while messages keep coming
constexpr size_t kMostWaiting = 4096;                      // messages; the reader waits beyond
constexpr int kDeepest = 100;                              // levels of JSON

// Codes of JSON-RPC and of the protocol.
constexpr int kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602,
              kInternalError = -32603, kNotInitialized = -32002;

struct Refusal {
  int code;
  std::string message;
};

// What wakes the main loop.
using Event = std::variant<Received, TestResults>;

class Events {
 public:
  void push(Event event) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || waiting_.size() < kMostWaiting || event.index() == 1; });
    waiting_.push_back(std::move(event));
    some_.notify_one();
  }
  // The next one, or nothing at the deadline.
  std::optional<Event> pop(Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    if (!some_.wait_until(lock, deadline, [&] { return !waiting_.empty(); })) return std::nullopt;
    Event event = std::move(waiting_.front());
    waiting_.pop_front();
    room_.notify_one();
    return event;
  }
  bool empty() {
    const std::lock_guard lock(mutex_);
    return waiting_.empty();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable some_, room_;
  std::deque<Event> waiting_;
  bool closed_ = false;
};

class Server {
 public:
  Server(int input, int output)
      : events_(std::make_shared<Events>()),
        output_(output),
        tests_([events = events_](TestResults results) { events->push(std::move(results)); }) {
    // Blocked in read() until the other side closes, so it is not waited for at the end; it owns what it uses.
    std::thread([events = events_, input] {
      MessageReader reader(input);
      while (true) {
        Received received = reader.next();
        const bool last = received.kind == Received::Kind::end;
        events->push(std::move(received));
        if (last) return;
      }
    }).detach();
  }

  ~Server() { events_->close(); }

  int serve() {
    while (!exit_) {
      std::optional<Event> event = events_->pop(deadline());
      if (event) {
        if (auto* received = std::get_if<Received>(&*event))
          receive(*received);
        else
          finish_tests(std::get<TestResults>(std::move(*event)));
      }
      if (exit_) break;
      const auto now = Clock::now();
      if (!dirty_.empty() && (events_->empty() || now >= dirty_since_ + kLongest)) check();
      if (tests_due_ && now >= *tests_due_ && dirty_.empty()) start_tests();
    }
    return shut_down_ ? 0 : 1;
  }

 private:
  struct Set {
    Checked checked;
    uint64_t generation = 0;
    TestStates states;
    Diagnostics test_findings;
    std::set<std::string> published;  // URIs that have diagnostics
  };

  Clock::time_point deadline() const {
    auto next = Clock::now() + std::chrono::hours(1);
    if (!dirty_.empty()) next = std::min(next, Clock::now());
    if (tests_due_) next = std::min(next, *tests_due_);
    return next;
  }

  // --- messages

  void send(const json& message) {
    if (!write_message(output_, dump(message, -1))) exit_ = true;
  }
  void notify(const std::string& method, json params) {
    send({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
  }
  void refuse(const json& id, int code, const std::string& message) {
    send({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}});
  }

  // Some of what is done with JSON recurses.
  static bool too_deep(const std::string& text) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (quoted) {
        if (c == '\\') ++i;
        if (c == '"') quoted = false;
      } else if (c == '"') {
        quoted = true;
      } else if (c == '[' || c == '{') {
        if (++depth > kDeepest) return true;
      } else if (c == ']' || c == '}') {
        --depth;
      }
    }
    return false;
  }

  void receive(const Received& received) {
    if (received.kind == Received::Kind::end) {
      exit_ = true;
      return;
    }
    if (received.kind == Received::Kind::malformed) return refuse(nullptr, kInvalidRequest, received.text);
    if (too_deep(received.text)) return refuse(nullptr, kInvalidRequest, "the message is nested too deeply");
    const json message = json::parse(received.text, nullptr, false);
    if (message.is_discarded()) return refuse(nullptr, kParseError, "the message is no JSON");
    if (!message.is_object()) return refuse(nullptr, kInvalidRequest, "the message is no object");
    const auto id = message.find("id");
    const bool request = id != message.end() && (id->is_string() || id->is_number_integer());
    if (id != message.end() && !request) return refuse(nullptr, kInvalidRequest, "`id` is no string and no integer");
    const auto method = message.find("method");
    if (method == message.end()) return;  // the answer to a request of ours
    if (!method->is_string()) return request ? refuse(*id, kInvalidRequest, "`method` is no string") : void();
    const auto params = message.find("params");
    const json given = params == message.end() ? json::object() : *params;
    if (!request) return handle_notification(method->get<std::string>(), given);
    try {
      json result = answer(method->get<std::string>(), given);
      send({{"jsonrpc", "2.0"}, {"id", *id}, {"result", std::move(result)}});
    } catch (const Refusal& refusal) {
      refuse(*id, refusal.code, refusal.message);
    } catch (const json::exception& error) {
      refuse(*id, kInvalidParams, error.what());
    } catch (const std::exception& error) {
      refuse(*id, kInternalError, error.what());
    }
  }

  void handle_notification(const std::string& method, const json& params) {
    if (method == "exit") {
      exit_ = true;
      return;
    }
    if (!initialized_ || shut_down_) return;
    try {
      if (method == "textDocument/didOpen") {
        const json& document = params.at("textDocument");
        open(document.at("uri").get<std::string>(), document.at("text").get<std::string>(), version_of(document));
      } else if (method == "textDocument/didChange") {
        change(params);
      } else if (method == "textDocument/didClose") {
        close(uri_in(params));
      } else if (method == "textDocument/didSave") {
        if (!workspace_.find(uri_in(params))) return;
        mark(set_of(uri_in(params)));
        tests_due_ = Clock::now();
      } else if (method == "workspace/didChangeWatchedFiles") {
        for (const std::string& set : workspace_.sets()) mark(set);
      }
    } catch (const std::exception& error) {
      notify("window/logMessage", {{"type", 2}, {"message", method + ": " + error.what()}});
    }
  }

  json answer(const std::string& method, const json& params) {
    if (method == "initialize") return initialize(params);
    if (!initialized_) throw Refusal{kNotInitialized, "`initialize` comes first"};
    if (shut_down_) throw Refusal{kInvalidRequest, "the server was shut down"};
    if (method == "shutdown") {
      shut_down_ = true;
      tests_.cancel();
      return nullptr;
    }
    static const std::map<std::string, json (Server::*)(const json&), std::less<>> kMethods = {
        {"textDocument/hover", &Server::on_hover},
        {"textDocument/definition", &Server::on_definition},
        {"textDocument/references", &Server::on_references},
        {"textDocument/completion", &Server::on_completion},
        {"textDocument/documentSymbol", &Server::on_symbols},
        {"textDocument/codeAction", &Server::on_code_action},
        {"textDocument/codeLens", &Server::on_code_lens},
        {"textDocument/formatting", &Server::on_formatting}};
    auto found = kMethods.find(method);
    if (found == kMethods.end()) throw Refusal{kMethodNotFound, "there is no method " + method.substr(0, 100)};
    return (this->*found->second)(params);
  }

  json initialize(const json& params) {
    if (initialized_) throw Refusal{kInvalidRequest, "`initialize` came before"};
    const auto at = [&](const char* pointer) {
      const json::json_pointer path(pointer);
      return params.contains(path) ? params.at(path) : json();
    };
    std::string encoding = "utf-16";
    if (const json offered = at("/capabilities/general/positionEncodings"); offered.is_array()) {
      for (const char* name : {"utf-32", "utf-8"}) {
        if (std::find(offered.begin(), offered.end(), name) != offered.end()) encoding = name;
      }
    }
    encoding_ = encoding == "utf-8" ? Encoding::utf8 : encoding == "utf-32" ? Encoding::utf32 : Encoding::utf16;
    if (const json formats = at("/capabilities/textDocument/hover/contentFormat"); formats.is_array())
      markdown_ = std::find(formats.begin(), formats.end(), "markdown") != formats.end();
    refresh_lenses_ = at("/capabilities/workspace/codeLens/refreshSupport") == json(true);
    if (const json tests = at("/initializationOptions/tests"); tests.is_string()) test_mode_ = tests.get<std::string>();
    results_as_diagnostics_ = at("/initializationOptions/testResults") == json("diagnostics");
    initialized_ = true;
    return {{"capabilities",
             {{"positionEncoding", encoding},
              {"textDocumentSync", {{"openClose", true}, {"change", 2}, {"save", true}}},
              {"hoverProvider", true},
              {"definitionProvider", true},
              {"referencesProvider", true},
              {"documentSymbolProvider", true},
              {"documentFormattingProvider", true},
              {"codeActionProvider", {{"codeActionKinds", {"quickfix"}}}},
              {"codeLensProvider", {{"resolveProvider", false}}},
              {"completionProvider", {{"triggerCharacters", {"%", "@", ".", "(", "{"}}}}}},
            {"serverInfo", {{"name", "rulecheck"}, {"version", QRULES_VERSION}}}};
  }

  // --- texts

  static std::string uri_in(const json& params) { return params.at("textDocument").at("uri").get<std::string>(); }
  static int64_t version_of(const json& document) {
    const auto version = document.find("version");
    return version != document.end() && version->is_number_integer() ? version->get<int64_t>() : 0;
  }
  std::string set_of(const std::string& uri) const {
    const Document* document = workspace_.find(uri);
    return document ? workspace_.set_of(document->source->name()) : std::string();
  }

  // The rules of a set are to be loaded again.
  void mark(const std::string& set) {
    if (dirty_.empty()) dirty_since_ = Clock::now();
    dirty_.insert(set);
    tests_.cancel();
    if (test_mode_ == "idle") tests_due_ = Clock::now() + kIdle;
  }

  void open(const std::string& uri, std::string text, int64_t version) {
    workspace_.set(uri, std::move(text), version);
    mark(set_of(uri));
  }

  void change(const json& params) {
    const std::string uri = uri_in(params);
    const Document* document = workspace_.find(uri);
    if (!document) return;
    SourcePtr source = document->source;
    for (const json& edit : params.at("contentChanges")) {
      std::string text = edit.at("text").get<std::string>();
      if (edit.contains("range") && !edit.at("range").is_null()) {
        size_t begin = to_offset(*source, edit.at("range").at("start"), encoding_);
        size_t end = to_offset(*source, edit.at("range").at("end"), encoding_);
        if (end < begin) std::swap(begin, end);
        std::string whole(source->text());
        text = whole.replace(begin, end - begin, text);
      }
      source = std::make_shared<const SourceFile>(source->name(), std::move(text));
    }
    workspace_.set(uri, std::string(source->text()), version_of(params.at("textDocument")));
    mark(set_of(uri));
  }

  void close(const std::string& uri) {
    const Document* document = workspace_.find(uri);
    if (!document) return;
    const std::string set = set_of(uri);
    workspace_.close(uri);
    const std::vector<std::string> left = workspace_.sets();
    if (std::find(left.begin(), left.end(), set) != left.end()) return mark(set);  // others see the file on disk again
    for (const std::string& published : sets_[set].published) publish(published, json::array());
    sets_.erase(set);
    dirty_.erase(set);
  }

  // --- checking

  void check() {
    const std::set<std::string> sets = std::move(dirty_);
    dirty_.clear();
    const std::vector<std::string> known = workspace_.sets();
    for (const std::string& name : sets) {
      if (std::find(known.begin(), known.end(), name) == known.end()) continue;
      Set& set = sets_[name];
      set.checked = workspace_.check(name);
      set.generation = ++generation_;
      set.states.clear();
      set.test_findings = Diagnostics();
      publish_set(name, set);
    }
  }

  void publish(const std::string& uri, json diagnostics) {
    json params = {{"uri", uri}, {"diagnostics", std::move(diagnostics)}};
    if (const Document* document = workspace_.find(uri)) params["version"] = document->version;
    notify("textDocument/publishDiagnostics", std::move(params));
  }

  void publish_set(const std::string& name, Set& set) {
    Diagnostics all = set.checked.found;
    all.append(set.test_findings);
    std::string fallback;
    std::map<std::string, json> by_uri;
    for (const auto& [path, document] : workspace_.documents()) {
      if (workspace_.set_of(path) != name) continue;
      if (fallback.empty()) fallback = document.uri;
      by_uri[document.uri] = json::array();
    }
    for (auto& [uri, list] : to_protocol(workspace_, all, fallback, encoding_)) by_uri[uri] = std::move(list);
    if (results_as_diagnostics_) add_passed(set, by_uri);
    for (const std::string& uri : set.published) by_uri.try_emplace(uri, json::array());
    set.published.clear();
    for (auto& [uri, list] : by_uri) {
      if (!list.empty() || workspace_.find(uri)) set.published.insert(uri);
      publish(uri, std::move(list));
    }
  }

  // For editors without code lenses: what passed, as information.
  void add_passed(const Set& set, std::map<std::string, json>& by_uri) const {
    for (const auto& [path, document] : workspace_.documents()) {
      const Question asked = question(document, set);
      for (const json& lens : code_lenses(asked, set.states)) {
        const std::string title = lens["command"]["title"].get<std::string>();
        if (title.rfind("passed", 0) != 0) continue;
        by_uri[document.uri].push_back(
            {{"range", lens["range"]}, {"severity", 3}, {"source", "rulecheck"}, {"message", title}});
      }
    }
  }

  // --- tests

  void start_tests() {
    tests_due_.reset();
    if (test_mode_ == "off") return;
    for (auto& [name, set] : sets_) {
      if (!set.checked.rules) continue;  // broken, or their tests were run
      std::vector<std::string> wanted;
      for (const auto& [path, document] : workspace_.documents()) wanted.push_back(path);
      tests_.run(name, set.generation, std::move(*set.checked.rules), std::move(wanted));
      set.checked.rules.reset();
    }
  }

  void finish_tests(TestResults results) {
    auto found = sets_.find(results.set);
    if (found == sets_.end() || found->second.generation != results.generation || dirty_.contains(results.set)) return;
    Set& set = found->second;
    set.states = std::move(results.states);
    set.test_findings = std::move(results.found);
    publish_set(results.set, set);
    if (refresh_lenses_ && !results_as_diagnostics_) {
      send({{"jsonrpc", "2.0"},
            {"id", "refresh-" + std::to_string(++refreshes_)},
            {"method", "workspace/codeLens/refresh"}});
    }
  }

  // --- questions

  Question question(const Document& document, const Set& set) const {
    return {workspace_, document, set.checked, encoding_, markdown_};
  }

  // Calls `ask` with the question about the text that `params` names, as it is now.
  template <typename Ask>
  json about(const json& params, const Ask& ask) {
    const std::string uri = uri_in(params);
    const Document* document = workspace_.find(uri);
    if (!document) throw Refusal{kInvalidParams, "the text is not open: " + uri.substr(0, 200)};
    if (!dirty_.empty()) check();
    const Set& set = sets_.at(set_of(uri));
    return ask(question(*document, set), set);
  }
  template <typename Ask>
  json about_place(const json& params, const Ask& ask) {
    return about(params, [&](const Question& asked, const Set&) {
      return ask(asked, to_offset(*asked.document.source, params.at("position"), encoding_));
    });
  }

  json on_hover(const json& params) { return about_place(params, hover); }
  json on_definition(const json& params) { return about_place(params, definition); }
  json on_references(const json& params) { return about_place(params, references); }
  json on_completion(const json& params) { return about_place(params, completion); }
  json on_symbols(const json& params) {
    return about(params, [](const Question& asked, const Set&) { return document_symbols(asked); });
  }
  json on_code_action(const json& params) {
    return about(params, [&](const Question& asked, const Set&) {
      const SourceFile& source = *asked.document.source;
      const json& range = params.at("range");
      return code_actions(asked, to_offset(source, range.at("start"), encoding_),
                          to_offset(source, range.at("end"), encoding_));
    });
  }
  json on_code_lens(const json& params) {
    if (results_as_diagnostics_) return json::array();
    return about(params, [](const Question& asked, const Set& set) { return code_lenses(asked, set.states); });
  }
  json on_formatting(const json& params) {
    return about(params, [&](const Question& asked, const Set&) -> json {
      const SourceFile& source = *asked.document.source;
      const Formatted formatted = format_rules(asked.document.source);
      if (!formatted.text || *formatted.text == source.text()) return json::array();
      return json::array(
          {{{"range", to_range(source, 0, source.text().size(), encoding_)}, {"newText", *formatted.text}}});
    });
  }

  std::shared_ptr<Events> events_;
  int output_;
  bool initialized_ = false, shut_down_ = false, exit_ = false;
  Encoding encoding_ = Encoding::utf16;
  bool markdown_ = true, refresh_lenses_ = false, results_as_diagnostics_ = false;
  std::string test_mode_ = "idle";  // "idle", "save" or "off"
  Workspace workspace_;
  std::map<std::string, Set> sets_;
  std::set<std::string> dirty_;  // sets to load
  Clock::time_point dirty_since_;
  std::optional<Clock::time_point> tests_due_;
  uint64_t generation_ = 0, refreshes_ = 0;
  TestThread tests_;
};

}  // namespace

int serve(int input, int output) {
  std::signal(SIGPIPE, SIG_IGN);  // the other side may go first: write() says so
  return Server(input, output).serve();
}

}  // namespace qrules::tools::lsp
