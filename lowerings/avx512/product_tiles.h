// Sums of products of u8 with s8 in tiles of six rows by 64 or 32 channels, or eight by 16, which become results before
// they leave the registers.
//
// Weights lie in panels: [quad of the depth][share of 16 channels][channel][4]. For results of eight bits, which
// channels a share has is chosen so that packing its sums to bytes puts the channels of the panel in order.
#pragma once

#include <cstdint>
#include <vector>

#include <qrules/lowerings/avx512/requantization.h>

namespace qrules::avx512 {

inline constexpr int64_t kTileRows = 6;

// How channels lie in the shares of a panel: in order, or as the packing of bytes wants them.
enum class ShareOrder : uint8_t { channels, packing };

// Some channels next to each other.
struct Panel {
  ShareOrder order = ShareOrder::packing;
  int64_t first = 0;   // channel
  int64_t width = 16;  // channels that are computed: 16, 32 or 64
  int64_t count = 16;  // channels that there are: the width, or 24 of 32
  int64_t packed = 0;  // channels of the panels before it
};

// Panels that cover at least 16 channels. The last one may reach back over channels of the one before.
std::vector<Panel> panels_of(int64_t channels, ShareOrder order);
inline int64_t packed_channels(const std::vector<Panel>& panels) { return panels.back().packed + panels.back().width; }
// The channel of a panel that lies in an element of a share; -1: none.
int64_t channel_at(const Panel& panel, int64_t share, int64_t element);

// Packs s8 weights [channel][depth], row-major, into a panel; `to` has room for panel.width * depth bytes, depth a
// multiple of four.
void pack_panel(const int8_t* weights, int64_t depth, const Panel& panel, int8_t* to);

// Rows of u8 activations times one panel. Steps are in bytes. Rows are `depth` activations, x_step apart; or, of
// windows, begin where they like and have several runs of `depth` activations, at the same offsets from each row's
// start.
struct PanelRows {
  const uint8_t* x = nullptr;
  int64_t x_step = 0, rows = 0, depth = 0;  // a multiple of four
  const int64_t *starts = nullptr,
                *runs = nullptr;  // offsets: of each row from x, of each run from it; null: no windows
  int64_t run_count = 1;
  const int8_t* weights = nullptr;                   // of the panel
  const int32_t* start = nullptr;                    // what sums start from, in the order of the packed channels
  const float *factor = nullptr, *offset = nullptr;  // in the same order
  const Requantization* to = nullptr;
  char* out = nullptr;          // of the panel's first channel
  const char* other = nullptr;  // of an addend, as `out`
  int64_t out_step = 0;         // of both
};
void multiply_panel(const PanelRows& rows, const Panel& panel);

}  // namespace qrules::avx512
