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

// s8 weights, [channels][products], row-major.
struct PanelWeights {
  const int8_t* weights = nullptr;
  int64_t channels = 0, products = 0;
  // How they are multiplied: [channels][depth], depth a multiple of four. Empty: as they are. Called when they are
  // packed, which a start with a plan cache does not.
  int64_t depth = 0;
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
