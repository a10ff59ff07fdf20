// From a tile's sums to the result: scales, bias, addend, activation, output type (docs/operators.md).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <qrules/lowerings/avx2/tile_bytes.h>
#include <qrules/lowerings/int8_call.h>

namespace qrules::avx2 {

enum class Activation : uint8_t { none, relu, clip, hardswish, silu, gelu, gelu_tanh, sigmoid, tanh, elu, leaky_relu };
enum class Combine : uint8_t { none, add, subtract, multiply };

struct Epilogue;
struct TileRows;
using StoreRows = void(const Epilogue& epilogue, const TileRows& rows);
using StoreReals = void(const Epilogue& epilogue, float factor, const float* values, int64_t count, char* to);

// Sums of some rows by 16 channels, and where they go. Steps are in bytes.
struct TileRows {
  const int32_t* sums = nullptr;  // [row][16]
  int64_t rows = 0, channel = 0;
  const float* factors = nullptr;  // null: `factor` for all rows
  float factor = 1;
  char* to = nullptr;
  int64_t to_step = 0;
  const char* other = nullptr;
  int64_t other_step = 0;
};

// What follows the sums of one call. Arrays have an element for each channel, and 16 more: they are read by sixteens.
struct Epilogue {
  std::vector<float> scale, bias;
  Combine combine = Combine::none;
  size_t other = 0;  // operand
  DType other_dtype = DType::f32;
  float other_scale = 1, other_zero_point = 0;
  Activation activation = Activation::none;
  float low = 0, high = 0;  // clip's bounds; low: elu's alpha, leaky_relu's slope
  DType out_dtype = DType::f32;
  int64_t out_size = 0, other_size = 0;  // bytes of an element
  float inverse_out_scale = 1, out_zero_point = 0;
  float lowest = 0, highest = 0;    // of a quantized result, relu and clip included
  StoreRows* store_rows = nullptr;  // made for the activation, result and addend of this call
  StoreReals* store_reals = nullptr;
  bool makes_bytes = false;  // TileBytes

  // Of a call with an addend in the result's layout. Errors: post-ops, addends and numbers that it cannot do.
  static Result<Epilogue> make(const PrepareContext& context, const int8::Int8Call& call, int64_t channels);
  // The same, and asks for the addend in the result's layout; it may be written over when it has the result's size:
  // each element must be read before it is written, by the same thread.
  static Result<Epilogue> prepare(PrepareContext& context, const int8::Int8Call& call, int64_t channels);
};

// An epilogue with the addresses of one run.
struct EpilogueRun {
  const Epilogue* epilogue = nullptr;
  void* out = nullptr;
  const void* other = nullptr;

  // Sums of `count` <= 16 channels from `rows.channel` on become elements of the result: the first row's from `offset`
  // on, those of each further row `step` elements later. What `rows` says of the memory may be filled in here.
  void store(TileRows& rows, int64_t count, int64_t offset, int64_t step) const;
  // How the sums of channels from `channel` on become bytes, if they are of the kind; where, place() says: from
  // `offset` on, rows `step` apart.
  std::optional<TileBytes> bytes(int64_t channel) const;
  void place(TileBytes& bytes, int64_t offset, int64_t step) const {
    bytes.to = static_cast<uint8_t*>(out) + offset;
    bytes.to_step = step;
    if (other) bytes.other = static_cast<const uint8_t*>(other) + offset;
  }
  // As store, of one row with `count` real values, which `factor` multiplies; they have no scales, bias or addend.
  void store_values(const float* values, float factor, int64_t count, int64_t offset) const;
};

}  // namespace qrules::avx2
