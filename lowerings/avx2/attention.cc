// vector.attention: softmax(q k * scale + mask) v for each head, a block of rows at a time, so that scores never leave
// the caches. Rows of the result lie as [batch][row][head][column]: the transposition and reshape that follow in a
// transformer are views. Integers of vector.qattention are multiplied as floats: their sums are exact up to 2^24, and
// rounded beyond.

#include <qrules/lowerings/avx2/handlers.h>

#if defined(__x86_64__)

#include <algorithm>
#include <cmath>
#include <limits>

#include <qrules/lowerings/avx2/attention.h>
#include <qrules/lowerings/avx2/float_tile.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx2/vector_math.h>
#include <qrules/lowerings/elements.h>

namespace qrules {
namespace avx2 {
namespace {

using int8::Prepared;
using int8::refuse;

constexpr int64_t kBlockRows = 4 * kFloatTileRows;

struct Sizes {
  int64_t heads = 0, rows = 0, depth = 0, keys = 0, columns = 0;  // as in AttentionCall
  int64_t padded_keys() const { return (keys + kPanelColumns - 1) / kPanelColumns * kPanelColumns; }
  int64_t padded_columns() const { return (columns + kPanelColumns - 1) / kPanelColumns * kPanelColumns; }
};

// scores = scores * scale + mask, then e^(score - the largest). Returns the sum; NaN scores make it NaN.
QRULES_AVX2 float exponentials(float* scores, int64_t count, float scale, const float* mask, int64_t mask_step) {
  const __m256 factor = _mm256_set1_ps(scale);
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  __m256 largest8 = _mm256_set1_ps(kLowest);
  float largest = kLowest;
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m256 s = _mm256_mul_ps(_mm256_loadu_ps(scores + i), factor);
    if (mask_step == 1) s = _mm256_add_ps(s, _mm256_loadu_ps(mask + i));
    _mm256_storeu_ps(scores + i, s);
    largest8 = _mm256_max_ps(s, largest8);  // a NaN is passed over here and found in the sum
  }
  for (; i < count; ++i) {
    scores[i] *= scale;
    if (mask_step == 1) scores[i] += mask[i];
    largest = std::max(largest, scores[i]);
  }
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, largest8);
  for (const float lane : lanes) largest = std::max(largest, lane);

  const __m256 top = _mm256_set1_ps(largest);
  __m256 sums = _mm256_setzero_ps();
  for (i = 0; i + 8 <= count; i += 8) {
    const __m256 e = exp_below_zero8(_mm256_sub_ps(_mm256_loadu_ps(scores + i), top));
    _mm256_storeu_ps(scores + i, e);
    sums = _mm256_add_ps(sums, e);
  }
  float sum = 0;
  if (i < count) {
    alignas(32) float rest[8];
    std::fill(rest, rest + 8, kLowest);
    std::copy(scores + i, scores + count, rest);
    _mm256_store_ps(rest, exp_below_zero8(_mm256_sub_ps(_mm256_load_ps(rest), top)));
    for (int64_t k = 0; i + k < count; ++k) sum += scores[i + k] = rest[k];
  }
  _mm256_store_ps(lanes, sums);
  for (const float lane : lanes) sum += lane;
  return sum;
}

// How elements of an operand become floats.
struct Widen {
  template <typename T>
  float operator()(T element) const {
    return elements::widen(element);
  }
};
struct Difference {
  QuantizedBytes of;
  float operator()(uint8_t element) const { return static_cast<float>(of.difference(element)); }
};

// Probabilities as the integers they are quantized to, less the zero point; NaN is the integer 0.
QRULES_AVX2 void quantize_weights(float* weights, int64_t count, float inverse_sum,
                                  const AttentionQuantization& quantization) {
  const auto zero_point = static_cast<float>(quantization.weights_zero_point);
  const __m256 shift = _mm256_set1_ps(zero_point);
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 scaled = _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(weights + i), _mm256_set1_ps(inverse_sum)),
                                        _mm256_set1_ps(quantization.inverse_weights_scale));
    const __m256 value = _mm256_add_ps(_mm256_round_ps(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), shift);
    // Of a NaN the lower bound is left, which is the second operand.
    const __m256 bounded = _mm256_min_ps(_mm256_max_ps(value, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
    _mm256_storeu_ps(weights + i, _mm256_sub_ps(bounded, shift));
  }
  for (; i < count; ++i) {
    const float value =
        elements::round_half_even(weights[i] * inverse_sum * quantization.inverse_weights_scale) + zero_point;
    weights[i] = (value > 0 ? std::min(value, 255.0f) : 0.0f) - zero_point;
  }
}

// The largest of some integers is taken away from all: what weighs most in a softmax is near it, and stays exact when
// it is scaled.
QRULES_AVX2 void subtract_largest(float* scores, int64_t count) {
  const float largest = *std::max_element(scores, scores + count);
  for (int64_t i = 0; i < count; ++i) scores[i] -= largest;
}

