// The products of attention in tiles, of floats, of pairs of bf16 and of bytes by fours. They are made of units of 32
// bits: a float, or two bf16 or four bytes next to each other along the dimension that is summed over.
#pragma once

#include <qrules/lowerings/avx512/target.h>

#if defined(__x86_64__)

#include <cstdint>

#include <qrules/lowerings/avx512/requantization.h>
#include <qrules/lowerings/elements.h>

namespace qrules::avx512::attention {

// Queries of a block lie in lanes: up to four groups of sixteen.
inline constexpr int64_t kLanes = 16, kGroups = 4, kBlock = kLanes * kGroups;
inline constexpr int64_t kTileRows = 6;

inline int64_t whole_lanes(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

struct BFloatPair {
  uint32_t bits = 0;  // the element that comes first in the lower half
};
// Of rows they are u8, of panels s8.
struct ByteQuad {
  uint32_t bits = 0;  // the element that comes first in the lowest bits
};

// What products of units add up to.
template <typename Unit>
struct SumOf {
  using type = float;
};
template <>
struct SumOf<ByteQuad> {
  using type = int32_t;
};
template <typename Unit>
using Sum = typename SumOf<Unit>::type;

// to[r * to_step + lane] = first[r] + sum over k of rows[r * row_step + k * k_step] * panel[k * panel_step + lane], for
// `rows` <= 6 rows and `groups` <= 4 times 16 lanes, which go `group_step` apart. Steps are in units; `first` may be
// null.
template <typename Unit>
void multiply(int64_t rows, int64_t groups, const Unit* from, int64_t row_step, int64_t k_step, const Unit* panel,
              int64_t panel_step, int64_t depth, const Sum<Unit>* first, Sum<Unit>* to, int64_t to_step,
              int64_t group_step = kLanes);

// Elements of a unit.
template <typename Unit>
inline constexpr int64_t kOfUnit = 1;
template <>
inline constexpr int64_t kOfUnit<BFloatPair> = 2;
template <>
inline constexpr int64_t kOfUnit<ByteQuad> = 4;
template <typename Unit>
int64_t units_of(int64_t elements) {
  return (elements + kOfUnit<Unit> - 1) / kOfUnit<Unit>;
}

// A row of `size` elements, `step` apart, as units; zeros up to `units`.
void pack_row(const float* from, int64_t step, int64_t size, float* to, int64_t units);
void pack_row(const elements::Bf16* from, int64_t step, int64_t size, float* to, int64_t units);
void pack_row(const float* from, int64_t step, int64_t size, BFloatPair* to, int64_t units);
void pack_row(const elements::Bf16* from, int64_t step, int64_t size, BFloatPair* to, int64_t units);
// Of bytes that `flip` turns into what they are multiplied as.
void pack_row(const uint8_t* from, int64_t step, int64_t size, uint8_t flip, ByteQuad* to, int64_t units);

// to[lane * to_step + row] = from[row * from_step + lane], of 16 rows by 16 lanes of 32 bits.
void transpose(const void* from, int64_t from_step, void* to, int64_t to_step);

// What a pair along rows is: element c of the first and of the second row, for c < size, a multiple of 16. Rows are of
// bf16 elements.
void join_rows(const BFloatPair* first, const BFloatPair* second, int64_t size, BFloatPair* to);

// Quads along four rows, of which `rows` are there: element c of each, flipped, for c < size. Zeros up to whole lanes.
void join_rows(const uint8_t* from, int64_t row_step, int64_t rows, int64_t size, uint8_t flip, ByteQuad* to);

// to[row] = factor * the sum of the bytes of a row of `size`.
void sum_rows(const ByteQuad* from, int64_t row_step, int64_t rows, int64_t size, int32_t factor, int32_t* to);

// Sums of a row as integers of the result; of one scale and without an activation or addend.
void requantize_row(const int32_t* sums, int64_t count, const Requantization& requantization, uint8_t* to);

// Each integer as a float.
void to_floats(const int32_t* from, int64_t count, float* to);

// What scores become before their exponential: factor * score + mask[key], where there is a mask.
struct ScoreScale {
  float factor = 1;
  const float* mask = nullptr;
};

// e^(score - the largest of the lane) for each key of a group of sixteen lanes; the inverse sums go into `inverse`.
// Scores are a row of kBlock for each key; units replace them, pairs in the first half of the rows.
void exponentials(float* scores, int64_t keys, const ScoreScale& scale, float* inverse, float* units);
void exponentials(float* scores, int64_t keys, const ScoreScale& scale, float* inverse, BFloatPair* units);

// What is added to the exponents of a group: nothing, a number for each key, or a row of sixteen for each key, which is
// in the memory of the run.
enum class Offsets : uint8_t { none, of_keys, of_queries };

// Weights of a group of sixteen queries from their sums, of which a row is sixteen: 2^(factor * sum + offset), divided
// by their own sum, times the inverse scale of weights, rounded to integers up to 255. Sums of these go into `totals`;
// `memory` is a row for each key.
struct QuantizedSoftmax {
  float factor = 1, inverse_scale = 1;
  Offsets offsets = Offsets::none;
  const float* of_keys = nullptr;  // as exponents_of_masks gives them

  void run(const int32_t* sums, int64_t keys, float* memory, ByteQuad* quads, int64_t quad_step, int32_t* totals) const;
};

// Masks times log2(e). What is finite stays so: it is added to scores and taken away again.
void exponents_of_masks(const float* masks, int64_t count, float* to);

}  // namespace qrules::avx512::attention

#endif
