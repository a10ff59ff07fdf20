// Matrix products of u8 rows with s8 weights: linears and convolutions of one tap.
#pragma once

#include <qrules/lowerings/avx512/requantization.h>

namespace qrules::avx512 {

struct Product {
  int64_t rows = 0, depth = 0, channels = 0;

  // Whether the kernel takes these sizes, and is not likely to be slower than oneDNN's.
  bool takes(const Requantization& requantization) const;
};

// x is operand `x` of `context`, u8 [rows][depth], with its zero point; `weights` are [channels][depth]; results are
// [rows][channels]. The product is worth it.
int8::Prepared make_product(PrepareContext& context, const Product& product, size_t x, int32_t zero_point,
                            const int8_t* weights, Requantization requantization);

}  // namespace qrules::avx512
