// A task copies a strip of rows of one image into scratch of its thread, with the padding written out. The taps of a
// kernel row lie behind each other there: they are one run of activations for each position, whether the image has 3
// channels or many, and the runs of neighbouring positions begin a stride apart. Runs are read in fours; weights of
// what is read behind a run's end are zero.

#include <qrules/lowerings/avx512/window_product.h>

#if defined(__x86_64__)

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <qrules/lowerings/avx2/strip.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/packed_panels.h>

namespace qrules::avx512 {
namespace {

constexpr int64_t kWorthAThread = 1'000'000;  // products

// A strip of u8 as they are, and padding.
class PlainStrip {
 public:
  PlainStrip(void* memory, uint8_t padding) : next_(static_cast<uint8_t*>(memory)), padding_(padding) {}
  void copy(const void* from, int64_t count) {
    std::memcpy(next_, from, static_cast<size_t>(count));
    next_ += count;
  }
  void pad(int64_t count) {
    std::memset(next_, padding_, static_cast<size_t>(count));
    next_ += count;
  }

 private:
  uint8_t* next_;
  uint8_t padding_;
};

class WindowProductKernel final : public Kernel {
 public:
  WindowProductKernel(PrepareContext& context, const avx2::Window& window, size_t x, int32_t zero_point,
                      const int8_t* weights, Requantization requantization)
      : window_(window),
        x_(x),
        padding_(static_cast<uint8_t>(zero_point)),
        to_(std::move(requantization)),
        element_(to_.is_real ? sizeof(float) : 1),
        strip_(avx2::Strip::of(window)) {
    depth_ = (window_.columns.kernel * window_.in_channels + 3) / 4 * 4;
    for (int64_t y = 0; y < window_.rows.kernel; ++y) runs_.push_back(y * window_.rows.dilation * strip_.row_elements);
    packed_ = PackedPanels(context, to_, "runs",
                           {weights, window_.out_channels, window_.products(), window_.rows.kernel * depth_,
                            [&] { return avx2::order_by_runs(weights, window_.out_channels, window_, depth_); }},
                           zero_point);
    const int64_t work =
        window_.batch * window_.rows.out * window_.columns.out * window_.out_channels * window_.products();
    threads_ = work < 2 * kWorthAThread ? 1 : context.threads();
    rows_ = avx2::rows_of_a_strip(window_, strip_);
    if (threads_ > 1) rows_ = shared_out(rows_);
    strips_ = (window_.rows.out + rows_ - 1) / rows_;
    block_ = packed_.bytes() <= kFirstLevelPanels ? kRowsAtOnce : rows_ * window_.columns.out;
    starts_ = strip_.starts(window_, rows_);
  }

  size_t scratch_bytes() const { return static_cast<size_t>(threads_) * strip_bytes(); }
  std::string implementation() const override { return "strips:avx512_vnni"; }

  void run(const KernelArguments& arguments) const override {
    const auto* images = static_cast<const char*>(arguments.inputs[x_]);
    auto* out = static_cast<char*>(arguments.outputs[0]);
    const auto* other = to_.other ? static_cast<const char*>(arguments.inputs[*to_.other]) : nullptr;
    avx2::run_tasks(window_.batch * strips_, threads_, arguments.scratch, strip_bytes(),
                    [&](int64_t task, void* scratch) {
                      const int64_t image = task / strips_, first = task % strips_ * rows_;
                      const Place place{static_cast<const uint8_t*>(scratch),      image, first,
                                        std::min(rows_, window_.rows.out - first), out,   other};
                      PlainStrip strip(scratch, padding_);
                      strip_.fill(window_, images + image * window_.rows.in * window_.columns.in * window_.in_channels,
                                  first, place.rows, strip);
                      run_strip(place);
                    });
  }

 private:
  // A strip, what it was copied from, and where its results go.
  struct Place {
    const uint8_t* strip;
    int64_t image, first, rows;  // of the result
    char* out;
    const char* other;
  };

  // Up to three activations are read behind the last run.
  size_t strip_bytes() const { return avx2::whole_lines(static_cast<size_t>(strip_.elements(window_, rows_) + 4)); }

