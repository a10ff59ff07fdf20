// The panels of a call's weights and what its sums become: all that multiply_panel needs beside the activations.
#pragma once

#include <string>

#include <qrules/lowerings/avx512/channels.h>
#include <qrules/lowerings/avx512/product_tiles.h>

namespace qrules::avx512 {

inline ShareOrder share_order(const Requantization& to) {
  return to.is_real ? ShareOrder::channels : ShareOrder::packing;
}

class PackedPanels {
 public:
  PackedPanels() = default;
  // `weights` are s8, [channels][depth], row-major, depth a multiple of four; what they are packed into is kept under
  // a name that tells layouts apart.
  PackedPanels(PrepareContext& context, const Requantization& to, const std::string& name, int64_t channels,
               int64_t depth, const int8_t* weights, int32_t zero_point);

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
