// Weights are read as they lie and widened to bf16 in registers: the upper and the lower byte of each are looked up by
// its magnitude, in tables of 128. That takes fewer instructions than a conversion, through f32, would. Bytes are
// joined within lanes of sixteen, which leaves elements in another order; the activation is put in the same one.

#include <qrules/lowerings/avx512/weight_rows.h>

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

constexpr int64_t kColumns = 2, kDepth = 64;  // of a strip; of the weights that are widened at once
constexpr int64_t kAhead = 4;                 // strips that memory is asked for before they are needed
constexpr int64_t kWorthAThread = 100'000;    // multiplications

struct Tables {
  alignas(64) std::array<uint8_t, 128> upper{}, lower{};

  Tables() {
    for (size_t i = 0; i < upper.size(); ++i) {
      const uint16_t bits = elements::convert<Bf16>(static_cast<float>(i)).bits;
      upper[i] = static_cast<uint8_t>(bits >> 8);
      lower[i] = static_cast<uint8_t>(bits & 0xff);
    }
  }
};

QRULES_AVX512_VBMI_INLINE __m512bh as_halves(__m512i v) { return reinterpret_cast<const __m512bh&>(v); }

// Sums of R rows of x, `step` apart, with C rows of weights of `size` elements. Behind the last element x is zero.
// kLowest: there may be weights of -128, whose magnitude has no place in the tables.
template <int R, int C, bool kLowest>
QRULES_AVX512_VBMI void sum_strip(const Tables& tables, const Bf16* x, int64_t step, const int8_t* weights,
                                  int64_t size, float* sums) {
  const __m512i upper0 = _mm512_load_si512(tables.upper.data()), upper1 = _mm512_load_si512(tables.upper.data() + 64),
                lower0 = _mm512_load_si512(tables.lower.data()), lower1 = _mm512_load_si512(tables.lower.data() + 64),
                sign = _mm512_set1_epi8(-128), upper_of_lowest = _mm512_set1_epi8(0x43);
  __m512 sum[R][C];
#pragma GCC unroll 6
  for (int i = 0; i < R * C; ++i) sum[i / C][i % C] = _mm512_setzero_ps();
  for (int64_t k = 0; k < size; k += kDepth) {
    const int64_t left = size - k;
    const __mmask64 lanes = left >= kDepth ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c) {
      const int8_t* from = weights + c * size + k;
      const __m512i w = _mm512_maskz_loadu_epi8(lanes, from), magnitude = _mm512_abs_epi8(w);
      __m512i upper = _mm512_permutex2var_epi8(upper0, magnitude, upper1);
      const __m512i lower = _mm512_permutex2var_epi8(lower0, magnitude, lower1);
      if constexpr (kLowest) upper = _mm512_mask_mov_epi8(upper, _mm512_cmpeq_epi8_mask(w, sign), upper_of_lowest);
      upper = _mm512_ternarylogic_epi32(upper, w, sign, 0xf8);  // upper | (w & sign)
      const __m512bh first = as_halves(_mm512_unpacklo_epi8(lower, upper)),
                     second = as_halves(_mm512_unpackhi_epi8(lower, upper));
      _mm_prefetch(reinterpret_cast<const char*>(weights + kAhead * C * size + k * C + c * kDepth), _MM_HINT_T1);
#pragma GCC unroll 3
      for (int r = 0; r < R; ++r) {
        const Bf16* row = x + r * step + k;
        sum[r][c] = _mm512_dpbf16_ps(sum[r][c], as_halves(_mm512_loadu_si512(row)), first);
        sum[r][c] = _mm512_dpbf16_ps(sum[r][c], as_halves(_mm512_loadu_si512(row + 32)), second);
      }
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < R * C; ++i) sums[i] = _mm512_reduce_add_ps(sum[i / C][i % C]);
}

using SumStrip = void (*)(const Tables&, const Bf16*, int64_t, const int8_t*, int64_t, float*);

template <int C, bool kLowest>
constexpr std::array<SumStrip, kStreamedRows> kOfRows = {sum_strip<1, C, kLowest>, sum_strip<2, C, kLowest>,
                                                         sum_strip<3, C, kLowest>};

class WeightRows final : public Kernel {
 public:
  WeightRows(PrepareContext& context, WeightOnlyCall call, const int8_t* weights) : call_(std::move(call)) {
    threads_ = call_.rows * call_.size * call_.columns < 2 * kWorthAThread ? 1 : context.threads();
    step_ = (call_.size + kDepth - 1) / kDepth * kDepth;
    if (!weights) return;
    // Looked for once: a plan cache keeps the answer.
    const auto answer = context.packed("avx512 has lowest weights", 1, [&](void* to) {
      const bool found = std::memchr(weights, 0x80, static_cast<size_t>(call_.columns * call_.size)) != nullptr;
      *static_cast<char*>(to) = found ? 1 : 0;
    });
    lowest_ = *static_cast<const char*>(answer.get()) != 0;
  }

  size_t scratch_bytes() const { return static_cast<size_t>(call_.rows * step_) * sizeof(Bf16); }
  std::string implementation() const override { return "rows:avx512_bf16"; }

  void run(const KernelArguments& arguments) const override {
    if (call_.rows == 0) return;
    auto* x = static_cast<Bf16*>(arguments.scratch);
    order_activation(static_cast<const Bf16*>(arguments.inputs[call_.x_operand]), x);
    const auto* weights = static_cast<const int8_t*>(arguments.inputs[call_.weight_operand]);
    avx2::run_neighbouring_strips((call_.columns + kColumns - 1) / kColumns, threads_, nullptr, 0,
                                  [&](int64_t strip, void*) { run_strip(arguments, x, weights, strip * kColumns); });
  }

 private:
  // Of each lane of sixteen elements the first halves of four lanes, then the second ones.
  void order_activation(const Bf16* from, Bf16* to) const {
    for (int64_t m = 0; m < call_.rows; ++m, to += step_) {
      const Bf16* row = from + m * call_.x.strides[0];
      std::fill_n(to, step_, Bf16{});
      for (int64_t k = 0; k < call_.size; ++k) {
        const int64_t lane = k % kDepth / 16, half = k % 16 / 8;
        to[k / kDepth * kDepth + half * 32 + lane * 8 + k % 8] = row[k * call_.x.strides[1]];
      }
    }
  }

  void run_strip(const KernelArguments& arguments, const Bf16* x, const int8_t* weights, int64_t first) const {
    const int64_t count = std::min(kColumns, call_.columns - first);
    float sums[kStreamedRows * kColumns];
    const auto& of_rows = count == kColumns ? lowest_ ? kOfRows<kColumns, true> : kOfRows<kColumns, false>
                          : lowest_ ? kOfRows<1, true>
                                            : kOfRows<1, false>;
    of_rows[static_cast<size_t>(call_.rows - 1)](tables_, x, step_, weights + first * call_.size, call_.size, sums);
    call_.store_sums(arguments, 0, call_.rows, first, count, sums, count);
  }

  WeightOnlyCall call_;
  Tables tables_;
  int64_t step_ = 0;  // elements from one row of x in scratch to the next
  bool lowest_ = true;
  int threads_ = 1;
};

}  // namespace

int8::Prepared make_weight_rows(PrepareContext& context, WeightOnlyCall call, const int8_t* weights) {
  auto kernel = std::make_unique<WeightRows>(context, std::move(call), weights);
  context.request_scratch(kernel->scratch_bytes());
  return std::unique_ptr<Kernel>(std::move(kernel));
}

}  // namespace qrules::avx512

#endif
