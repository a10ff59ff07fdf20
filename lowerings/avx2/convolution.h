// Convolutions and linears by tiles of exact sums.
#pragma once

#include <memory>

#include <qrules/lowerings/avx2/epilogue.h>
#include <qrules/lowerings/avx2/window.h>

namespace qrules::avx2 {

// The activation of a call: u8 or s8, channels-last; its scale and zero point known, or tensors of one number.
struct Activations {
  size_t operand = 0;
  bool is_signed = false;
  int32_t zero_point = 0;
  std::optional<size_t> scale_operand, zero_point_operand;
  bool row_scales = false;  // scale_operand has an element for each row of a linear's activation
  DType scale_dtype = DType::f32, zero_point_dtype = DType::f32;
  float scale = 1;  // used when scale or zero point is a tensor, as the weight's scales then do not hold it

  static Activations of(const PrepareContext& context, const int8::Int8Call& call);
  // Whether the sums of `products` products stay in 32 bits for this zero point.
  bool fits(int64_t products, int32_t zero_point_value) const;
  // Of one run.
  int32_t read_zero_point(const KernelArguments& arguments) const;
  float read_factor(const KernelArguments& arguments, int64_t row = 0) const;
};

// `weights` are s8, [out channels][in channels of a group][kernel rows][kernel columns], row-major. The result is
// channels-last, as is an addend. Asks `context` for scratch. Error: sums that could leave 32 bits.
int8::Prepared make_convolution(PrepareContext& context, const Window& window, const Activations& activations,
                                const int8_t* weights, Epilogue epilogue);

// The same for a window with one input and one output channel in each group.
int8::Prepared make_depthwise(PrepareContext& context, const Window& window, const Activations& activations,
                              const int8_t* weights, Epilogue epilogue);

}  // namespace qrules::avx2
