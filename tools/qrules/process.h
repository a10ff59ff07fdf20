// What a process of `qrules` does with the machine, at its start and at its end.
#pragma once

#include <memory>

namespace qrules::tools {

// Starts the threads that runs will use, and moves those that share a CPU with another to one that none has: a new
// thread may stay where it was started until the system balances its load, and a first run is over before. They are
// free to move on. `threads` 0: as many as OpenMP has. Does nothing where there are fewer CPUs, and where the user has
// said where threads belong (OMP_PROC_BIND).
void spread_threads(int threads);

// Keeps an object until the process has ended, so that the system takes back its memory at once: giving back a plan's
// generated code page by page takes longer than many a run.
void leave_to_the_system(std::shared_ptr<const void> object);

}  // namespace qrules::tools
