// The instruction for int8 sums four products next to each other, but the activations of a window lie apart. So four
// rows of the image are interleaved first, byte by byte: a quad is the four activations of a channel in one column.
// With kernels of three rows a quad serves two rows of the result, as taps 0-2 of one and 1-3 of the other; each column
// is interleaved once, for all windows that reach it. Interleaving works within lanes of 16 bytes, which shuffles the
// channels of a block over its four vectors of sums; packing sums to bytes puts them in order again.

#include <qrules/lowerings/avx512/depthwise.h>

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstring>

#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/channels.h>
#include <qrules/lowerings/avx512/requantize.h>

namespace qrules::avx512 {
namespace {

constexpr int64_t kWorthAThread = 400'000;  // products
constexpr int64_t kColumns = 32;            // of the result: their quads stay in the first-level cache
constexpr int64_t kShares = 4;              // vectors of sums of a block of channels

// Where the taps of a window are, and which weights they have.
struct Taps {
  int64_t rows = 1;              // of the result that quads serve: one or two
  int64_t quads = 1;             // of a column
  int64_t row_step = 1;          // of the image, from one interleaved row to the next
  int64_t image_rows = 1;        // that are interleaved
  std::vector<int64_t> columns;  // of the window's columns, in columns of the image
  int64_t count() const { return static_cast<int64_t>(columns.size()) * quads; }

  static Taps of(const avx2::Window& window) {
    const avx2::Axis& axis = window.rows;
    Taps taps;
    taps.rows = axis.stride == 1 && axis.dilation == 1 && axis.kernel > 1 && axis.out > 1 ? 2 : 1;
    taps.row_step = axis.dilation;
    taps.image_rows = axis.kernel + taps.rows - 1;
    taps.quads = (taps.image_rows + 3) / 4;
    for (int64_t x = 0; x < window.columns.kernel; ++x) taps.columns.push_back(x * window.columns.dilation);
    return taps;
  }
};

// One block of channels in a strip of columns.
struct Strip {
  const uint8_t* quads = nullptr;    // [column of the image][quad][share] vectors
  const int64_t* offsets = nullptr;  // bytes, of each tap
  int64_t taps = 0;
  int64_t step = 0;                                  // bytes from one window's quads to the next one's
  const int8_t* weights = nullptr;                   // [share][tap][row] vectors
  const float *factor = nullptr, *offset = nullptr;  // [share] vectors
  const int32_t* start = nullptr;                    // [share] vectors: what takes out the zero point
  const Requantization* to = nullptr;
  uint8_t* shorts = nullptr;         // [column][row] vectors
  std::array<uint8_t*, 2> out = {};  // of each row; null: not wanted
  int64_t out_step = 0, columns = 0, channels = 0;
};

// T taps, 0: as many as the strip says.
template <typename V, int R, int T, bool kTail, bool kWhole>
QRULES_AVX512_VNNI void sum_columns(const Strip& s) {
  using Vector = typename V::Vector;
  constexpr int64_t kSize = V::kSize;
  const Requantization& to = *s.to;
  const Vector lowest = V::every(static_cast<int8_t>(to.lowest)), highest = V::every(static_cast<int8_t>(to.highest)),
               flip = V::every(static_cast<int8_t>(to.flip));
  const int64_t taps = T ? T : s.taps;
  for (int64_t share = 0; share < kShares; share += 2) {
    const int8_t* weights = s.weights + share * taps * R * kSize;
    typename V::Floats factor[2], offset[2];
    Vector start[2];
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      factor[h] = V::load_floats(s.factor + (share + h) * kSize / 4);
      offset[h] = V::load_floats(s.offset + (share + h) * kSize / 4);
      start[h] = V::load(s.start + (share + h) * kSize / 4);
    }
    Vector known[2][T ? T : 1][R];
    if constexpr (T != 0) {
      for (int h = 0; h < 2; ++h) {
        for (int t = 0; t < T; ++t) {
          for (int r = 0; r < R; ++r) known[h][t][r] = V::load(weights + ((h * T + t) * R + r) * kSize);
        }
      }
    }
    const uint8_t* quads = s.quads + share * kSize;
    for (int64_t x = 0; x < s.columns; ++x, quads += s.step) {
      Vector sums[2][R];
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        for (int r = 0; r < R; ++r) sums[h][r] = start[h];
      }
      if constexpr (T != 0) {
#pragma GCC unroll 9
        for (int t = 0; t < T; ++t) {
#pragma GCC unroll 2
          for (int h = 0; h < 2; ++h) {
            const Vector quad = V::load(quads + s.offsets[t] + h * kSize);
            for (int r = 0; r < R; ++r) sums[h][r] = V::dot(sums[h][r], quad, known[h][t][r]);
          }
        }
      } else {
        for (int64_t t = 0; t < taps; ++t) {
#pragma GCC unroll 2
          for (int h = 0; h < 2; ++h) {
            const Vector quad = V::load(quads + s.offsets[t] + h * kSize);
            for (int r = 0; r < R; ++r)
              sums[h][r] = V::dot(sums[h][r], quad, V::load(weights + ((h * taps + t) * R + r) * kSize));
          }
        }
      }
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) {
        const Vector shorts = V::to_shorts(rescale<V, kTail>(sums[0][r], factor[0], offset[0], to),
                                           rescale<V, kTail>(sums[1][r], factor[1], offset[1], to));
        uint8_t* kept = s.shorts + (x * R + r) * kSize;
        if (share == 0) {
          V::store(kept, shorts);
        } else if (uint8_t* out = s.out[static_cast<size_t>(r)]) {
          const Vector bytes = V::exclusive_or(V::bound(V::to_bytes(V::load(kept), shorts), lowest, highest), flip);
          if constexpr (kWhole)
            V::store(out + x * s.out_step, bytes);
          else
            V::store_first(out + x * s.out_step, s.channels, bytes);
        }
      }
    }
  }
}

