// What a process of `qrules` does with the machine, at its start and at its end.
#pragma once

namespace qrules::tools {

// Starts the threads that runs will use and lets each begin on a CPU of its own. A new thread may share the CPU of the
// one that started it until the system balances its load, and a first run is over before. They are free to move on.
// `threads` 0: as many as OpenMP has; does nothing where there are fewer CPUs.
void spread_threads(int threads);

// Ends the process with what was printed, and leaves its memory to the system: giving back a plan's generated code page
// by page takes longer than many a run.
[[noreturn]] void leave(int exit_code);

}  // namespace qrules::tools
