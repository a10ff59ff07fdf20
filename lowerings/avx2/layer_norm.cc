// vector.layer_norm: a row is read three times from the first-level cache, for its mean, for its deviation and for the
// result.

#include <qrules/lowerings/avx2/handlers.h>

#if defined(__x86_64__)

#include <algorithm>
#include <cmath>

#include <qrules/lowerings/avx2/epilogue.h>
#include <qrules/lowerings/avx2/load.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx2/vector_math.h>
#include <qrules/lowerings/elements.h>
#include <qrules/lowerings/layer_norm_call.h>

namespace qrules {
namespace avx2 {
namespace {

using int8::Prepared;
using int8::refuse;

constexpr int64_t kLanes = 8;

template <typename T>
QRULES_AVX2 float mean_of(const T* x, int64_t size) {
  __m256 a = _mm256_setzero_ps(), b = a;
  int64_t i = 0;
  for (; i + 2 * kLanes <= size; i += 2 * kLanes) {
    a = _mm256_add_ps(a, load8(x + i));
    b = _mm256_add_ps(b, load8(x + i + kLanes));
  }
  float sum = sum8(_mm256_add_ps(a, b));
  for (; i < size; ++i) sum += elements::widen(x[i]);
  return sum / static_cast<float>(size);
}

template <typename T>
QRULES_AVX2 float mean_square(const T* x, int64_t size, float mean) {
  const __m256 center = _mm256_set1_ps(mean);
  __m256 a = _mm256_setzero_ps(), b = a;
  int64_t i = 0;
  for (; i + 2 * kLanes <= size; i += 2 * kLanes) {
    const __m256 first = _mm256_sub_ps(load8(x + i), center), second = _mm256_sub_ps(load8(x + i + kLanes), center);
    a = _mm256_fmadd_ps(first, first, a);
    b = _mm256_fmadd_ps(second, second, b);
  }
  float sum = sum8(_mm256_add_ps(a, b));
  for (; i < size; ++i) {
    const float distance = elements::widen(x[i]) - mean;
    sum += distance * distance;
  }
  return sum / static_cast<float>(size);
}

// (x - mean) * factor * weight + bias.
template <typename T>
QRULES_AVX2 void normalise(const T* x, int64_t size, float mean, float factor, const float* weight, const float* bias,
                           float* to) {
  const __m256 center = _mm256_set1_ps(mean), scale = _mm256_set1_ps(factor);
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    const __m256 v = _mm256_mul_ps(_mm256_sub_ps(load8(x + i), center), scale);
    _mm256_storeu_ps(to + i, _mm256_fmadd_ps(v, _mm256_loadu_ps(weight + i), _mm256_loadu_ps(bias + i)));
  }
  for (; i < size; ++i) to[i] = std::fma((elements::widen(x[i]) - mean) * factor, weight[i], bias[i]);
}

class LayerNormKernel final : public Kernel {
 public:
  LayerNormKernel(const LayerNormCall& call, Epilogue epilogue, int threads)
      : call_(call), epilogue_(std::move(epilogue)) {
    constexpr int64_t kWorthAThread = 32'000;  // elements
    threads_ = call.rows * call.size < 2 * kWorthAThread ? 1 : threads;
  }

  // Weight and bias in f32, and a row of results for each thread.
  size_t scratch_bytes() const { return (2 + static_cast<size_t>(threads_)) * row_bytes(); }
  std::string implementation() const override { return "rows:avx2"; }

  void run(const KernelArguments& arguments) const override {
    auto* rows = static_cast<char*>(arguments.scratch);
    const float* weight = floats_of(arguments, call_.weight, call_.weight_dtype, 1, rows);
    const float* bias = floats_of(arguments, call_.bias, call_.bias_dtype, 0, rows + row_bytes());
    const int64_t rows_of_a_task = (call_.rows + threads_ - 1) / threads_;
    run_tasks(threads_, threads_, rows + 2 * row_bytes(), row_bytes(), [&](int64_t task, void* scratch) {
      auto* values = static_cast<float*>(scratch);
      const int64_t end = std::min(call_.rows, (task + 1) * rows_of_a_task);
      if (call_.dtype == DType::f32)
        run_rows<float>(arguments, weight, bias, values, task * rows_of_a_task, end);
      else
        run_rows<elements::Bf16>(arguments, weight, bias, values, task * rows_of_a_task, end);
    });
  }

 private:
  size_t row_bytes() const { return whole_lines(static_cast<size_t>(call_.size) * sizeof(float)); }

  // The elements of a weight or bias: where they are, or in `scratch`.
  const float* floats_of(const KernelArguments& arguments, const std::optional<size_t>& operand, DType dtype,
                         float otherwise, void* scratch) const {
    if (operand && dtype == DType::f32) return static_cast<const float*>(arguments.inputs[*operand]);
    auto* to = static_cast<float*>(scratch);
    for (int64_t i = 0; i < call_.size; ++i)
      to[i] = operand ? elements::load<float>(arguments.inputs[*operand], dtype, i) : otherwise;
    return to;
  }

  template <typename T>
  void run_rows(const KernelArguments& arguments, const float* weight, const float* bias, float* values, int64_t first,
                int64_t end) const {
    const EpilogueRun output{&epilogue_, arguments.outputs[0], nullptr};
    const T* x = static_cast<const T*>(arguments.inputs[call_.x]);
    for (int64_t row = first; row < end; ++row) {
      const T* from = x + row * call_.size;
      const float mean = call_.centered ? mean_of(from, call_.size) : 0.0f;
      const float factor = 1.0f / std::sqrt(mean_square(from, call_.size, mean) + static_cast<float>(call_.eps));
      normalise(from, call_.size, mean, factor, weight, bias, values);
      output.store_values(values, 1.0f, call_.size, row * call_.size);
    }
  }

  LayerNormCall call_;
  Epilogue epilogue_;
  int threads_ = 1;
};

class LayerNormHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx2.layer_norm"; }

  Prepared prepare(PrepareContext& context) const override {
    if (auto refusal = refuse_without_avx2()) return *refusal;
    const auto call = LayerNormCall::read(context);
    if (!call.ok()) return call.diagnostics();
    if (call->rows == 0) return refuse("there are no elements");
    int8::Int8Call output;
    if (auto status = int8::read_output(context, output); !status.ok()) return status.diagnostics();
    auto epilogue = Epilogue::make(context, output, 0);
    if (!epilogue.ok()) return epilogue.diagnostics();
    TensorLayout& out = context.output(0);
    out = TensorLayout::contiguous(out.dtype, out.sizes);
    auto kernel = std::make_unique<LayerNormKernel>(*call, std::move(*epilogue), context.threads());
    context.request_scratch(kernel->scratch_bytes());
    return std::unique_ptr<Kernel>(std::move(kernel));
  }
};

}  // namespace

void add_layer_norm(HandlerRegistry& registry) {
  registry.add("vector.layer_norm.default", std::make_shared<LayerNormHandler>());
}

}  // namespace avx2
}  // namespace qrules

#endif
