#include <qrules/lowerings/attention_call.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include <qrules/lowerings/int8_call.h>

namespace qrules {

using int8::is_real;
using int8::refuse;

std::optional<BatchedMatrices> BatchedMatrices::of(const TensorLayout& layout, size_t operand,
                                                   const std::vector<int64_t>& batch, int64_t rows, int64_t columns) {
  std::vector<int64_t> sizes = batch;
  sizes.insert(sizes.end(), {rows, columns});
  if (layout.sizes.size() > sizes.size()) return std::nullopt;
  const size_t missing = sizes.size() - layout.sizes.size();
  std::vector<int64_t> steps(sizes.size(), 0);
  for (size_t d = 0; d < layout.sizes.size(); ++d) {
    if (layout.sizes[d] == 1) continue;
    if (layout.sizes[d] != sizes[missing + d]) return std::nullopt;
    steps[missing + d] = layout.strides[d];
  }
  BatchedMatrices matrices{operand, {}, steps[batch.size()], steps.back()};
  steps.resize(batch.size());
  matrices.batch_steps = std::move(steps);
  return matrices;
}

HeadMatrices::HeadMatrices(const BatchedMatrices& of, const std::vector<int64_t>& batch)
    : operand(of.operand), row_step(of.row_step), column_step(of.column_step) {
  const int64_t count = std::accumulate(batch.begin(), batch.end(), int64_t{1}, std::multiplies<>());
  for (int64_t head = 0; head < count; ++head) {
    int64_t start = 0, rest = head;
    for (size_t d = batch.size(); d-- > 0; rest /= batch[d]) start += rest % batch[d] * of.batch_steps[d];
    starts.push_back(start);
  }
}

namespace {

double number_of(const PrepareContext& context, const std::string& parameter) {
  return context.node().argument(parameter)->number().value_or(0);
}

// Nothing when the zero point is none of the integers.
std::optional<QuantizedBytes> quantized_bytes(const PrepareContext& context, const std::string& parameter,
                                              DType dtype) {
  const uint8_t flip = dtype == DType::s8 ? 0x80 : 0;
  const double zero_point = number_of(context, parameter + "_zero_point") + flip;
  if (!(zero_point >= 0 && zero_point <= 255)) return std::nullopt;
  return QuantizedBytes{number_of(context, parameter + "_scale"), static_cast<int32_t>(zero_point), flip};
}

Result<AttentionQuantization> read_quantization(const PrepareContext& context, DType q_dtype, DType k_dtype,
                                                DType v_dtype) {
  for (const DType dtype : {q_dtype, k_dtype, v_dtype}) {
    if (dtype != DType::u8 && dtype != DType::s8) return refuse("q, k and v are u8 or s8");
  }
  const auto q = quantized_bytes(context, "q", q_dtype), k = quantized_bytes(context, "k", k_dtype),
             v = quantized_bytes(context, "v", v_dtype);
  const double scale = number_of(context, "weights_scale"), zero_point = number_of(context, "weights_zero_point");
  if (!q || !k || !v || !(zero_point >= 0 && zero_point <= 255)) return refuse("a zero point is none of the integers");
  const auto inverse = static_cast<float>(1.0 / scale);
  if (!(scale > 0) || !(q->scale * k->scale > 0) || !std::isfinite(inverse) ||
      !std::isfinite(static_cast<float>(q->scale * k->scale)))
    return refuse("a scale is not positive, or too small or large for f32");
  return AttentionQuantization{*q, *k, *v, scale, inverse, static_cast<int32_t>(zero_point)};
}

}  // namespace

Result<AttentionCall> AttentionCall::read(PrepareContext& context) {
  AttentionCall call;
  const auto q = context.operand_of("q"), k = context.operand_of("k"), v = context.operand_of("v"),
             mask = context.operand_of("mask");
  if (!q || !k || !v) return refuse("q, k and v are tensors");
  const DType q_dtype = context.input(*q).dtype, k_dtype = context.input(*k).dtype, v_dtype = context.input(*v).dtype;
  if (context.node().argument("weights_scale")) {
    auto quantization = read_quantization(context, q_dtype, k_dtype, v_dtype);
    if (!quantization.ok()) return quantization.diagnostics();
    call.quantization = *quantization;
    call.dtype = DType::u8;
    call.mask_dtype = mask ? context.input(*mask).dtype : DType::f32;
    if (!is_real(call.mask_dtype)) return refuse("the mask is f32 or bf16");
    call.scale = call.quantization->q.scale * call.quantization->k.scale;
  } else {
    call.dtype = q_dtype;
    call.mask_dtype = mask ? context.input(*mask).dtype : call.dtype;
    if (!is_real(call.dtype)) return refuse("q, k and v are f32 or bf16");
    if (k_dtype != call.dtype || v_dtype != call.dtype) return refuse("q, k and v have one dtype");
    if (call.mask_dtype != call.dtype && call.mask_dtype != DType::f32)
      return refuse("the mask is f32, or has the dtype of q");
  }
  const std::vector<int64_t>& out = context.output(0).sizes;
  for (const auto& operand : {q, k, v}) {
    if (out.size() < 2 || context.input(*operand).sizes.size() < 2) return refuse("q, k and v are matrices");
  }
  const auto last_two = [&](size_t operand) {
    const std::vector<int64_t>& sizes = context.input(operand).sizes;
    return std::pair(sizes[sizes.size() - 2], sizes.back());
  };
  call.batch.assign(out.begin(), out.end() - 2);
  std::tie(call.rows, call.depth) = last_two(*q);
  std::tie(call.keys, call.columns) = last_two(*v);
  // Only batches may be repeated.
  if (last_two(*k) != std::pair(call.depth, call.keys) || out[out.size() - 2] != call.rows ||
      out.back() != call.columns)
    return refuse("q, k, v and the result do not fit each other");
  const auto q_matrices = BatchedMatrices::of(context.input(*q), *q, call.batch, call.rows, call.depth);
  const auto k_matrices = BatchedMatrices::of(context.input(*k), *k, call.batch, call.depth, call.keys);
  const auto v_matrices = BatchedMatrices::of(context.input(*v), *v, call.batch, call.keys, call.columns);
  if (!q_matrices || !k_matrices || !v_matrices) return refuse("the batches of q, k and v do not fit the result's");
  call.q = *q_matrices;
  call.k = *k_matrices;
  call.v = *v_matrices;
  if (mask) {
    call.mask = BatchedMatrices::of(context.input(*mask), *mask, call.batch, call.rows, call.keys);
    if (!call.mask) return refuse("the mask does not fit the scores");
  }
  if (!call.quantization) {
    const auto scale = context.node().argument("scale")->number();
    call.scale = scale ? *scale : 1 / std::sqrt(static_cast<double>(call.depth));
  }
  return call;
}

}  // namespace qrules
