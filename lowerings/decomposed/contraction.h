// Operands that qlinear and qconv share, and what they do with a sum of products.
#pragma once

#include <optional>

#include <qrules/lowerings/decomposed/epilogue.h>

namespace qrules::decomposed {

// More products of an s8 weight and a difference of two 8-bit values could leave s32.
inline constexpr int64_t kMaxProductsInS32 = 65'793;

enum class Binary { add, sub, mul };

struct Contraction {
  size_t x = 0, weight = 0, weight_scale = 0;
  DType x_dtype = DType::u8;
  Number x_scale, x_zero_point;
  std::optional<size_t> row_scale;  // in place of x_scale: one for each row of a linear's x
  DType row_scale_dtype = DType::f32;
  int64_t weight_scale_step = 0;  // 0: one scale for all channels
  std::optional<size_t> bias;
  DType bias_dtype = DType::f32;
  int64_t bias_step = 0;

  std::optional<size_t> other;
  DType other_dtype = DType::f32;
  Number other_scale, other_zero_point;
  Binary binary = Binary::add;
  std::vector<int64_t> other_strides;  // in the result's dimensions

  Epilogue epilogue;

  // Reads the arguments of a call with `channels` output channels; output(0) has its final sizes. `may_scale_rows`:
  // x_scale may be a tensor with an element for each row of x. Errors: dtypes, sizes and arguments that
  // docs/operators.md does not have.
  static Result<Contraction> prepare(PrepareContext& context, int64_t channels, bool may_scale_rows = false);
};

// A contraction with its run-time numbers read.
class ContractionRun {
 public:
  ContractionRun(const Contraction& contraction, const KernelArguments& arguments);

  int64_t zero_point() const { return zero_point_; }
  // Whether sums of this many products stay in s32.
  bool fits_s32(int64_t products) const;

  // `sum` of channel n (s32, s64, or double of f8 products) becomes the element at out_offset; arithmetic in double.
  // `row_offset`: where the row's scale is.
  template <typename Sum>
  void store_at(int64_t out_offset, int64_t other_offset, int64_t n, Sum sum, int64_t row_offset = 0) const {
    const double x_scale = row_scale_ ? load<double>(row_scale_, contraction_.row_scale_dtype, row_offset) : x_scale_;
    double v =
        static_cast<double>(sum) * (x_scale * static_cast<double>(weight_scale_[n * contraction_.weight_scale_step]));
    if (bias_) v += load<double>(bias_, contraction_.bias_dtype, n * contraction_.bias_step);
    if (other_) {
      const double other =
          other_scale_ * (load<double>(other_, contraction_.other_dtype, other_offset) - other_zero_point_);
      v = contraction_.binary == Binary::add ? v + other : contraction_.binary == Binary::sub ? v - other : v * other;
    }
    epilogue_.store_at(out_offset, v);
  }

 private:
  const Contraction& contraction_;
  double x_scale_;
  const void* row_scale_;
  int64_t zero_point_;
  const float* weight_scale_;
  const void* bias_;
  const void* other_;
  double other_scale_ = 1, other_zero_point_ = 0;
  EpilogueRun epilogue_;
};

// Calls f(sum, activation, weight), Tags of the types to compute with: sums of integers are exact in s32 or s64; a
// product of two f8e4m3 has at most 8 bits, and its sums are exact in double but for extreme sizes.
template <typename F>
void with_types(const Contraction& contraction, const ContractionRun& run, int64_t products, F&& f) {
  if (contraction.x_dtype == DType::f8e4m3) return f(Tag<double>{}, Tag<F8E4M3>{}, Tag<F8E4M3>{});
  const bool narrow = run.fits_s32(products);
  if (contraction.x_dtype == DType::s8) {
    narrow ? f(Tag<int32_t>{}, Tag<int8_t>{}, Tag<int8_t>{}) : f(Tag<int64_t>{}, Tag<int8_t>{}, Tag<int8_t>{});
  } else {
    narrow ? f(Tag<int32_t>{}, Tag<uint8_t>{}, Tag<int8_t>{}) : f(Tag<int64_t>{}, Tag<uint8_t>{}, Tag<int8_t>{});
  }
}

// The line of the report that says why this kernel runs.
void note_reference(PrepareContext& context, const Contraction& contraction);

}  // namespace qrules::decomposed
