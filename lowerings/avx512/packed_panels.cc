#include <qrules/lowerings/avx512/packed_panels.h>

#if defined(__x86_64__)

namespace qrules::avx512 {

Result<Requantization> prepare_panels(PrepareContext& context, const int8::Int8Call& call, int64_t channels,
                                      int64_t products) {
  using int8::refuse;
  if (context.input(call.x).dtype != DType::u8) return refuse("the activation is s8");
  if (call.x_zero_point < 0 || call.x_zero_point > 255) return refuse("the zero point is no activation");
  auto epilogue = avx2::Epilogue::prepare(context, call, channels);
  if (!epilogue.ok()) return epilogue.diagnostics();
  auto requantization = epilogue->out_dtype == DType::f32 ? Requantization::real(*epilogue, channels)
                                                          : Requantization::of(*epilogue, channels, products);
  if (!requantization.ok()) return requantization.diagnostics();
  const bool fills_shares = channels >= 32 || (!requantization->is_real && (channels == 16 || channels == 24));
  if (!fills_shares || products == 0) return refuse("these sizes are left to other kernels");
  // A panel that reaches back would find results where the addend was, when they share memory.
  if (requantization->other && reaches_back(panels_of(channels, share_order(*requantization))))
    return refuse("the last channels would be added to twice");
  return requantization;
}

PackedPanels::PackedPanels(PrepareContext& context, const Requantization& to, const std::string& name,
                           const PanelWeights& weights, int32_t zero_point)
    : panels_(panels_of(weights.channels, share_order(to))), depth_(weights.depth) {
  const std::string format = "avx512 " + name + (to.is_real ? " in order " : " ") + std::to_string(weights.channels) +
                             " " + std::to_string(depth_);
  weight_memory_ = context.packed(format, static_cast<size_t>(bytes()), [&](void* target) {
    const std::vector<int8_t> reordered = weights.reordered ? weights.reordered() : std::vector<int8_t>();
    const int8_t* from = weights.reordered ? reordered.data() : weights.weights;
    for (const Panel& panel : panels_)
      pack_panel(from, depth_, panel, static_cast<int8_t*>(target) + panel.packed * depth_);
  });
  std::vector<int64_t> order;
  for (const Panel& panel : panels_) {
    for (int64_t i = 0; i < panel.width; ++i) {
      const int64_t channel = channel_at(panel, i / 16, i % 16);
      order.push_back(channel < 0 ? channel : panel.first + channel);
    }
  }
  channels_ = OrderedChannels::of(context, to, order, weights.weights, weights.products, zero_point);
}

PanelRows PackedPanels::rows_of(const Panel& panel) const {
  PanelRows p;
  p.weights = static_cast<const int8_t*>(weight_memory_.get()) + panel.packed * depth_;
  p.start = channels_.start.data() + panel.packed;
  p.factor = channels_.factor.data() + panel.packed;
  p.offset = channels_.offset.data() + panel.packed;
  return p;
}

}  // namespace qrules::avx512

#endif
