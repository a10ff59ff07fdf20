// vector.qattention with AVX512-VNNI, with scores transposed as in attention.cc. Keys are multiplied as u8 and queries
// as s8, weights as u8 and values as s8, by fours. What a query adds to all of its scores alike has no effect on their
// softmax: only the sums of keys correct scores for zero points.

#include <qrules/lowerings/avx512/handlers.h>

#if defined(__x86_64__)

#include <algorithm>
#include <utility>

#include <qrules/lowerings/avx2/attention.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/attention_blocks.h>
#include <qrules/lowerings/avx512/attention_tiles.h>
#include <qrules/lowerings/avx512/vector_math.h>
#include <qrules/lowerings/elements.h>

namespace qrules {
namespace avx512 {
namespace {

using int8::Prepared;
using int8::refuse;
using namespace attention;

constexpr uint8_t kSigned = 0x80;  // turns an u8 into the s8 that is 128 less
// Weights times differences of values reach 255 * 255, twice what an u8 times an s8 does.
constexpr int64_t kProductsOfValues = 2;

class QuantizedAttentionKernel final : public Kernel {
 public:
  QuantizedAttentionKernel(avx2::PreparedAttention prepared, int threads)
      : call_(std::move(prepared.call)),
        q_(call_.q, call_.batch),
        k_(call_.k, call_.batch),
        v_(call_.v, call_.batch),
        out_(prepared.results, call_.batch),
        epilogue_(std::move(prepared.epilogue)),
        packs_keys_(k_.row_step != 1 || k_.column_step % kOfUnit<ByteQuad> != 0 ||
                    call_.depth % kOfUnit<ByteQuad> != 0 || call_.quantization->k.flip != 0),
        blocks_(call_, static_cast<int64_t>(q_.starts.size()), threads, /*packs=*/true) {
    if (call_.mask) mask_.emplace(*call_.mask, call_.batch);
    if (auto requantization = Requantization::of(epilogue_, 1, kProductsOfValues * call_.keys);
        requantization.ok() && !requantization->tail)
      requantization_ = std::move(*requantization);
  }

  size_t scratch_bytes() const { return static_cast<size_t>(blocks_.threads) * thread_bytes(); }
  std::string implementation() const override { return "tiles:avx512_vnni"; }

  void run(const KernelArguments& arguments) const override {
    avx2::run_tasks(blocks_.heads * blocks_.parts, blocks_.threads, arguments.scratch, thread_bytes(),
                    [&](int64_t task, void* scratch) {
                      const int64_t head = task / blocks_.parts, part = task % blocks_.parts;
                      if (call_.mask_dtype == DType::f32)
                        run_part<float>(arguments, head, part, static_cast<ByteQuad*>(scratch));
                      else
                        run_part<elements::Bf16>(arguments, head, part, static_cast<ByteQuad*>(scratch));
                    });
  }

 private:
  // Units of the memory of a thread, each part a whole number of cache lines.
  int64_t depth() const { return units_of<ByteQuad>(call_.depth); }
  int64_t keys() const { return units_of<ByteQuad>(call_.keys); }
  int64_t value_step() const { return whole_lanes(call_.columns); }
  int64_t key_units() const { return packs_keys_ ? whole_lanes(call_.keys * depth()) : 0; }
  // Rows, and scores of groups, that lie a power of two apart would share the lines of a cache.
  int64_t line_units() const { return whole_lanes(std::max(depth(), units_of<ByteQuad>(value_step()))) + kLanes; }
  int64_t group_step() const { return (call_.keys | 1) * kLanes; }
  size_t thread_bytes() const {
    const int64_t units = key_units() + keys() * value_step() + whole_lanes(call_.keys) +
                          whole_lanes(depth()) * kBlock + kLanes * line_units() + kGroups * group_step() +
                          keys() * kBlock + call_.keys * kLanes + whole_lanes(call_.keys);
    return avx2::whole_lines(static_cast<size_t>(units) * sizeof(ByteQuad));
  }

