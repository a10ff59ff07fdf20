#include <qrules/support/aligned.h>

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace qrules {

std::shared_ptr<void> allocate_aligned(size_t bytes) {
  constexpr size_t kAlignment = 64, kLargePage = size_t{1} << 21;
  const size_t alignment = bytes >= kLargePage ? kLargePage : kAlignment;
  const size_t size = (bytes + kAlignment) / kAlignment * kAlignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size) != 0) return nullptr;
#if defined(__linux__)
  // Whole pages only, so that no more memory is taken. A refusal changes nothing.
  if (bytes >= kLargePage) madvise(memory, size / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return std::shared_ptr<void>(memory, std::free);
}

}  // namespace qrules
