// aten._weight_int8pack_mm and vector.weight_only_linear: an activation in floating point times s8 weights with a scale
// for each output. Few rows stream through the weights, which are widened on their way into the sums; for more rows a
// strip of weights is widened once. For an activation in bf16 see weight_rows.cc (few rows) and weight_panels.cc. Sums
// are f32; a sum is scaled once and rounded once, as ATen does.

#include <qrules/lowerings/avx512/handlers.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>

#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/vector_math.h>
#include <qrules/lowerings/avx512/weight_panels.h>
#include <qrules/lowerings/avx512/weight_rows.h>
#include <qrules/lowerings/elements.h>
#include <qrules/lowerings/weight_only_call.h>

namespace qrules {
namespace avx512 {
namespace {

using int8::Prepared;
using int8::refuse;

constexpr int64_t kColumns = 4, kRows = 6;  // of a tile: 24 registers of sums
constexpr int64_t kLanes = 16;
constexpr int64_t kAhead = 8;  // strips that memory is asked for before they are needed

QRULES_AVX512_INLINE __m512 widen16(__m128i bytes) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)); }

QRULES_AVX512_INLINE __m128i load16(const int8_t* from, int64_t count) {
  if (count >= 16) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return count <= 0 ? _mm_setzero_si128() : _mm_maskz_loadu_epi8(first_lanes(count), from);
}

template <int R>
QRULES_AVX512_INLINE void add_lanes(const __m512 (&sum)[R][kColumns], float* sums) {
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < kColumns; ++c) sums[r * kColumns + c] = _mm512_reduce_add_ps(sum[r][c]);
  }
}

// R rows of x, `x_step` apart and zero behind their end, with four rows of weights as they are.
template <int R>
QRULES_AVX512 void stream(const float* x, int64_t x_step, const int8_t* weights, int64_t size, float* sums) {
  __m512 sum[R][kColumns];
  for (auto& row : sum) std::fill(row, row + kColumns, _mm512_setzero_ps());
  for (int64_t k = 0; k < size; k += 16) {
    __m512 w[kColumns];
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) w[c] = widen16(load16(weights + c * size + k, size - k));
    _mm_prefetch(reinterpret_cast<const char*>(weights + kAhead * kColumns * size + k * kColumns), _MM_HINT_T1);
#pragma GCC unroll 3
    for (int r = 0; r < R; ++r) {
      const __m512 value = _mm512_loadu_ps(x + r * x_step + k);
#pragma GCC unroll 4
      for (int c = 0; c < kColumns; ++c) sum[r][c] = _mm512_fmadd_ps(value, w[c], sum[r][c]);
    }
  }
  add_lanes(sum, sums);
}

// `size` elements of a strip of weights, and zeros up to `depth`.
QRULES_AVX512 void widen(const int8_t* from, int64_t size, int64_t depth, float* to) {
  for (int64_t k = 0; k < depth; k += kLanes) _mm512_storeu_ps(to + k, widen16(load16(from + k, size - k)));
}

template <int R>
QRULES_AVX512 void multiply(const float* x, const float* weights, int64_t depth, int64_t step, float* sums) {
  __m512 sum[R][kColumns];
#pragma GCC unroll 24
  for (int i = 0; i < R * kColumns; ++i) sum[i / kColumns][i % kColumns] = _mm512_setzero_ps();
  for (int64_t k = 0; k < depth; k += kLanes) {
    __m512 w[kColumns];
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) w[c] = _mm512_loadu_ps(weights + c * step + k);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m512 value = _mm512_loadu_ps(x + r * step + k);
#pragma GCC unroll 4
      for (int c = 0; c < kColumns; ++c) sum[r][c] = _mm512_fmadd_ps(value, w[c], sum[r][c]);
    }
  }
  add_lanes(sum, sums);
}

using Multiply = void (*)(const float*, const float*, int64_t, int64_t, float*);
constexpr std::array<Multiply, kRows> kMultiply = {multiply<1>, multiply<2>, multiply<3>,
                                                   multiply<4>, multiply<5>, multiply<6>};

class WeightInt8Pack final : public Kernel {
 public:
  WeightInt8Pack(WeightOnlyCall call, int threads) : call_(std::move(call)) {
    constexpr int64_t kWorthAThread = 100'000;  // multiplications
    threads_ = call_.rows * call_.size * call_.columns < 2 * kWorthAThread ? 1 : threads;
    depth_ = (call_.size + kLanes - 1) / kLanes * kLanes;
    // Rows that lie a power of two apart would share the lines of a cache.
    step_ = depth_ + kLanes;
  }

