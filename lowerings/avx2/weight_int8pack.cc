// aten._weight_int8pack_mm: an activation in floating point times s8 weights with a scale for each output. Weights are
// widened on their way into the sums, which are f32; a sum is scaled once and rounded once, as ATen does.

#include <qrules/lowerings/avx2/handlers.h>

#if defined(__x86_64__)

#include <algorithm>

#include <qrules/lowerings/avx2/target.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/elements.h>

namespace qrules {
namespace avx2 {
namespace {

using int8::Prepared;
using int8::refuse;

constexpr int64_t kLanes = 8;

QRULES_AVX2_INLINE __m256 widen8(const int8_t* weights) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights))));
}

QRULES_AVX2_INLINE float sum8(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
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
  WeightInt8Pack(PrepareContext& context, size_t x, size_t weight, size_t scales)
      : x_(x),
        weight_(weight),
        scales_(scales),
        x_layout_(context.input(x)),
        scales_layout_(context.input(scales)),
        out_layout_(context.output(0)),
        rows_(x_layout_.sizes[0]),
        size_(x_layout_.sizes[1]),
        columns_(context.input(weight).sizes[0]),
        step_((size_ + kLanes - 1) / kLanes * kLanes) {
    constexpr int64_t kWorthAThread = 50'000;  // multiplications
    threads_ = rows_ * size_ * columns_ < 2 * kWorthAThread ? 1 : context.threads();
  }

  size_t scratch_bytes() const { return static_cast<size_t>(rows_ * step_) * sizeof(float); }
  std::string implementation() const override { return "rows:avx2"; }

  void run(const KernelArguments& arguments) const override {
    auto* wide = static_cast<float*>(arguments.scratch);
    elements::visit_float(x_layout_.dtype, [&](auto tag) {
      const auto* from = static_cast<const typename decltype(tag)::type*>(arguments.inputs[x_]);
      for (int64_t m = 0; m < rows_; ++m) {
        for (int64_t k = 0; k < size_; ++k)
          wide[m * step_ + k] =
              static_cast<float>(elements::widen(from[m * x_layout_.strides[0] + k * x_layout_.strides[1]]));
        std::fill(wide + m * step_ + size_, wide + (m + 1) * step_, 0.0f);
      }
    });
    const int64_t blocks = (columns_ + kBlock - 1) / kBlock;
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
    const int64_t end = std::min(columns_, (block + 1) * kBlock);
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
    multiply<R, C>(wide + m * step_, step_, static_cast<const int8_t*>(arguments.inputs[weight_]) + n * size_, size_,
                   sums);
    for (int64_t c = 0; c < C; ++c) {
      const auto scale =
          elements::load<float>(arguments.inputs[scales_], scales_layout_.dtype, (n + c) * scales_layout_.strides[0]);
      for (int64_t r = 0; r < R; ++r) {
        elements::store(arguments.outputs[0], out_layout_.dtype,
                        (m + r) * out_layout_.strides[0] + (n + c) * out_layout_.strides[1], sums[r * C + c] * scale);
      }
    }
  }

  size_t x_, weight_, scales_;
  TensorLayout x_layout_, scales_layout_, out_layout_;
  int64_t rows_, size_, columns_, step_;
  int threads_ = 1;
};

class WeightInt8PackHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx2.weight_int8pack_mm"; }

  Prepared prepare(PrepareContext& context) const override {
    if (auto refusal = refuse_without_avx2()) return *refusal;
    if (__builtin_cpu_supports("avx512f")) return refuse("PyTorch's kernels for AVX512 are wider");
    const auto x = context.operand_of("self"), weight = context.operand_of("mat2"),
               scales = context.operand_of("scales");
    if (!x || !weight || !scales) return refuse("activation, weight and scales are tensors");
    const TensorLayout activation = context.input(*x), scale = context.input(*scales);
    const TensorLayout matrix = context.input(*weight);
    if (activation.sizes.size() != 2 || matrix.sizes.size() != 2 || matrix.sizes[1] != activation.sizes[1])
      return refuse("activation and weight are matrices with as many columns");
    if (activation.dtype != DType::f32 && activation.dtype != DType::bf16 && activation.dtype != DType::f16)
      return refuse("the activation is f32, bf16 or f16");
    if (matrix.dtype != DType::s8) return refuse("the weight is s8");
    if (scale.sizes.size() != 1 || scale.sizes[0] != matrix.sizes[0] || !is_floating(scale.dtype))
      return refuse("there is a scale for each row of the weight");
    context.require_layout(*weight, TensorLayout::contiguous(matrix.dtype, matrix.sizes));
    auto kernel = std::make_unique<WeightInt8Pack>(context, *x, *weight, *scales);
    context.request_scratch(kernel->scratch_bytes());
    return std::unique_ptr<Kernel>(std::move(kernel));
  }
};

}  // namespace

void add_weight_int8pack(HandlerRegistry& registry) {
  registry.add("aten._weight_int8pack_mm.default", std::make_shared<WeightInt8PackHandler>());
}

}  // namespace avx2
}  // namespace qrules

#endif
