// The two forms in which a strip's activations lie in a thread's scratch, each with the tiles that sum them: widened to
// s16 (products.h), or as bytes, with pairs that are too large halved as well (byte_products.h).
//
// A form is written from start to end by copy() and pad(). Then, for some tiles at once, find() is called for each,
// with the offsets in elements at which its rows begin, and sum() as often as it takes for all panels.
#pragma once

#if defined(__x86_64__)

#include <algorithm>
#include <cstring>
#include <new>

#include <qrules/lowerings/avx2/byte_products.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx2/window.h>

namespace qrules::avx2 {

struct StripSizes {
  int64_t elements = 0;
  int64_t tiles = 0;  // that find() is called for before sum()
  int64_t fours = 0;  // of activations that a tile's row reads
};

// What the activations of a strip stand for. `limits`: of bytes, those of their pairs.
struct StripValues {
  bool is_signed = false;
  int32_t zero_point = 0;
  PairLimits limits;
};

// The rows of a tile and what they read.
struct TileReads {
  int64_t rows = 0;
  const Runs* runs = nullptr;
  int64_t starts[kTileRows];

  TileReads(int64_t count, const int64_t* from, const Runs& of) : rows(count), runs(&of) {
    std::copy_n(from, count, starts);
  }
};

// `Weight`: what weights lie as, s8 or s16.
template <typename Weight = int8_t>
class WordStrip {
 public:
  static constexpr const char* kKernel = "tiles:avx2";
  static void pack(const int8_t* weights, int64_t channels, const Runs& runs, int8_t* panels) {
    pack_panels(weights, channels, runs, reinterpret_cast<Weight*>(panels));
  }
  static int64_t panel_bytes(const Runs& runs) { return runs.panel_weights * static_cast<int64_t>(sizeof(Weight)); }
  static constexpr int64_t kUnit = 2;  // runs are cut at multiples of so many elements
  static size_t limit_bytes(const Window&) { return 0; }
  static void find_limits(const int8_t* /*weights*/, const Window&, void* /*to*/) {}
  static PairLimits limits(const Window&, const void* /*memory*/) { return {}; }
  static size_t bytes(const StripSizes& sizes) {
    return word_bytes(sizes) + whole_lines(static_cast<size_t>(sizes.tiles) * sizeof(TileReads));
  }

  // Whether padding adds nothing to sums.
  static bool pads_with_zeros(bool /*is_signed*/, int32_t /*zero_point*/) { return true; }

  WordStrip(void* memory, const StripSizes& sizes, const StripValues& values)
      : words_(static_cast<int16_t*>(memory)),
        next_(words_),
        tiles_(reinterpret_cast<TileReads*>(static_cast<char*>(memory) + word_bytes(sizes))),
        zero_point_(values.zero_point),
        is_signed_(values.is_signed) {}

  void copy(const void* from, int64_t count) {
    widen(from, is_signed_, zero_point_, count, next_);
    next_ += count;
  }
  void pad(int64_t count) {
    std::memset(next_, 0, static_cast<size_t>(count) * sizeof(int16_t));
    next_ += count;
  }
  const int16_t* words() const { return words_; }

  void find(int64_t tile, int64_t rows, const int64_t* starts, const Runs& runs) {
    new (tiles_ + tile) TileReads(rows, starts, runs);
  }
  void sum(int64_t index, const int8_t* panel, int64_t panels, const TileTarget& target) const {
    const TileReads& tile = tiles_[index];
    sum_tile(tile.rows, words_, tile.starts, *tile.runs, reinterpret_cast<const Weight*>(panel), panels, target);
  }

 private:
  static size_t word_bytes(const StripSizes& sizes) {
    return whole_lines(static_cast<size_t>(sizes.elements) * sizeof(int16_t));
  }

  int16_t *words_, *next_;
  TileReads* tiles_;
  int32_t zero_point_;
  bool is_signed_;
};

// Runs have lengths and offsets that are multiples of four. Two activations of padding are a pair that is kept.
template <Bytes kBytes>
class ByteStrip {
 public:
  static constexpr const char* kKernel = kBytes == Bytes::raw ? "byte-tiles:avx2" : "centred-byte-tiles:avx2";
  static void pack(const int8_t* weights, int64_t channels, const Runs& runs, int8_t* panels) {
    pack_byte_panels<kBytes>(weights, channels, runs, panels);
  }
  static int64_t panel_bytes(const Runs& runs) { return byte_panel_bytes(runs); }
  static constexpr int64_t kUnit = 4;
  // The limits of pairs, for weights ordered by runs.
  static size_t limit_bytes(const Window& window) { return PairLimits::bytes(window.in_channels); }
  static void find_limits(const int8_t* weights, const Window& window, void* to) {
    find_pair_limits<kBytes>(weights, window.in_channels, window.inner(), window.outer(), window.products(),
                             static_cast<int16_t*>(to));
  }
  static PairLimits limits(const Window& window, const void* memory) {
    return {static_cast<const int16_t*>(memory), PairLimits::period_of(window.in_channels)};
  }
  static size_t bytes(const StripSizes& sizes) {
    return 2 * array_bytes(sizes) + mark_bytes(sizes) + tiles_bytes(sizes) +
           whole_lines(static_cast<size_t>(sizes.tiles * (most_extras(sizes.fours) + 1)) * sizeof(Extra));
  }

