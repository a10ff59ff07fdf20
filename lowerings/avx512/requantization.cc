#include <qrules/lowerings/avx512/requantization.h>

#if defined(__x86_64__)

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace qrules::avx512 {
namespace {

using avx2::Activation;

// Interpolates at five Chebyshev points around each node.
Tail interpolate(double (*tail)(double), double end) {
  constexpr size_t kPoints = Tail::kDegree + 1;
  Tail made;
  const double scale = (static_cast<double>(Tail::kNodes) - 0.5) / end;
  made.scale = static_cast<float>(scale);
  for (size_t node = 0; node < Tail::kNodes; ++node) {
    // Newton's divided differences, then expanded into powers.
    std::array<double, kPoints> at, difference, power = {};
    for (size_t i = 0; i < kPoints; ++i) {
      at[i] = 0.5 * std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(kPoints));
      difference[i] = tail(std::abs(static_cast<double>(node) + at[i]) / scale);
      // The first node's polynomial is used on one side only; on the other the tail goes on as it does there.
      if (node == 0) at[i] = 0.25 + at[i] / 2, difference[i] = tail(at[i] / scale);
    }
    for (size_t order = 1; order < kPoints; ++order) {
      for (size_t i = kPoints - 1; i >= order; --i)
        difference[i] = (difference[i] - difference[i - 1]) / (at[i] - at[i - order]);
    }
    for (size_t i = kPoints; i-- > 0;) {
      for (size_t j = kPoints - 1; j > 0; --j) power[j] = power[j - 1] - at[i] * power[j];
      power[0] = difference[i] - at[i] * power[0];
    }
    for (size_t i = 0; i < kPoints; ++i) made.coefficients[i][node] = static_cast<float>(power[i]);
  }
  return made;
}

double gelu_tail(double a) { return a * 0.5 * std::erfc(a / std::numbers::sqrt2); }

double gelu_tanh_tail(double a) {
  const double inner = std::sqrt(2 / std::numbers::pi) * (a + 0.044715 * a * a * a);
  return a / (1 + std::exp(2 * inner));
}

double hardswish_tail(double a) { return a < 3 ? a * (3 - a) / 6 : 0; }

}  // namespace

const Tail* Tail::of(Activation activation) {
  // The ends are where nothing is left of the tails. Hardswish's has its bend where two nodes meet.
  static const Tail gelu = interpolate(gelu_tail, 5.7), gelu_tanh = interpolate(gelu_tanh_tail, 5.7),
                    hardswish = interpolate(hardswish_tail, 3.0 * 15.5 / 14.5);
  switch (activation) {
    case Activation::gelu: return &gelu;
    case Activation::gelu_tanh: return &gelu_tanh;
    case Activation::hardswish: return &hardswish;
    default: return nullptr;
  }
}

Result<Requantization> Requantization::real(const avx2::Epilogue& epilogue, int64_t channels) {
  const bool relu = epilogue.activation == Activation::relu;
  if (epilogue.out_dtype != DType::f32 || (!relu && epilogue.activation != Activation::none))
    return int8::refuse("the result is computed by other kernels");
  const bool plain =
      epilogue.other_dtype == DType::f32 && epilogue.other_scale == 1.0f && epilogue.other_zero_point == 0.0f;
  if (epilogue.combine != avx2::Combine::none && (epilogue.combine != avx2::Combine::add || !plain))
    return int8::refuse("what is combined with the result is computed by other kernels");
  Requantization made;
  made.is_real = true;
  made.least = relu ? 0.0f : -std::numeric_limits<float>::infinity();
  if (epilogue.combine == avx2::Combine::add) made.other = epilogue.other;
  made.factor.assign(epilogue.scale.begin(), epilogue.scale.begin() + channels);
  made.offset.assign(epilogue.bias.begin(), epilogue.bias.begin() + channels);
  return made;
}

Result<Requantization> Requantization::of(const avx2::Epilogue& epilogue, int64_t channels, int64_t products) {
  const double largest_sum = 255.0 * 128.0 * static_cast<double>(products);
  if (largest_sum > std::numeric_limits<int32_t>::max()) return int8::refuse("sums may leave 32 bits");
  if (epilogue.out_dtype != DType::u8 && epilogue.out_dtype != DType::s8)
    return int8::refuse("the result is no integer");
  Requantization made;
  made.tail = Tail::of(epilogue.activation);
  if (!made.tail && epilogue.activation != Activation::none && epilogue.activation != Activation::relu &&
      epilogue.activation != Activation::clip)
    return int8::refuse("the post-op is computed by other kernels");
  const bool adds = epilogue.combine == avx2::Combine::add,
             is_integer = epilogue.other_dtype == DType::u8 || epilogue.other_dtype == DType::s8;
  if (epilogue.combine != avx2::Combine::none && (!adds || !is_integer || made.tail))
    return int8::refuse("what is combined with the result is computed by other kernels");
  const int shift = epilogue.out_dtype == DType::s8 ? 128 : 0;
  made.flip = static_cast<uint8_t>(shift);
  made.lowest = static_cast<uint8_t>(std::lrint(epilogue.lowest) + shift);
  made.highest = static_cast<uint8_t>(std::lrint(epilogue.highest) + shift);
  made.scale = epilogue.inverse_out_scale;
  made.zero_point = epilogue.out_zero_point + static_cast<float>(shift);
  const auto scale = static_cast<double>(made.scale), zero_point = static_cast<double>(made.zero_point);
  double addend = 0, largest_addend = 0;
  if (adds) {
    made.other = epilogue.other;
    made.other_flip = epilogue.other_dtype == DType::s8 ? 128 : 0;
    const double other = static_cast<double>(epilogue.other_scale) * scale;
    made.other_factor = static_cast<float>(other);
    addend = -(static_cast<double>(epilogue.other_zero_point) + made.other_flip) * other;
    largest_addend = std::abs(other) * 255 + std::abs(addend);
  }
  for (size_t n = 0; n < static_cast<size_t>(channels); ++n) {
    const double factor = static_cast<double>(epilogue.scale[n]), offset = static_cast<double>(epilogue.bias[n]);
    // False for NaN too. No activation makes a value larger.
    if (!((std::abs(factor) * largest_sum + std::abs(offset)) * std::max(std::abs(scale), 1.0) + std::abs(zero_point) +
              largest_addend <
          2e9))
      return int8::refuse("results may leave 32 bits");
    made.factor.push_back(static_cast<float>(made.tail ? factor : factor * scale));
    made.offset.push_back(static_cast<float>(made.tail ? offset : offset * scale + zero_point + addend));
  }
  return made;
}

}  // namespace qrules::avx512

#endif