  // Rows of a strip, `most` at the most, with which the thread that has most to do has least; large ones where it is
  // all the same, but two for each thread, as threads are not equally fast.
  int64_t shared_out(int64_t most) const {
    int64_t best = 1, least = std::numeric_limits<int64_t>::max();
    for (int64_t rows = most; rows > 0; --rows) {
      const int64_t strips = window_.batch * ((window_.rows.out + rows - 1) / rows);
      const int64_t busiest = (strips + threads_ - 1) / threads_ * rows;
      if (strips < int64_t{2} * threads_ || busiest >= least) continue;
      least = busiest;
      best = rows;
    }
    return best;
  }

  void run_strip(const Place& place) const {
    const int64_t width = window_.columns.out;
    // Padding with zeros adds nothing to sums, with another zero point it does.
    avx2::for_equal_taps(window_.rows, padding_ == 0, place.first, place.rows,
                         [&](int64_t first_row, int64_t end_row, const avx2::Taps& taps) {
                           for (int64_t at = first_row * width; at < end_row * width; at += block_) {
                             for (const Panel& panel : packed_.panels())
                               run_panel(panel, place, taps, at, std::min(block_, end_row * width - at));
                           }
                         });
  }

  void run_panel(const Panel& panel, const Place& place, const avx2::Taps& taps, int64_t position,
                 int64_t count) const {
    PanelRows p = packed_.rows_of(panel);
    p.x = place.strip;
    p.starts = starts_.data() + position;
    p.rows = count;
    p.depth = depth_;
    p.runs = runs_.data() + taps.first;
    p.run_count = taps.end - taps.first;
    p.weights += taps.first * depth_ * panel.width;
    p.to = &to_;
    p.out_step = window_.out_channels * element_;
    const int64_t row = place.image * window_.rows.out + place.first,
                  offset = (row * window_.columns.out + position) * p.out_step + panel.first * element_;
    p.out = place.out + offset;
    if (place.other) p.other = place.other + offset;
    multiply_panel(p, panel);
  }

  avx2::Window window_;
  size_t x_ = 0;
  uint8_t padding_ = 0;
  Requantization to_;
  int64_t element_ = 1;  // bytes of a result
  avx2::Strip strip_;
  int64_t depth_ = 0;                   // of a run
  std::vector<int64_t> runs_, starts_;  // offsets in a strip: of the runs of a window, of the windows of its positions
  PackedPanels packed_;
  int64_t rows_ = 1, strips_ = 1;  // of the result in a strip; of an image
  int64_t block_ = 1;              // positions that all panels are gone over for
  int threads_ = 1;
};

// oneDNN's kernels read weights that outgrow the caches faster; those of several taps leave out the padding beside
// narrow images, too.
bool is_ours(const avx2::Window& window) {
  constexpr int64_t kMostWeights = int64_t{384} * 1024, kMostOfOneTap = int64_t{1024} * 1024, kNarrow = 14;
  const int64_t weights = window.products() * window.out_channels;
  if (window.rows.kernel == 1 && window.columns.kernel == 1) return weights <= kMostOfOneTap;
  return weights <= kMostWeights && window.columns.out >= kNarrow;
}

}  // namespace

int8::Prepared make_window_product(PrepareContext& context, const int8::Int8Call& call, const avx2::Window& window) {
  using int8::refuse;
  if (window.groups != 1 || window.columns.dilation != 1) return refuse("the window's taps do not lie together");
  if (!is_ours(window)) return refuse("these sizes are left to oneDNN");
  auto requantization = prepare_panels(context, call, window.out_channels, window.products());
  if (!requantization.ok()) return requantization.diagnostics();
  const auto* weights = static_cast<const int8_t*>(int8::dense_constant(context, call.weight));
  auto kernel = std::make_unique<WindowProductKernel>(context, window, call.x, call.x_zero_point, weights,
                                                      std::move(*requantization));
  context.request_scratch(kernel->scratch_bytes());
  return std::unique_ptr<Kernel>(std::move(kernel));
}

}  // namespace qrules::avx512

#endif
