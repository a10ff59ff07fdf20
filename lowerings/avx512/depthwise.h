// Convolutions with one input and one output channel in each group, into integers.
#pragma once

#include <qrules/lowerings/avx2/window.h>

namespace qrules::avx512 {

// The call's activation and result are channels-last, its weights [channels][kernel rows][kernel columns]. Asks
// `context` for scratch. Error: epilogues and zero points that the kernel does not take.
int8::Prepared make_depthwise(PrepareContext& context, const int8::Int8Call& call, const avx2::Window& window);

}  // namespace qrules::avx512
