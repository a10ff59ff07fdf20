#include <qrules/lowerings/avx512/attention_tiles.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <qrules/lowerings/avx512/requantize.h>
#include <qrules/lowerings/avx512/vector_math.h>

namespace qrules::avx512::attention {
namespace {

using elements::Bf16;

// One step of a product: a unit times sixteen. Functions over pairs are called on CPUs with bf16 products only, those
// over quads on CPUs with products of bytes; all are compiled for both, and have no use for what they do not need.
QRULES_AVX512_BF16_INLINE __m512 load_units(const float* from) { return _mm512_loadu_ps(from); }
QRULES_AVX512_BF16_INLINE __m512i load_units(const BFloatPair* from) { return _mm512_loadu_si512(from); }
QRULES_AVX512_BF16_INLINE __m512i load_units(const ByteQuad* from) { return _mm512_loadu_si512(from); }
QRULES_AVX512_BF16_INLINE __m512 repeat(const float* unit) { return _mm512_set1_ps(*unit); }
QRULES_AVX512_BF16_INLINE __m512i repeat(const BFloatPair* unit) {
  return _mm512_set1_epi32(static_cast<int>(unit->bits));
}
QRULES_AVX512_BF16_INLINE __m512i repeat(const ByteQuad* unit) {
  int32_t four;  // keys lie where their tensor begins
  std::memcpy(&four, unit, sizeof four);
  return _mm512_set1_epi32(four);
}
QRULES_AVX512_BF16_INLINE __m512 repeat_sum(float sum) { return _mm512_set1_ps(sum); }
QRULES_AVX512_BF16_INLINE __m512i repeat_sum(int32_t sum) { return _mm512_set1_epi32(sum); }
QRULES_AVX512_BF16_INLINE void store_sums(float* to, __m512 sums) { _mm512_storeu_ps(to, sums); }
QRULES_AVX512_BF16_INLINE void store_sums(int32_t* to, __m512i sums) { _mm512_storeu_si512(to, sums); }
QRULES_AVX512_BF16_INLINE __m512 add_products(__m512 sum, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, sum); }
QRULES_AVX512_BF16_INLINE __m512 add_products(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<const __m512bh&>(a), reinterpret_cast<const __m512bh&>(b));
}
QRULES_AVX512_BF16_INLINE __m512i add_products(__m512i sum, __m512i a, __m512i b) {
  return _mm512_dpbusd_epi32(sum, a, b);
}

