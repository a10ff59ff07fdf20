// The work is cut into tasks: a strip of rows of one image, by some panels of 16 output channels. A task copies its
// strip into scratch of its thread and goes over it panel by panel, so that a panel's weights are read once for the
// strip and stay in the first-level cache.

#include <qrules/lowerings/avx2/convolution.h>

#if defined(__x86_64__)

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <span>
#include <type_traits>

#include <qrules/lowerings/avx2/products.h>
#include <qrules/lowerings/avx2/strip.h>
#include <qrules/lowerings/avx2/strip_forms.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx2/tile_plan.h>
#include <qrules/lowerings/elements.h>

namespace qrules::avx2 {
namespace {

// Below this many products a second thread costs more than it does.
constexpr int64_t kWorthAThread = 200'000;

// Panels whose sums a tile may have at once, before they are stored.
constexpr int64_t kMostPanelsAtOnce = 8;

// Bytes of panels that leave room in the first and in the second level of the caches.
constexpr int64_t kFirstLevelPanels = 20'480, kSecondLevelPanels = 262'144;

template <typename Form>
class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(PrepareContext& context, const Window& window, const Activations& activations,
                    const int8_t* weights, Epilogue epilogue)
      : window_(window),
        activations_(activations),
        epilogue_(std::move(epilogue)),
        strip_(Strip::of(window)),
        threads_(threads_for(window, context.threads())),
        begins_(cut_into_strips(window_, strip_, threads_)),
        strips_(static_cast<int64_t>(begins_.size()) - 1) {
    for (int64_t i = 0; i < strips_; ++i) most_rows_ = std::max(most_rows_, rows_of(i));
    const bool skips_padding = Form::pads_with_zeros(activations.is_signed, activations.zero_point);
    tiles_ = TilePlan::make(window_, strip_, begins_, skips_padding ? Form::kUnit : 0);
    pack(context, weights);
    // With few strips, several tasks have the same strip and share its panels.
    const int64_t whole = window_.batch * strips_;
    const bool even = whole >= int64_t{4} * threads_ || whole % threads_ == 0;
    splits_ = even ? 1 : std::min<int64_t>(window_.groups * panels_, threads_);
    starts_ = strip_.starts(window_, most_rows_);
    // Panels that stay in a cache are gone over for each block of tiles, so that results are written a line at a time
    // and their activations are near; larger ones are read once for the whole strip.
    const int64_t panel_bytes = window_.groups * panels_ * panel_bytes_ / splits_;
    if (panel_bytes <= kFirstLevelPanels) {
      block_ = 2;
      panels_at_once_ = kMostPanelsAtOnce;
    } else if (panel_bytes <= kSecondLevelPanels) {
      block_ = 4;
    } else {
      block_ = tiles_.most_tiles();
    }
    sizes_ = {strip_.elements(window_, most_rows_), block_, tiles_.whole().fours()};
  }

  size_t scratch_bytes() const { return static_cast<size_t>(threads_) * Form::bytes(sizes_); }
  std::string implementation() const override { return Form::kKernel; }

  void run(const KernelArguments& arguments) const override {
    const int32_t zero_point = activations_.read_zero_point(arguments);
    if (!activations_.fits(window_.products(), zero_point)) {
      if (arguments.failed) *arguments.failed = true;
      return;
    }
    const EpilogueRun output{&epilogue_, arguments.outputs[0],
                             epilogue_.combine == Combine::none ? nullptr : arguments.inputs[epilogue_.other]};
    const int64_t tasks = window_.batch * strips_ * splits_;
    const StripValues values{activations_.is_signed, zero_point, limits_};
    run_tasks(tasks, threads_, arguments.scratch, Form::bytes(sizes_), [&](int64_t task, void* scratch) {
      const int64_t split = task % splits_, at = task / splits_;
      Form strip(scratch, sizes_, values);
      run_task(arguments, at / strips_, at % strips_, split, output, strip);
    });
  }

 private:
  // All of them or one: OpenMP would set up a team of another size anew.
  static int threads_for(const Window& window, int threads) {
    const int64_t work = window.batch * window.rows.out * window.columns.out * window.out_channels * window.products();
    return work < int64_t{2} * kWorthAThread ? 1 : threads;
  }

  int64_t rows_of(int64_t strip) const {
    return begins_[static_cast<size_t>(strip + 1)] - begins_[static_cast<size_t>(strip)];
  }

