// Vectors of bytes in two widths, as kernels over channels take them: 64, and 32 for what 64 would half waste.
#pragma once

#include <cstdint>
#include <cstring>

#include <qrules/lowerings/avx512/target.h>

#if defined(__x86_64__)

namespace qrules::avx512 {

struct Bytes64 {
  using Vector = __m512i;
  using Floats = __m512;
  static constexpr int64_t kSize = 64;
  static QRULES_AVX512_INLINE Vector load(const void* from) { return _mm512_loadu_si512(from); }
  static QRULES_AVX512_INLINE void store(void* to, Vector v) { _mm512_storeu_si512(to, v); }
  // The first `count` bytes.
  static QRULES_AVX512_INLINE Vector load_first(const void* from, int64_t count) {
    return _mm512_maskz_loadu_epi8(first(count), from);
  }
  static QRULES_AVX512_INLINE void store_first(void* to, int64_t count, Vector v) {
    // A store with a mask takes many times as long on some processors.
    alignas(kSize) char bytes[kSize];
    store(bytes, v);
    std::memcpy(to, bytes, static_cast<size_t>(count));
  }
  static QRULES_AVX512_INLINE Vector every(int8_t byte) { return _mm512_set1_epi8(byte); }
  static QRULES_AVX512_INLINE Vector exclusive_or(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
  static QRULES_AVX512_INLINE Vector low_bytes(Vector a, Vector b) { return _mm512_unpacklo_epi8(a, b); }
  static QRULES_AVX512_INLINE Vector high_bytes(Vector a, Vector b) { return _mm512_unpackhi_epi8(a, b); }
  static QRULES_AVX512_INLINE Vector low_pairs(Vector a, Vector b) { return _mm512_unpacklo_epi16(a, b); }
  static QRULES_AVX512_INLINE Vector high_pairs(Vector a, Vector b) { return _mm512_unpackhi_epi16(a, b); }
  static QRULES_AVX512_VNNI_INLINE Vector dot(Vector sums, Vector u8, Vector s8) {
    return _mm512_dpbusd_epi32(sums, u8, s8);
  }
  static QRULES_AVX512_INLINE Floats load_floats(const float* from) { return _mm512_loadu_ps(from); }
  static QRULES_AVX512_INLINE Floats every(float value) { return _mm512_set1_ps(value); }
  static QRULES_AVX512_INLINE Floats to_floats(Vector integers) { return _mm512_cvtepi32_ps(integers); }
  static QRULES_AVX512_INLINE Vector to_integers(Floats v) { return _mm512_cvtps_epi32(v); }
  static QRULES_AVX512_INLINE Vector bits(Floats v) { return _mm512_castps_si512(v); }
  static QRULES_AVX512_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static QRULES_AVX512_INLINE Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static QRULES_AVX512_INLINE Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static QRULES_AVX512_INLINE Floats absolute(Floats v) { return _mm512_abs_ps(v); }
  static QRULES_AVX512_INLINE Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  static QRULES_AVX512_INLINE Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  // Of 16 elements, by the lowest four bits.
  static QRULES_AVX512_INLINE Floats look_up(const float* table, Vector index) {
    return _mm512_permutexvar_ps(index, _mm512_loadu_ps(table));
  }
  static QRULES_AVX512_INLINE Vector to_shorts(Vector a, Vector b) { return _mm512_packs_epi32(a, b); }
  static QRULES_AVX512_INLINE Vector to_bytes(Vector a, Vector b) { return _mm512_packus_epi16(a, b); }
  static QRULES_AVX512_INLINE Vector bound(Vector u8, Vector lowest, Vector highest) {
    return _mm512_min_epu8(_mm512_max_epu8(u8, lowest), highest);
  }

 private:
  static __mmask64 first(int64_t count) { return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1; }
};

struct Bytes32 {
  using Vector = __m256i;
  using Floats = __m256;
  static constexpr int64_t kSize = 32;
  static QRULES_AVX512_INLINE Vector load(const void* from) {
    return _mm256_loadu_si256(static_cast<const Vector*>(from));
  }
  static QRULES_AVX512_INLINE void store(void* to, Vector v) { _mm256_storeu_si256(static_cast<Vector*>(to), v); }
  static QRULES_AVX512_INLINE Vector load_first(const void* from, int64_t count) {
    return _mm256_maskz_loadu_epi8(first(count), from);
  }
  static QRULES_AVX512_INLINE void store_first(void* to, int64_t count, Vector v) {
    // A store with a mask takes many times as long on some processors.
    alignas(kSize) char bytes[kSize];
    store(bytes, v);
    std::memcpy(to, bytes, static_cast<size_t>(count));
  }
  static QRULES_AVX512_INLINE Vector every(int8_t byte) { return _mm256_set1_epi8(byte); }
  static QRULES_AVX512_INLINE Vector exclusive_or(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
  static QRULES_AVX512_INLINE Vector low_bytes(Vector a, Vector b) { return _mm256_unpacklo_epi8(a, b); }
  static QRULES_AVX512_INLINE Vector high_bytes(Vector a, Vector b) { return _mm256_unpackhi_epi8(a, b); }
  static QRULES_AVX512_INLINE Vector low_pairs(Vector a, Vector b) { return _mm256_unpacklo_epi16(a, b); }
  static QRULES_AVX512_INLINE Vector high_pairs(Vector a, Vector b) { return _mm256_unpackhi_epi16(a, b); }
  static QRULES_AVX512_VNNI_INLINE Vector dot(Vector sums, Vector u8, Vector s8) {
    return _mm256_dpbusd_epi32(sums, u8, s8);
  }
  static QRULES_AVX512_INLINE Floats load_floats(const float* from) { return _mm256_loadu_ps(from); }
  static QRULES_AVX512_INLINE Floats every(float value) { return _mm256_set1_ps(value); }
  static QRULES_AVX512_INLINE Floats to_floats(Vector integers) { return _mm256_cvtepi32_ps(integers); }
  static QRULES_AVX512_INLINE Vector to_integers(Floats v) { return _mm256_cvtps_epi32(v); }
  static QRULES_AVX512_INLINE Vector bits(Floats v) { return _mm256_castps_si256(v); }
  static QRULES_AVX512_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static QRULES_AVX512_INLINE Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static QRULES_AVX512_INLINE Floats subtract(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  static QRULES_AVX512_INLINE Floats absolute(Floats v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
  static QRULES_AVX512_INLINE Floats smaller(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  static QRULES_AVX512_INLINE Floats larger(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  // Of 16 elements, by the lowest four bits.
  static QRULES_AVX512_INLINE Floats look_up(const float* table, Vector index) {
    return _mm256_permutex2var_ps(_mm256_loadu_ps(table), index, _mm256_loadu_ps(table + 8));
  }
  static QRULES_AVX512_INLINE Vector to_shorts(Vector a, Vector b) { return _mm256_packs_epi32(a, b); }
  static QRULES_AVX512_INLINE Vector to_bytes(Vector a, Vector b) { return _mm256_packus_epi16(a, b); }
  static QRULES_AVX512_INLINE Vector bound(Vector u8, Vector lowest, Vector highest) {
    return _mm256_min_epu8(_mm256_max_epu8(u8, lowest), highest);
  }

 private:
  static __mmask32 first(int64_t count) { return count >= 32 ? ~__mmask32{0} : (__mmask32{1} << count) - 1; }
};

}  // namespace qrules::avx512

#endif