  // The activation, and a strip of weights for each thread.
  size_t scratch_bytes() const { return x_bytes() + static_cast<size_t>(threads_) * strip_bytes(); }
  std::string implementation() const override { return call_.rows <= kStreamedRows ? "rows:avx512" : "tiles:avx512"; }

  void run(const KernelArguments& arguments) const override {
    auto* x = static_cast<float*>(arguments.scratch);
    widen_activation(arguments, x);
    const auto* weights = static_cast<const int8_t*>(arguments.inputs[call_.weight_operand]);
    avx2::run_neighbouring_strips((call_.columns + kColumns - 1) / kColumns, threads_,
                                  static_cast<char*>(arguments.scratch) + x_bytes(), strip_bytes(),
                                  [&](int64_t strip, void* scratch) {
                                    run_strip(arguments, x, weights, strip * kColumns, static_cast<float*>(scratch));
                                  });
  }

 private:
  size_t x_bytes() const { return avx2::whole_lines(static_cast<size_t>(call_.rows * step_) * sizeof(float)); }
  size_t strip_bytes() const { return avx2::whole_lines(static_cast<size_t>(kColumns * step_) * sizeof(float)); }

  void widen_activation(const KernelArguments& arguments, float* x) const {
    elements::visit_float(call_.x.dtype, [&](auto tag) {
      const auto* from = static_cast<const typename decltype(tag)::type*>(arguments.inputs[call_.x_operand]);
      for (int64_t m = 0; m < call_.rows; ++m) {
        const auto* row = from + m * call_.x.strides[0];
        for (int64_t k = 0; k < call_.size; ++k)
          x[m * step_ + k] = elements::convert<float>(row[k * call_.x.strides[1]]);
        std::fill(x + m * step_ + call_.size, x + (m + 1) * step_, 0.0f);
      }
    });
  }

  void run_strip(const KernelArguments& arguments, const float* x, const int8_t* weights, int64_t first,
                 float* strip) const {
    const int64_t count = std::min(kColumns, call_.columns - first);
    float sums[kRows * kColumns];
    // Sums of absent columns are not stored.
    const auto store = [&](int64_t m, int64_t rows) {
      call_.store_sums(arguments, m, rows, first, count, sums, kColumns);
    };
    if (call_.rows <= kStreamedRows && count == kColumns) {
      stream_rows(x, weights + first * call_.size, sums);
      return store(0, call_.rows);
    }
    for (int64_t c = 0; c < count; ++c)
      widen(weights + (first + c) * call_.size, call_.size, depth_, strip + c * step_);
    for (int64_t m = 0; m < call_.rows; m += kRows) {
      const int64_t rows = std::min(kRows, call_.rows - m);
      kMultiply[static_cast<size_t>(rows - 1)](x + m * step_, strip, depth_, step_, sums);
      store(m, rows);
    }
  }

  void stream_rows(const float* x, const int8_t* weights, float* sums) const {
    switch (call_.rows) {
      case 1: return stream<1>(x, step_, weights, call_.size, sums);
      case 2: return stream<2>(x, step_, weights, call_.size, sums);
      default: return stream<3>(x, step_, weights, call_.size, sums);
    }
  }

  WeightOnlyCall call_;
  int64_t depth_ = 0, step_ = 0;  // of rows in scratch: elements, from one to the next
  int threads_ = 1;
};

class WeightInt8PackHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx512.weight_int8pack_mm"; }

  Prepared prepare(PrepareContext& context) const override {
    if (!supported()) return refuse("this CPU has no AVX512");
    auto call = WeightOnlyCall::read(context);
    if (!call.ok()) return call.diagnostics();
    if (call->x.dtype == DType::bf16 && supports_bf16()) {
      const auto* weights = static_cast<const int8_t*>(int8::dense_constant(context, call->weight_operand));
      if (call->rows > kStreamedRows && weights) return make_weight_panels(context, std::move(*call), weights);
      if (call->rows <= kStreamedRows && supports_vbmi()) return make_weight_rows(context, std::move(*call), weights);
    }
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

}  // namespace avx512
}  // namespace qrules

#endif
