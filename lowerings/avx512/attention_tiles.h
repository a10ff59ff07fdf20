// The products of attention in tiles, of floats and of pairs of bf16. Either way they are made of units of 32 bits: a
// float, or two bf16 next to each other along the dimension that is summed over.
#pragma once

#include <qrules/lowerings/avx512/target.h>

#if defined(__x86_64__)

#include <cstdint>

#include <qrules/lowerings/elements.h>

namespace qrules::avx512::attention {

// Queries of a block lie in lanes: up to four groups of sixteen.
inline constexpr int64_t kLanes = 16, kGroups = 4, kBlock = kLanes * kGroups;
inline constexpr int64_t kTileRows = 6;

inline int64_t whole_lanes(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// to[r * to_step + lane] = sum over k of rows[r * row_step + k * k_step] * panel[k * panel_step + lane], for `rows` <=
// 6 rows and `groups` <= 4 times 16 lanes. Steps are in units.
template <typename Unit>
void multiply(int64_t rows, int64_t groups, const Unit* from, int64_t row_step, int64_t k_step, const Unit* panel,
              int64_t panel_step, int64_t depth, float* to, int64_t to_step);

// Elements of a unit.
template <typename Unit>
inline constexpr int64_t kOfUnit = sizeof(Unit) / sizeof(float);
struct BFloatPair {
  uint32_t bits = 0;  // the element that comes first in the lower half
};
template <>
inline constexpr int64_t kOfUnit<BFloatPair> = 2;
template <typename Unit>
int64_t units_of(int64_t elements) {
  return (elements + kOfUnit<Unit> - 1) / kOfUnit<Unit>;
}

// A row of `size` elements, `step` apart, as units; zeros up to `units`.
void pack_row(const float* from, int64_t step, int64_t size, float* to, int64_t units);
void pack_row(const elements::Bf16* from, int64_t step, int64_t size, float* to, int64_t units);
void pack_row(const float* from, int64_t step, int64_t size, BFloatPair* to, int64_t units);
void pack_row(const elements::Bf16* from, int64_t step, int64_t size, BFloatPair* to, int64_t units);

// to[lane * to_step + row] = from[row * from_step + lane], of 16 rows by 16 lanes of 32 bits.
void transpose(const void* from, int64_t from_step, void* to, int64_t to_step);

// What a pair along rows is: element c of the first and of the second row, for c < size, a multiple of 16. Rows are of
// bf16 elements.
void join_rows(const BFloatPair* first, const BFloatPair* second, int64_t size, BFloatPair* to);

// What scores become before their exponential: factor * score + mask[key], where there is a mask.
struct ScoreScale {
  float factor = 1;
  const float* mask = nullptr;
};

// e^(score - the largest of the lane) for each key of a group of sixteen lanes; the inverse sums go into `inverse`.
// Scores are a row of kBlock for each key; units replace them, pairs in the first half of the rows.
void exponentials(float* scores, int64_t keys, const ScoreScale& scale, float* inverse, float* units);
void exponentials(float* scores, int64_t keys, const ScoreScale& scale, float* inverse, BFloatPair* units);

}  // namespace qrules::avx512::attention

#endif
