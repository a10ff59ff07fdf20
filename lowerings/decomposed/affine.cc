// Scales and zero points that vary along dimensions.

#include <qrules/lowerings/decomposed/affine.h>

namespace qrules::decomposed {
namespace {

// Dtypes and operand numbers; null zero points are no operand.
Result<AffineOperands> find_operands(const PrepareContext& context) {
  AffineOperands affine;
  auto scales = tensor_argument(context, "scales");
  if (!scales) return scales.diagnostics();
  affine.scales = *scales;
  affine.scale_dtype = context.input(*scales).dtype;
  if (affine.scale_dtype != DType::f32 && affine.scale_dtype != DType::f64) {
    return refuse_dtype(context, "`scales`", affine.scale_dtype, "f32 or f64");
  }
  affine.zero_points = context.operand_of("zero_points");
  if (affine.zero_points) {
    affine.zero_point_dtype = context.input(*affine.zero_points).dtype;
    if (!is_integral(affine.zero_point_dtype) && affine.zero_point_dtype != DType::f32) {
      return refuse_dtype(context, "`zero_points`", affine.zero_point_dtype, "integers or f32");
    }
  }
  return affine;
}

}  // namespace

Result<AffineOperands> per_channel_operands(const PrepareContext& context) {
  auto found = find_operands(context);
  if (!found) return found;
  const TensorLayout& value = context.input(0);
  const Argument* argument = context.node().argument("axis");
  const auto number = argument ? argument->integer() : std::nullopt;
  const auto axis = number ? wrap_dimension(*number, value.sizes.size()) : std::nullopt;
  if (!axis) return refuse_argument(context, "axis", "is no dimension of the value");
  const auto strides_of = [&](size_t operand) -> std::optional<std::vector<int64_t>> {
    const TensorLayout& layout = context.input(operand);
    if (layout.sizes.size() != 1 || layout.sizes[0] != value.sizes[*axis]) return std::nullopt;
    std::vector<int64_t> strides(value.sizes.size(), 0);
    strides[*axis] = layout.strides[0];
    return strides;
  };
  const auto scale_strides = strides_of(found->scales);
  if (!scale_strides) return refuse_size(context, "`scales` must be a vector with one element for each channel");
  found->scale_strides = *scale_strides;
  found->zero_point_strides.assign(value.sizes.size(), 0);
  if (found->zero_points) {
    const auto strides = strides_of(*found->zero_points);
    if (!strides) return refuse_size(context, "`zero_points` must be a vector with one element for each channel");
    found->zero_point_strides = *strides;
  }
  return found;
}

Result<AffineOperands> per_token_operands(const PrepareContext& context) {
  auto found = find_operands(context);
  if (!found) return found;
  const TensorLayout& value = context.input(0);
  if (value.sizes.empty()) return refuse_rank(context, "the value", 0, "at least one dimension");
  if (!found->zero_points) return refuse_argument(context, "zero_points", "must be a tensor");
  std::vector<int64_t> wanted = value.sizes;
  wanted.back() = 1;
  const auto strides_of = [&](size_t operand) -> std::optional<std::vector<int64_t>> {
    const TensorLayout& layout = context.input(operand);
    if (layout.sizes != wanted) return std::nullopt;
    std::vector<int64_t> strides = layout.strides;
    strides.back() = 0;
    return strides;
  };
  const auto scale_strides = strides_of(found->scales), zero_point_strides = strides_of(*found->zero_points);
  if (!scale_strides || !zero_point_strides) {
    return refuse_size(context, "scales and zero points must have the value's sizes with 1 as the last");
  }
  found->scale_strides = *scale_strides;
  found->zero_point_strides = *zero_point_strides;
  return found;
}

void add_affine(HandlerRegistry& registry, const std::string& verb, FunctionHandler::Prepare per_tensor,
                FunctionHandler::Prepare per_channel, FunctionHandler::Prepare per_token) {
  const std::string op = "quantized_decomposed." + verb, handler = "decomposed." + verb;
  const auto shared = std::make_shared<FunctionHandler>(handler, per_tensor);
  for (const char* overload : {"default", "tensor", "tensor2"}) registry.add(op + "_per_tensor." + overload, shared);
  registry.add(op + "_per_channel.default", std::make_shared<FunctionHandler>(handler + "_per_channel", per_channel));
  registry.add(op + "_per_token.default", std::make_shared<FunctionHandler>(handler + "_per_token", per_token));
}

}  // namespace qrules::decomposed
