// Functions of this folder are compiled for AVX2 one by one, not whole files: what a header defines inline must not end
// up in them and then be taken by the linker for all.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#define QRULES_AVX2 __attribute__((target("avx2,fma")))
#define QRULES_AVX2_INLINE __attribute__((target("avx2,fma"), always_inline)) inline
#endif
