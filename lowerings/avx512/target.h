// Functions of this folder are compiled for AVX512 one by one: see lowerings/avx2/target.h.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#define QRULES_AVX512 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")))
#define QRULES_AVX512_INLINE \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq"), always_inline)) inline
#define QRULES_AVX512_VNNI __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define QRULES_AVX512_VNNI_INLINE \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"), always_inline)) inline
#define QRULES_AVX512_BF16 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")))
#define QRULES_AVX512_BF16_INLINE \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16"), always_inline)) inline

#define QRULES_AVX512_VBMI \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx512vbmi")))
#define QRULES_AVX512_VBMI_INLINE                                                                        \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx512vbmi"), \
                 always_inline)) inline

namespace qrules::avx512 {

// Of the CPU, and not held back by ONEDNN_MAX_CPU_ISA.
bool supported();
// The same and sums of products of u8 with s8 in 32 bits.
bool supports_vnni();
// `supported` and products of bf16.
bool supports_bf16();
// The same and permutations of bytes.
bool supports_vbmi();

}  // namespace qrules::avx512
#endif
