#include <qrules/lowerings/avx2/epilogue.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string_view>

#include <qrules/lowerings/avx2/load.h>
#include <qrules/lowerings/avx2/products.h>
#include <qrules/lowerings/avx2/vector_math.h>

namespace qrules::avx2 {
namespace {

constexpr std::array<std::string_view, 11> kActivations = {
    "none", "relu", "hardtanh", "hardswish", "silu", "gelu", "gelu_tanh", "sigmoid", "tanh", "elu", "leaky_relu"};

QRULES_AVX2_INLINE __m256 clamp8(__m256 v, __m256 low, __m256 high) {
  // The second operand is the result for NaN.
  return _mm256_min_ps(high, _mm256_max_ps(low, v));
}

QRULES_AVX2_INLINE __m256 activate(const Epilogue& e, __m256 v) {
  const __m256 zero = _mm256_setzero_ps(), half = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1.0f);
  switch (e.activation) {
    case Activation::none: return v;
    case Activation::relu: return _mm256_max_ps(zero, v);
    case Activation::clip: return clamp8(v, _mm256_set1_ps(e.low), _mm256_set1_ps(e.high));
    case Activation::hardswish: {
      const __m256 gate = clamp8(_mm256_add_ps(v, _mm256_set1_ps(3.0f)), zero, _mm256_set1_ps(6.0f));
      return _mm256_div_ps(_mm256_mul_ps(v, gate), _mm256_set1_ps(6.0f));
    }
    case Activation::silu: return _mm256_mul_ps(v, sigmoid8(v));
    case Activation::gelu:
      return _mm256_mul_ps(_mm256_mul_ps(half, v),
                           _mm256_add_ps(one, erf8(_mm256_mul_ps(v, _mm256_set1_ps(0.70710678118654752f)))));
    case Activation::gelu_tanh: {
      const __m256 cube = _mm256_mul_ps(_mm256_mul_ps(v, v), v);
      const __m256 inner =
          _mm256_mul_ps(_mm256_set1_ps(0.79788456080286536f), _mm256_fmadd_ps(_mm256_set1_ps(0.044715f), cube, v));
      return _mm256_mul_ps(_mm256_mul_ps(half, v), _mm256_add_ps(one, tanh8(inner)));
    }
    case Activation::sigmoid: return sigmoid8(v);
    case Activation::tanh: return tanh8(v);
    case Activation::elu: {
      const __m256 below = _mm256_mul_ps(_mm256_set1_ps(e.low), _mm256_sub_ps(exp8(v), one));
      return _mm256_blendv_ps(below, v, _mm256_cmp_ps(v, zero, _CMP_GT_OQ));
    }
    case Activation::leaky_relu:
      return _mm256_blendv_ps(v, _mm256_mul_ps(v, _mm256_set1_ps(e.low)), _mm256_cmp_ps(v, zero, _CMP_LT_OQ));
  }
  return v;
}

QRULES_AVX2_INLINE __m256 load8(const void* memory, DType dtype) {
  switch (dtype) {
    case DType::u8:
      return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(memory))));
    case DType::s8:
      return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(memory))));
    case DType::bf16: return avx2::load8(static_cast<const elements::Bf16*>(memory));
    default: return avx2::load8(static_cast<const float*>(memory));
  }
}

