// Places of buffers in one block of memory, by lifetime.
#pragma once

#include <cstddef>
#include <vector>

namespace qrules {

// A buffer that is needed from the step that writes it to the last that reads it, both included.
struct Lifetime {
  size_t bytes = 0;
  size_t first = 0;
  size_t last = 0;
  size_t offset = 0;  // set by plan_arena; a multiple of 64
};

// Gives each buffer an offset so that no two that live at the same time overlap, and returns the size of the block.
// Largest first, each at the lowest place that is free for its whole life (Pisarchyk and Lee, "Efficient Memory
// Management for Deep Neural Net Inference", 2020: greedy by size). Quadratic in the number of buffers that overlap in
// time.
size_t plan_arena(std::vector<Lifetime>& buffers);

}  // namespace qrules
