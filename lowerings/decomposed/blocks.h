// Blocks of a tensor that share a scale and a zero point: what torchao's affine operators say of their granularity.
#pragma once

#include <vector>

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {

// A value seen with each dimension split into its blocks and the places in a block: twice its rank. Places have
// parameter stride 0.
struct Blocks {
  std::vector<int64_t> counts;  // blocks along each dimension
  std::vector<int64_t> block;   // elements along each dimension of a block

  // Sizes of the split value: count, block, count, block...
  std::vector<int64_t> sizes() const;
  // Strides of the split value, given the value's.
  std::vector<int64_t> split(const std::vector<int64_t>& strides) const;
  // Strides of a parameter that holds one element per block, row-major, over the split value.
  std::vector<int64_t> parameter_strides() const;
  // How many parameters there are.
  int64_t count() const;
};

// The blocks of the argument `block_size` over the value, operand 0; -1 is a whole dimension. Errors: another length
// than the value's rank, or sizes that are no multiples.
Result<Blocks> blocks_of(const PrepareContext& context);

}  // namespace qrules::decomposed
