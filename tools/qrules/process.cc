#include "qrules/process.h"

#include <algorithm>
#include <vector>

#include <omp.h>

#if defined(__linux__)
#include <sched.h>
#endif

namespace qrules::tools {

#if defined(__linux__)
namespace {

// Moves the thread that calls it, which may be moved from there again.
void move_to(int cpu) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  // A refusal leaves the thread where it is.
  if (sched_setaffinity(0, sizeof(one), &one) == 0) sched_setaffinity(0, sizeof(allowed), &allowed);
}

// Where threads on these CPUs belong: of those on one the first stays, the others go to CPUs that none is on.
std::vector<int> apart(const std::vector<int>& cpu_of, const cpu_set_t& allowed) {
  std::vector<int> spare;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (CPU_ISSET(cpu, &allowed) && std::find(cpu_of.begin(), cpu_of.end(), cpu) == cpu_of.end()) spare.push_back(cpu);
  }
  std::vector<int> targets = cpu_of;
  for (auto at = cpu_of.begin(); at != cpu_of.end(); ++at) {
    if (std::find(cpu_of.begin(), at, *at) == at || spare.empty()) continue;
    targets[static_cast<size_t>(at - cpu_of.begin())] = spare.back();
    spare.pop_back();
  }
  return targets;
}

}  // namespace

void spread_threads(int threads) {
  if (threads == 0) threads = omp_get_max_threads();
  cpu_set_t allowed;
  if (threads < 2 || omp_get_proc_bind() != omp_proc_bind_false ||
      sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < threads)
    return;
  std::vector<int> cpu_of(static_cast<size_t>(threads), -1), targets;
#pragma omp parallel num_threads(threads)
  {
    const auto thread = static_cast<size_t>(omp_get_thread_num());
    cpu_of[thread] = sched_getcpu();
#pragma omp barrier
#pragma omp single
    targets = apart(cpu_of, allowed);
    if (targets[thread] >= 0 && targets[thread] != cpu_of[thread]) move_to(targets[thread]);
  }
}
#else
void spread_threads(int) {}
#endif

void leave_to_the_system(std::shared_ptr<const void> object) {
  // Never destroyed, but known: not what leak checkers look for.
  static auto* const kept = new std::vector<std::shared_ptr<const void>>;
  kept->push_back(std::move(object));
}

}  // namespace qrules::tools
