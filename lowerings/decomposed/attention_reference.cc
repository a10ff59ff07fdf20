// vector.attention and vector.qattention with sums in double, which are exact for integers.

#include <cmath>
#include <span>

#include <qrules/lowerings/attention_call.h>
#include <qrules/lowerings/decomposed/epilogue.h>
#include <qrules/lowerings/decomposed/quantize.h>

namespace qrules::decomposed {
namespace {

// Softmax of a row of scores; NaN, and rows of -inf alone, give NaN.
void softmax(std::span<double> scores) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (const double score : scores) largest = score > largest ? score : largest;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
}

// An element of an operand; the difference from its zero point where it is quantized.
template <typename T>
double element(T value, const QuantizedBytes* quantized) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    return quantized->difference(value);
  } else {
    return static_cast<double>(widen(value));
  }
}

// Probabilities quantized to u8, as differences from the zero point.
void quantize_weights(std::span<double> weights, const AttentionQuantization& quantization) {
  const auto zero_point = static_cast<float>(quantization.weights_zero_point);
  for (double& weight : weights) {
    weight = quantize_value<uint8_t>(static_cast<float>(weight), quantization.inverse_weights_scale, zero_point, 0.0f,
                                     255.0f) -
             quantization.weights_zero_point;
  }
}

template <typename T, typename Mask>
void attend(const AttentionCall& attention, const BatchedMatrices& out_matrices, const T* q, const T* k, const T* v,
            const Mask* mask, std::span<double> scores, const EpilogueRun& run, int64_t out) {
  const AttentionQuantization* quantization = attention.quantization ? &*attention.quantization : nullptr;
  const QuantizedBytes *q_bytes = quantization ? &quantization->q : nullptr,
                       *k_bytes = quantization ? &quantization->k : nullptr,
                       *v_bytes = quantization ? &quantization->v : nullptr;
  const double result_scale = quantization ? quantization->weights_scale * quantization->v.scale : 1;
  for (int64_t m = 0; m < attention.rows; ++m) {
    for (int64_t t = 0; t < attention.keys; ++t) {
      double sum = 0;
      for (int64_t d = 0; d < attention.depth; ++d) {
        sum += element(q[m * attention.q.row_step + d * attention.q.column_step], q_bytes) *
               element(k[d * attention.k.row_step + t * attention.k.column_step], k_bytes);
      }
      double& score = scores[static_cast<size_t>(t)];
      score = sum * attention.scale;
      if (mask)
        score += static_cast<double>(widen(mask[m * attention.mask->row_step + t * attention.mask->column_step]));
    }
    softmax(scores);
    if (quantization) quantize_weights(scores, *quantization);
    for (int64_t e = 0; e < attention.columns; ++e) {
      double sum = 0;
      for (int64_t t = 0; t < attention.keys; ++t)
        sum += scores[static_cast<size_t>(t)] *
               element(v[t * attention.v.row_step + e * attention.v.column_step], v_bytes);
      run.store_at(out + m * out_matrices.row_step + e * out_matrices.column_step, sum * result_scale);
    }
  }
}

template <typename T, typename Mask>
void run_batches(const AttentionCall& attention, const BatchedMatrices& results, const StridedLoop<5>& batches,
                 const Epilogue& epilogue, const KernelArguments& arguments) {
  const EpilogueRun run(epilogue, arguments);
  const std::span<double> scores(static_cast<double*>(arguments.scratch), static_cast<size_t>(attention.keys));
  const auto data = [&](const BatchedMatrices& of) { return static_cast<const T*>(arguments.inputs[of.operand]); };
  const Mask* masks = attention.mask ? static_cast<const Mask*>(arguments.inputs[attention.mask->operand]) : nullptr;
  batches.run([&](const auto& at, int64_t count, const auto& steps) {
    for (int64_t i = 0; i < count; ++i) {
      attend(attention, results, data(attention.q) + at[1] + i * steps[1], data(attention.k) + at[2] + i * steps[2],
             data(attention.v) + at[3] + i * steps[3], masks ? masks + at[4] + i * steps[4] : nullptr, scores, run,
             at[0] + i * steps[0]);
    }
  });
}

Prepared prepare_attention(PrepareContext& context) {
  const auto attention = AttentionCall::read(context);
  if (!attention.ok()) return attention.diagnostics();
  auto epilogue = Epilogue::prepare(context);
  if (!epilogue) return epilogue.diagnostics();
  const auto results = BatchedMatrices::of(context.output(0), 0, attention->batch, attention->rows, attention->columns);
  const std::vector<int64_t> none(attention->batch.size(), 0);
  const StridedLoop<5> batches(attention->batch,
                               {results->batch_steps, attention->q.batch_steps, attention->k.batch_steps,
                                attention->v.batch_steps, attention->mask ? attention->mask->batch_steps : none});
  context.request_scratch(static_cast<size_t>(attention->keys) * sizeof(double));
  context.note("exact reference kernel: slow");
  return make_kernel(
      "ref", [call = *attention, results = *results, batches, epilogue = *epilogue](const KernelArguments& arguments) {
        if (call.dtype == DType::u8 && call.mask_dtype == DType::f32)
          run_batches<uint8_t, float>(call, results, batches, epilogue, arguments);
        else if (call.dtype == DType::u8)
          run_batches<uint8_t, Bf16>(call, results, batches, epilogue, arguments);
        else if (call.dtype == DType::f32)
          run_batches<float, float>(call, results, batches, epilogue, arguments);
        else if (call.mask_dtype == DType::f32)
          run_batches<Bf16, float>(call, results, batches, epilogue, arguments);
        else
          run_batches<Bf16, Bf16>(call, results, batches, epilogue, arguments);
      });
}

}  // namespace

void add_attention(HandlerRegistry& registry) {
  const auto handler = std::make_shared<FunctionHandler>("decomposed.attention", prepare_attention);
  registry.add("vector.attention.default", handler);
  registry.add("vector.qattention.default", handler);
}

}  // namespace qrules::decomposed
