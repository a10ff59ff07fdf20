// Convolutions with one input and one output channel in each group, into integers.
#pragma once

#include <qrules/lowerings/avx2/window.h>
#include <qrules/lowerings/avx512/requantization.h>

namespace qrules::avx512 {

// What is summed: u8 or s8 activations, channels-last, with their zero point.
struct Image {
  size_t operand = 0;
  bool is_signed = false;
  int32_t zero_point = 0;
};

// `weights` are s8, [channels][kernel rows][kernel columns]. The result is channels-last. Asks `context` for scratch.
int8::Prepared make_depthwise(PrepareContext& context, const avx2::Window& window, const Image& x,
                              const int8_t* weights, Requantization requantization);

}  // namespace qrules::avx512
