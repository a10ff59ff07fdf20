// Memory for elements.
#pragma once

#include <cstddef>
#include <memory>

namespace qrules {

// At least `bytes` of memory at a multiple of 64, the size of a cache line and of the widest vector. The bytes are not
// set; what is past `bytes` up to the next multiple may be read and written. Much memory is asked for in large pages
// where the system has them: weights that are read from end to end would wait for the addresses of small ones.
std::shared_ptr<void> allocate_aligned(size_t bytes);

}  // namespace qrules
