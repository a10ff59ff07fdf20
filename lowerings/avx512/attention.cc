// vector.attention with AVX512. Scores of a block of queries lie transposed, a row for each key with the queries in
// lanes: keys and values are read as they lie, the softmax runs along lanes, and only queries are packed.

#include <qrules/lowerings/avx512/handlers.h>

#if defined(__x86_64__)

#include <algorithm>
#include <type_traits>
#include <utility>

#include <qrules/lowerings/avx2/attention.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/attention_blocks.h>
#include <qrules/lowerings/avx512/attention_tiles.h>
#include <qrules/lowerings/avx512/single_queries.h>
#include <qrules/lowerings/elements.h>

namespace qrules {
namespace avx512 {
namespace {

using int8::Prepared;
using int8::refuse;
using namespace attention;

constexpr int64_t kSingleQueries = 4;  // at most: they are worth no block

template <typename Unit>
class AttentionKernel final : public Kernel {
 public:
  AttentionKernel(avx2::PreparedAttention prepared, int threads)
      : call_(std::move(prepared.call)),
        q_(call_.q, call_.batch),
        k_(call_.k, call_.batch),
        v_(call_.v, call_.batch),
        out_(prepared.results, call_.batch),
        epilogue_(std::move(prepared.epilogue)),
        single_(call_.rows <= kSingleQueries && SingleQueries::takes(k_, v_)),
        packs_keys_(!single_ && !(kAsItIs && call_.dtype == DType::f32 && k_.row_step == 1)),
        packs_values_(!single_ &&
                      !(kAsItIs && call_.dtype == DType::f32 && v_.column_step == 1 && call_.columns % kLanes == 0)),
        blocks_(call_, static_cast<int64_t>(q_.starts.size()), threads, packs_keys_ || packs_values_) {
    if (call_.mask) mask_.emplace(*call_.mask, call_.batch);
  }

  size_t scratch_bytes() const { return static_cast<size_t>(blocks_.threads) * thread_bytes(); }
  std::string implementation() const override {
    return single_ ? "rows:avx512" : kOfUnit<Unit> == 1 ? "tiles:avx512" : "tiles:avx512_bf16";
  }