// Activations of one row of the image: those of the next column are `step` bytes on.
struct Row {
  const uint8_t* at = nullptr;
  int64_t step = 0;
};

// Rows of the same columns.
struct Rows {
  std::array<Row, 4> interleaved;
  std::array<Row, 2> needed_next;  // memory is asked for them
};

template <typename V, bool kWhole, bool kFlip>
QRULES_AVX512 void interleave(const Rows& rows, int64_t columns, int64_t channels, uint8_t* to, int64_t to_step) {
  using Vector = typename V::Vector;
  std::array<Row, 4> row = rows.interleaved;
  std::array<Row, 2> next = rows.needed_next;
  for (int64_t x = 0; x < columns; ++x, to += to_step) {
    Vector bytes[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      if constexpr (kWhole)
        bytes[i] = V::load(row[i].at);
      else
        bytes[i] = V::load_first(row[i].at, channels);
      if constexpr (kFlip) bytes[i] = V::exclusive_or(bytes[i], V::every(int8_t{-128}));
      row[i].at += row[i].step;
    }
    for (Row& ahead : next) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead.at), _MM_HINT_T1);
      ahead.at += ahead.step;
    }
    const Vector low = V::low_bytes(bytes[0], bytes[1]), high = V::high_bytes(bytes[0], bytes[1]),
                 other_low = V::low_bytes(bytes[2], bytes[3]), other_high = V::high_bytes(bytes[2], bytes[3]);
    V::store(to, V::low_pairs(low, other_low));
    V::store(to + V::kSize, V::high_pairs(low, other_low));
    V::store(to + 2 * V::kSize, V::low_pairs(high, other_high));
    V::store(to + 3 * V::kSize, V::high_pairs(high, other_high));
  }
}

// The channel of a block that lies in an element of its vectors of sums.
int64_t channel_at(int64_t share, int64_t element) { return element / 4 * 16 + share * 4 + element % 4; }

// What is summed: u8 or s8 activations, channels-last, with their zero point.
struct Image {
  size_t operand = 0;
  bool is_signed = false;
  int32_t zero_point = 0;
};

