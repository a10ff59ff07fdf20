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

}  // namespace

void spread_threads(int threads) {
  if (threads == 0) threads = omp_get_max_threads();
  cpu_set_t allowed;
  if (threads < 2 || omp_get_proc_bind() != omp_proc_bind_false ||
      sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < threads)
    return;
  std::vector<int> cpu_of(static_cast<size_t>(threads), -1);
#pragma omp parallel num_threads(threads)
  {
    const auto thread = omp_get_thread_num();
    cpu_of[static_cast<size_t>(thread)] = sched_getcpu();
#pragma omp barrier
    // Each thread comes to the same conclusions: of those on one CPU the first stays.
    std::vector<int> taken;
    int target = -1;
    for (int i = 0; i <= thread; ++i) {
      target = cpu_of[static_cast<size_t>(i)];
      const auto is_taken = [&](int cpu) { return std::find(taken.begin(), taken.end(), cpu) != taken.end(); };
      const auto is_anybodys = [&](int cpu) { return std::find(cpu_of.begin(), cpu_of.end(), cpu) != cpu_of.end(); };
      for (int cpu = 0; is_taken(target) && cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed) && !is_taken(cpu) && !is_anybodys(cpu)) target = cpu;
      }
      taken.push_back(target);
    }
    if (target >= 0 && target != cpu_of[static_cast<size_t>(thread)]) move_to(target);
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