  template <typename Mask>
  void run_part(const KernelArguments& arguments, int64_t head, int64_t part, ByteQuad* memory) const {
    const auto *q = q_.start<uint8_t>(arguments, head), *k = k_.start<uint8_t>(arguments, head),
               *v = v_.start<uint8_t>(arguments, head);
    const Mask* mask = mask_ ? mask_->start<Mask>(arguments, head) : nullptr;
    ByteQuad *packed_keys = memory, *values = packed_keys + key_units();
    auto* key_offsets = reinterpret_cast<int32_t*>(values + keys() * value_step());
    ByteQuad *queries = reinterpret_cast<ByteQuad*>(key_offsets + whole_lanes(call_.keys)),
             *lines = queries + whole_lanes(depth()) * kBlock;
    auto* scores = reinterpret_cast<int32_t*>(lines + kLanes * line_units());
    auto* weights = reinterpret_cast<ByteQuad*>(scores + kGroups * group_step());
    auto *powers = reinterpret_cast<float*>(weights + keys() * kBlock), *offsets = powers + call_.keys * kLanes;
    const ByteQuad* key_rows = packed_keys;
    int64_t key_step = depth();
    if (packs_keys_) {
      for (int64_t t = 0; t < call_.keys; ++t)
        pack_row(k + t * k_.column_step, k_.row_step, call_.depth, call_.quantization->k.flip,
                 packed_keys + t * key_step, key_step);
    } else {
      key_rows = reinterpret_cast<const ByteQuad*>(k);
      key_step = k_.column_step / kOfUnit<ByteQuad>;
    }
    const int32_t query_zero_point = call_.quantization->q.zero_point - kSigned;
    sum_rows(key_rows, key_step, call_.keys, call_.depth, -query_zero_point, key_offsets);
    pack_values(v, lines, values);

    // A mask that is the same for all queries needs no pass of its own.
    const bool masks_keys = mask && mask_->row_step == 0;
    if (masks_keys) {
      for (int64_t t = 0; t < call_.keys; ++t) offsets[t] = elements::widen(mask[t * mask_->column_step]);
      exponents_of_masks(offsets, call_.keys, offsets);
    }
    const avx2::EpilogueRun output{&epilogue_, arguments.outputs[0], nullptr};
    const int64_t out = out_.starts[static_cast<size_t>(head)];
    blocks_.each(part, [&](int64_t first, int64_t count, int64_t groups) {
      pack_queries(count, depth(), line_units(), lines, queries, [&](int64_t query, ByteQuad* line, int64_t units) {
        const bool exists = query < count;
        pack_row(q + (first + query) * q_.row_step, q_.column_step, exists ? call_.depth : 0,
                 call_.quantization->q.flip ^ kSigned, line, units);
      });
      for (int64_t t = 0; t < call_.keys; t += kTileRows) {
        const int64_t rows = std::min<int64_t>(kTileRows, call_.keys - t);
        multiply(rows, groups, key_rows + t * key_step, key_step, 1, queries, kBlock, depth(), key_offsets + t,
                 scores + t * kLanes, kLanes, group_step());
      }
      int32_t totals[kBlock];
      const QuantizedSoftmax softmax{exponent_scale(), call_.quantization->inverse_weights_scale,
                                     masks_keys ? Offsets::of_keys
                                     : mask     ? Offsets::of_queries
                                                : Offsets::none,
                                     offsets};
      for (int64_t g = 0; g < groups; ++g) {
        if (mask && !masks_keys) load_mask(mask + (first + g * kLanes) * mask_->row_step, count - g * kLanes, powers);
        softmax.run(scores + g * group_step(), call_.keys, powers, weights + g * kLanes, kBlock, totals + g * kLanes);
      }
      store(weights, totals, values, count, output, out + first * out_.row_step);
    });
  }