class AttentionKernel final : public Kernel {
 public:
  AttentionKernel(const AttentionCall& call, const BatchedMatrices& out, Epilogue epilogue, int threads)
      : q_(call.q, call.batch),
        k_(call.k, call.batch),
        v_(call.v, call.batch),
        out_(out, call.batch),
        dtype_(call.dtype),
        mask_dtype_(call.mask_dtype),
        scale_(static_cast<float>(call.scale)),
        quantization_(call.quantization),
        epilogue_(std::move(epilogue)) {
    const Sizes sizes{static_cast<int64_t>(q_.starts.size()), call.rows, call.depth, call.keys, call.columns};
    sizes_ = sizes;
    if (call.mask) mask_.emplace(*call.mask, call.batch);
    constexpr int64_t kWorthAThread = 100'000;  // multiplications
    const int64_t work = sizes.heads * sizes.rows * sizes.keys * (sizes.depth + sizes.columns);
    threads_ = work < 2 * kWorthAThread ? 1 : threads;
    // Few heads are split, each part packs the head's keys and values for itself.
    const int64_t blocks = (sizes.rows + kBlockRows - 1) / kBlockRows;
    if (sizes.heads % threads_ != 0 && sizes.heads < int64_t{4} * threads_)
      parts_ = std::min<int64_t>(blocks, threads_);
    blocks_of_a_part_ = (blocks + parts_ - 1) / parts_;
  }

  size_t scratch_bytes() const { return static_cast<size_t>(threads_) * thread_bytes(); }
  std::string implementation() const override { return "tiles:avx2"; }

  void run(const KernelArguments& arguments) const override {
    const int64_t tasks = sizes_.heads * parts_;
    run_tasks(tasks, threads_, arguments.scratch, thread_bytes(), [&](int64_t task, void* scratch) {
      const int64_t head = task / parts_, part = task % parts_;
      auto* memory = static_cast<float*>(scratch);
      if (dtype_ == DType::u8 && mask_dtype_ == DType::f32)
        run_task<uint8_t, float>(arguments, head, part, memory);
      else if (dtype_ == DType::u8)
        run_task<uint8_t, elements::Bf16>(arguments, head, part, memory);
      else if (dtype_ == DType::f32)
        run_task<float, float>(arguments, head, part, memory);
      else if (mask_dtype_ == DType::f32)
        run_task<elements::Bf16, float>(arguments, head, part, memory);
      else
        run_task<elements::Bf16, elements::Bf16>(arguments, head, part, memory);
    });
  }

 private:
  // Keys, values, a block of queries and its scores.
  int64_t key_elements() const { return sizes_.depth * sizes_.padded_keys(); }
  int64_t value_elements() const { return sizes_.keys * sizes_.padded_columns(); }
  int64_t query_elements() const { return kBlockRows * sizes_.depth; }
  size_t thread_bytes() const {
    const int64_t elements = key_elements() + value_elements() + query_elements() + kBlockRows * sizes_.padded_keys();
    return whole_lines(static_cast<size_t>(elements) * sizeof(float));
  }

  template <typename T>
  auto reader(QuantizedBytes AttentionQuantization::*operand) const {
    if constexpr (std::is_same_v<T, uint8_t>)
      return Difference{(*quantization_).*operand};
    else
      return Widen{};
  }

