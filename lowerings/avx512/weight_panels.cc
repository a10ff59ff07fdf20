// Weights lie in panels of 64 columns: [pair of the depth][share of 16 columns][column][2] s8. A block of pairs is
// widened to bf16, which holds s8 exactly, into the first-level cache and gone over for all rows; sums wait in memory
// from one block to the next.

#include <qrules/lowerings/avx512/weight_panels.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/target.h>
#include <qrules/lowerings/elements.h>

namespace qrules::avx512 {
namespace {

using elements::Bf16;

constexpr int64_t kShares = 4, kColumns = kShares * 16, kTileRows = 6;
constexpr int64_t kBlock = 48;                // pairs that are widened at once
constexpr int64_t kPairBytes = kColumns * 2;  // of a panel, packed
constexpr int64_t kPairWide = kColumns * 2;   // elements of a pair, widened
constexpr int64_t kWorthAThread = 100'000;    // multiplications

QRULES_AVX512_BF16 void widen(const int8_t* from, int64_t pairs, Bf16* to) {
  for (int64_t i = 0; i < pairs * kShares; ++i, from += 32, to += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_castsi256_si128(bytes)));
    const __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_extracti128_si256(bytes, 1)));
    const __m512bh both = _mm512_cvtne2ps_pbh(high, low);
    _mm512_storeu_si512(to, reinterpret_cast<const __m512i&>(both));
  }
}

// sums[r * 64 + column] += products of `pairs` pairs of R rows of x, which are `step` elements apart.
template <int R>
QRULES_AVX512_BF16 void multiply(const Bf16* x, int64_t step, const Bf16* weights, int64_t pairs, float* sums) {
  __m512 sum[R][kShares];
#pragma GCC unroll 24
  for (int i = 0; i < R * kShares; ++i) sum[i / kShares][i % kShares] = _mm512_loadu_ps(sums + int64_t{16} * i);
  for (int64_t k = 0; k < pairs; ++k) {
    __m512i w[kShares];
#pragma GCC unroll 4
    for (int c = 0; c < kShares; ++c) w[c] = _mm512_loadu_si512(weights + k * kPairWide + int64_t{32} * c);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      int32_t two;
      std::memcpy(&two, x + r * step + 2 * k, sizeof two);
      const __m512i pair = _mm512_set1_epi32(two);
#pragma GCC unroll 4
      for (int c = 0; c < kShares; ++c)
        sum[r][c] = _mm512_dpbf16_ps(sum[r][c], reinterpret_cast<const __m512bh&>(pair),
                                     reinterpret_cast<const __m512bh&>(w[c]));
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < R * kShares; ++i) _mm512_storeu_ps(sums + int64_t{16} * i, sum[i / kShares][i % kShares]);
}

using Multiply = void (*)(const Bf16*, int64_t, const Bf16*, int64_t, float*);
constexpr std::array<Multiply, kTileRows> kMultiply = {multiply<1>, multiply<2>, multiply<3>,
                                                       multiply<4>, multiply<5>, multiply<6>};

class WeightPanels final : public Kernel {
 public:
  WeightPanels(PrepareContext& context, WeightOnlyCall call, const int8_t* weights) : call_(std::move(call)) {
    pairs_ = (call_.size + 1) / 2;
    // Rows that lie a power of two apart would share the lines of a cache.
    step_ = pairs_ * 2 + 32;
    panels_ = (call_.columns + kColumns - 1) / kColumns;
    threads_ = call_.rows * call_.size * call_.columns < 2 * kWorthAThread ? 1 : context.threads();
    const std::string format = "avx512 bf16 panels " + std::to_string(call_.columns) + " " + std::to_string(call_.size);
    weight_memory_ = context.packed(format, static_cast<size_t>(panels_ * pairs_ * kPairBytes), [&](void* target) {
      auto* to = static_cast<int8_t*>(target);
      for (int64_t panel = 0; panel < panels_; ++panel) {
        for (int64_t k = 0; k < 2 * pairs_; k += 2) {
          for (int64_t n = panel * kColumns; n < (panel + 1) * kColumns; ++n) {
            const int8_t* row = weights + n * call_.size;
            *to++ = n < call_.columns ? row[k] : int8_t{0};
            *to++ = n < call_.columns && k + 1 < call_.size ? row[k + 1] : int8_t{0};
          }
        }
      }
    });
  }

