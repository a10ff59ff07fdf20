// From sums of products to integers of eight bits.
#pragma once

#include <cstdint>
#include <vector>

#include <qrules/lowerings/avx2/epilogue.h>

namespace qrules::avx512 {

// An epilogue without addend whose activation is none or a bound: scales, bias and output quantization folded into one
// multiply-add, relu and clip into bounds of the integers.
struct Requantization {
  std::vector<float> factor, offset;  // of each channel
  bool is_signed = false;
  int lowest = 0, highest = 255;

  // Error: other epilogues, and results that could leave 32 bits for sums of at most `largest_sum`.
  static Result<Requantization> of(const avx2::Epilogue& epilogue, int64_t channels, double largest_sum);
};

}  // namespace qrules::avx512
