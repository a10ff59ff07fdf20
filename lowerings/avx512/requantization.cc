#include <qrules/lowerings/avx512/requantization.h>

#if defined(__x86_64__)

#include <cmath>

namespace qrules::avx512 {

Result<Requantization> Requantization::of(const avx2::Epilogue& epilogue, int64_t channels, double largest_sum) {
  using avx2::Activation;
  if (epilogue.combine != avx2::Combine::none) return int8::refuse("there is an addend");
  if (epilogue.out_dtype != DType::u8 && epilogue.out_dtype != DType::s8)
    return int8::refuse("the result is no integer");
  if (epilogue.activation != Activation::none && epilogue.activation != Activation::relu &&
      epilogue.activation != Activation::clip)
    return int8::refuse("the post-op is more than a bound");
  Requantization made;
  made.is_signed = epilogue.out_dtype == DType::s8;
  made.lowest = static_cast<int>(std::nearbyint(epilogue.lowest));
  made.highest = static_cast<int>(std::nearbyint(epilogue.highest));
  for (size_t n = 0; n < static_cast<size_t>(channels); ++n) {
    const double inverse = static_cast<double>(epilogue.inverse_out_scale);
    const double factor = static_cast<double>(epilogue.scale[n]) * inverse;
    const double offset =
        static_cast<double>(epilogue.bias[n]) * inverse + static_cast<double>(epilogue.out_zero_point);
    // False for NaN too.
    if (!(std::abs(factor) * largest_sum + std::abs(offset) < 2e9)) return int8::refuse("results may leave 32 bits");
    made.factor.push_back(static_cast<float>(factor));
    made.offset.push_back(static_cast<float>(offset));
  }
  return made;
}

}  // namespace qrules::avx512

#endif
