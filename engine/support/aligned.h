// Memory for elements.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace qrules {

// At least `bytes` of memory at a multiple of 64, the size of a cache line and of the widest vector. The bytes are not
// set; what is past `bytes` up to the next multiple may be read and written.
inline std::shared_ptr<void> allocate_aligned(size_t bytes) {
  constexpr size_t kAlignment = 64;
  return std::shared_ptr<void>(std::aligned_alloc(kAlignment, (bytes + kAlignment) / kAlignment * kAlignment),
                               std::free);
}

}  // namespace qrules
