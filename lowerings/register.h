// Every lowering handler of this build.
#pragma once

#include <qrules/runtime/kernel.h>

namespace qrules {

void register_onednn_handlers(HandlerRegistry& registry);  // lowerings/onednn
void register_avx512_handlers(HandlerRegistry& registry);  // lowerings/avx512: floating point with AVX512
void register_avx2_handlers(HandlerRegistry& registry);    // lowerings/avx2: exact int8 products without VNNI
void register_decomposed_handlers(
    HandlerRegistry& registry);  // lowerings/decomposed: exact reference kernels, views, pointwise
void register_aten_handlers(HandlerRegistry& registry);  // lowerings/aten: any operator through the dispatcher

}  // namespace qrules
