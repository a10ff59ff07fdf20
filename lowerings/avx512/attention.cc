// vector.attention with AVX512. Scores of a block of queries lie transposed, a row for each key with the queries in
// lanes: keys and values are read as they lie, the softmax runs along lanes, and only queries are packed.

#include <qrules/lowerings/avx512/handlers.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <qrules/lowerings/avx2/attention.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/single_queries.h>
#include <qrules/lowerings/avx512/vector_math.h>
#include <qrules/lowerings/elements.h>

namespace qrules {
namespace avx512 {
namespace {

using int8::Prepared;
using int8::refuse;

constexpr int64_t kLanes = 16, kGroups = 4, kBlock = kLanes * kGroups;  // queries of a block
constexpr int kTileRows = 6;                                            // keys of scores, queries of results
constexpr int64_t kSingleQueries = 4;                                   // at most: they are worth no block

int64_t whole_lanes(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// to[r * to_step + lane] = sum over k of rows[r * row_step + k * k_step] * panel[k * panel_step + lane], of R rows and
// C times 16 lanes.
template <int R, int C>
QRULES_AVX512 void multiply(const float* rows, int64_t row_step, int64_t k_step, const float* panel, int64_t panel_step,
                            int64_t depth, float* to, int64_t to_step) {
  __m512 sum[R][C];
#pragma GCC unroll 24
  for (int i = 0; i < R * C; ++i) sum[i / C][i % C] = _mm512_setzero_ps();
  for (int64_t k = 0; k < depth; ++k) {
    __m512 lanes[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) lanes[c] = _mm512_loadu_ps(panel + k * panel_step + c * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m512 x = _mm512_set1_ps(rows[r * row_step + k * k_step]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[r][c] = _mm512_fmadd_ps(x, lanes[c], sum[r][c]);
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < R * C; ++i) _mm512_storeu_ps(to + i / C * to_step + i % C * kLanes, sum[i / C][i % C]);
}

using Multiply = void (*)(const float*, int64_t, int64_t, const float*, int64_t, int64_t, float*, int64_t);

template <int R>
constexpr std::array<Multiply, kGroups> kOfRows = {multiply<R, 1>, multiply<R, 2>, multiply<R, 3>, multiply<R, 4>};
constexpr std::array<std::array<Multiply, kGroups>, kTileRows> kMultiply = {kOfRows<1>, kOfRows<2>, kOfRows<3>,
                                                                            kOfRows<4>, kOfRows<5>, kOfRows<6>};

Multiply multiply_of(int64_t rows, int64_t groups) {
  return kMultiply[static_cast<size_t>(rows - 1)][static_cast<size_t>(groups - 1)];
}

// e^(score - the largest of the lane) for each key; the inverse sums go into `inverse`.
QRULES_AVX512 void exponentials(float* scores, int64_t keys, float* inverse) {
  __m512 largest = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (int64_t t = 0; t < keys; ++t) largest = _mm512_max_ps(_mm512_loadu_ps(scores + t * kBlock), largest);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < keys; ++t) {
    const __m512 e = exp_below_zero16(_mm512_sub_ps(_mm512_loadu_ps(scores + t * kBlock), largest));
    _mm512_storeu_ps(scores + t * kBlock, e);
    sum = _mm512_add_ps(sum, e);
  }
  _mm512_storeu_ps(inverse, _mm512_div_ps(_mm512_set1_ps(1.0f), sum));
}

class AttentionKernel final : public Kernel {
 public:
  AttentionKernel(avx2::PreparedAttention prepared, int threads)
      : call_(std::move(prepared.call)),
        q_(call_.q, call_.batch),
        k_(call_.k, call_.batch),
        v_(call_.v, call_.batch),
        out_(prepared.results, call_.batch),
        epilogue_(std::move(prepared.epilogue)),
        single_(call_.rows <= kSingleQueries && SingleQueries::takes(k_, v_)) {
    if (call_.mask) mask_.emplace(*call_.mask, call_.batch);
    constexpr int64_t kWorthAThread = 100'000;  // multiplications
    const int64_t heads = static_cast<int64_t>(q_.starts.size());
    const int64_t work = heads * call_.rows * call_.keys * (call_.depth + call_.columns);
    threads_ = work < 2 * kWorthAThread ? 1 : threads;
    packs_keys_ = !single_ && (call_.dtype != DType::f32 || k_.row_step != 1);
    packs_values_ = !single_ && (call_.dtype != DType::f32 || v_.column_step != 1 || call_.columns % kLanes != 0);
    groups_ = (call_.rows + kLanes - 1) / kLanes;
    const int64_t blocks = (groups_ + kGroups - 1) / kGroups;
    // Few heads are split, each part packs what it needs for itself.
    parts_ = single_                        ? 1
             : packs_keys_ || packs_values_ ? (heads < 4 * threads_ ? std::min<int64_t>(blocks, threads_) : 1)
                                            : blocks;
    blocks_of_a_part_ = (blocks + parts_ - 1) / parts_;
    groups_of_a_block_ = (groups_ + blocks - 1) / blocks;
  }

  size_t scratch_bytes() const { return static_cast<size_t>(threads_) * thread_bytes(); }
  std::string implementation() const override { return single_ ? "rows:avx512" : "tiles:avx512"; }

  void run(const KernelArguments& arguments) const override {
    const int64_t tasks = static_cast<int64_t>(q_.starts.size()) * parts_;
    avx2::run_tasks(tasks, threads_, arguments.scratch, thread_bytes(), [&](int64_t task, void* scratch) {
      const int64_t head = task / parts_, part = task % parts_;
      auto* memory = static_cast<float*>(scratch);
      if (call_.dtype == DType::f32)
        run_head<float, float>(arguments, head, part, memory);
      else if (call_.mask_dtype == DType::f32)
        run_head<elements::Bf16, float>(arguments, head, part, memory);
      else
        run_head<elements::Bf16, elements::Bf16>(arguments, head, part, memory);
    });
  }

 private:
  int64_t key_elements() const { return packs_keys_ ? call_.keys * call_.depth : 0; }
  int64_t value_elements() const { return packs_values_ ? call_.keys * whole_lanes(call_.columns) : 0; }
  size_t thread_bytes() const {
    const int64_t elements = single_ ? SingleQueries::scratch_elements(call_)
                                     : key_elements() + value_elements() + (call_.depth + call_.keys) * kBlock;
    return avx2::whole_lines(static_cast<size_t>(elements) * sizeof(float));
  }

  template <typename T>
  const T* start(const KernelArguments& arguments, const HeadMatrices& matrices, int64_t head) const {
    return static_cast<const T*>(arguments.inputs[matrices.operand]) + matrices.starts[static_cast<size_t>(head)];
  }

  template <typename T, typename Mask>
  void run_head(const KernelArguments& arguments, int64_t head, int64_t part, float* scratch) const {
    const T *q = start<T>(arguments, q_, head), *k = start<T>(arguments, k_, head), *v = start<T>(arguments, v_, head);
    const Mask* mask = mask_ ? start<Mask>(arguments, *mask_, head) : nullptr;
    const avx2::EpilogueRun output{&epilogue_, arguments.outputs[0], nullptr};
    const int64_t out = out_.starts[static_cast<size_t>(head)];
    if (single_) {
      const SingleQueries queries(call_, q_, k_, v_, mask_ ? &*mask_ : nullptr, out_.row_step);
      return queries.run(q, k, v, mask, scratch, output, out);
    }
    float *keys = scratch, *values = keys + key_elements(), *queries = values + value_elements(),
          *scores = queries + call_.depth * kBlock;
    const float *key_rows = nullptr, *value_rows = nullptr;
    int64_t key_step = call_.depth, value_step = whole_lanes(call_.columns);
    if (packs_keys_) {
      pack(k, k_.column_step, k_.row_step, call_.keys, call_.depth, keys, key_step);
      key_rows = keys;
    }
    if (packs_values_) {
      pack(v, v_.row_step, v_.column_step, call_.keys, call_.columns, values, value_step);
      value_rows = values;
    }
    if constexpr (std::is_same_v<T, float>) {
      if (!packs_keys_) key_rows = k, key_step = k_.column_step;
      if (!packs_values_) value_rows = v, value_step = v_.row_step;
    }
    const int64_t end = std::min(groups_, (part + 1) * blocks_of_a_part_ * groups_of_a_block_);
    for (int64_t group = part * blocks_of_a_part_ * groups_of_a_block_; group < end; group += groups_of_a_block_) {
      const int64_t groups = std::min(groups_of_a_block_, end - group), first = group * kLanes,
                    count = std::min(groups * kLanes, call_.rows - first);
      pack_queries(q + first * q_.row_step, count, queries);
      for (int64_t t = 0; t < call_.keys; t += kTileRows) {
        const int64_t rows = std::min<int64_t>(kTileRows, call_.keys - t);
        multiply_of(rows, groups)(key_rows + t * key_step, key_step, 1, queries, kBlock, call_.depth,
                                  scores + t * kBlock, kBlock);
      }
      if (mask) add_mask(mask, first, count, scores);
      float inverse[kBlock];
      for (int64_t g = 0; g < groups; ++g) exponentials(scores + g * kLanes, call_.keys, inverse + g * kLanes);
      store(scores, inverse, value_rows, value_step, count, output, out + first * out_.row_step);
    }
  }

  // Rows of f32 one after the other, zeros up to `step`.
  template <typename T>
  static void pack(const T* from, int64_t row_step, int64_t element_step, int64_t rows, int64_t size, float* to,
                   int64_t step) {
    for (int64_t r = 0; r < rows; ++r) {
      const T* row = from + r * row_step;
      float* out = to + r * step;
      if (element_step == 1) {
        for (int64_t i = 0; i < size; ++i) out[i] = elements::widen(row[i]);
      } else {
        for (int64_t i = 0; i < size; ++i) out[i] = elements::widen(row[i * element_step]);
      }
      std::fill(out + size, out + step, 0.0f);
    }
  }

  // [depth][query], scaled; zeros in the lanes of no query.
  template <typename T>
  void pack_queries(const T* from, int64_t count, float* to) const {
    const auto scale = static_cast<float>(call_.scale);
    const int64_t lanes = whole_lanes(count);
    for (int64_t d = 0; d < call_.depth; ++d) {
      float* line = to + d * kBlock;
      const T* column = from + d * q_.column_step;
      for (int64_t m = 0; m < count; ++m) line[m] = elements::widen(column[m * q_.row_step]) * scale;
      std::fill(line + count, line + lanes, 0.0f);
    }
  }

  template <typename Mask>
  void add_mask(const Mask* mask, int64_t first, int64_t count, float* scores) const {
    for (int64_t t = 0; t < call_.keys; ++t) {
      float* line = scores + t * kBlock;
      const Mask* column = mask + t * mask_->column_step;
      if (mask_->row_step == 0) {
        const float value = elements::widen(*column);
        for (int64_t m = 0; m < count; ++m) line[m] += value;
      } else {
        for (int64_t m = 0; m < count; ++m) line[m] += elements::widen(column[(first + m) * mask_->row_step]);
      }
    }
  }

  void store(const float* scores, const float* inverse, const float* values, int64_t value_step, int64_t count,
             const avx2::EpilogueRun& output, int64_t out) const {
    alignas(64) float products[kTileRows * kBlock];
    for (int64_t column = 0; column < call_.columns; column += kBlock) {
      const int64_t width = std::min(kBlock, call_.columns - column), groups = (width + kLanes - 1) / kLanes;
      for (int64_t m = 0; m < count; m += kTileRows) {
        const int64_t rows = std::min<int64_t>(kTileRows, count - m);
        multiply_of(rows, groups)(scores + m, 1, kBlock, values + column, value_step, call_.keys, products, kBlock);
        for (int64_t r = 0; r < rows; ++r)
          output.store_values(products + r * kBlock, inverse[m + r], width, out + (m + r) * out_.row_step + column);
      }
    }
  }

  AttentionCall call_;
  HeadMatrices q_, k_, v_, out_;
  std::optional<HeadMatrices> mask_;
  avx2::Epilogue epilogue_;
  bool single_ = false, packs_keys_ = false, packs_values_ = false;
  int64_t groups_ = 1, groups_of_a_block_ = 1, parts_ = 1, blocks_of_a_part_ = 1;
  int threads_ = 1;
};

class AttentionHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx512.attention"; }

  Prepared prepare(PrepareContext& context) const override {
    if (!supported()) return refuse("this CPU has no AVX512");
    auto prepared = avx2::PreparedAttention::make(context);
    if (!prepared.ok()) return prepared.diagnostics();
    auto kernel = std::make_unique<AttentionKernel>(std::move(*prepared), context.threads());
    context.request_scratch(kernel->scratch_bytes());
    return std::unique_ptr<Kernel>(std::move(kernel));
  }
};

}  // namespace

void add_attention(HandlerRegistry& registry) {
  registry.add("vector.attention.default", std::make_shared<AttentionHandler>());
}

}  // namespace avx512
}  // namespace qrules

#endif