template <typename Unit, int R, int C>
QRULES_AVX512_BF16 void multiply_tile(const Unit* rows, int64_t row_step, int64_t k_step, const Unit* panel,
                                      int64_t panel_step, int64_t depth, const Sum<Unit>* first, Sum<Unit>* to,
                                      int64_t to_step, int64_t group_step) {
  decltype(repeat_sum(*first)) sum[R][C];
#pragma GCC unroll 24
  for (int i = 0; i < R * C; ++i) sum[i / C][i % C] = repeat_sum(first ? first[i / C] : Sum<Unit>{});
  for (int64_t k = 0; k < depth; ++k) {
    decltype(load_units(panel)) lanes[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) lanes[c] = load_units(panel + k * panel_step + c * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const auto x = repeat(rows + r * row_step + k * k_step);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[r][c] = add_products(sum[r][c], x, lanes[c]);
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < R * C; ++i) store_sums(to + i / C * to_step + i % C * group_step, sum[i / C][i % C]);
}

template <typename Unit>
using MultiplyTile = void (*)(const Unit*, int64_t, int64_t, const Unit*, int64_t, int64_t, const Sum<Unit>*,
                              Sum<Unit>*, int64_t, int64_t);

template <typename Unit, int R>
constexpr std::array<MultiplyTile<Unit>, kGroups> kOfRows = {multiply_tile<Unit, R, 1>, multiply_tile<Unit, R, 2>,
                                                             multiply_tile<Unit, R, 3>, multiply_tile<Unit, R, 4>};
template <typename Unit>
constexpr std::array<std::array<MultiplyTile<Unit>, kGroups>, kTileRows> kTiles = {
    kOfRows<Unit, 1>, kOfRows<Unit, 2>, kOfRows<Unit, 3>, kOfRows<Unit, 4>, kOfRows<Unit, 5>, kOfRows<Unit, 6>};

// Scores of a group, scaled and masked. They become exponents of two only after the largest is taken away: a mask may
// have the least of all numbers, and log2(e) times that is infinite.
struct Exponents {
  __m512 factor, largest;
  const float* mask;

  QRULES_AVX512_INLINE Exponents(const float* scores, int64_t keys, const ScoreScale& scale)
      : factor(_mm512_set1_ps(scale.factor)), mask(scale.mask) {
    largest = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    for (int64_t t = 0; t < keys; ++t) largest = _mm512_max_ps(scaled(scores, t), largest);
  }
  QRULES_AVX512_INLINE __m512 power(const float* scores, int64_t t) const {
    return two_to16(_mm512_mul_ps(_mm512_sub_ps(scaled(scores, t), largest), _mm512_set1_ps(kLog2E)));
  }

 private:
  QRULES_AVX512_INLINE __m512 scaled(const float* scores, int64_t t) const {
    const __m512 offset = mask ? _mm512_set1_ps(mask[t]) : _mm512_setzero_ps();
    return _mm512_fmadd_ps(_mm512_loadu_ps(scores + t * kBlock), factor, offset);
  }
};

// Elements of the two halves in turns.
QRULES_AVX512_BF16_INLINE __m512i in_turns(__m512i halves) {
  alignas(64) static constexpr auto kOrder = [] {
    std::array<uint16_t, 32> order{};
    for (size_t i = 0; i < 16; ++i) {
      order[2 * i] = static_cast<uint16_t>(i);
      order[2 * i + 1] = static_cast<uint16_t>(16 + i);
    }
    return order;
  }();
  return _mm512_permutexvar_epi16(_mm512_load_si512(kOrder.data()), halves);
}

QRULES_AVX512_BF16_INLINE __m512i round_pairs(__m512 first, __m512 second) {
  const __m512bh halves = _mm512_cvtne2ps_pbh(second, first);
  return in_turns(reinterpret_cast<const __m512i&>(halves));
}

QRULES_AVX512_BF16 void narrow_row(const float* from, int64_t size, Bf16* to) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    const __m256bh halves = _mm512_cvtneps_pbh(_mm512_loadu_ps(from + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), reinterpret_cast<const __m256i&>(halves));
  }
  for (; i < size; ++i) to[i] = elements::convert<Bf16>(from[i]);
}

// Four rows of integers up to 255 as quads.
QRULES_AVX512_INLINE __m512i join_quads(const __m512i row[4]) {
  return _mm512_or_si512(_mm512_or_si512(row[0], _mm512_slli_epi32(row[1], 8)),
                         _mm512_or_si512(_mm512_slli_epi32(row[2], 16), _mm512_slli_epi32(row[3], 24)));
}

}  // namespace

template <typename Unit>
void multiply(int64_t rows, int64_t groups, const Unit* from, int64_t row_step, int64_t k_step, const Unit* panel,
              int64_t panel_step, int64_t depth, const Sum<Unit>* first, Sum<Unit>* to, int64_t to_step,
              int64_t group_step) {
  kTiles<Unit>[static_cast<size_t>(rows - 1)][static_cast<size_t>(groups - 1)](
      from, row_step, k_step, panel, panel_step, depth, first, to, to_step, group_step);
}
template void multiply(int64_t, int64_t, const float*, int64_t, int64_t, const float*, int64_t, int64_t, const float*,
                       float*, int64_t, int64_t);
template void multiply(int64_t, int64_t, const BFloatPair*, int64_t, int64_t, const BFloatPair*, int64_t, int64_t,
                       const float*, float*, int64_t, int64_t);
