// Work on elements in a row, shared out among threads.
#pragma once

#include <cstdint>

namespace qrules::decomposed {

// Calls run(begin, end) for `blocks` stretches of 0 .. count, on threads when there are several: a parallel region of
// one would still make a team.
template <typename Run>
void in_blocks(int64_t blocks, int64_t count, const Run& run) {
  if (blocks <= 1) return run(int64_t{0}, count);
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < blocks; ++block) run(block * count / blocks, (block + 1) * count / blocks);
}

}  // namespace qrules::decomposed
