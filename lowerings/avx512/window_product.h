// Convolutions over windows of several positions as products: of rows that begin at each position with panels.
#pragma once

#include <qrules/lowerings/avx2/window.h>
#include <qrules/lowerings/avx512/requantization.h>

namespace qrules::avx512 {

// The call's activation, result and addend are channels-last, its scale and zero point known. Errors: epilogues, sizes
// and dtypes that the kernel does not take, or that are left to oneDNN's.
int8::Prepared make_window_product(PrepareContext& context, const int8::Int8Call& call, const avx2::Window& window);

}  // namespace qrules::avx512
