// Matrix products of u8 rows with s8 weights: linears and convolutions of one tap.
#pragma once

#include <qrules/lowerings/avx512/requantization.h>

namespace qrules::avx512 {

struct Product {
  int64_t rows = 0, depth = 0, channels = 0;

  // Whether the kernel takes these sizes, and is not likely to be slower than oneDNN's.
  bool is_ours() const;
};

// The call's activation is [rows][depth] in the layout that was asked for, with a scale that is known; its weights are
// [channels][depth], its result and an addend [rows][channels]. Errors: epilogues, sizes and dtypes that the kernel
// does not take.
int8::Prepared make_product(PrepareContext& context, const int8::Int8Call& call, const Product& product);

}  // namespace qrules::avx512
