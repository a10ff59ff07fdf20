// Copies between layouts. Dimensions are put in the order of the destination's strides and merged where both sides
// allow, so most copies become one or two loops. Where the innermost dimensions of the two sides differ (channels-first
// to channels-last), the two are walked in square tiles, so that each cache line is used as a whole.

#include <qrules/runtime/copy.h>

#include <algorithm>
#include <cstring>

namespace qrules {
namespace {

struct Dimension {
  int64_t size = 1, from = 0, to = 0;
};

constexpr int64_t kTile = 32;
constexpr int64_t kStripe = 8 * kTile;
constexpr int64_t kParallelElements = 1 << 15;

template <typename T>
void copy_row(const T* from, T* to, const Dimension& d) {
  if (d.from == 1 && d.to == 1) {
    std::memcpy(to, from, static_cast<size_t>(d.size) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < d.size; ++i) to[i * d.to] = from[i * d.from];
}

// A few planes, such as the colours of an image, become interleaved.
template <int kPlanes, typename T>
void interleave(const T* from, T* to, const Dimension& along, int64_t plane) {
  for (int64_t i = 0; i < along.size; ++i) {
    for (int p = 0; p < kPlanes; ++p) to[i * kPlanes + p] = from[p * plane + i];
  }
}

template <typename T>
bool interleaved(const T* from, T* to, const Dimension& outer, const Dimension& inner) {
  if (outer.from != 1 || inner.to != 1 || outer.to != inner.size) return false;
  switch (inner.size) {
    case 2: interleave<2>(from, to, outer, inner.from); return true;
    case 3: interleave<3>(from, to, outer, inner.from); return true;
    case 4: interleave<4>(from, to, outer, inner.from); return true;
    default: return false;
  }
}

template <typename T>
void copy_tiles(const T* from, T* to, const Dimension& outer, const Dimension& inner) {
  if (interleaved(from, to, outer, inner)) return;
  for (int64_t i0 = 0; i0 < outer.size; i0 += kTile) {
    for (int64_t j0 = 0; j0 < inner.size; j0 += kTile) {
      const int64_t i1 = std::min(outer.size, i0 + kTile), j1 = std::min(inner.size, j0 + kTile);
      for (int64_t i = i0; i < i1; ++i) {
        for (int64_t j = j0; j < j1; ++j) to[i * outer.to + j * inner.to] = from[i * outer.from + j * inner.from];
      }
    }
  }
}

template <typename T>
class Copy final : public Kernel {
 public:
  explicit Copy(std::vector<Dimension> dimensions) : outer_(std::move(dimensions)) {
    if (!outer_.empty()) {
      inner_ = outer_.back();
      outer_.pop_back();
    }
    // The dimension in which the source is dense, when it is not the innermost one, is walked together with it.
    if (inner_.from != 1 && inner_.size > 1) {
      auto dense = std::find_if(outer_.begin(), outer_.end(), [](const Dimension& d) { return d.from == 1; });
      if (dense != outer_.end()) {
        tiled_ = *dense;
        outer_.erase(dense);
      }
    }
    for (const Dimension& d : outer_) rows_ *= d.size;
    elements_ = rows_ * inner_.size * tiled_.size;
  }

  void run(const KernelArguments& arguments) const override {
    if (elements_ == 0) return;
    const T* from = static_cast<const T*>(arguments.inputs[0]);
    T* to = static_cast<T*>(arguments.outputs[0]);
    if (rows_ == 1 && tiled_.size > 1 && elements_ >= kParallelElements) {
      // One large transposition: its stripes are independent.
#pragma omp parallel for schedule(static)
      for (int64_t i0 = 0; i0 < tiled_.size; i0 += kStripe) {
        Dimension stripe = tiled_;
        stripe.size = std::min(kStripe, tiled_.size - i0);
        copy_tiles(from + i0 * tiled_.from, to + i0 * tiled_.to, stripe, inner_);
      }
      return;
    }
    // Not an `if` clause: a parallel region of one thread makes and frees a team each time.
    if (elements_ < kParallelElements) {
      for (int64_t row = 0; row < rows_; ++row) run_row(from, to, row);
      return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows_; ++row) run_row(from, to, row);
  }

  std::string implementation() const override { return "copy"; }

 private:
  void run_row(const T* from, T* to, int64_t row) const {
    int64_t at = row;
    for (size_t k = outer_.size(); k-- > 0;) {
      const int64_t i = at % outer_[k].size;
      at /= outer_[k].size;
      from += i * outer_[k].from;
      to += i * outer_[k].to;
    }
    if (tiled_.size > 1)
      copy_tiles(from, to, tiled_, inner_);
    else
      copy_row(from, to, inner_);
  }

  std::vector<Dimension> outer_;
  Dimension inner_, tiled_;
  int64_t rows_ = 1, elements_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_copy(const TensorLayout& from, const TensorLayout& to) {
  std::vector<Dimension> dimensions;
  for (size_t i = 0; i < to.sizes.size(); ++i) {
    if (to.sizes[i] != 1) dimensions.push_back({to.sizes[i], from.strides[i], to.strides[i]});
  }
  std::stable_sort(dimensions.begin(), dimensions.end(),
                   [](const Dimension& a, const Dimension& b) { return a.to > b.to; });
  std::vector<Dimension> merged;
  for (const Dimension& d : dimensions) {
    if (!merged.empty() && merged.back().from == d.size * d.from && merged.back().to == d.size * d.to) {
      merged.back() = {merged.back().size * d.size, d.from, d.to};
    } else {
      merged.push_back(d);
    }
  }
  switch (size_of(to.dtype)) {
    case 1: return std::make_unique<Copy<uint8_t>>(std::move(merged));
    case 2: return std::make_unique<Copy<uint16_t>>(std::move(merged));
    case 4: return std::make_unique<Copy<uint32_t>>(std::move(merged));
    case 8: return std::make_unique<Copy<uint64_t>>(std::move(merged));
    default: {
      struct Wide {
        uint64_t parts[2];
      };
      return std::make_unique<Copy<Wide>>(std::move(merged));
    }
  }
}

}  // namespace qrules