  // Ordered by runs of a whole kernel row, weights are so by runs of a tap as well. Limits of pairs are behind them.
  void pack(PrepareContext& context, const int8_t* weights) {
    const int64_t outer = window_.outer(), row = window_.products();
    const Runs& runs = tiles_.whole();
    panels_ = (outer + kTileChannels - 1) / kTileChannels;
    panel_bytes_ = Form::panel_bytes(runs);
    const std::string format = std::string(Form::kKernel) + " " + std::to_string(window_.groups) + " " +
                               std::to_string(outer) + " " + std::to_string(runs.runs.size()) + " " +
                               std::to_string(runs.length) + " " + std::to_string(panel_bytes_);
    const auto panels = static_cast<size_t>(window_.groups * panels_ * panel_bytes_);
    panel_memory_ = context.packed(format, panels + Form::limit_bytes(window_), [&](void* target) {
      const auto ordered =
          order_by_runs(weights, window_.out_channels, window_, window_.columns.kernel * window_.inner());
      auto* to = static_cast<int8_t*>(target);
      for (int64_t g = 0; g < window_.groups; ++g)
        Form::pack(ordered.data() + g * outer * row, outer, runs, to + g * panels_ * panel_bytes_);
      Form::find_limits(ordered.data(), window_, to + panels);
    });
    limits_ = Form::limits(window_, static_cast<const int8_t*>(panel_memory_.get()) + panels);
  }

  const int8_t* panel(int64_t index) const {
    return static_cast<const int8_t*>(panel_memory_.get()) + index * panel_bytes_;
  }

  void run_task(const KernelArguments& arguments, int64_t image, int64_t strip_index, int64_t split,
                const EpilogueRun& output, Form& strip) const {
    const int64_t first = begins_[static_cast<size_t>(strip_index)], rows = rows_of(strip_index);
    const char* source = static_cast<const char*>(arguments.inputs[activations_.operand]) +
                         image * window_.rows.in * window_.columns.in * window_.in_channels;
    strip_.fill(window_, source, first, rows, strip);
    const Place place{arguments, output, (image * window_.rows.out + first) * window_.columns.out,
                      activations_.row_scales ? 1.0f : activations_.read_factor(arguments)};
    const std::span<const Tile> tiles = tiles_.of_strip(strip_index);
    const int64_t total = window_.groups * panels_, count = static_cast<int64_t>(tiles.size());
    const int64_t first_panel = split * total / splits_, last_panel = (split + 1) * total / splits_;
    for (int64_t begin = 0; begin < count; begin += block_) {
      const auto block =
          tiles.subspan(static_cast<size_t>(begin), static_cast<size_t>(std::min(block_, count - begin)));
      int64_t found = -1;  // the group whose tiles have been
      for (int64_t p = first_panel, panels = 0; p < last_panel; p += panels) {
        const int64_t group = p / panels_;
        if (group != found) find_tiles(group, block, strip);
        found = group;
        panels = std::min({panels_at_once_, last_panel - p, (group + 1) * panels_ - p});
        run_panels(place, p, panels, strip, block);
      }
    }
  }

  // Where the results of a strip go.
  struct Place {
    const KernelArguments& arguments;
    const EpilogueRun& output;
    int64_t first_position = 0;
    float factor = 1;
  };

  void find_tiles(int64_t group, std::span<const Tile> tiles, Form& strip) const {
    int64_t starts[kTileRows];
    for (size_t i = 0; i < tiles.size(); ++i) {
      const Tile& tile = tiles[i];
      for (int64_t r = 0; r < tile.rows; ++r)
        starts[r] = group * window_.inner() + starts_[static_cast<size_t>(tile.position + r * tile.step)];
      strip.find(static_cast<int64_t>(i), tile.rows, starts, tiles_.runs(tile));
    }
  }

  // Some tiles of a strip by the channels of `panels` panels of one group.
  void run_panels(const Place& place, int64_t p, int64_t panels, const Form& strip, std::span<const Tile> tiles) const {
    const int64_t group = p / panels_, inside = (p % panels_) * kTileChannels;
    const int64_t channel = group * window_.outer() + inside, row = window_.out_channels;
    const int64_t channels = std::min(panels * kTileChannels, window_.outer() - inside);
    // Panels with channels beyond the last are stored with more care, as are results of other kinds.
    const bool bytes_fit = !activations_.row_scales && place.factor == 1;
    const int64_t first = place.first_position * row + channel;
    std::optional<TileBytes> bytes = bytes_fit ? place.output.bytes(channel) : std::nullopt;
    const int64_t whole = bytes ? channels / kTileChannels : 0;
    for (size_t i = 0; i < tiles.size(); ++i) {
      const Tile& tile = tiles[i];
      const auto index = static_cast<int64_t>(i);
      if (whole > 0) {
        place.output.place(*bytes, first + tile.position * row, tile.step * row);
        strip.sum(index, panel(p), whole, {nullptr, &*bytes});
      }
      if (whole == panels) continue;
      alignas(32) int32_t sums[kMostPanelsAtOnce * kTileRows * kTileChannels];
      strip.sum(index, panel(p + whole), panels - whole, {sums, nullptr});
      for (int64_t j = whole; j < panels; ++j) {
        const int64_t begin = j * kTileChannels;
        store_sums(place, tile, sums + (j - whole) * tile.rows * kTileChannels, channel + begin,
                   std::min(kTileChannels, channels - begin));
      }
    }
  }

