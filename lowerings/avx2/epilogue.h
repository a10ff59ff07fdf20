// From a tile's sums to the result: scales, bias, addend, activation, output type (docs/operators.md).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <qrules/lowerings/int8_call.h>

namespace qrules::avx2 {

enum class Activation : uint8_t { none, relu, clip, hardswish, silu, gelu, gelu_tanh, sigmoid, tanh, elu, leaky_relu };
enum class Combine : uint8_t { none, add, subtract, multiply };

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
  float inverse_out_scale = 1, out_zero_point = 0;

  // Of a call with an addend in the result's layout. Errors: post-ops, addends and numbers that it cannot do.
  static Result<Epilogue> make(const PrepareContext& context, const int8::Int8Call& call, int64_t channels);
};

// An epilogue with the addresses of one run.
struct EpilogueRun {
  const Epilogue* epilogue = nullptr;
  void* out = nullptr;
  const void* other = nullptr;

  // `count` <= 16 sums of the channels from `channel` on become the result's elements from `offset` on. `sums` has 16.
  // `factor` multiplies the scales: an activation's scale that is known only now, or is another one for each row.
  void store(const int32_t* sums, float factor, int64_t channel, int64_t count, int64_t offset) const;
  // The same with `count` <= 16 real values, which `factor` multiplies; they have no scales, bias or addend.
  void store_values(const float* values, float factor, int64_t count, int64_t offset) const;
};

}  // namespace qrules::avx2
