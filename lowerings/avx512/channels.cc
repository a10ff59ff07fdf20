#include <qrules/lowerings/avx512/channels.h>

#if defined(__x86_64__)

namespace qrules::avx512 {

OrderedChannels OrderedChannels::of(PrepareContext& context, const Requantization& requantization,
                                    const std::vector<int64_t>& order, const int8_t* weights, int64_t products,
                                    int32_t zero_point) {
  const size_t channels = requantization.factor.size();
  const auto memory = context.packed("avx512 sums of weights", channels * sizeof(int32_t), [&](void* target) {
    for (size_t n = 0; n < channels; ++n) {
      const int8_t* row = weights + static_cast<int64_t>(n) * products;
      int32_t sum = 0;
      for (int64_t k = 0; k < products; ++k) sum += row[k];
      static_cast<int32_t*>(target)[n] = sum;
    }
  });
  const auto* sums = static_cast<const int32_t*>(memory.get());
  OrderedChannels ordered;
  for (const int64_t channel : order) {
    const bool exists = channel >= 0;
    const auto n = static_cast<size_t>(channel);
    ordered.start.push_back(exists ? -zero_point * sums[n] : 0);
    ordered.factor.push_back(exists ? requantization.factor[n] : 0.0f);
    ordered.offset.push_back(exists ? requantization.offset[n] : 0.0f);
  }
  return ordered;
}

}  // namespace qrules::avx512

#endif
