#include <qrules/lowerings/decomposed/blocks.h>

#include <functional>
#include <numeric>

namespace qrules::decomposed {

std::vector<int64_t> Blocks::sizes() const {
  std::vector<int64_t> result;
  for (size_t d = 0; d < counts.size(); ++d) result.insert(result.end(), {counts[d], block[d]});
  return result;
}

std::vector<int64_t> Blocks::split(const std::vector<int64_t>& strides) const {
  std::vector<int64_t> result;
  for (size_t d = 0; d < counts.size(); ++d) result.insert(result.end(), {strides[d] * block[d], strides[d]});
  return result;
}

std::vector<int64_t> Blocks::parameter_strides() const {
  const std::vector<int64_t> steps = contiguous_strides(counts);
  std::vector<int64_t> result;
  for (const int64_t step : steps) result.insert(result.end(), {step, 0});
  return result;
}

int64_t Blocks::count() const { return std::accumulate(counts.begin(), counts.end(), int64_t{1}, std::multiplies<>()); }

Result<Blocks> blocks_of(const PrepareContext& context) {
  const std::vector<int64_t>& sizes = context.input(0).sizes;
  const std::vector<int64_t> lengths = context.integers("block_size");
  if (lengths.size() != sizes.size())
    return refuse_argument(context, "block_size", "needs one number for each dimension of the value");
  Blocks blocks;
  for (size_t d = 0; d < sizes.size(); ++d) {
    const int64_t length = lengths[d] == -1 ? std::max<int64_t>(sizes[d], 1) : lengths[d];
    if (length < 1 || sizes[d] % length != 0)
      return refuse_argument(context, "block_size", "does not divide the value's sizes");
    blocks.counts.push_back(sizes[d] / length);
    blocks.block.push_back(length);
  }
  return blocks;
}

}  // namespace qrules::decomposed
