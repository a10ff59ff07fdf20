// What oneDNN says of the CPU, for handlers that do without oneDNN; lowerings/onednn asks it.
#pragma once

namespace qrules {

// False when the CPU has no AVX512, or ONEDNN_MAX_CPU_ISA holds oneDNN back from it.
bool may_use_avx512();

}  // namespace qrules
