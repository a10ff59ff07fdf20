// How kernels share out their tasks among threads (lowerings/avx2/tasks.h).

#include <qrules/lowerings/avx2/tasks.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "catch.h"

#if defined(__x86_64__)

namespace qrules {
namespace {

// Every task once, each with the scratch of one thread at a time.
void check_tasks(int64_t tasks, int threads, int64_t slow_task = -1) {
  CAPTURE(tasks, threads, slow_task);
  constexpr size_t kLine = 64;
  std::vector<std::atomic<int>> done(static_cast<size_t>(tasks));
  std::vector<char> scratch(static_cast<size_t>(threads) * kLine);
  std::vector<std::atomic<int>> users(static_cast<size_t>(threads));
  std::atomic<int> shared = 0, outside = 0;
  avx2::run_tasks(tasks, threads, scratch.data(), kLine, [&](int64_t task, void* of_thread) {
    const auto offset = static_cast<size_t>(static_cast<char*>(of_thread) - scratch.data());
    if (offset % kLine != 0 || offset >= scratch.size() || task < 0 || task >= tasks) {
      ++outside;
      return;
    }
    auto& user = users[offset / kLine];
    if (user.fetch_add(1) != 0) ++shared;
    if (task == slow_task) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++done[static_cast<size_t>(task)];
    user.fetch_sub(1);
  });
  CHECK(shared == 0);
  CHECK(outside == 0);
  for (const auto& times : done) REQUIRE(times == 1);
}

TEST_CASE("Each task is done once") {
  for (const int threads : {1, 2, 3, 7, 64, 70}) {
    for (const int64_t tasks : {0, 1, 2, 63, 64, 65, 1000}) check_tasks(tasks, threads);
  }
}

TEST_CASE("Threads that are done help the one with a slow task") {
  for (const int64_t slow : {0, 3, 7}) check_tasks(8, 2, slow);
}

// There the team has one thread, which does the shares of all.
TEST_CASE("Tasks within a parallel region") {
#pragma omp parallel num_threads(2)
  {
#pragma omp critical
    check_tasks(100, 4);
  }
}

TEST_CASE("A range gives its tasks from both ends") {
  avx2::TaskRange range;
  CHECK(range.take_front() == -1);
  range.set(3, 6);
  CHECK(range.take_front() == 3);
  CHECK(range.take_back() == 5);
  CHECK(range.take_back() == 4);
  CHECK(range.take_back() == -1);
  CHECK(range.take_front() == -1);
}

}  // namespace
}  // namespace qrules

#endif