// To nearest, ties to even; every NaN becomes 0x7fc0.
QRULES_AVX2_INLINE __m128i narrow_to_bf16(__m256 v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded =
      _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(last, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i quiet = _mm256_castps_si256(_mm256_blendv_ps(
      _mm256_castsi256_ps(rounded), _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc0)), _mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
  return _mm_packus_epi32(_mm256_castsi256_si128(quiet), _mm256_extracti128_si256(quiet, 1));
}

QRULES_AVX2_INLINE __m256 combine(const Epilogue& e, __m256 v, const char* other) {
  const __m256 o = _mm256_mul_ps(_mm256_sub_ps(load8(other, e.other_dtype), _mm256_set1_ps(e.other_zero_point)),
                                 _mm256_set1_ps(e.other_scale));
  switch (e.combine) {
    case Combine::add: return _mm256_add_ps(v, o);
    case Combine::subtract: return _mm256_sub_ps(v, o);
    default: return _mm256_mul_ps(v, o);
  }
}

// How a result is bounded. Quantizing keeps the order of values, so relu and clip are bounds of the integers.
enum class Shape : uint8_t {
  plain,    // u8 from 0 on, or a floating-point result as it is: NaN is the lower bound, which is what it becomes
  bounded,  // integers with other bounds; relu
  clip,     // of a floating-point result
  general,  // the activation is computed
};

// What a result's dtype needs, in registers while rows go by.
template <DType kOut, Shape kShape>
struct Output {
  __m256 scale, zero_point, low, high;

  QRULES_AVX2_INLINE explicit Output(const Epilogue& e)
      : scale(_mm256_set1_ps(e.inverse_out_scale)),
        zero_point(_mm256_set1_ps(e.out_zero_point)),
        low(_mm256_set1_ps(e.lowest)),
        high(_mm256_set1_ps(e.highest)) {}

  // Rounded and saturated; NaN becomes 0.
  QRULES_AVX2_INLINE __m256i quantize(__m256 v) const {
    const __m256 scaled = _mm256_fmadd_ps(v, scale, zero_point);
    if constexpr (kShape == Shape::plain) return to_u8_range(scaled, high);
    const __m256 bounded = clamp8(scaled, low, high);
    return _mm256_cvtps_epi32(_mm256_and_ps(bounded, _mm256_cmp_ps(scaled, scaled, _CMP_ORD_Q)));
  }

  QRULES_AVX2_INLINE void store(__m256 a, __m256 b, void* to) const {
    if constexpr (kOut == DType::u8 || kOut == DType::s8) {
      // Packing works within halves: 0-3 8-11 4-7 12-15, put in order as quarters.
      const __m256i shorts =
          _mm256_permute4x64_epi64(_mm256_packs_epi32(quantize(a), quantize(b)), _MM_SHUFFLE(3, 1, 2, 0));
      const __m128i first = _mm256_castsi256_si128(shorts), second = _mm256_extracti128_si256(shorts, 1);
      _mm_storeu_si128(static_cast<__m128i*>(to),
                       kOut == DType::s8 ? _mm_packs_epi16(first, second) : _mm_packus_epi16(first, second));
    } else if constexpr (kOut == DType::bf16) {
      _mm_storeu_si128(static_cast<__m128i*>(to), narrow_to_bf16(a));
      _mm_storeu_si128(static_cast<__m128i*>(to) + 1, narrow_to_bf16(b));
    } else {
      _mm256_storeu_ps(static_cast<float*>(to), a);
      _mm256_storeu_ps(static_cast<float*>(to) + 8, b);
    }
  }
};

template <DType kOut, Shape kShape, bool kCombines>
QRULES_AVX2 void store_rows(const Epilogue& e, const TileRows& rows) {
  const Output<kOut, kShape> output(e);
  constexpr bool kIntegral = kOut == DType::u8 || kOut == DType::s8;
  const __m256 zero = _mm256_setzero_ps(), low = _mm256_set1_ps(e.low), high = _mm256_set1_ps(e.high);
  const __m256 common = _mm256_set1_ps(rows.factors ? 1.0f : rows.factor);
  const float *scales = e.scale.data() + rows.channel, *biases = e.bias.data() + rows.channel;
  const __m256 scale[2] = {_mm256_mul_ps(_mm256_loadu_ps(scales), common),
                           _mm256_mul_ps(_mm256_loadu_ps(scales + 8), common)};
  const __m256 bias[2] = {_mm256_loadu_ps(biases), _mm256_loadu_ps(biases + 8)};
  const int32_t* sums = rows.sums;
  const float* factors = rows.factors;
  const char* other = rows.other;
  char* to = rows.to;
  for (int64_t left = rows.rows; left > 0; --left, sums += kTileChannels, to += rows.to_step) {
    const __m256 factor = _mm256_set1_ps(factors ? *factors++ : 1.0f);
    __m256 v[2];
#pragma GCC unroll 2
    for (int64_t half = 0; half < 2; ++half) {
      const __m256 sum = _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + 8 * half)));
      v[half] = _mm256_fmadd_ps(sum, _mm256_mul_ps(scale[half], factor), bias[half]);
      if constexpr (kCombines) v[half] = combine(e, v[half], other + half * 8 * e.other_size);
      if constexpr (kShape == Shape::bounded && !kIntegral) v[half] = _mm256_max_ps(zero, v[half]);
      if constexpr (kShape == Shape::clip) v[half] = clamp8(v[half], low, high);
      if constexpr (kShape == Shape::general) v[half] = activate(e, v[half]);
    }
    output.store(v[0], v[1], to);
    if constexpr (kCombines) other += rows.other_step;
  }
}

