// What the kernels of this folder share in preparing and in dividing their work.
#pragma once

#if defined(__x86_64__)

#include <algorithm>
#include <cstdint>
#include <optional>

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

// Calls task(number, scratch of the thread that runs it) for each of `tasks` tasks, on `threads` threads; the scratch
// of each is `thread_bytes` of `scratch`.
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
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (int64_t i = 0; i < tasks; ++i) task(i, of_thread(omp_get_thread_num()));
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
