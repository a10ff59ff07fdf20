// What follows the sums of qlinear and qconv: post-op and conversion to the result's dtype.
#pragma once

#include <cmath>
#include <optional>
#include <string_view>

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {

enum class PostOp { none, relu, hardtanh, hardswish, silu, gelu, gelu_tanh, sigmoid, tanh, elu, leaky_relu };

std::optional<PostOp> parse_post_op(std::string_view text);

// How many numbers post_op_args has.
size_t post_op_arguments(PostOp op);

// The function in double, NaN for NaN; a and b are the numbers of post_op_args.
inline double apply(PostOp op, double a, double b, double v) {
  switch (op) {
    case PostOp::none: return v;
    case PostOp::relu: return v < 0 ? 0 : v;
    case PostOp::hardtanh: return v < a ? a : v > b ? b : v;
    case PostOp::hardswish: return v * apply(PostOp::hardtanh, 0, 6, v + 3) / 6;
    case PostOp::silu: return v / (1 + std::exp(-v));
    case PostOp::gelu: return 0.5 * v * (1 + std::erf(v * 0.70710678118654752440));
    case PostOp::gelu_tanh: return 0.5 * v * (1 + std::tanh(0.79788456080286535588 * (v + 0.044715 * v * v * v)));
    case PostOp::sigmoid: return 1 / (1 + std::exp(-v));
    case PostOp::tanh: return std::tanh(v);
    case PostOp::elu: return v > 0 ? v : a * std::expm1(v);
    case PostOp::leaky_relu: return v < 0 ? a * v : v;
  }
  return v;
}

// The epilogue of one call.
struct Epilogue {
  Number out_scale, out_zero_point;
  DType out_dtype = DType::f32;
  PostOp post_op = PostOp::none;
  double a = 0, b = 0;

  // Errors: unknown post-op or wrong count of its numbers, out_dtype other than f32, bf16, u8, s8 and f8e4m3.
  static Result<Epilogue> prepare(PrepareContext& context);
};

// The same with scale and zero point read.
class EpilogueRun {
 public:
  EpilogueRun(const Epilogue& epilogue, const KernelArguments& arguments)
      : epilogue_(epilogue),
        scale_(epilogue.out_scale.read(arguments)),
        zero_point_(epilogue.out_zero_point.read(arguments)),
        out_(arguments.outputs[0]) {}

  // Integers come from the f32 value, the one that a quantize after a floating-point result would see. NaN becomes 0.
  void store_at(int64_t offset, double v) const {
    const auto u = static_cast<float>(apply(epilogue_.post_op, epilogue_.a, epilogue_.b, v));
    switch (epilogue_.out_dtype) {
      case DType::u8: static_cast<uint8_t*>(out_)[offset] = static_cast<uint8_t>(quantized(u, 0, 255)); return;
      case DType::s8: static_cast<int8_t*>(out_)[offset] = static_cast<int8_t>(quantized(u, -128, 127)); return;
      case DType::f8e4m3: static_cast<F8E4M3*>(out_)[offset] = float8(u); return;
      case DType::bf16: static_cast<Bf16*>(out_)[offset] = convert<Bf16>(u); return;
      default: static_cast<float*>(out_)[offset] = u;
    }
  }

 private:
  // As a quantize of the f32 value has it: clamped to the finite values, rounded by the conversion. NaN stays.
  F8E4M3 float8(float u) const {
    constexpr float kLargest = 448;
    const float value = u / static_cast<float>(scale_);
    return convert<F8E4M3>(value < -kLargest ? -kLargest : value > kLargest ? kLargest : value);
  }

  int32_t quantized(float u, double low, double high) const {
    double value = round_half_even(static_cast<double>(u) / scale_ + zero_point_);
    value = value < low ? low : value > high ? high : value;
    return value == value ? static_cast<int32_t>(value) : 0;
  }

  const Epilogue& epilogue_;
  double scale_, zero_point_;
  void* out_;
};

}  // namespace qrules::decomposed