template <DType kOut, Shape kShape>
StoreRows* store_rows_of(bool combines) {
  return combines ? store_rows<kOut, kShape, true> : store_rows<kOut, kShape, false>;
}

bool is_plain_u8(const Epilogue& e) {
  return e.out_dtype == DType::u8 && e.lowest == 0 && e.activation <= Activation::clip;
}

template <DType kOut>
StoreRows* store_rows_of(const Epilogue& e) {
  constexpr bool kIntegral = kOut == DType::u8 || kOut == DType::s8;
  const bool combines = e.combine != Combine::none;
  switch (e.activation) {
    case Activation::none:
    case Activation::relu:
    case Activation::clip:
      if constexpr (kIntegral) {
        return is_plain_u8(e) ? store_rows_of<kOut, Shape::plain>(combines)
                              : store_rows_of<kOut, Shape::bounded>(combines);
      }
      if (e.activation == Activation::none) return store_rows_of<kOut, Shape::plain>(combines);
      return e.activation == Activation::relu ? store_rows_of<kOut, Shape::bounded>(combines)
                                              : store_rows_of<kOut, Shape::clip>(combines);
    default: return store_rows_of<kOut, Shape::general>(combines);
  }
}

StoreRows* store_rows_of(const Epilogue& e) {
  switch (e.out_dtype) {
    case DType::u8: return store_rows_of<DType::u8>(e);
    case DType::s8: return store_rows_of<DType::s8>(e);
    case DType::bf16: return store_rows_of<DType::bf16>(e);
    default: return store_rows_of<DType::f32>(e);
  }
}

// The integers that a result may be: those of its dtype, and of them what relu and clip let through.
void find_bounds(Epilogue& e) {
  e.lowest = e.out_dtype == DType::s8 ? -128.0f : 0.0f;
  e.highest = e.out_dtype == DType::s8 ? 127.0f : 255.0f;
  const auto quantized = [&](float v) { return std::fma(v, e.inverse_out_scale, e.out_zero_point); };
  const float low = e.lowest, high = e.highest;
  if (e.activation == Activation::relu) e.lowest = std::clamp(quantized(0), low, high);
  if (e.activation == Activation::clip) {
    e.lowest = std::clamp(quantized(e.low), low, high);
    e.highest = std::clamp(quantized(e.high), low, high);
  }
}

