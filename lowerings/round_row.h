// Rows of f32 to bf16: the conversion that bf16 models begin with.
#pragma once

#include <cstdint>

#include <qrules/lowerings/elements.h>

namespace qrules::elements {

// to[i] = convert<Bf16>(from[i]), with AVX2 where the CPU has it.
void round_row(const float* from, int64_t count, Bf16* to);

}  // namespace qrules::elements
