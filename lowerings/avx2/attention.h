// What the kernels of vector.attention and vector.qattention for several instruction sets prepare alike.
#pragma once

#include <qrules/lowerings/attention_call.h>
#include <qrules/lowerings/avx2/epilogue.h>

namespace qrules::avx2 {

struct PreparedAttention {
  AttentionCall call;
  BatchedMatrices results;
  Epilogue epilogue;

  // Lays the result out as [batch][row][head][column]: the transposition and reshape that follow in a transformer are
  // views. Errors: those of AttentionCall and Epilogue; no elements.
  static Result<PreparedAttention> make(PrepareContext& context);
};

}  // namespace qrules::avx2
