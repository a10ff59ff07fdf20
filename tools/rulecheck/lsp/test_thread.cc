// See test_thread.h.

#include <rulecheck/lsp/test_thread.h>

#include <algorithm>

#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>
#include <rulecheck/numerics_here.h>
#include <rulecheck/test_runner.h>

namespace qrules::tools::lsp {

TestThread::TestThread(Done done) : done_(std::move(done)), thread_([this] { loop(); }) {}

TestThread::~TestThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    ++number_;
    jobs_.clear();
  }
  wake_.notify_all();
  thread_.join();
}

void TestThread::run(std::string set, uint64_t generation, RuleSet rules, std::vector<std::string> wanted) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(jobs_, [&](const Job& job) { return job.set == set; });
    jobs_.push_back({std::move(set), generation, std::move(rules), std::move(wanted)});
  }
  wake_.notify_all();
}

void TestThread::cancel() {
  const std::lock_guard lock(mutex_);
  ++number_;
  jobs_.clear();
}

void TestThread::loop() {
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
    if (stop_) return;
    Job job = std::move(jobs_.front());
    jobs_.erase(jobs_.begin());
    const uint64_t number = number_;
    lock.unlock();
    work(std::move(job), number);
  }
}

void TestThread::work(Job job, uint64_t number) {
  const auto cancelled = [&] {
    const std::lock_guard lock(mutex_);
    return number_ != number;
  };
  TestResults results;
  results.set = job.set;
  results.generation = job.generation;
  const Rewriter rewriter(std::move(job.rules));
  const Comparison compare = compare_here();
  for (const Rule& rule : rewriter.rules().rules) {
    if (!rule.span) continue;
    const std::string path = canonical_path(rule.span.file->name());
    if (std::find(job.wanted.begin(), job.wanted.end(), path) == job.wanted.end()) continue;
    for (const RuleTest& test : rule.tests) {
      if (cancelled()) return;
      TestOutcome outcome = run_test(rewriter, rule, test, compare);
      TestState state{outcome.passed, outcome.milliseconds, ""};
      if (!outcome.found.empty()) state.message = outcome.found.list().back().message();
      results.states[{rule.base_name, test.name}] = std::move(state);
      results.found.append(outcome.found);
    }
  }
  if (!cancelled()) done_(std::move(results));
}

}  // namespace qrules::tools::lsp
