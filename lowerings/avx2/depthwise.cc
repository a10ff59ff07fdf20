// Convolutions with one input and one output channel in each group. Sixteen channels at once: the activations of two
// taps are interleaved, so that the instruction that adds pairs of products adds the two taps of each channel.

#include <qrules/lowerings/avx2/convolution.h>

#if defined(__x86_64__)

#include <algorithm>

#include <qrules/lowerings/avx2/products.h>
#include <qrules/lowerings/avx2/strip.h>
#include <qrules/lowerings/avx2/strip_forms.h>
#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {
namespace {

constexpr int64_t kWorthAThread = 50'000;  // products

// Sums of 16 channels at P positions, `step` elements apart. `taps` has an even number of offsets; weights are
// [pair][2][16] s16, interleaved.
template <int P>
QRULES_AVX2 void sum_positions(const int16_t* start, int64_t step, const std::vector<int64_t>& taps,
                               const int16_t* weights, const TileTarget& target) {
  __m256i low[P], high[P];
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) low[p] = high[p] = _mm256_setzero_si256();
  for (size_t t = 0; t < taps.size(); t += 2, weights += 32) {
    const __m256i first = _mm256_load_si256(reinterpret_cast<const __m256i*>(weights));
    const __m256i second = _mm256_load_si256(reinterpret_cast<const __m256i*>(weights + 16));
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
      const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(start + p * step + taps[t]));
      const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(start + p * step + taps[t + 1]));
      low[p] = _mm256_add_epi32(low[p], _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), first));
      high[p] = _mm256_add_epi32(high[p], _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), second));
    }
  }
  // Interleaving works within halves: low has channels 0-3 and 8-11, high 4-7 and 12-15.
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
    const __m256i first = low[p];
    low[p] = _mm256_permute2x128_si256(first, high[p], 0x20);
    high[p] = _mm256_permute2x128_si256(first, high[p], 0x31);
  }
  store_tile<P>(target, 0, low, high);
}

