// aten._weight_int8pack_mm of a few rows in bf16: bound by reading the weights.
#pragma once

#include <qrules/lowerings/weight_only_call.h>

namespace qrules::avx512 {

inline constexpr int64_t kStreamedRows = 3;  // at most

// Of a call with at most kStreamedRows rows in bf16, on a CPU with bf16 products and byte permutations. `weights` are
// its s8 weights where they are known before the run, else null. Asks `context` for scratch.
int8::Prepared make_weight_rows(PrepareContext& context, WeightOnlyCall call, const int8_t* weights);

}  // namespace qrules::avx512
