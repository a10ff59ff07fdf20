#include <qrules/runtime/arena.h>

#include <algorithm>
#include <numeric>

namespace qrules {

size_t plan_arena(std::vector<Lifetime>& buffers) {
  constexpr size_t kAlignment = 64;
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<size_t> placed;  // by offset
  size_t total = 0;
  for (size_t index : order) {
    Lifetime& buffer = buffers[index];
    size_t offset = 0;
    for (size_t other : placed) {
      const Lifetime& taken = buffers[other];
      if (taken.last < buffer.first || buffer.last < taken.first) continue;
      if (offset + buffer.bytes <= taken.offset) break;
      const size_t end = (taken.offset + taken.bytes + kAlignment - 1) / kAlignment * kAlignment;
      offset = std::max(offset, end);
    }
    buffer.offset = offset;
    total = std::max(total, offset + buffer.bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](size_t a, size_t b) { return buffers[a].offset < buffers[b].offset; }),
                  index);
  }
  return (total + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace qrules