class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(PrepareContext& context, const Window& window, const Activations& activations, const int8_t* weights,
                  Epilogue epilogue)
      : window_(window), activations_(activations), epilogue_(std::move(epilogue)), strip_(Strip::of(window)) {
    const int64_t channels = window_.in_channels, kernel = window_.rows.kernel * window_.columns.kernel;
    for (int64_t y = 0; y < window_.rows.kernel; ++y) {
      for (int64_t x = 0; x < window_.columns.kernel; ++x)
        taps_.push_back((y * window_.rows.dilation * strip_.width + x * window_.columns.dilation) * channels);
    }
    // An odd number of taps has a last one whose weights are zero.
    if (taps_.size() % 2 != 0) taps_.push_back(taps_.back());
    blocks_ = (channels + kTileChannels - 1) / kTileChannels;
    block_elements_ = static_cast<int64_t>(taps_.size()) * kTileChannels;
    const size_t bytes = static_cast<size_t>(blocks_ * block_elements_) * sizeof(int16_t);
    const std::string format = "avx2 depthwise " + std::to_string(channels) + " " + std::to_string(kernel);
    weight_memory_ = context.packed(format, bytes, [&](void* target) {
      auto* to = static_cast<int16_t*>(target);
      const auto weight = [&](int64_t channel, int64_t tap) {
        return channel < channels && tap < kernel ? static_cast<int16_t>(weights[channel * kernel + tap]) : int16_t{0};
      };
      for (int64_t block = 0; block < blocks_; ++block) {
        for (int64_t tap = 0; tap < static_cast<int64_t>(taps_.size()); tap += 2) {
          for (const int64_t begin : {0, 8, 4, 12}) {
            for (int64_t c = block * kTileChannels + begin; c < block * kTileChannels + begin + 4; ++c) {
              *to++ = weight(c, tap);
              *to++ = weight(c, tap + 1);
            }
          }
        }
      }
    });
    rows_ = rows_of_a_strip(window_, strip_);
    const int64_t work = window_.batch * window_.rows.out * window_.columns.out * channels * kernel;
    // All of them or one: OpenMP would set up a team of another size anew.
    threads_ = work < 2 * kWorthAThread ? 1 : context.threads();
    if (window_.batch % threads_ != 0) rows_ = std::min(rows_, (window_.rows.out + threads_ - 1) / threads_);
    strips_ = (window_.rows.out + rows_ - 1) / rows_;
  }

  size_t scratch_bytes() const { return static_cast<size_t>(threads_) * strip_bytes(); }
  std::string implementation() const override { return "depthwise:avx2"; }

  void run(const KernelArguments& arguments) const override {
    const int32_t zero_point = activations_.read_zero_point(arguments);
    const EpilogueRun output{&epilogue_, arguments.outputs[0],
                             epilogue_.combine == Combine::none ? nullptr : arguments.inputs[epilogue_.other]};
    const auto* images = static_cast<const char*>(arguments.inputs[activations_.operand]);
    const int64_t tasks = window_.batch * strips_;
    run_tasks(tasks, threads_, arguments.scratch, strip_bytes(), [&](int64_t task, void* scratch) {
      WordStrip strip(scratch, {}, {activations_.is_signed, zero_point, {}});
      const int64_t image = task / strips_, first = task % strips_ * rows_;
      const int64_t rows = std::min(rows_, window_.rows.out - first);
      strip_.fill(window_, images + image * window_.rows.in * window_.columns.in * window_.in_channels, first, rows,
                  strip);
      for (int64_t y = 0; y < rows; ++y) {
        const int64_t out_row = (image * window_.rows.out + first + y) * window_.columns.out;
        sum_row(strip.words() + y * strip_.row_step * strip_.row_elements, out_row, output);
      }
    });
  }

 private:
  // Whole sixteens are read: behind the last channel of the last position too.
  size_t strip_bytes() const {
    return whole_lines(static_cast<size_t>(strip_.elements(window_, rows_) + kTileChannels) * sizeof(int16_t));
  }

  void sum_row(const int16_t* row, int64_t out_row, const EpilogueRun& output) const {
    const int64_t channels = window_.in_channels, step = window_.columns.stride * channels;
    alignas(32) int32_t sums[4 * kTileChannels];
    for (int64_t block = 0; block < blocks_; ++block) {
      const auto* weights = static_cast<const int16_t*>(weight_memory_.get()) + block * block_elements_;
      const int64_t channel = block * kTileChannels, count = std::min(kTileChannels, channels - channel);
      auto bytes = count == kTileChannels ? output.bytes(channel) : std::nullopt;
      for (int64_t x = 0; x < window_.columns.out; x += 4) {
        const int64_t positions = std::min<int64_t>(4, window_.columns.out - x);
        const int16_t* start = row + x * step + channel;
        const int64_t offset = (out_row + x) * channels + channel;
        if (bytes) output.place(*bytes, offset, channels);
        const TileTarget target{sums, bytes ? &*bytes : nullptr};
        switch (positions) {
          case 1: sum_positions<1>(start, step, taps_, weights, target); break;
          case 2: sum_positions<2>(start, step, taps_, weights, target); break;
          case 3: sum_positions<3>(start, step, taps_, weights, target); break;
          default: sum_positions<4>(start, step, taps_, weights, target);
        }
        if (bytes) continue;
        TileRows stored{sums, positions, channel};
        output.store(stored, count, offset, channels);
      }
    }
  }

  Window window_;
  Activations activations_;
  Epilogue epilogue_;
  Strip strip_;
  std::vector<int64_t> taps_;  // offsets, an even number
  int64_t blocks_ = 0, block_elements_ = 0;
  std::shared_ptr<const void> weight_memory_;
  int64_t rows_ = 1, strips_ = 1;
  int threads_ = 1;
};

}  // namespace

int8::Prepared make_depthwise(PrepareContext& context, const Window& window, const Activations& activations,
                              const int8_t* weights, Epilogue epilogue) {
  if (activations.scale_operand || activations.zero_point_operand ||
      !activations.fits(window.products(), activations.zero_point))
    return int8::refuse("scale or zero point are known only at run time, or out of range");
  auto kernel = std::make_unique<DepthwiseKernel>(context, window, activations, weights, std::move(epilogue));
  context.request_scratch(kernel->scratch_bytes());
  return std::unique_ptr<Kernel>(std::move(kernel));
}

}  // namespace qrules::avx2

#endif
