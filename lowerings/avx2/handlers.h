// Each file of operators in floating point adds its handlers.
#pragma once

#include <qrules/runtime/kernel.h>

namespace qrules::avx2 {

void add_attention(HandlerRegistry& registry);
void add_layer_norm(HandlerRegistry& registry);
void add_pointwise(HandlerRegistry& registry);
void add_weight_int8pack(HandlerRegistry& registry);

}  // namespace qrules::avx2
