// Scales and zero points that vary along dimensions: what per-channel and per-token operators share.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {

// Where the scale and the zero point of an element are. Strides are those of the value's dimensions, in elements of
// the parameter, 0 where it does not vary.
struct AffineOperands {
  size_t scales = 0;
  std::optional<size_t> zero_points;
  DType scale_dtype = DType::f32;
  DType zero_point_dtype = DType::s64;
  std::vector<int64_t> scale_strides;
  std::vector<int64_t> zero_point_strides;
};

// `scales` and `zero_points` of one element for each index of `axis`. Errors: axis out of range, another element count,
// or dtypes other than f32 and f64 (scales) and integers and f32 (zero points).
Result<AffineOperands> per_channel_operands(const PrepareContext& context);

// The same with one element for each index of all dimensions but the last.
Result<AffineOperands> per_token_operands(const PrepareContext& context);

// Handlers of quantized_decomposed.<verb>_per_tensor (all overloads), _per_channel and _per_token.
void add_affine(HandlerRegistry& registry, const std::string& verb, FunctionHandler::Prepare per_tensor,
                FunctionHandler::Prepare per_channel, FunctionHandler::Prepare per_token);

}  // namespace qrules::decomposed
