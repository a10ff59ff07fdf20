// Runs the tests of rules beside the conversation.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <qrules/rules/rule.h>
#include <rulecheck/lsp/answers.h>

namespace qrules::tools::lsp {

struct TestResults {
  std::string set;          // the rule set
  uint64_t generation = 0;  // of the texts that it was loaded from
  TestStates states;
  Diagnostics found;  // of the failed ones
};

// One thread that runs one set of tests at a time; a newer job ends the older one between two tests.
class TestThread {
 public:
  using Done = std::function<void(TestResults)>;
  // `done` is called on the thread.
  explicit TestThread(Done done);
  ~TestThread();
  TestThread(const TestThread&) = delete;
  TestThread& operator=(const TestThread&) = delete;

  // Runs the tests of the rules that `wanted` names (canonical paths of files).
  void run(std::string set, uint64_t generation, RuleSet rules, std::vector<std::string> wanted);
  // The texts changed: what runs is of no use any more.
  void cancel();

 private:
  struct Job {
    std::string set;
    uint64_t generation = 0;
    RuleSet rules;
    std::vector<std::string> wanted;
  };
  void loop();
  void work(Job job, uint64_t number);

  Done done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job> jobs_;
  uint64_t number_ = 0;  // of cancellations
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace qrules::tools::lsp