// Real values with the same outputs, `count` a multiple of sixteen.
template <DType kOut, Shape kShape>
QRULES_AVX2 void store_reals(const Epilogue& e, float factor, const float* values, int64_t count, char* to) {
  const Output<kOut, kShape> output(e);
  constexpr bool kIntegral = kOut == DType::u8 || kOut == DType::s8;
  constexpr int64_t kSize = kIntegral ? 1 : kOut == DType::bf16 ? 2 : 4;
  const __m256 f = _mm256_set1_ps(factor), zero = _mm256_setzero_ps(), low = _mm256_set1_ps(e.low),
               high = _mm256_set1_ps(e.high);
  for (int64_t i = 0; i < count; i += kTileChannels) {
    __m256 v[2];
#pragma GCC unroll 2
    for (int64_t half = 0; half < 2; ++half) {
      v[half] = _mm256_mul_ps(_mm256_loadu_ps(values + i + 8 * half), f);
      if constexpr (kShape == Shape::bounded && !kIntegral) v[half] = _mm256_max_ps(zero, v[half]);
      if constexpr (kShape == Shape::clip) v[half] = clamp8(v[half], low, high);
      if constexpr (kShape == Shape::general) v[half] = activate(e, v[half]);
    }
    output.store(v[0], v[1], to + i * kSize);
  }
}

template <DType kOut>
StoreReals* store_reals_of(const Epilogue& e) {
  constexpr bool kIntegral = kOut == DType::u8 || kOut == DType::s8;
  switch (e.activation) {
    case Activation::none:
    case Activation::relu:
    case Activation::clip:
      if constexpr (kIntegral) {
        return is_plain_u8(e) ? store_reals<kOut, Shape::plain> : store_reals<kOut, Shape::bounded>;
      }
      if (e.activation == Activation::none) return store_reals<kOut, Shape::plain>;
      return e.activation == Activation::relu ? store_reals<kOut, Shape::bounded> : store_reals<kOut, Shape::clip>;
    default: return store_reals<kOut, Shape::general>;
  }
}

StoreReals* store_reals_of(const Epilogue& e) {
  switch (e.out_dtype) {
    case DType::u8: return store_reals_of<DType::u8>(e);
    case DType::s8: return store_reals_of<DType::s8>(e);
    case DType::bf16: return store_reals_of<DType::bf16>(e);
    default: return store_reals_of<DType::f32>(e);
  }
}

}  // namespace

Result<Epilogue> Epilogue::make(const PrepareContext& context, const int8::Int8Call& call, int64_t channels) {
  Epilogue e;
  const auto padded = static_cast<size_t>(channels + kTileChannels);
  e.scale.resize(padded);
  e.bias.resize(padded);
  for (size_t n = 0; n < static_cast<size_t>(channels); ++n) {
    e.scale[n] = call.scales[call.scales.size() == 1 ? 0 : n];
    if (!call.bias_values.empty()) e.bias[n] = call.bias_values[n];
  }
  if (call.other) {
    e.other = *call.other;
    e.other_dtype = context.input(*call.other).dtype;
    if (e.other_dtype != DType::u8 && e.other_dtype != DType::s8 && e.other_dtype != DType::f32 &&
        e.other_dtype != DType::bf16)
      return int8::refuse("the addend is u8, s8, f32 or bf16");
    e.other_scale = call.other_scale;
    e.other_zero_point = static_cast<float>(call.other_zero_point);
    if (call.binary == "add")
      e.combine = Combine::add;
    else if (call.binary == "sub")
      e.combine = Combine::subtract;
    else if (call.binary == "mul")
      e.combine = Combine::multiply;
    else
      return int8::refuse("no binary operation `" + call.binary + "`");
  }
  size_t kind = 0;
  while (kind < kActivations.size() && kActivations[kind] != call.post_op) ++kind;
  if (kind == kActivations.size()) return int8::refuse("no post-op `" + call.post_op + "`");
  e.activation = static_cast<Activation>(kind);
  if (!call.post_op_args.empty()) e.low = call.post_op_args[0];
  if (call.post_op_args.size() > 1) e.high = call.post_op_args[1];
  e.out_dtype = call.out_dtype;
  e.out_size = static_cast<int64_t>(size_of(e.out_dtype));
  e.other_size = static_cast<int64_t>(size_of(e.other_dtype));
  e.inverse_out_scale = 1.0f / call.out_scale;
  e.out_zero_point = static_cast<float>(call.out_zero_point);
  find_bounds(e);
  e.store_rows = store_rows_of(e);
  e.store_reals = store_reals_of(e);
  const bool adds_bytes = e.combine == Combine::add && e.other_size == 1;
  e.makes_bytes = (e.combine == Combine::none || adds_bytes) && is_plain_u8(e);
  return e;
}