  template <typename T, typename Mask>
  void run_task(const KernelArguments& arguments, int64_t head, int64_t part, float* scratch) const {
    float *keys = scratch, *values = keys + key_elements(), *queries = values + value_elements(),
          *scores = queries + query_elements();
    const auto read_query = reader<T>(&AttentionQuantization::q);
    pack_float_panels(k_.start<T>(arguments, head), k_.row_step, k_.column_step, sizes_.depth, sizes_.keys, keys,
                      reader<T>(&AttentionQuantization::k));
    pack_float_panels(v_.start<T>(arguments, head), v_.row_step, v_.column_step, sizes_.keys, sizes_.columns, values,
                      reader<T>(&AttentionQuantization::v));
    const T* q = q_.start<T>(arguments, head);
    const Mask* mask = mask_ ? mask_->start<Mask>(arguments, head) : nullptr;
    const int64_t end = std::min(sizes_.rows, (part + 1) * blocks_of_a_part_ * kBlockRows);
    for (int64_t first = part * blocks_of_a_part_ * kBlockRows; first < end; first += kBlockRows) {
      const int64_t count = std::min(kBlockRows, end - first);
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t d = 0; d < sizes_.depth; ++d)
          queries[r * sizes_.depth + d] = read_query(q[(first + r) * q_.row_step + d * q_.column_step]);
      }
      const int64_t step = sizes_.padded_keys();
      for (int64_t column = 0; column < sizes_.keys; column += kPanelColumns) {
        for (int64_t r = 0; r < count; r += kFloatTileRows)
          multiply_tile(std::min(kFloatTileRows, count - r), queries + r * sizes_.depth, sizes_.depth,
                        keys + column * sizes_.depth, sizes_.depth, scores + r * step + column, step);
      }
      float factors[kBlockRows];
      for (int64_t r = 0; r < count; ++r) {
        if (quantization_) subtract_largest(scores + r * step, sizes_.keys);
        factors[r] = 1.0f / exponentials_of(scores + r * step, mask, first + r);
        if (!quantization_) continue;
        quantize_weights(scores + r * step, sizes_.keys, factors[r], *quantization_);
        factors[r] = static_cast<float>(quantization_->weights_scale * quantization_->v.scale);
      }
      store_products(arguments, head, first, count, scores, values, factors);
    }
  }

  template <typename T>
  float exponentials_of(float* scores, const T* mask, int64_t row) const {
    const T* line = mask ? mask + row * mask_->row_step : nullptr;
    if (!mask) return exponentials(scores, sizes_.keys, scale_, nullptr, 0);
    if constexpr (std::is_same_v<T, float>) {
      if (mask_->column_step == 1) return exponentials(scores, sizes_.keys, scale_, line, 1);
    }
    for (int64_t t = 0; t < sizes_.keys; ++t)
      scores[t] = scores[t] * scale_ + elements::widen(line[t * mask_->column_step]);
    return exponentials(scores, sizes_.keys, 1.0f, nullptr, 0);
  }

  void store_products(const KernelArguments& arguments, int64_t head, int64_t first, int64_t count, const float* scores,
                      const float* values, const float* factors) const {
    const EpilogueRun output{&epilogue_, arguments.outputs[0], nullptr};
    const int64_t step = sizes_.padded_keys();
    alignas(32) float products[kFloatTileRows * kPanelColumns];
    for (int64_t column = 0; column < sizes_.columns; column += kPanelColumns) {
      const int64_t width = std::min(kPanelColumns, sizes_.columns - column);
      for (int64_t r = 0; r < count; r += kFloatTileRows) {
        const int64_t tile = std::min(kFloatTileRows, count - r);
        multiply_tile(tile, scores + r * step, step, values + column * sizes_.keys, sizes_.keys, products,
                      kPanelColumns);
        for (int64_t i = 0; i < tile; ++i) {
          output.store_values(products + i * kPanelColumns, factors[r + i], width,
                              out_.starts[static_cast<size_t>(head)] + (first + r + i) * out_.row_step + column);
        }
      }
    }
  }

  Sizes sizes_;
  HeadMatrices q_, k_, v_;
  std::optional<HeadMatrices> mask_;
  HeadMatrices out_;
  DType dtype_ = DType::f32;  // of q, k and v
  DType mask_dtype_ = DType::f32;
  float scale_ = 1;
  std::optional<AttentionQuantization> quantization_;
  Epilogue epilogue_;
  int64_t parts_ = 1, blocks_of_a_part_ = 1;
  int threads_ = 1;
};

class AttentionHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx2.attention"; }

  Prepared prepare(PrepareContext& context) const override {
    if (auto refusal = refuse_without_avx2()) return *refusal;
    auto attention = PreparedAttention::make(context);
    if (!attention.ok()) return attention.diagnostics();
    auto kernel = std::make_unique<AttentionKernel>(attention->call, attention->results, std::move(attention->epilogue),
                                                    context.threads());
    context.request_scratch(kernel->scratch_bytes());
    return std::unique_ptr<Kernel>(std::move(kernel));
  }
};

}  // namespace

Result<PreparedAttention> PreparedAttention::make(PrepareContext& context) {
  auto call = AttentionCall::read(context);
  if (!call.ok()) return call.diagnostics();
  TensorLayout& out = context.output(0);
  if (out.element_count() == 0 || call->keys == 0) return refuse("there are no elements");
  int8::Int8Call output;
  if (auto status = int8::read_output(context, output); !status.ok()) return status.diagnostics();
  const bool integers = call->quantization.has_value();
  if (integers) output.scales = {static_cast<float>(call->quantization->weights_scale * call->quantization->v.scale)};
  auto epilogue = Epilogue::make(context, output, integers ? 1 : 0);
  if (!epilogue.ok()) return epilogue.diagnostics();
  if (out.sizes.size() == 4) {
    const int64_t row = call->columns * out.sizes[1];
    out.strides = {row * call->rows, call->columns, row, 1};
  }
  const auto results = BatchedMatrices::of(out, 0, call->batch, call->rows, call->columns);
  return PreparedAttention{std::move(*call), *results, std::move(*epilogue)};
}

void add_attention(HandlerRegistry& registry) {
  const auto handler = std::make_shared<AttentionHandler>();
  registry.add("vector.attention.default", handler);
  registry.add("vector.qattention.default", handler);
}

}  // namespace avx2
}  // namespace qrules

#endif
