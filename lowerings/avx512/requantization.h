// From sums of products to results.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <qrules/lowerings/avx2/epilogue.h>

namespace qrules::avx512 {

// An activation that is max(v, 0) - tail(|v|), its tail a piece of a polynomial of degree 4 around each of 16 nodes:
// tail(a) = sum of coefficients[i][n] * d^i, with a * scale = n + d and n its nearest integer, at most 15.
struct Tail {
  static constexpr size_t kNodes = 16, kDegree = 4;
  alignas(64) std::array<std::array<float, kNodes>, kDegree + 1> coefficients;
  float scale = 1;

  // Of gelu, gelu_tanh and hardswish, to about 1e-6; null for others.
  static const Tail* of(avx2::Activation activation);
};

// An epilogue. Where the activation is none or a bound, scales, bias and output quantization are one
// multiply-add, and relu and clip bounds of the integers; elsewhere the multiply-add gives real values.
struct Requantization {
  std::vector<float> factor, offset;  // of each channel
  const Tail* tail = nullptr;         // null: none or a bound
  float scale = 1, zero_point = 0;    // from the activation's real values to integers
  // Results are computed as u8; s8 ones are those that lie 128 higher, with the highest bit flipped.
  uint8_t lowest = 0, highest = 255, flip = 0;
  // An addend of eight bits: what its integers, as u8, are multiplied by before they are added to what is rounded.
  std::optional<size_t> other;  // operand; of f32 where the result is
  float other_factor = 0;
  uint8_t other_flip = 0;

  // A result in f32, above `least`: what `factor` and `offset` give, and the addend.
  bool is_real = false;
  float least = 0;

  // Of an epilogue into f32, without activation or with relu, and an addend of f32. Error: other epilogues.
  static Result<Requantization> real(const avx2::Epilogue& epilogue, int64_t channels);
  // Of one into integers. Error: other epilogues, and sums of so many products, or results of them, that could leave 32
  // bits.
  static Result<Requantization> of(const avx2::Epilogue& epilogue, int64_t channels, int64_t products);
};

}  // namespace qrules::avx512
