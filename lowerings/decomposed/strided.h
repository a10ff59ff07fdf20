// Iteration over several tensors of equal sizes and any strides.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <qrules/runtime/tensor.h>

namespace qrules::decomposed {

inline constexpr size_t kMaxRank = 64;  // what PyTorch allows

// Walks N tensors in rows. Dimensions are ordered by the strides of operand 0 and merged where all operands allow, so
// that tensors of one dense layout, whichever, are a single row. `run` allocates nothing.
template <size_t N>
class StridedLoop {
 public:
  using Offsets = std::array<int64_t, N>;

  StridedLoop() = default;
  StridedLoop(const std::vector<int64_t>& sizes, const std::array<std::vector<int64_t>, N>& strides) {
    std::vector<Dimension> dimensions;
    for (size_t d = 0; d < sizes.size(); ++d) {
      empty_ = empty_ || sizes[d] == 0;
      if (sizes[d] == 1) continue;
      Dimension dimension;
      dimension.size = sizes[d];
      for (size_t k = 0; k < N; ++k) dimension.steps[k] = strides[k][d];
      dimensions.push_back(dimension);
    }
    std::stable_sort(dimensions.begin(), dimensions.end(),
                     [](const Dimension& a, const Dimension& b) { return a.steps[0] > b.steps[0]; });
    for (const Dimension& inner : dimensions) {
      if (!dimensions_.empty() && continues(dimensions_.back(), inner)) {
        const int64_t size = dimensions_.back().size * inner.size;
        dimensions_.back() = inner;
        dimensions_.back().size = size;
      } else {
        dimensions_.push_back(inner);
      }
    }
    if (dimensions_.empty()) dimensions_.push_back({1, {}});
    row_ = dimensions_.back();
    dimensions_.pop_back();
    assert(dimensions_.size() <= kMaxRank);
  }

  // row(offsets of its first elements, element count, steps): everything in elements.
  template <typename F>
  void run(F&& row) const {
    run_rows(0, rows(), row);
  }

  // How often `row` is called, and of these calls some: rows may go to several threads.
  int64_t rows() const {
    int64_t count = empty_ ? 0 : 1;
    for (const Dimension& dimension : dimensions_) count *= dimension.size;
    return count;
  }
  int64_t row_size() const { return row_.size; }
  template <typename F>
  void run_rows(int64_t first, int64_t end, F&& row) const {
    if (first >= end) return;
    std::array<int64_t, kMaxRank> counters{};
    Offsets offsets{};
    int64_t rest = first;
    for (size_t d = dimensions_.size(); d > 0; --d) {
      const Dimension& dimension = dimensions_[d - 1];
      counters[d - 1] = rest % dimension.size;
      rest /= dimension.size;
      for (size_t k = 0; k < N; ++k) offsets[k] += counters[d - 1] * dimension.steps[k];
    }
    for (int64_t i = first; i < end; ++i) {
      row(static_cast<const Offsets&>(offsets), row_.size, row_.steps);
      size_t d = dimensions_.size();
      for (; d > 0; --d) {
        const Dimension& dimension = dimensions_[d - 1];
        for (size_t k = 0; k < N; ++k) offsets[k] += dimension.steps[k];
        if (++counters[d - 1] < dimension.size) break;
        for (size_t k = 0; k < N; ++k) offsets[k] -= dimension.size * dimension.steps[k];
        counters[d - 1] = 0;
      }
      if (d == 0) return;
    }
  }

  // One row with step 1 everywhere.
  bool is_flat() const {
    return dimensions_.empty() && std::all_of(row_.steps.begin(), row_.steps.end(),
                                              [this](int64_t step) { return step == 1 || row_.size == 1; });
  }

 private:
  struct Dimension {
    int64_t size = 1;
    Offsets steps{};
  };

  static bool continues(const Dimension& outer, const Dimension& inner) {
    for (size_t k = 0; k < N; ++k) {
      if (outer.steps[k] != inner.steps[k] * inner.size) return false;
    }
    return true;
  }

  std::vector<Dimension> dimensions_;  // outer ones
  Dimension row_;
  bool empty_ = false;
};

// Row-major strides.
inline std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& sizes) {
  std::vector<int64_t> strides(sizes.size());
  int64_t step = 1;
  for (size_t d = sizes.size(); d-- > 0;) {
    strides[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
  }
  return strides;
}

// Every element has its own place and there are no gaps: a permuted contiguous tensor.
inline bool is_dense(const TensorLayout& layout) {
  std::vector<std::pair<int64_t, int64_t>> dimensions;  // stride, size
  for (size_t d = 0; d < layout.sizes.size(); ++d) {
    if (layout.sizes[d] == 0) return true;
    if (layout.sizes[d] != 1) dimensions.push_back({layout.strides[d], layout.sizes[d]});
  }
  std::sort(dimensions.begin(), dimensions.end());
  int64_t expected = 1;
  for (const auto& [stride, size] : dimensions) {
    if (stride != expected) return false;
    expected *= size;
  }
  return true;
}

// An elementwise result takes the layout of its operand when that has no gaps.
inline void adopt_layout(TensorLayout& result, const TensorLayout& operand) {
  if (operand.sizes == result.sizes && is_dense(operand)) result.strides = operand.strides;
}

// Strides of a tensor seen at larger sizes: 0 in repeated dimensions, missing leading ones included.
inline std::vector<int64_t> broadcast_strides(const TensorLayout& layout, const std::vector<int64_t>& sizes) {
  std::vector<int64_t> strides(sizes.size(), 0);
  const size_t added = sizes.size() - layout.sizes.size();
  for (size_t d = 0; d < layout.sizes.size(); ++d) {
    if (layout.sizes[d] == sizes[added + d]) strides[added + d] = layout.strides[d];
  }
  return strides;
}

// Copies rows of elements of `bytes` each.
inline void copy_row(char* to, int64_t to_step, const char* from, int64_t from_step, int64_t count, size_t bytes) {
  if (to_step == 1 && from_step == 1) {
    std::memcpy(to, from, static_cast<size_t>(count) * bytes);
    return;
  }
  const auto copy = [&]<typename T>(T) {
    T* target = reinterpret_cast<T*>(to);
    const T* source = reinterpret_cast<const T*>(from);
    for (int64_t i = 0; i < count; ++i) target[i * to_step] = source[i * from_step];
  };
  switch (bytes) {
    case 1: copy(uint8_t{}); return;
    case 2: copy(uint16_t{}); return;
    case 4: copy(uint32_t{}); return;
    case 8: copy(uint64_t{}); return;
    default: {
      const auto size = static_cast<int64_t>(bytes);
      for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * to_step * size, from + i * from_step * size, bytes);
    }
  }
}

}  // namespace qrules::decomposed