  static bool pads_with_zeros(bool is_signed, int32_t zero_point) { return factor_of(is_signed, zero_point) == 0; }

  ByteStrip(void* memory, const StripSizes& sizes, const StripValues& values)
      : whole_(static_cast<uint8_t*>(memory)),
        kept_(whole_ + array_bytes(sizes)),
        marks_(kept_ + array_bytes(sizes)),
        tiles_(reinterpret_cast<FoundTile*>(marks_ + mark_bytes(sizes))),
        extras_(reinterpret_cast<Extra*>(marks_ + mark_bytes(sizes) + tiles_bytes(sizes))),
        extras_of_a_tile_(most_extras(sizes.fours) + 1),
        flip_(values.is_signed ? 0x80 : 0),
        limits_(values.limits),
        weight_factor_(factor_of(values.is_signed, values.zero_point)) {}

  void copy(const void* from, int64_t count) {
    const bool any = halve_pairs<kBytes>(static_cast<const uint8_t*>(from), count, flip_, limits_, whole_ + next_,
                                         kept_ + next_, marks_ + next_ / 4);
    has_rests_ = has_rests_ || any;
    next_ += count;
  }
  void pad(int64_t count) {
    std::memset(whole_ + next_, -weight_factor_, static_cast<size_t>(count));
    std::memset(kept_ + next_, -weight_factor_, static_cast<size_t>(count));
    std::memset(marks_ + next_ / 4, 0, static_cast<size_t>(count / 4));
    next_ += count;
  }

  void find(int64_t index, int64_t rows, const int64_t* starts, const Runs& runs) {
    FoundTile& tile = *new (tiles_ + index) FoundTile{{rows, starts, runs}, 0, false, {}};
    const int64_t most = most_extras(runs.fours());
    tile.extra_count =
        has_rests_ ? find_extras(rows, starts, runs, {whole_, kept_, marks_}, most, extras_of(index)) : 0;
    tile.in_words = tile.extra_count > most;
    if constexpr (kBytes == Bytes::centred) sum_centred_rows(rows, starts, runs, whole_, tile.row_sums);
  }
  void sum(int64_t index, const int8_t* panel, int64_t panels, const TileTarget& target) const {
    const FoundTile& tile = tiles_[index];
    const auto& [rows, runs, starts] = tile.reads;
    const ByteTile adds{extras_of(index), tile.extra_count, weight_factor_, tile.row_sums};
    if (tile.in_words)
      sum_byte_tile_in_words<kBytes>(rows, whole_, starts, *runs, panel, panels, adds, target);
    else
      sum_byte_tile<kBytes>(rows, kept_, starts, *runs, panel, panels, adds, target);
  }

 private:
  struct FoundTile {
    TileReads reads;
    int64_t extra_count;
    bool in_words;
    int32_t row_sums[kTileRows];
  };

  // Extras take somewhat longer than a four of the tile; sums in words half as long again as those of bytes.
  static int64_t most_extras(int64_t fours) { return fours * 3 / 8; }
  // Of a tile: room for most_extras() of the longest runs, and one more, by which find_extras notices that there are
  // more.
  Extra* extras_of(int64_t tile) const { return extras_ + tile * extras_of_a_tile_; }

  static int32_t factor_of(bool is_signed, int32_t zero_point) {
    return (kBytes == Bytes::raw ? 0 : 128) - (is_signed ? zero_point + 128 : zero_point);
  }
  static size_t array_bytes(const StripSizes& sizes) { return whole_lines(static_cast<size_t>(sizes.elements)); }
  static size_t mark_bytes(const StripSizes& sizes) {
    return whole_lines(static_cast<size_t>(sizes.elements) / 4 + kMarksAtOnce);
  }
  static size_t tiles_bytes(const StripSizes& sizes) {
    return whole_lines(static_cast<size_t>(sizes.tiles) * sizeof(FoundTile));
  }

  uint8_t *whole_, *kept_, *marks_;
  FoundTile* tiles_;
  Extra* extras_;
  int64_t extras_of_a_tile_, next_ = 0;
  uint8_t flip_;
  PairLimits limits_;
  int32_t weight_factor_;
  bool has_rests_ = false;
};

}  // namespace qrules::avx2

#endif
