// Products, convolutions, pools, norms and attention.

#include <qrules/generate/call_recipe.h>

namespace qrules::generate {

void CallRecipe::linear(const char* input, const char* weight, const char* bias) {
  at_least(1);
  const int64_t outer = wish_.sizes.back(), inner = inner_size(outer);
  Sizes from = wish_.sizes;
  from.back() = inner;
  const DType result = wish_.dtype;
  ask(input, result, from);
  ask(weight, result, {outer, inner});
  ask(bias, result, {outer});
}

void CallRecipe::product(const char* left, const char* right) {
  if (name_ == "aten.bmm.default")
    exactly(3);
  else if (name_ == "aten.matmul.default")
    at_least(2);
  else
    exactly(2);
  const int64_t inner = inner_size(wish_.sizes.back());
  Sizes a = wish_.sizes, b = wish_.sizes;
  if (name_ == "aten.matmul.default") {
    // The weight has two dimensions more often than a batch.
    if (choose("batched", {4, 1}) == 0) b = {wish_.sizes[wish_.sizes.size() - 2], wish_.sizes.back()};
  }
  a.back() = inner;
  b[b.size() - 2] = inner;
  const bool integers = name_ == "aten._int_mm.default";
  const DType dtype = integers ? DType::s8 : wish_.dtype;
  ask(left, integers ? int8_type("left") : dtype, a);
  ask(right, dtype, b);
  if (name_ == "aten.addmm.default") {
    const size_t way = choose("addend", {4, 1, 1});
    ask("self", dtype, way == 0 ? Sizes{wish_.sizes[1]} : way == 1 ? wish_.sizes : Sizes{1, wish_.sizes[1]});
  }
}

int64_t CallRecipe::shared_inner(int64_t drawn) {
  const Term* self = operand("self");
  return self && self->wish && self->wish->sizes.size() == 2 ? self->wish->sizes[1] : drawn;
}

int64_t CallRecipe::window(int64_t positions, size_t dimension, const Sizes& kernel, const Sizes& stride,
                           const Sizes& padding, const Sizes& dilation) {
  const auto at = [&](const Sizes& list, int64_t otherwise) {
    if (list.empty()) return otherwise;
    return list.size() == 1 ? list[0] : list[std::min(dimension, list.size() - 1)];
  };
  const int64_t k = at(kernel, 1), s = at(stride, k), p = at(padding, 0), d = at(dilation, 1);
  if (positions == kBatch) positions = 3;
  return std::max<int64_t>((positions - 1) * s + d * (k - 1) + 1 - 2 * p, 1) +
         static_cast<int64_t>(choose(dimension == 0 ? "rest0" : "rest1", {3, 1, 1}));
}

Sizes CallRecipe::or_suggest(const char* parameter, size_t count, std::initializer_list<int64_t> options,
                             std::initializer_list<uint32_t> weights) {
  if (const auto given = fixed_integers(parameter)) return *given;
  const size_t way = choose(parameter, weights);
  Sizes values(count, *(options.begin() + static_cast<std::ptrdiff_t>(way)));
  // Which of the two dimensions an argument belongs to shows only where they differ.
  if (count == 2 && choose((std::string(parameter) + " uneven").c_str(), {3, 2}) == 1) {
    const size_t other =
        (way + 1 + recipes_.decisions_.choose(name(parameter) + "'", options.size() - 1)) % options.size();
    values[1] = *(options.begin() + static_cast<std::ptrdiff_t>(other));
  }
  suggest(parameter, sizes_argument(values));
  return values;
}

void CallRecipe::convolution(const char* input, const char* weight) {
  size_t rank = wish_.sizes.size();
  if (name_.find("conv1d") != std::string::npos)
    rank = choose("batched", {8, 1}) == 0 ? 3 : 2;
  else if (name_.find("conv2d") != std::string::npos)
    rank = choose("batched", {8, 1}) == 0 ? 4 : 3;
  else
    rank = std::clamp<size_t>(rank, 3, 4);
  exactly(rank);
  size_t spatial = rank - 2;
  const bool unbatched =
      name_.find("conv1d") != std::string::npos ? rank == 2 : name_.find("conv2d") != std::string::npos && rank == 3;
  if (unbatched) ++spatial;
  const size_t channel = unbatched ? 0 : 1;
  const Sizes kernel(spatial, static_cast<int64_t>(std::array{3, 1, 2}[choose("kernel", {3, 1, 1})]));
  const Sizes stride = or_suggest("stride", spatial, {1, 2}, {2, 1});
  const Sizes dilation = or_suggest("dilation", spatial, {1, 2}, {3, 1});
  Sizes padding(spatial, 0);
  bool same = false;
  if (const Term* term = operand("padding");
      term && term->has_parameter && term->parameter.kind == ParameterKind::text) {
    suggest("padding", Argument(choose("padding text", {1, 1}) == 0 ? "valid" : "same"));
    if (const auto given = fixed("padding");
        given && given->get_if<std::string>() && *given->get_if<std::string>() == "same") {
      same = true;
      for (size_t i = 0; i < spatial; ++i) padding[i] = dilation[i % dilation.size()] * (kernel[i] - 1) / 2;
    }
  } else {
    padding = or_suggest("padding", spatial, {0, 1}, {1, 1});
  }
  suggest("transposed", Argument(false));
  suggest("output_padding", sizes_argument(Sizes(spatial, 0)));
  const int64_t groups_way = static_cast<int64_t>(choose("groups", {4, 1}));
  int64_t groups = 1;
  if (const auto given = fixed("groups"); given && given->integer())
    groups = *given->integer();
  else if (groups_way == 1 && wish_.sizes[channel] % 2 == 0 && wish_.sizes[channel] > 0)
    groups = 2;
  suggest("groups", Argument(groups));
  const int64_t inner = std::max<int64_t>(size("inner"), 1);
  if (wish_.sizes[channel] == kBatch) wish_.sizes[channel] = 4;
  Sizes from = wish_.sizes, filter{wish_.sizes[channel], inner};
  from[channel] = inner * groups;
  for (size_t i = 0; i < spatial; ++i) {
    int64_t& size = from[channel + 1 + i];
    size = same && size != kBatch ? size : window(size, i, kernel, stride, padding, dilation);
    filter.push_back(kernel[i]);
    // What nothing infers has the type that is written.
    int64_t& positions = wish_.sizes[channel + 1 + i];
    const int64_t step = stride[i % stride.size()], reach = dilation[i % dilation.size()] * (kernel[i] - 1) + 1;
    positions =
        same ? size
             : std::max<int64_t>(size + 2 * padding[i % padding.size()] - reach, 0) / std::max<int64_t>(step, 1) + 1;
  }
  term_->wish = wish_;
  const bool integers = name_.starts_with("onednn.");
  ask(input, integers ? int8_type("activation") : wish_.dtype, from);
  ask(weight, integers ? DType::s8 : wish_.dtype, filter);
  if (!integers) ask("bias", wish_.dtype, {filter[0]});
}

void CallRecipe::pool() {
  exactly(choose("batched", {3, 1}) == 0 ? 4 : 3);
  const Sizes kernel = or_suggest("kernel_size", 2, {2, 3, 1}, {2, 2, 1});
  const size_t strides = choose("strides", {2, 1, 1});
  Sizes stride = kernel;
  if (const auto given = fixed_integers("stride"); given && !given->empty()) {
    stride = *given;
  } else {
    if (strides == 1) stride = same_each(1, 2);
    if (strides == 2) stride = same_each(2, 2);
    suggest("stride", strides == 0 ? Argument(Argument::List{}) : sizes_argument(stride));
  }
  const Sizes padding = or_suggest("padding", 2, {0, 1}, {1, 1});
  const Sizes dilation = or_suggest("dilation", 2, {1, 2}, {4, 1});
  suggest("ceil_mode", Argument(choose("ceil mode", {1, 1}) == 1));
  suggest("count_include_pad", Argument(choose("count padding", {1, 1}) == 0));
  const char* input = signature_.parameters[0].name.c_str();
  const size_t rank = wish_.sizes.size();
  Sizes from = wish_.sizes;
  for (size_t i = 0; i < 2; ++i)
    from[rank - 2 + i] = window(wish_.sizes[rank - 2 + i], i, kernel, stride, padding, dilation);
  ask(input, name_.starts_with("onednn.") ? int8_type("of") : wish_.dtype, from);
}

void CallRecipe::adaptive_pool() {
  exactly(choose("batched", {3, 1}) == 0 ? 4 : 3);
  const size_t rank = wish_.sizes.size();
  Sizes output{wish_.sizes[rank - 2], wish_.sizes[rank - 1]};
  if (const auto given = fixed_integers("output_size"); given && given->size() == 2) output = *given;
  suggest("output_size", sizes_argument(output));
  Sizes from = wish_.sizes;
  for (size_t i = 0; i < 2; ++i)
    from[rank - 2 + i] = output[i] == kBatch ? 4 : output[i] * (1 + static_cast<int64_t>(choose("ratio", {1, 1})));
  ask("self", wish_.dtype, from);
}

void CallRecipe::layer_norm() {
  at_least(1);
  const int64_t last = wish_.sizes.back() == kBatch ? 4 : wish_.sizes.back();
  wish_.sizes.back() = last;
  suggest("normalized_shape", sizes_argument({last}));
  suggest("eps", Argument(1e-5));
  const bool vector = name_.starts_with("vector.");
  const DType dtype = vector ? recipes_.draw_dtype(name("of"), {DType::f32, DType::bf16}) : wish_.dtype;
  ask(vector ? "x" : "input", dtype, wish_.sizes);
  ask("weight", dtype, {last});
  ask("bias", dtype, {last});
  if (vector) epilogue();
}

void CallRecipe::gate() {
  for (const char* parameter : {"gate", "value"})
    ask(parameter, recipes_.draw_dtype(name(parameter), {DType::f32, DType::bf16}), wish_.sizes);
  static constexpr std::array kActivations{"silu", "gelu", "sigmoid"};
  suggest("activation", Argument(kActivations[choose("activation", {3, 1, 1})]));
  epilogue();
}

void CallRecipe::attention() {
  at_least(2);
  const size_t rank = wish_.sizes.size();
  const int64_t inner = inner_size(wish_.sizes[rank - 2]), keys = size("keys");
  Sizes q = wish_.sizes, k = wish_.sizes, v = wish_.sizes;
  q[rank - 1] = k[rank - 2] = inner;
  k[rank - 1] = v[rank - 2] = keys;
  const bool quantized = signature_.find("weights_scale").has_value();
  if (quantized) {
    // Scores that f32 holds exactly enough: the rounding of their weights shows every difference.
    suggest("q_scale", Argument(0.003));
    suggest("k_scale", Argument(0.02));
  }
  // Probabilities of bf16 operands may be rounded to bf16, and results differ by more than a rounding of their own.
  const DType floating = DType::f32;
  for (const auto& [parameter, sizes] :
       {std::pair{std::string("q"), q}, std::pair{std::string("k"), k}, std::pair{std::string("v"), v}}) {
    const DType dtype = quantized ? int8_type(parameter.c_str()) : floating;
    if (quantized) numbers((parameter + "_scale").c_str(), (parameter + "_zero_point").c_str(), dtype);
    ask(parameter, dtype, sizes);
  }
  ask("mask", floating, {wish_.sizes[rank - 2], keys});
  if (quantized) {
    // Weights of equal scores are no ties, which kernels round either way.
    suggest("weights_scale", Argument(choose("weights", {3, 1}) == 0 ? 0.0039 : 0.0173));
    suggest("weights_zero_point", Argument(static_cast<int64_t>(choose("weights zero point", {4, 1}) * 3)));
  }
  epilogue();
}

}  // namespace qrules::generate
