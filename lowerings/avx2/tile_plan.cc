#include <qrules/lowerings/avx2/tile_plan.h>

#if defined(__x86_64__)

#include <algorithm>

namespace qrules::avx2 {
namespace {

// Taps of one kernel row that lie next to each other are one run.
bool joins_taps(const Window& window) { return window.groups == 1 && window.columns.dilation == 1; }

Runs runs_of(const Window& window, const Strip& strip) {
  const bool joined = joins_taps(window);
  std::vector<int64_t> offsets;
  for (int64_t y = 0; y < window.rows.kernel; ++y) {
    for (int64_t x = 0; x < (joined ? 1 : window.columns.kernel); ++x)
      offsets.push_back((y * window.rows.dilation * strip.width + x * window.columns.dilation) * window.in_channels);
  }
  return Runs::of(offsets, joined ? window.columns.kernel * window.in_channels : window.inner());
}

}  // namespace

class TilePlan::Maker {
 public:
  Maker(TilePlan& plan, const Window& window, int64_t unit)
      : plan_(plan), window_(window), skips_rows_(unit > 0), width_(window.columns.out) {
    // A joined run is cut between its taps.
    skips_columns_ = unit > 0 && (!joins_taps(window) || window.in_channels % unit == 0);
  }

  void add_strip(int64_t first, int64_t count) {
    std::vector<Tile>& tiles = plan_.tiles_.emplace_back();
    for_equal_taps(window_.rows, skips_rows_, first, count, [&](int64_t begin, int64_t end, const Taps& rows) {
      std::vector<Tile> split = by_columns(begin, end, rows), straight = in_order(begin, end, rows);
      const std::vector<Tile>& better = cost(split) < cost(straight) ? split : straight;
      tiles.insert(tiles.end(), better.begin(), better.end());
    });
  }

 private:
  // Positions of whole rows one after the other.
  std::vector<Tile> in_order(int64_t begin, int64_t end, const Taps& rows) {
    std::vector<Tile> tiles;
    const size_t runs = runs_for({rows, {0, window_.columns.kernel}});
    for (int64_t at = begin * width_; at < end * width_; at += kTileRows)
      tiles.push_back({at, 1, std::min(kTileRows, end * width_ - at), runs});
    return tiles;
  }

  // Each stretch of columns that needs the same taps along its rows or down its columns, in tiles of nearly one height.
  std::vector<Tile> by_columns(int64_t begin, int64_t end, const Taps& rows) {
    std::vector<Tile> tiles;
    const int64_t height = end - begin;
    const auto count = [](int64_t length) { return (length + kTileRows - 1) / kTileRows; };
    for_equal_taps(window_.columns, skips_columns_, 0, width_, [&](int64_t left, int64_t right, const Taps& columns) {
      const size_t runs = runs_for({rows, columns});
      const int64_t wide = right - left;
      const bool down = wide * count(height) < height * count(wide);
      const int64_t lines = down ? wide : height, length = down ? height : wide, pieces = count(length);
      for (int64_t line = 0; line < lines; ++line) {
        const int64_t start = down ? begin * width_ + left + line : (begin + line) * width_ + left;
        for (int64_t piece = 0; piece < pieces; ++piece) {
          const int64_t from = piece * length / pieces, to = (piece + 1) * length / pieces;
          const int64_t step = down ? width_ : 1;
          tiles.push_back({start + from * step, step, to - from, runs});
        }
      }
    });
    return tiles;
  }

  // In elements that are multiplied. What a tile takes besides its rows is about a half of one.
  int64_t cost(const std::vector<Tile>& tiles) const {
    int64_t sum = 0;
    for (const Tile& tile : tiles) {
      const Runs& runs = plan_.runs_[tile.runs];
      sum += (2 * tile.rows + 1) * static_cast<int64_t>(runs.runs.size()) * runs.length;
    }
    return sum;
  }

  size_t runs_for(const Part& part) {
    const auto found = std::find(plan_.parts_.begin(), plan_.parts_.end(), part);
    if (found != plan_.parts_.end()) return static_cast<size_t>(found - plan_.parts_.begin());
    const bool joined = joins_taps(window_);
    const int64_t of_a_row = joined ? 1 : window_.columns.kernel;
    const Taps of_row = joined ? Taps{0, 1} : part.columns;
    std::vector<size_t> indexes;
    for (int64_t y = part.rows.first; y < part.rows.end; ++y) {
      for (int64_t x = of_row.first; x < of_row.end; ++x) indexes.push_back(static_cast<size_t>(y * of_a_row + x));
    }
    const int64_t tap = joined ? window_.in_channels : 0;
    plan_.runs_.push_back(
        plan_.whole().part(indexes, part.columns.first * tap, joined ? part.columns.end * tap : plan_.whole().length));
    plan_.parts_.push_back(part);
    return plan_.parts_.size() - 1;
  }

  TilePlan& plan_;
  const Window& window_;
  bool skips_rows_, skips_columns_ = false;
  int64_t width_;
};

TilePlan TilePlan::make(const Window& window, const Strip& strip, const std::vector<int64_t>& begins, int64_t unit) {
  TilePlan plan;
  plan.runs_.push_back(runs_of(window, strip));
  plan.parts_.push_back({{0, window.rows.kernel}, {0, window.columns.kernel}});
  Maker maker(plan, window, unit);
  for (size_t i = 0; i + 1 < begins.size(); ++i) maker.add_strip(begins[i], begins[i + 1] - begins[i]);
  return plan;
}

int64_t TilePlan::most_tiles() const {
  size_t most = 1;
  for (const std::vector<Tile>& tiles : tiles_) most = std::max(most, tiles.size());
  return static_cast<int64_t>(most);
}

}  // namespace qrules::avx2

#endif