class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(PrepareContext& context, const avx2::Window& window, const Image& x, const int8_t* weights,
                  Requantization requantization)
      : window_(window), x_(x), taps_(Taps::of(window)), to_(std::move(requantization)) {
    const int64_t channels = window_.in_channels;
    // What is left at the end is a block that reaches back over channels of the one before, so that it is whole.
    for (int64_t c = 0; c < channels;) {
      const int64_t size = channels - c > Bytes32::kSize ? Bytes64::kSize : Bytes32::kSize;
      const int64_t first = channels - c < size && channels >= size ? channels - size : c;
      blocks_.push_back({first, std::min(size, channels - first), size, padded_});
      padded_ += size;
      c = first + size;
    }
    pack(context, weights);
    for (const int64_t column : taps_.columns) {
      for (int64_t q = 0; q < taps_.quads; ++q) {
        for (const bool wide : {false, true}) {
          const int64_t quad_bytes = kShares * (wide ? Bytes64::kSize : Bytes32::kSize);
          offsets_[wide].push_back((column * taps_.quads + q) * quad_bytes);
        }
      }
    }
    padding_.fill(static_cast<uint8_t>(x.zero_point));
    const int64_t work = window_.batch * window_.rows.out * window_.columns.out * channels * window_.products();
    threads_ = work < 2 * kWorthAThread ? 1 : context.threads();
    row_groups_ = (window_.rows.out + taps_.rows - 1) / taps_.rows;
    constexpr int64_t kTasksOfAThread = 6;
    const int64_t wanted = threads_ == 1 ? 1 : threads_ * kTasksOfAThread;
    // Neighbouring rows are one task: they share rows of the image, and ask for each other's.
    group_count_ = std::clamp<int64_t>(window_.batch * row_groups_ / wanted, 1, row_groups_);
    chunks_ = (row_groups_ + group_count_ - 1) / group_count_;
    const int64_t tasks = window_.batch * chunks_;
    parts_ = Parts::of(blocks_, (wanted + tasks - 1) / tasks);
  }

  size_t scratch_bytes() const { return static_cast<size_t>(threads_) * thread_bytes(); }
  std::string implementation() const override { return "depthwise:avx512_vnni"; }

  void run(const KernelArguments& arguments) const override {
    const auto* images = static_cast<const uint8_t*>(arguments.inputs[x_.operand]);
    auto* out = static_cast<uint8_t*>(arguments.outputs[0]);
    const int64_t tasks = window_.batch * chunks_ * parts_.count;
    avx2::run_tasks(tasks, threads_, arguments.scratch, thread_bytes(), [&](int64_t task, void* scratch) {
      const int64_t part = task % parts_.count, chunk = task / parts_.count % chunks_,
                    image = task / parts_.count / chunks_;
      const int64_t end = std::min(row_groups_, (chunk + 1) * group_count_);
      // All blocks of a strip before the next one: they have cache lines in common.
      for (int64_t group = chunk * group_count_; group < end; ++group) {
        for (int64_t column = 0; column < window_.columns.out; column += kColumns) {
          for (int64_t b = parts_.first(part); b < parts_.end(part); ++b)
            run_block(images, out, {image, group * taps_.rows, column}, blocks_[static_cast<size_t>(b)],
                      static_cast<uint8_t*>(scratch));
        }
      }
    });
  }

 private:
  // Where a strip begins.
  struct Place {
    int64_t image, row, column;  // of the result
  };
  struct Block {
    int64_t first, channels;  // of the image
    int64_t width;            // of its vectors, in channels
    int64_t packed;           // channels of the packed weights before it
  };

  int64_t image_columns() const { return (kColumns - 1) * window_.columns.stride + taps_.columns.back() + 1; }
  size_t quad_bytes() const { return static_cast<size_t>(image_columns() * taps_.quads * kShares * Bytes64::kSize); }
  size_t thread_bytes() const { return quad_bytes() + static_cast<size_t>(kColumns * taps_.rows * Bytes64::kSize); }
  // Bytes of the weights of the channels before a block.
  int64_t weight_offset(const Block& block) const { return block.packed * 4 * taps_.count() * taps_.rows; }

  // [block][share][tap][row][channel][4], and for each block what its sums start from, factors and offsets.
  void pack(PrepareContext& context, const int8_t* weights) {
    const int64_t kernel = window_.rows.kernel, width = window_.columns.kernel, taps = taps_.count();
    const std::string format = "avx512 depthwise " + std::to_string(window_.in_channels) + " " +
                               std::to_string(kernel) + " " + std::to_string(width) + " " + std::to_string(taps_.rows);
    const size_t bytes = static_cast<size_t>(padded_ * 4 * taps * taps_.rows);
    weight_memory_ = context.packed(format, bytes, [&](void* target) {
      auto* to = static_cast<int8_t*>(target);
      for (const Block& block : blocks_) {
        for (int64_t share = 0; share < kShares; ++share) {
          for (int64_t tap = 0; tap < taps; ++tap) {
            for (int64_t row = 0; row < taps_.rows; ++row) {
              for (int64_t element = 0; element < block.width / 4; ++element) {
                const int64_t channel = block.first + channel_at(share, element);
                for (int64_t i = 0; i < 4; ++i) {
                  const int64_t y = tap % taps_.quads * 4 + i - row;
                  const bool exists = channel < window_.in_channels && y >= 0 && y < kernel;
                  *to++ = exists ? weights[(channel * kernel + y) * width + tap / taps_.quads] : int8_t{0};
                }
              }
            }
          }
        }
      }
    });
    std::vector<int64_t> order;
    for (const Block& block : blocks_) {
      for (int64_t i = 0; i < block.width; ++i) {
        const int64_t channel = block.first + channel_at(i / (block.width / kShares), i % (block.width / kShares));
        order.push_back(channel < window_.in_channels ? channel : -1);
      }
    }
    channels_ =
        OrderedChannels::of(context, to_, order, weights, kernel * width, x_.zero_point + (x_.is_signed ? 128 : 0));
  }

  void run_block(const uint8_t* images, uint8_t* out, const Place& place, const Block& block, uint8_t* scratch) const {
    const bool whole = block.channels == block.width;
    const auto run = block.width == Bytes64::kSize ? whole ? &DepthwiseKernel::run_strip<Bytes64, true>
                                                           : &DepthwiseKernel::run_strip<Bytes64, false>
                     : whole ? &DepthwiseKernel::run_strip<Bytes32, true>
                                                   : &DepthwiseKernel::run_strip<Bytes32, false>;
    (this->*run)(images, out, place, block, scratch);
  }

  template <typename V, bool kWhole>
  void run_strip(const uint8_t* images, uint8_t* out, const Place& place, const Block& block, uint8_t* scratch) const {
    const auto at = static_cast<size_t>(block.packed);
    Strip strip;
    strip.quads = scratch;
    strip.offsets = offsets_[V::kSize == Bytes64::kSize].data();
    strip.taps = taps_.count();
    strip.step = window_.columns.stride * taps_.quads * kShares * V::kSize;
    strip.weights = static_cast<const int8_t*>(weight_memory_.get()) + weight_offset(block);
    strip.factor = channels_.factor.data() + at;
    strip.offset = channels_.offset.data() + at;
    strip.start = channels_.start.data() + at;
    strip.to = &to_;
    strip.shorts = scratch + quad_bytes();
    strip.out_step = window_.out_channels;
    strip.channels = block.channels;
    strip.columns = std::min(kColumns, window_.columns.out - place.column);
    fill<V, kWhole>(images + place.image * window_.rows.in * window_.columns.in * window_.in_channels + block.first,
                    place.row * window_.rows.stride - window_.rows.padding,
                    place.column * window_.columns.stride - window_.columns.padding,
                    (strip.columns - 1) * window_.columns.stride + taps_.columns.back() + 1, block.channels, scratch);
    for (int64_t r = 0; r < taps_.rows; ++r) {
      const int64_t row = place.image * window_.rows.out + place.row + r,
                    position = row * window_.columns.out + place.column;
      strip.out[static_cast<size_t>(r)] =
          place.row + r < window_.rows.out ? out + position * window_.out_channels + block.first : nullptr;
    }
    to_.tail ? sum<V, true, kWhole>(strip) : sum<V, false, kWhole>(strip);
  }

  template <typename V, bool kTail, bool kWhole>
  void sum(const Strip& strip) const {
    const bool three = strip.taps == 3;
    if (taps_.rows == 2)
      three ? sum_columns<V, 2, 3, kTail, kWhole>(strip) : sum_columns<V, 2, 0, kTail, kWhole>(strip);
    else
      three ? sum_columns<V, 1, 3, kTail, kWhole>(strip) : sum_columns<V, 1, 0, kTail, kWhole>(strip);
  }

  // Quads of `count` columns from `column` on, of the rows from `row` on; the zero point where there is no image.
  template <typename V, bool kWhole>
  void fill(const uint8_t* image, int64_t row, int64_t column, int64_t count, int64_t channels, uint8_t* to) const {
    const int64_t channel_step = window_.in_channels, row_step = window_.columns.in * channel_step,
                  to_step = taps_.quads * kShares * V::kSize;
    const int64_t before = std::clamp<int64_t>(-column, 0, count),
                  end = std::clamp<int64_t>(window_.columns.in - column, before, count);
    const Row padding{padding_.data(), 0};
    Rows none;
    none.interleaved.fill(padding);
    none.needed_next.fill(padding);
    const auto row_at = [&](int64_t y) {
      return y >= 0 && y < window_.rows.in ? Row{image + y * row_step + (column + before) * channel_step, channel_step}
                                           : padding;
    };
    for (int64_t q = 0; q < taps_.quads; ++q, to += kShares * V::kSize) {
      Rows rows = none;
      for (int64_t i = q * 4; i < std::min(q * 4 + 4, taps_.image_rows); ++i)
        rows.interleaved[static_cast<size_t>(i % 4)] = row_at(row + i * taps_.row_step);
      // The last two rows that the next rows of the result need: the others are these ones'.
      const int64_t last = row + taps_.rows * window_.rows.stride + (taps_.image_rows - 1) * taps_.row_step;
      if (q == 0) rows.needed_next = {row_at(last - taps_.row_step), row_at(last)};
      fill_columns<V, kWhole>(none, before, channels, to, to_step);
      fill_columns<V, kWhole>(rows, end - before, channels, to + before * to_step, to_step);
      fill_columns<V, kWhole>(none, count - end, channels, to + end * to_step, to_step);
    }
  }

  template <typename V, bool kWhole>
  void fill_columns(const Rows& rows, int64_t columns, int64_t channels, uint8_t* to, int64_t to_step) const {
    (x_.is_signed ? interleave<V, kWhole, true> : interleave<V, kWhole, false>)(rows, columns, channels, to, to_step);
  }

  avx2::Window window_;
  Image x_;
  Taps taps_;
  Requantization to_;
  std::vector<Block> blocks_;
  int64_t padded_ = 0;                           // channels of all blocks
  std::array<std::vector<int64_t>, 2> offsets_;  // of taps in quads, of narrow and wide blocks
  OrderedChannels channels_;
  std::shared_ptr<const void> weight_memory_;
  std::array<uint8_t, Bytes64::kSize> padding_ = {};
  int64_t row_groups_ = 1;                // of the result: rows that quads serve at once
  int64_t group_count_ = 1, chunks_ = 1;  // row groups of a task, tasks of an image
  Parts parts_;                           // of the blocks, a task each
  int threads_ = 1;
};

}  // namespace

int8::Prepared make_depthwise(PrepareContext& context, const int8::Int8Call& call, const avx2::Window& window) {
  using int8::refuse;
  const Image x{call.x, context.input(call.x).dtype == DType::s8, call.x_zero_point};
  // Padding is written as an activation.
  const int low = x.is_signed ? -128 : 0;
  if (x.zero_point < low || x.zero_point > low + 255) return refuse("the zero point is no activation");
  if (call.other) return refuse("there is an addend");
  const auto epilogue = avx2::Epilogue::make(context, call, window.out_channels);
  if (!epilogue.ok()) return epilogue.diagnostics();
  auto requantization = Requantization::of(*epilogue, window.out_channels, window.products());
  if (!requantization.ok()) return requantization.diagnostics();
  const auto* weights = static_cast<const int8_t*>(int8::dense_constant(context, call.weight));
  auto kernel = std::make_unique<DepthwiseKernel>(context, window, x, weights, std::move(*requantization));
  context.request_scratch(kernel->scratch_bytes());
  return std::unique_ptr<Kernel>(std::move(kernel));
}

}  // namespace qrules::avx512

#endif
