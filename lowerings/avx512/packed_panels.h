// The panels of a call's weights and what its sums become: all that multiply_panel needs beside the activations.
#pragma once

#include <functional>
#include <string>

#include <qrules/lowerings/avx512/channels.h>
#include <qrules/lowerings/avx512/product_tiles.h>

namespace qrules::avx512 {

inline ShareOrder share_order(const Requantization& to) {
  return to.is_real ? ShareOrder::channels : ShareOrder::packing;
}

// What becomes of the sums of a call with so many products for each of its channels. Errors: activations that are no u8
// with a zero point among them, epilogues and numbers of channels that panels are not made for.
Result<Requantization> prepare_panels(PrepareContext& context, const int8::Int8Call& call, int64_t channels,
                                      int64_t products);

// Bytes of panels that leave room in the first-level cache: they are gone over for each kRowsAtOnce rows, a whole
// number of tiles of each width.
inline constexpr int64_t kFirstLevelPanels = int64_t{20} * 1024, kRowsAtOnce = 24;

// s8 weights, [channels][products], row-major, of which the products of rows of `depth` activations are made.
struct PanelWeights {
  const int8_t* weights = nullptr;
  int64_t channels = 0, products = 0, depth = 0;  // depth: a multiple of four
  // They as [channels][depth]; empty: they are so already. Called when they are packed, which a start with a plan cache
  // does not.
  std::function<std::vector<int8_t>()> reordered;
};

class PackedPanels {
 public:
  PackedPanels() = default;
  // What the weights are packed into is kept under a name that tells layouts apart.
  PackedPanels(PrepareContext& context, const Requantization& to, const std::string& name, const PanelWeights& weights,
               int32_t zero_point);

  const std::vector<Panel>& panels() const { return panels_; }
  int64_t bytes() const { return packed_channels(panels_) * depth_; }
  // With what belongs to the panel filled in.
  PanelRows rows_of(const Panel& panel) const;

 private:
  std::vector<Panel> panels_;
  int64_t depth_ = 0;
  std::shared_ptr<const void> weight_memory_;
  OrderedChannels channels_;
};

}  // namespace qrules::avx512
