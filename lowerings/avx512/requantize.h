// The instructions of a requantization.
#pragma once

#include <qrules/lowerings/avx512/bytes.h>
#include <qrules/lowerings/avx512/requantization.h>

#if defined(__x86_64__)

namespace qrules::avx512 {

// Sums to integers of 32 bits, before they are bounded.
template <typename V, bool kTail>
QRULES_AVX512_INLINE typename V::Vector rescale(typename V::Vector sums, typename V::Floats factor,
                                                typename V::Floats offset, const Requantization& to) {
  const auto v = V::multiply_add(V::to_floats(sums), factor, offset);
  if constexpr (!kTail) {
    return V::to_integers(v);
  } else {
    const Tail& tail = *to.tail;
    const auto& power = tail.coefficients;
    // Adding 1.5 * 2^23 rounds to an integer, and leaves it in the lowest bits.
    const auto magic = V::every(12582912.0f);
    const auto a = V::smaller(V::absolute(v) * V::every(tail.scale), V::every(15.49f));
    const auto rounded = V::add(a, magic);
    const auto node = V::bits(rounded);
    const auto d = V::subtract(a, V::subtract(rounded, magic));
    auto sum = V::look_up(power[Tail::kDegree].data(), node);
    for (size_t i = Tail::kDegree; i-- > 0;) sum = V::multiply_add(sum, d, V::look_up(power[i].data(), node));
    const auto activated = V::subtract(V::larger(v, V::every(0.0f)), sum);
    return V::to_integers(V::multiply_add(activated, V::every(to.scale), V::every(to.zero_point)));
  }
}

// Bytes as the results that they are.
template <bool kBounded>
QRULES_AVX512_INLINE __m512i finish_bytes(__m512i bytes, const Requantization& to) {
  if constexpr (!kBounded) return bytes;
  const __m512i bounded = Bytes64::bound(bytes, Bytes64::every(static_cast<int8_t>(to.lowest)),
                                         Bytes64::every(static_cast<int8_t>(to.highest)));
  return Bytes64::exclusive_or(bounded, Bytes64::every(static_cast<int8_t>(to.flip)));
}

// Integers of sixteen channels as results.
template <bool kBounded>
QRULES_AVX512_INLINE __m128i finish_share(__m512i integers, const Requantization& to) {
  const __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(integers, _mm512_setzero_si512()));
  return _mm512_castsi512_si128(finish_bytes<kBounded>(_mm512_castsi128_si512(bytes), to));
}

}  // namespace qrules::avx512

#endif
