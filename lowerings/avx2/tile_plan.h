// Which positions of a strip make up a tile, and which taps it needs. Where padding adds nothing to sums, positions
// that need fewer taps, at the edges of an image, are in tiles of their own when that saves more than it costs.
#pragma once

#include <span>
#include <vector>

#include <qrules/lowerings/avx2/products.h>
#include <qrules/lowerings/avx2/strip.h>
#include <qrules/lowerings/avx2/window.h>

namespace qrules::avx2 {

// `rows` positions of a strip from `position` on, `step` apart.
struct Tile {
  int64_t position = 0, step = 1, rows = 0;
  size_t runs = 0;  // of TilePlan
};

class TilePlan {
 public:
  // For strips that begin at the rows `begins` of the result, the last of which ends them. `unit`: padding is left out,
  // and runs are cut at multiples of so many elements; 0: every tile needs all taps.
  static TilePlan make(const Window& window, const Strip& strip, const std::vector<int64_t>& begins, int64_t unit);

  // The runs of all taps, by which weights are packed.
  const Runs& whole() const { return runs_.front(); }
  const Runs& runs(const Tile& tile) const { return runs_[tile.runs]; }
  std::span<const Tile> of_strip(int64_t strip) const { return tiles_[static_cast<size_t>(strip)]; }
  int64_t most_tiles() const;

 private:
  struct Part {
    Taps rows, columns;
    bool operator==(const Part&) const = default;
  };
  class Maker;

  std::vector<Part> parts_;  // of which runs_ are
  std::vector<Runs> runs_;
  std::vector<std::vector<Tile>> tiles_;
};

}  // namespace qrules::avx2