  // The activation, and for each thread a block of weights and the sums of a panel.
  size_t scratch_bytes() const { return x_bytes() + static_cast<size_t>(threads_) * thread_bytes(); }
  std::string implementation() const override { return "panels:avx512_bf16"; }

  void run(const KernelArguments& arguments) const override {
    auto* x = static_cast<Bf16*>(arguments.scratch);
    copy_activation(static_cast<const Bf16*>(arguments.inputs[call_.x_operand]), x);
    avx2::run_tasks(panels_, threads_, static_cast<char*>(arguments.scratch) + x_bytes(), thread_bytes(),
                    [&](int64_t panel, void* scratch) {
                      auto* sums = static_cast<float*>(scratch);
                      sum_panel(x, panel, sums, reinterpret_cast<Bf16*>(sums + sum_elements()));
                      const int64_t first = panel * kColumns;
                      call_.store_sums(arguments, 0, call_.rows, first, std::min(kColumns, call_.columns - first), sums,
                                       kColumns);
                    });
  }

 private:
  int64_t sum_elements() const { return call_.rows * kColumns; }
  size_t x_bytes() const { return avx2::whole_lines(static_cast<size_t>(call_.rows * step_) * sizeof(Bf16)); }
  size_t thread_bytes() const {
    return static_cast<size_t>(sum_elements()) * sizeof(float) + static_cast<size_t>(kBlock * kPairWide) * sizeof(Bf16);
  }

  void copy_activation(const Bf16* from, Bf16* x) const {
    for (int64_t m = 0; m < call_.rows; ++m) {
      Bf16* row = x + m * step_;
      for (int64_t k = 0; k < call_.size; ++k) row[k] = from[m * call_.x.strides[0] + k * call_.x.strides[1]];
      std::fill(row + call_.size, row + step_, Bf16{});
    }
  }

  void sum_panel(const Bf16* x, int64_t panel, float* sums, Bf16* weights) const {
    std::fill_n(sums, sum_elements(), 0.0f);
    const auto* packed = static_cast<const int8_t*>(weight_memory_.get()) + panel * pairs_ * kPairBytes;
    // What is read of the next block is asked for while this one is multiplied, some lines with each tile of rows.
    const int64_t tiles = (call_.rows + kTileRows - 1) / kTileRows,
                  ahead = (kBlock * kPairBytes / tiles + 63) / 64 * 64;
    for (int64_t k = 0; k < pairs_; k += kBlock) {
      const int64_t pairs = std::min(kBlock, pairs_ - k);
      const int8_t* next = packed + (k + pairs) * kPairBytes;
      widen(packed + k * kPairBytes, pairs, weights);
      for (int64_t m = 0; m < call_.rows; m += kTileRows, next += ahead) {
        for (int64_t byte = 0; byte < ahead; byte += 64)
          _mm_prefetch(reinterpret_cast<const char*>(next + byte), _MM_HINT_T1);
        const int64_t rows = std::min(kTileRows, call_.rows - m);
        kMultiply[static_cast<size_t>(rows - 1)](x + m * step_ + 2 * k, step_, weights, pairs, sums + m * kColumns);
      }
    }
  }

  WeightOnlyCall call_;
  int64_t pairs_ = 0, step_ = 0;  // of the depth; elements from one row of x in scratch to the next
  int64_t panels_ = 0;
  std::shared_ptr<const void> weight_memory_;
  int threads_ = 1;
};

}  // namespace

int8::Prepared make_weight_panels(PrepareContext& context, WeightOnlyCall call, const int8_t* weights) {
  auto kernel = std::make_unique<WeightPanels>(context, std::move(call), weights);
  context.request_scratch(kernel->scratch_bytes());
  return std::unique_ptr<Kernel>(std::move(kernel));
}

}  // namespace qrules::avx512

#endif