  // [quad of keys][column].
  void pack_values(const uint8_t* from, ByteQuad* lines, ByteQuad* to) const {
    const uint8_t flip = call_.quantization->v.flip ^ kSigned;
    const int64_t step = line_units() * kOfUnit<ByteQuad>;
    for (int64_t t = 0; t < call_.keys; t += kOfUnit<ByteQuad>, to += value_step()) {
      const int64_t rows = std::min(kOfUnit<ByteQuad>, call_.keys - t);
      if (v_.column_step == 1) {
        join_rows(from + t * v_.row_step, v_.row_step, rows, call_.columns, flip, to);
        continue;
      }
      for (int64_t r = 0; r < rows; ++r)
        pack_row(from + (t + r) * v_.row_step, v_.column_step, call_.columns, 0, lines + r * line_units(),
                 line_units());
      join_rows(reinterpret_cast<const uint8_t*>(lines), step, rows, call_.columns, flip, to);
    }
  }

  // From sums to exponents of two.
  float exponent_scale() const { return static_cast<float>(call_.scale) * kLog2E; }

  // What the mask adds to the exponents of a group.
  template <typename Mask>
  void load_mask(const Mask* mask, int64_t count, float* exponents) const {
    for (int64_t t = 0; t < call_.keys; ++t) {
      const Mask* column = mask + t * mask_->column_step;
      alignas(64) float added[kLanes] = {};
      for (int64_t m = 0; m < std::min(count, kLanes); ++m) added[m] = elements::widen(column[m * mask_->row_step]);
      exponents_of_masks(added, kLanes, exponents + t * kLanes);
    }
  }

  void store(const ByteQuad* weights, const int32_t* totals, const ByteQuad* values, int64_t count,
             const avx2::EpilogueRun& output, int64_t out) const {
    alignas(64) int32_t sums[kTileRows * kBlock];
    const int32_t value_zero_point = call_.quantization->v.zero_point - kSigned;
    const auto factor = static_cast<float>(call_.quantization->weights_scale * call_.quantization->v.scale);
    for (int64_t m = 0; m < count; m += kTileRows) {
      const int64_t rows = std::min<int64_t>(kTileRows, count - m);
      int32_t offsets[kTileRows];
      for (int64_t r = 0; r < rows; ++r) offsets[r] = -value_zero_point * totals[m + r];
      for (int64_t column = 0; column < call_.columns; column += kBlock) {
        const int64_t width = std::min(kBlock, call_.columns - column), groups = (width + kLanes - 1) / kLanes;
        multiply(rows, groups, weights + m, 1, kBlock, values + column, value_step(), keys(), offsets, sums, kBlock);
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t to = out + (m + r) * out_.row_step + column;
          if (requantization_) {
            requantize_row(sums + r * kBlock, width, *requantization_, static_cast<uint8_t*>(output.out) + to);
          } else {
            alignas(64) float products[kBlock];
            to_floats(sums + r * kBlock, width, products);
            output.store_values(products, factor, width, to);
          }
        }
      }
    }
  }

  AttentionCall call_;
  HeadMatrices q_, k_, v_, out_;
  std::optional<HeadMatrices> mask_;
  avx2::Epilogue epilogue_;
  std::optional<Requantization> requantization_;  // where the result is of integers
  bool packs_keys_;
  Blocks blocks_;
};

class QuantizedAttentionHandler final : public Handler {
 public:
  std::string_view name() const override { return "avx512.qattention"; }

  Prepared prepare(PrepareContext& context) const override {
    if (!supports_vnni()) return refuse("this CPU has no AVX512-VNNI");
    auto prepared = avx2::PreparedAttention::make(context);
    if (!prepared.ok()) return prepared.diagnostics();
    const AttentionCall& call = prepared->call;
    if (call.quantization->weights_zero_point != 0) return refuse("the zero point of the weights is not 0");
    // Sums of products of two differences of 8-bit values must fit 32 bits.
    constexpr int64_t kProducts = 33'025;
    if (call.depth > kProducts || call.keys > kProducts) return refuse("sums of integers might overflow");
    auto kernel = std::make_unique<QuantizedAttentionKernel>(std::move(*prepared), context.threads());
    context.request_scratch(kernel->scratch_bytes());
    return std::unique_ptr<Kernel>(std::move(kernel));
  }
};

}  // namespace

void add_quantized_attention(HandlerRegistry& registry) {
  registry.add("vector.qattention.default", std::make_shared<QuantizedAttentionHandler>());
}

}  // namespace avx512
}  // namespace qrules

#endif
