// Each file of this folder adds its handlers.
#pragma once

#include <qrules/runtime/kernel.h>

namespace qrules::avx512 {

void add_attention(HandlerRegistry& registry);
void add_convolution(HandlerRegistry& registry);
void add_linear(HandlerRegistry& registry);
void add_quantized_attention(HandlerRegistry& registry);
void add_weight_int8pack(HandlerRegistry& registry);

}  // namespace qrules::avx512
