// aten._weight_int8pack_mm and vector.weight_only_linear: an activation in floating point times s8 weights with a scale
// for each output. Weights are widened on their way into the sums, which are f32; a sum is scaled once and rounded
// once, as ATen does.

#include <qrules/lowerings/avx2/handlers.h>

#if defined(__x86_64__)

#include <algorithm>

#include <qrules/lowerings/avx2/target.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx2/vector_math.h>
#include <qrules/lowerings/elements.h>
#include <qrules/lowerings/weight_only_call.h>

namespace qrules {
namespace avx2 {
namespace {

using int8::Prepared;
using int8::refuse;

constexpr int64_t kLanes = 8;

QRULES_AVX2_INLINE __m256 widen8(const int8_t* weights) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights))));
}

// sums[r * C + c] of R rows of x, `x_step` apart and zero from `size` to a multiple of eight, with C rows of weights.
template <int R, int C>
QRULES_AVX2 void multiply(const float* x, int64_t x_step, const int8_t* weights, int64_t size, float* sums) {
  __m256 sum[R][C];
#pragma GCC unroll 8
  for (int i = 0; i < R * C; ++i) sum[i / C][i % C] = _mm256_setzero_ps();
  const int64_t whole = size / kLanes * kLanes;
  for (int64_t k = 0; k < whole; k += kLanes) {
    __m256 w[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) w[c] = widen8(weights + c * size + k);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const __m256 value = _mm256_loadu_ps(x + r * x_step + k);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[r][c] = _mm256_fmadd_ps(value, w[c], sum[r][c]);
    }
  }
  if (whole < size) {
    for (int c = 0; c < C; ++c) {
      int8_t rest[kLanes] = {};
      std::copy(weights + c * size + whole, weights + (c + 1) * size, rest);
      for (int r = 0; r < R; ++r)
        sum[r][c] = _mm256_fmadd_ps(_mm256_loadu_ps(x + r * x_step + whole), widen8(rest), sum[r][c]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sums[r * C + c] = sum8(sum[r][c]);
  }
}

class WeightInt8Pack final : public Kernel {
 public:
  WeightInt8Pack(WeightOnlyCall call, int threads)
      : call_(std::move(call)), rows_(call_.rows), size_(call_.size), step_((size_ + kLanes - 1) / kLanes * kLanes) {
    constexpr int64_t kWorthAThread = 50'000;  // multiplications
    threads_ = rows_ * size_ * call_.columns < 2 * kWorthAThread ? 1 : threads;
  }

  size_t scratch_bytes() const { return static_cast<size_t>(rows_ * step_) * sizeof(float); }
  std::string implementation() const override { return "rows:avx2"; }

  void run(const KernelArguments& arguments) const override {
    auto* wide = static_cast<float*>(arguments.scratch);
    elements::visit_float(call_.x.dtype, [&](auto tag) {
      const auto* from = static_cast<const typename decltype(tag)::type*>(arguments.inputs[call_.x_operand]);
      for (int64_t m = 0; m < rows_; ++m) {
        for (int64_t k = 0; k < size_; ++k)
          wide[m * step_ + k] =
              static_cast<float>(elements::widen(from[m * call_.x.strides[0] + k * call_.x.strides[1]]));
        std::fill(wide + m * step_ + size_, wide + (m + 1) * step_, 0.0f);
      }
    });
    const int64_t blocks = (call_.columns + kBlock - 1) / kBlock;
    if (threads_ == 1) {
      for (int64_t block = 0; block < blocks; ++block) run_block(arguments, wide, block);
      return;
    }
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (int64_t block = 0; block < blocks; ++block) run_block(arguments, wide, block);
  }

 private:
  static constexpr int64_t kBlock = 4;  // columns

  // One row meets four columns at once, several rows two: as many sums as registers hold.
  void run_block(const KernelArguments& arguments, const float* wide, int64_t block) const {
    const int64_t end = std::min(call_.columns, (block + 1) * kBlock);
    int64_t n = block * kBlock;
    if (rows_ == 1 && end - n == kBlock) {
      store_tile<1, 4>(arguments, wide, 0, n);
      return;
    }
    for (; n + 2 <= end; n += 2) store_columns<2>(arguments, wide, n);
    if (n < end) store_columns<1>(arguments, wide, n);
  }

  template <int C>
  void store_columns(const KernelArguments& arguments, const float* wide, int64_t n) const {
    int64_t m = 0;
    for (; m + 4 <= rows_; m += 4) store_tile<4, C>(arguments, wide, m, n);
    for (; m < rows_; ++m) store_tile<1, C>(arguments, wide, m, n);
  }

  template <int R, int C>
  void store_tile(const KernelArguments& arguments, const float* wide, int64_t m, int64_t n) const {
    float sums[R * C];
    multiply<R, C>(wide + m * step_, step_,
                   static_cast<const int8_t*>(arguments.inputs[call_.weight_operand]) + n * size_, size_, sums);
    call_.store_sums(arguments, m, R, n, C, sums, C);
  }

  WeightOnlyCall call_;
  int64_t rows_, size_, step_;
  int threads_ = 1;
};

class WeightInt8PackHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx2.weight_int8pack_mm"; }

  Prepared prepare(PrepareContext& context) const override {
    if (auto refusal = refuse_without_avx2()) return *refusal;
    auto call = WeightOnlyCall::read(context);
    if (!call.ok()) return call.diagnostics();
    auto kernel = std::make_unique<WeightInt8Pack>(std::move(*call), context.threads());
    context.request_scratch(kernel->scratch_bytes());
    return std::unique_ptr<Kernel>(std::move(kernel));
  }
};

}  // namespace

void add_weight_int8pack(HandlerRegistry& registry) {
  for (const char* op : {"aten._weight_int8pack_mm.default", "vector.weight_only_linear.default"})
    registry.add(op, std::make_shared<WeightInt8PackHandler>());
}

}  // namespace avx2
}  // namespace qrules

#endif
