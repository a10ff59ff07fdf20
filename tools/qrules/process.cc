#include "qrules/process.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include <omp.h>

#if defined(__linux__)
#include <sched.h>
#endif

namespace qrules::tools {

void spread_threads(int threads) {
#if defined(__linux__)
  if (threads == 0) threads = omp_get_max_threads();
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (threads < 2 || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  std::vector<int> others;
  const int mine = sched_getcpu();
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (cpu != mine && CPU_ISSET(cpu, &allowed)) others.push_back(cpu);
  }
  if (static_cast<int>(others.size()) < threads - 1) return;
#pragma omp parallel num_threads(threads)
  if (const int thread = omp_get_thread_num(); thread > 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(others[static_cast<size_t>(thread - 1)], &one);
    // A refusal leaves the thread where it is.
    if (sched_setaffinity(0, sizeof(one), &one) == 0) sched_setaffinity(0, sizeof(allowed), &allowed);
  }
#endif
}

void leave(int exit_code) {
  std::fflush(nullptr);
  std::_Exit(exit_code);
}

}  // namespace qrules::tools