Result<Epilogue> Epilogue::prepare(PrepareContext& context, const int8::Int8Call& call, int64_t channels) {
  const TensorLayout& result = context.output(0);
  if (call.other) {
    const DType other = context.input(*call.other).dtype;
    if (context.input(*call.other).sizes != result.sizes)
      return int8::refuse("the addend has other sizes than the result");
    context.require_layout(*call.other, TensorLayout{other, result.sizes, result.strides});
    if (size_of(other) == size_of(result.dtype) && context.may_overwrite(*call.other))
      context.write_into(0, *call.other);
  }
  return make(context, call, channels);
}

void EpilogueRun::store(TileRows& rows, int64_t count, int64_t offset, int64_t step) const {
  const Epilogue& e = *epilogue;
  const int64_t out_size = e.out_size, other_size = e.other_size;
  char* to = static_cast<char*>(out) + offset * out_size;
  const char* from = static_cast<const char*>(other) + offset * other_size;
  if (count == kTileChannels) {
    rows.to = to;
    rows.to_step = step * out_size;
    rows.other = from;
    rows.other_step = step * other_size;
    e.store_rows(e, rows);
    return;
  }
  // The last channels: nothing behind them is read or written.
  alignas(32) char results[kTileChannels * sizeof(float)], others[kTileChannels * sizeof(float)] = {};
  TileRows row = rows;
  row.rows = 1;
  row.to = results;
  row.other = others;
  for (int64_t r = 0; r < rows.rows; ++r) {
    row.sums = rows.sums + r * kTileChannels;
    if (rows.factors) row.factors = rows.factors + r;
    if (e.combine != Combine::none)
      std::memcpy(others, from + r * step * other_size, static_cast<size_t>(count * other_size));
    e.store_rows(e, row);
    std::memcpy(to + r * step * out_size, results, static_cast<size_t>(count * out_size));
  }
}

std::optional<TileBytes> EpilogueRun::bytes(int64_t channel) const {
  const Epilogue& e = *epilogue;
  if (!e.makes_bytes) return std::nullopt;
  TileBytes bytes;
  bytes.scale = e.scale.data() + channel;
  bytes.bias = e.bias.data() + channel;
  bytes.inverse_out_scale = e.inverse_out_scale;
  bytes.out_zero_point = e.out_zero_point;
  bytes.highest = e.highest;
  if (other) {
    bytes.other_is_signed = e.other_dtype == DType::s8;
    bytes.other_scale = e.other_scale;
    bytes.other_zero_point = e.other_zero_point;
  }
  return bytes;
}

void EpilogueRun::store_values(const float* values, float factor, int64_t count, int64_t offset) const {
  const int64_t out_size = epilogue->out_size;
  char* to = static_cast<char*>(out) + offset * out_size;
  const int64_t whole = count / kTileChannels * kTileChannels;
  epilogue->store_reals(*epilogue, factor, values, whole, to);
  if (whole == count) return;
  alignas(32) char results[kTileChannels * sizeof(float)];
  alignas(32) float rest[kTileChannels] = {};
  std::copy(values + whole, values + count, rest);
  epilogue->store_reals(*epilogue, factor, rest, kTileChannels, results);
  std::memcpy(to + whole * out_size, results, static_cast<size_t>((count - whole) * out_size));
}

}  // namespace qrules::avx2

#endif