template void multiply(int64_t, int64_t, const ByteQuad*, int64_t, int64_t, const ByteQuad*, int64_t, int64_t,
                       const int32_t*, int32_t*, int64_t, int64_t);

void pack_row(const float* from, int64_t step, int64_t size, float* to, int64_t units) {
  if (step == 1)
    std::copy_n(from, size, to);
  else
    for (int64_t i = 0; i < size; ++i) to[i] = from[i * step];
  std::fill(to + size, to + units, 0.0f);
}

void pack_row(const Bf16* from, int64_t step, int64_t size, float* to, int64_t units) {
  for (int64_t i = 0; i < size; ++i) to[i] = elements::widen(from[i * step]);
  std::fill(to + size, to + units, 0.0f);
}

void pack_row(const float* from, int64_t step, int64_t size, BFloatPair* to, int64_t units) {
  auto* halves = reinterpret_cast<Bf16*>(to);
  if (step == 1)
    narrow_row(from, size, halves);
  else
    for (int64_t i = 0; i < size; ++i) halves[i] = elements::convert<Bf16>(from[i * step]);
  std::fill(halves + size, halves + 2 * units, Bf16{});
}

void pack_row(const Bf16* from, int64_t step, int64_t size, BFloatPair* to, int64_t units) {
  auto* halves = reinterpret_cast<Bf16*>(to);
  if (step == 1)
    std::copy_n(from, size, halves);
  else
    for (int64_t i = 0; i < size; ++i) halves[i] = from[i * step];
  std::fill(halves + size, halves + 2 * units, Bf16{});
}

QRULES_AVX512_BF16 void join_rows(const BFloatPair* first, const BFloatPair* second, int64_t size, BFloatPair* to) {
  const auto *a = reinterpret_cast<const Bf16*>(first), *b = reinterpret_cast<const Bf16*>(second);
  for (int64_t i = 0; i < size; i += kLanes) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)),
                  high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i));
    _mm512_storeu_si512(to + i, in_turns(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1)));
  }
}

QRULES_AVX512 void pack_row(const uint8_t* from, int64_t step, int64_t size, uint8_t flip, ByteQuad* to,
                            int64_t units) {
  auto* bytes = reinterpret_cast<uint8_t*>(to);
  int64_t i = 0;
  if (step == 1) {
    for (; i + Bytes64::kSize <= size; i += Bytes64::kSize)
      Bytes64::store(bytes + i,
                     Bytes64::exclusive_or(Bytes64::load(from + i), Bytes64::every(static_cast<int8_t>(flip))));
  }
  for (; i < size; ++i) bytes[i] = from[i * step] ^ flip;
  std::fill(bytes + size, bytes + kOfUnit<ByteQuad> * units, uint8_t{0});
}

QRULES_AVX512 void join_rows(const uint8_t* from, int64_t row_step, int64_t rows, int64_t size, uint8_t flip,
                             ByteQuad* to) {
  const __m128i flips = _mm_set1_epi8(static_cast<char>(flip));
  for (int64_t i = 0; i < size; i += kLanes) {
    const __mmask16 lanes = first_lanes(size - i);
    __m512i row[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const __m128i bytes = r < rows ? _mm_maskz_loadu_epi8(lanes, from + r * row_step + i) : _mm_setzero_si128();
      row[r] = _mm512_cvtepu8_epi32(_mm_maskz_mov_epi8(lanes, _mm_xor_si128(bytes, flips)));
    }
    _mm512_storeu_si512(to + i, join_quads(row));
  }
}

QRULES_AVX512 void sum_rows(const ByteQuad* from, int64_t row_step, int64_t rows, int64_t size, int32_t factor,
                            int32_t* to) {
  for (int64_t r = 0; r < rows; ++r, from += row_step) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(from);
    __m512i sums = _mm512_setzero_si512();
    for (int64_t i = 0; i < size; i += Bytes64::kSize)
      sums = _mm512_add_epi64(sums, _mm512_sad_epu8(Bytes64::load_first(bytes + i, size - i), _mm512_setzero_si512()));
    to[r] = factor * static_cast<int32_t>(_mm512_reduce_add_epi64(sums));
  }
}