  void store_sums(const Place& place, const Tile& tile, const int32_t* sums, int64_t channel, int64_t channels) const {
    TileRows stored{sums, tile.rows, channel};
    float factors[kTileRows];
    if (activations_.row_scales) {
      for (int64_t r = 0; r < tile.rows; ++r)
        factors[r] = activations_.read_factor(place.arguments, place.first_position + tile.position + r * tile.step);
      stored.factors = factors;
    } else {
      stored.factor = place.factor;
    }
    const int64_t row = window_.out_channels;
    place.output.store(stored, channels, (place.first_position + tile.position) * row + channel, tile.step * row);
  }

  Window window_;
  Activations activations_;
  Epilogue epilogue_;
  Strip strip_;
  int threads_ = 1;
  std::vector<int64_t> begins_;                      // of the strips, in rows of the result
  int64_t strips_ = 1, most_rows_ = 0, splits_ = 1;  // rows of a strip; tasks that share one
  TilePlan tiles_;
  int64_t panels_ = 0;  // of a group
  int64_t panel_bytes_ = 0;
  std::shared_ptr<const void> panel_memory_;
  PairLimits limits_;
  std::vector<int64_t> starts_;  // elements, of the positions of a whole strip
  int64_t block_ = 1;            // tiles
  int64_t panels_at_once_ = 1;
  StripSizes sizes_;
};

enum class StripForm : uint8_t { words, raw_bytes, centred_bytes };

// Most activations are near the zero point: that decides how many pairs are too large for bytes, and padding is made of
// it. Behind a relu it may be 0 and elsewhere half of the range, so one that only a run tells asks for words.
StripForm form_of(const Window& window, const Activations& activations) {
  // What bytes take beside the products is worth it for some products only.
  constexpr int64_t kWorthBytes = 32;
  if (window.inner() % 4 != 0 || window.products() < kWorthBytes || activations.zero_point_operand)
    return StripForm::words;
  const int32_t zero_point = activations.zero_point + (activations.is_signed ? 128 : 0);
  if (zero_point < 0 || zero_point > 192) return StripForm::words;
  return zero_point <= 64 ? StripForm::raw_bytes : StripForm::centred_bytes;
}

}  // namespace

Activations Activations::of(const PrepareContext& context, const int8::Int8Call& call) {
  Activations a;
  a.operand = call.x;
  a.is_signed = context.input(call.x).dtype == DType::s8;
  a.zero_point = call.x_zero_point;
  a.row_scales = call.row_scale_operand.has_value();
  a.scale_operand = a.row_scales ? call.row_scale_operand : call.x_scale_operand;
  a.zero_point_operand = call.x_zero_point_operand;
  if (a.scale_operand) a.scale_dtype = context.input(*a.scale_operand).dtype;
  if (a.zero_point_operand) a.zero_point_dtype = context.input(*a.zero_point_operand).dtype;
  a.scale = call.reads_qparams() ? call.x_scale : 1.0f;
  return a;
}

bool Activations::fits(int64_t products, int32_t zero_point_value) const {
  const int64_t low = is_signed ? -128 : 0, high = is_signed ? 127 : 255;
  const int64_t largest = std::max(std::abs(low - zero_point_value), std::abs(high - zero_point_value));
  return largest <= std::numeric_limits<int16_t>::max() &&
         largest * 128 * products <= std::numeric_limits<int32_t>::max();
}

int32_t Activations::read_zero_point(const KernelArguments& arguments) const {
  if (!zero_point_operand) return zero_point;
  return elements::load<int32_t>(arguments.inputs[*zero_point_operand], zero_point_dtype, 0);
}

float Activations::read_factor(const KernelArguments& arguments, int64_t row) const {
  if (!scale_operand) return scale;
  return elements::load<float>(arguments.inputs[*scale_operand], scale_dtype, row_scales ? row : 0);
}

int8::Prepared make_convolution(PrepareContext& context, const Window& window, const Activations& activations,
                                const int8_t* weights, Epilogue epilogue) {
  if (!activations.fits(window.products(), activations.zero_point))
    return int8::refuse("sums of " + std::to_string(window.products()) + " products may leave 32 bits");
  const auto make = [&]<typename Form>(std::type_identity<Form>) -> std::unique_ptr<Kernel> {
    auto kernel = std::make_unique<ConvolutionKernel<Form>>(context, window, activations, weights, std::move(epilogue));
    context.request_scratch(kernel->scratch_bytes());
    return kernel;
  };
  switch (form_of(window, activations)) {
    case StripForm::raw_bytes: return make(std::type_identity<ByteStrip<Bytes::raw>>());
    case StripForm::centred_bytes: return make(std::type_identity<ByteStrip<Bytes::centred>>());
    case StripForm::words: break;
  }
  // Weights that few positions read take longer to read than to widen.
  constexpr int64_t kManyPositions = 4 * kTileRows;
  if (window.batch * window.rows.out * window.columns.out < kManyPositions)
    return make(std::type_identity<WordStrip<int8_t>>());
  return make(std::type_identity<WordStrip<int16_t>>());
}

}  // namespace qrules::avx2

#endif