  void run(const KernelArguments& arguments) const override {
    const int64_t tasks = blocks_.heads * blocks_.parts;
    avx2::run_tasks(tasks, blocks_.threads, arguments.scratch, thread_bytes(), [&](int64_t task, void* scratch) {
      const int64_t head = task / blocks_.parts, part = task % blocks_.parts;
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
  static constexpr bool kAsItIs = kOfUnit<Unit> == 1;

  // Units of the memory of a thread: keys, values, the queries of a block, and those before they are transposed.
  int64_t depth() const { return units_of<Unit>(call_.depth); }
  int64_t keys() const { return units_of<Unit>(call_.keys); }
  int64_t key_units() const { return packs_keys_ ? call_.keys * depth() : 0; }
  int64_t value_units() const { return packs_values_ ? keys() * whole_lanes(call_.columns) : 0; }
  // Rows that lie a power of two apart would share the lines of a cache.
  int64_t line_units() const {
    return whole_lanes(std::max(depth(), units_of<Unit>(whole_lanes(call_.columns)))) + kLanes;
  }
  size_t thread_bytes() const {
    const int64_t units = single_ ? SingleQueries::scratch_elements(call_)
                                  : key_units() + value_units() + whole_lanes(depth()) * kBlock +
                                        kLanes * line_units() + call_.keys * kBlock;
    return avx2::whole_lines(static_cast<size_t>(units) * sizeof(float));
  }

  template <typename T, typename Mask>
  void run_head(const KernelArguments& arguments, int64_t head, int64_t part, float* scratch) const {
    const T *q = q_.start<T>(arguments, head), *k = k_.start<T>(arguments, head), *v = v_.start<T>(arguments, head);
    const Mask* mask = mask_ ? mask_->start<Mask>(arguments, head) : nullptr;
    const avx2::EpilogueRun output{&epilogue_, arguments.outputs[0], nullptr};
    const int64_t out = out_.starts[static_cast<size_t>(head)];
    if (single_) {
      const SingleQueries queries(call_, q_, k_, v_, mask_ ? &*mask_ : nullptr, out_.row_step);
      return queries.run(q, k, v, mask, scratch, output, out);
    }
    auto* packed_keys = reinterpret_cast<Unit*>(scratch);
    Unit *packed_values = packed_keys + key_units(), *queries = packed_values + value_units(),
         *lines = queries + whole_lanes(depth()) * kBlock;
    auto* scores = reinterpret_cast<float*>(lines + kLanes * line_units());
    const Unit *key_rows = packed_keys, *value_rows = packed_values;
    int64_t key_step = depth(), value_step = whole_lanes(call_.columns);
    if (packs_keys_) {
      for (int64_t t = 0; t < call_.keys; ++t)
        pack_row(k + t * k_.column_step, k_.row_step, call_.depth, packed_keys + t * key_step, key_step);
    }
    if (packs_values_) pack_values(v, lines, packed_values, value_step);
    if constexpr (std::is_same_v<T, Unit>) {
      if (!packs_keys_) key_rows = k, key_step = k_.column_step;
      if (!packs_values_) value_rows = v, value_step = v_.row_step;
    }
    const auto scale = static_cast<float>(call_.scale);
    // A mask that is the same for all queries needs no pass of its own.
    const float* key_mask = nullptr;
    if constexpr (std::is_same_v<Mask, float>) {
      if (mask && mask_->row_step == 0 && mask_->column_step == 1) key_mask = mask;
    }
    blocks_.each(part, [&](int64_t first, int64_t count, int64_t groups) {
      pack_queries(count, depth(), line_units(), lines, queries, [&](int64_t query, Unit* line, int64_t units) {
        const bool exists = query < count;
        pack_row(q + (first + query) * q_.row_step, q_.column_step, exists ? call_.depth : 0, line, units);
      });
      for (int64_t t = 0; t < call_.keys; t += kTileRows) {
        const int64_t rows = std::min<int64_t>(kTileRows, call_.keys - t);
        multiply(rows, groups, key_rows + t * key_step, key_step, 1, queries, kBlock, depth(), nullptr,
                 scores + t * kBlock, kBlock);
      }
      if (mask && !key_mask) add_mask(mask, first, count, scale, scores);
      float inverse[kBlock];
      auto* probabilities = reinterpret_cast<Unit*>(scores);
      const ScoreScale before{mask && !key_mask ? 1.0f : scale, key_mask};
      for (int64_t g = 0; g < groups; ++g) {
        exponentials(scores + g * kLanes, call_.keys, before, inverse + g * kLanes, probabilities + g * kLanes);
      }
      store(probabilities, inverse, value_rows, value_step, count, output, out + first * out_.row_step);
    });
  }

  // [unit of keys][column].
  template <typename T>
  void pack_values(const T* from, Unit* lines, Unit* to, int64_t step) const {
    if constexpr (kOfUnit<Unit> == 1) {
      for (int64_t t = 0; t < call_.keys; ++t)
        pack_row(from + t * v_.row_step, v_.column_step, call_.columns, to + t * step, step);
    } else {
      const int64_t units = step / 2;
      for (int64_t t = 0; t < call_.keys; t += 2) {
        pack_row(from + t * v_.row_step, v_.column_step, call_.columns, lines, units);
        const bool both = t + 1 < call_.keys;
        pack_row(from + (t + 1) * v_.row_step, v_.column_step, both ? call_.columns : 0, lines + units, units);
        join_rows(lines, lines + units, step, to + t / 2 * step);
      }
    }
  }

  template <typename Mask>
  void add_mask(const Mask* mask, int64_t first, int64_t count, float scale, float* scores) const {
    for (int64_t t = 0; t < call_.keys; ++t) {
      float* line = scores + t * kBlock;
      const Mask* column = mask + t * mask_->column_step;
      if (mask_->row_step == 0) {
        const float value = elements::widen(*column);
        for (int64_t m = 0; m < count; ++m) line[m] = line[m] * scale + value;
      } else {
        for (int64_t m = 0; m < count; ++m)
          line[m] = line[m] * scale + elements::widen(column[(first + m) * mask_->row_step]);
      }
    }
  }

  void store(const Unit* probabilities, const float* inverse, const Unit* values, int64_t value_step, int64_t count,
             const avx2::EpilogueRun& output, int64_t out) const {
    alignas(64) float products[kTileRows * kBlock];
    for (int64_t column = 0; column < call_.columns; column += kBlock) {
      const int64_t width = std::min(kBlock, call_.columns - column), groups = (width + kLanes - 1) / kLanes;
      for (int64_t m = 0; m < count; m += kTileRows) {
        const int64_t rows = std::min<int64_t>(kTileRows, count - m);
        multiply(rows, groups, probabilities + m, 1, kBlock, values + column, value_step, keys(), nullptr, products,
                 kBlock);
        for (int64_t r = 0; r < rows; ++r)
          output.store_values(products + r * kBlock, inverse[m + r], width, out + (m + r) * out_.row_step + column);
      }
    }
  }

  AttentionCall call_;
  HeadMatrices q_, k_, v_, out_;
  std::optional<HeadMatrices> mask_;
  avx2::Epilogue epilogue_;
  bool single_, packs_keys_, packs_values_;
  Blocks blocks_;
};

class AttentionHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx512.attention"; }

  Prepared prepare(PrepareContext& context) const override {
    if (!supported()) return refuse("this CPU has no AVX512");
    auto prepared = avx2::PreparedAttention::make(context);
    if (!prepared.ok()) return prepared.diagnostics();
    // The softmax of a graph in bf16 gives bf16.
    const bool pairs = supports_bf16() && (prepared->call.dtype == DType::bf16 || context.rounds_products());
    return pairs ? make<BFloatPair>(context, std::move(*prepared)) : make<float>(context, std::move(*prepared));
  }

 private:
  template <typename Unit>
  static Prepared make(PrepareContext& context, avx2::PreparedAttention prepared) {
    auto kernel = std::make_unique<AttentionKernel<Unit>>(std::move(prepared), context.threads());
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