QRULES_AVX512 void requantize_row(const int32_t* sums, int64_t count, const Requantization& requantization,
                                  uint8_t* to) {
  const __m512 factor = _mm512_set1_ps(requantization.factor[0]), offset = _mm512_set1_ps(requantization.offset[0]);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __m128i results = finish_share<true>(
        rescale<Bytes64, false>(_mm512_loadu_si512(sums + i), factor, offset, requantization), requantization);
    if (i + kLanes <= count) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), results);
    } else {
      alignas(16) uint8_t last[kLanes];
      _mm_store_si128(reinterpret_cast<__m128i*>(last), results);
      std::copy_n(last, count - i, to + i);
    }
  }
}

QRULES_AVX512 void to_floats(const int32_t* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) _mm512_storeu_ps(to + i, _mm512_cvtepi32_ps(_mm512_loadu_si512(from + i)));
  for (; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

QRULES_AVX512 void transpose(const void* from, int64_t from_step, void* to, int64_t to_step) {
  const auto* source = static_cast<const float*>(from);
  auto* target = static_cast<float*>(to);
  __m512 row[16], pair[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) row[i] = _mm512_loadu_ps(source + i * from_step);
    // Four by four within lanes of 128 bits, then the lanes.
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    pair[i] = _mm512_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm512_unpackhi_ps(row[i], row[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    row[i] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0x44);
    row[i + 1] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0xee);
    row[i + 2] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    row[i + 3] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 a = _mm512_shuffle_f32x4(row[i], row[i + 4], 0x88), b = _mm512_shuffle_f32x4(row[i], row[i + 4], 0xdd),
                 c = _mm512_shuffle_f32x4(row[i + 8], row[i + 12], 0x88),
                 d = _mm512_shuffle_f32x4(row[i + 8], row[i + 12], 0xdd);
    _mm512_storeu_ps(target + i * to_step, _mm512_shuffle_f32x4(a, c, 0x88));
    _mm512_storeu_ps(target + (i + 4) * to_step, _mm512_shuffle_f32x4(b, d, 0x88));
    _mm512_storeu_ps(target + (i + 8) * to_step, _mm512_shuffle_f32x4(a, c, 0xdd));
    _mm512_storeu_ps(target + (i + 12) * to_step, _mm512_shuffle_f32x4(b, d, 0xdd));
  }
}

QRULES_AVX512 void exponentials(float* scores, int64_t keys, const ScoreScale& scale, float* inverse, float* units) {
  const Exponents exponents(scores, keys, scale);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < keys; ++t) {
    const __m512 e = exponents.power(scores, t);
    _mm512_storeu_ps(units + t * kBlock, e);
    sum = _mm512_add_ps(sum, e);
  }
  _mm512_storeu_ps(inverse, _mm512_div_ps(_mm512_set1_ps(1.0f), sum));
}

QRULES_AVX512_BF16 void exponentials(float* scores, int64_t keys, const ScoreScale& scale, float* inverse,
                                     BFloatPair* units) {
  const Exponents exponents(scores, keys, scale);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t t = 0; t < keys; t += 2) {
    const __m512 first = exponents.power(scores, t),
                 second = t + 1 < keys ? exponents.power(scores, t + 1) : _mm512_setzero_ps();
    _mm512_storeu_si512(units + t / 2 * kBlock, round_pairs(first, second));
    sum = _mm512_add_ps(sum, _mm512_add_ps(first, second));
  }
  _mm512_storeu_ps(inverse, _mm512_div_ps(_mm512_set1_ps(1.0f), sum));
}

}  // namespace qrules::avx512::attention

#endif
