// Attention of a few queries, as when a decoder adds one token: bound by reading keys and values, which are read once,
// as they lie, with their elements in lanes.
#pragma once

#if defined(__x86_64__)

#include <qrules/lowerings/attention_call.h>
#include <qrules/lowerings/avx2/epilogue.h>
#include <qrules/lowerings/elements.h>

namespace qrules::avx512 {

class SingleQueries {
 public:
  // Of one batch's matrices; `mask` may be null.
  SingleQueries(const AttentionCall& call, const HeadMatrices& q, const HeadMatrices& k, const HeadMatrices& v,
                const HeadMatrices* mask, int64_t out_step)
      : call_(call), q_(q), k_(k), v_(v), mask_(mask), out_step_(out_step) {}

  // Whether keys and values lie so that their elements can be read together.
  static bool takes(const HeadMatrices& k, const HeadMatrices& v) { return k.row_step == 1 && v.column_step == 1; }
  static int64_t scratch_elements(const AttentionCall& call);

  // Of float, or bf16; the mask may be float beside bf16. `out`: where the first row of the result begins.
  template <typename T, typename Mask>
  void run(const T* q, const T* k, const T* v, const Mask* mask, float* scratch, const avx2::EpilogueRun& output,
           int64_t out) const;

 private:
  const AttentionCall& call_;
  const HeadMatrices &q_, &k_, &v_;
  const HeadMatrices* mask_;
  int64_t out_step_;
};

}  // namespace qrules::avx512

#endif
