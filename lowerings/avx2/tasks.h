// What the kernels of this folder share in preparing and in dividing their work.
#pragma once

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include <omp.h>

#include <qrules/lowerings/int8_call.h>

namespace qrules::avx2 {

// The refusal on CPUs without AVX2 and FMA.
inline std::optional<Diagnostic> refuse_without_avx2() {
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return std::nullopt;
  return int8::refuse("this CPU has no AVX2");
}

// Bytes of one thread's scratch: whole cache lines, so that threads share none.
inline size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Tasks that are left of a thread's share. It takes them from the front; others, when theirs are done, from the back.
class TaskRange {
 public:
  void set(int64_t first, int64_t end) {
    state_.store(pack(static_cast<uint64_t>(first), static_cast<uint64_t>(end)), std::memory_order_relaxed);
  }
  // A task's number; -1: there is none left.
  int64_t take_front() {
    return take([](uint64_t first, uint64_t end) { return std::pair(first, pack(first + 1, end)); });
  }
  int64_t take_back() {
    return take([](uint64_t first, uint64_t end) { return std::pair(end - 1, pack(first, end - 1)); });
  }

 private:
  static uint64_t pack(uint64_t first, uint64_t end) { return first << 32 | end; }
  template <typename Choose>
  int64_t take(Choose choose) {
    uint64_t state = state_.load(std::memory_order_relaxed);
    while (true) {
      const uint64_t first = state >> 32, end = state & 0xffffffff;
      if (first >= end) return -1;
      const auto [task, left] = choose(first, end);
      // What tasks write is ordered by the end of the parallel region.
      if (state_.compare_exchange_weak(state, left, std::memory_order_relaxed)) return static_cast<int64_t>(task);
    }
  }

  alignas(64) std::atomic<uint64_t> state_ = 0;
};

// Calls task(number, scratch of the thread that runs it) for each of `tasks` < 2^32 tasks, on `threads` threads; the
// scratch of each is `thread_bytes` of `scratch`. Neighbouring tasks are one thread's, the same ones in each call with
// as many tasks: what it wrote for one call is in its caches for the next. A thread that is done helps the others.
template <typename Task>
void run_tasks(int64_t tasks, int threads, void* scratch, size_t thread_bytes, const Task& task) {
  const auto of_thread = [&](int thread) -> void* {
    return static_cast<char*>(scratch) + static_cast<size_t>(thread) * thread_bytes;
  };
  if (threads == 1) {
    // A team of one would still be set up, in memory of its own.
    for (int64_t i = 0; i < tasks; ++i) task(i, of_thread(0));
    return;
  }
  constexpr int kMostRanges = 64;  // on the stack; more threads only help
  std::array<TaskRange, kMostRanges> ranges;
  const int count = std::min(threads, kMostRanges);
  for (int i = 0; i < count; ++i) ranges[static_cast<size_t>(i)].set(tasks * i / count, tasks * (i + 1) / count);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    void* const mine = of_thread(thread);
    for (int i = 0; i < count; ++i) {
      TaskRange& range = ranges[static_cast<size_t>((thread + i) % count)];
      const bool is_own = i == 0 && thread < count;
      for (int64_t at; (at = is_own ? range.take_front() : range.take_back()) >= 0;) task(at, mine);
    }
  }
}

// Calls strip(number, scratch of the thread that runs it) for each of `strips` strips. Neighbouring ones belong to one
// task: its thread reads its part of the weights from end to end.
template <typename Strip>
void run_neighbouring_strips(int64_t strips, int threads, void* scratch, size_t thread_bytes, const Strip& strip) {
  const int64_t strips_of_a_task = std::max<int64_t>(1, strips / (int64_t{16} * threads));
  const int64_t tasks = (strips + strips_of_a_task - 1) / strips_of_a_task;
  run_tasks(tasks, threads, scratch, thread_bytes, [&](int64_t task, void* of_thread) {
    const int64_t end = std::min(strips, (task + 1) * strips_of_a_task);
    for (int64_t i = task * strips_of_a_task; i < end; ++i) strip(i, of_thread);
  });
}

}  // namespace qrules::avx2

#endif
