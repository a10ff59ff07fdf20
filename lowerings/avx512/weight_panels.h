// aten._weight_int8pack_mm of several rows in bf16.
#pragma once

#include <qrules/lowerings/weight_only_call.h>

namespace qrules::avx512 {

// Of a call whose activation is bf16, on a CPU with products of bf16. `weights` are its s8 weights, row-major. Asks
// `context` for scratch.
int8::Prepared make_weight_panels(PrepareContext& context, WeightOnlyCall call, const int8_t* weights);

}  // namespace qrules::avx512
