// Calls that quantize, dequantize, or compute with integers.

#include <qrules/generate/call_recipe.h>

namespace qrules::generate {

void CallRecipe::range(DType dtype) {
  if (!is_integral(dtype)) return;
  const size_t narrow = choose("narrow range", {12, 1, 1});
  suggest("quant_min", Argument(lowest(dtype) + (narrow == 2 ? 1 : 0)));
  suggest("quant_max", Argument(narrow == 1 ? highest(dtype) / 2 : highest(dtype)));
}

void CallRecipe::numbers(const char* scale, const char* zero_point, DType dtype) {
  static constexpr std::array kScales{0.02, 0.1, 1.0, 0.3, 0.003, 2.5};
  static constexpr std::array<int64_t, 7> kUnsigned{0, 113, 128, 3, 255, 127, 1};
  static constexpr std::array<int64_t, 7> kSigned{0, -7, 5, -128, 127, 1, -1};
  suggest(scale, Argument(kScales[choose(scale, {3, 2, 2, 2, 1, 1})]));
  const size_t chosen = choose(zero_point, {3, 3, 2, 2, 1, 1, 1});
  suggest(zero_point, Argument(dtype == DType::u8 ? kUnsigned[chosen] : kSigned[chosen]));
}

void CallRecipe::per_axis(const Sizes& sizes) {
  if (!signature_.find("axis")) {
    ask("scale", DType::f32, {});
    ask("zero_point", DType::s64, {});
    return;
  }
  if (!fixed("axis"))
    suggest("axis", Argument(static_cast<int64_t>(choose("axis", {2, 1}) % std::max<size_t>(sizes.size(), 1))));
  const auto axis = fixed("axis") ? fixed("axis")->integer() : std::nullopt;
  const size_t at = axis && *axis >= 0 && static_cast<size_t>(*axis) < sizes.size() ? static_cast<size_t>(*axis) : 0;
  const int64_t channels = sizes.empty() ? 1 : sizes[at];
  ask("scales", DType::f32, {channels});
  ask("zero_points", DType::s64, {channels});
}

void CallRecipe::dequantize() {
  DType stored = DType::s8;
  if (const auto given = fixed("dtype"); given && given->get_if<DType>()) {
    stored = *given->get_if<DType>();
  } else {
    const Term* input = operand("input");
    // A weight is signed, an activation either.
    if (const Term* below = input; below && below->wish)
      stored = below->wish->dtype;
    else
      stored = int8_type("stored");
    suggest("dtype", Argument(stored));
  }
  range(stored);
  if (wish_.dtype != DType::f32) suggest("out_dtype", Argument(wish_.dtype));
  if (!signature_.find("axis")) numbers("scale", "zero_point", stored);
  ask("input", stored, wish_.sizes);
  per_axis(wish_.sizes);
}

void CallRecipe::quantize() {
  DType stored = DType::u8;
  if (const auto given = fixed("dtype"); given && given->get_if<DType>())
    stored = *given->get_if<DType>();
  else
    stored = int8_type("stored");
  suggest("dtype", Argument(stored));
  range(stored);
  if (!signature_.find("axis")) numbers("scale", "zero_point", stored);
  ask("input", recipes_.draw_dtype(name("of"), {DType::f32}), wish_.sizes);
  per_axis(wish_.sizes);
}

void CallRecipe::scaled_float8() {
  suggest("output_dtype", Argument(wish_.dtype));
  ask(signature_.parameters[0].name.c_str(), DType::f8e4m3, wish_.sizes);
  ask("scale", DType::f32, {});
}

void CallRecipe::block_affine(const char* dtype_parameter, std::optional<DType> from) {
  const bool narrow = from && (wish_.dtype == DType::u8 || wish_.dtype == DType::s8);
  const DType stored = narrow ? wish_.dtype : int8_type("stored");
  suggest(dtype_parameter, Argument(stored));
  Term* blocks = operand("block_size");
  const bool listed = blocks && blocks->kind == Term::Kind::list;
  if (listed) exactly(blocks->elements.size());
  const bool rows = listed || choose("rows", {3, 1}) == 1;
  Argument::List lengths;
  Sizes parameters;
  for (size_t d = 0; d < wish_.sizes.size(); ++d) {
    const bool split = rows && d + 1 < wish_.sizes.size();
    parameters.push_back(split ? wish_.sizes[d] : 1);
    lengths.emplace_back(split ? int64_t{1} : wish_.sizes[d] == kBatch ? int64_t{-1} : wish_.sizes[d]);
    if (Term* length = listed ? find(blocks->elements[d]) : nullptr;
        length && length->kind == Term::Kind::hole && !length->suggestion)
      length->suggestion = lengths.back();
  }
  suggest("block_size", Argument(std::move(lengths)));
  if (choose("bounds", {1, 1}) == 0) range(stored);
  if (!from && wish_.dtype != DType::f32) suggest("output_dtype", Argument(wish_.dtype));
  ask("input", from.value_or(stored), wish_.sizes);
  ask("scale", DType::f32, parameters);
  ask("zero_point", DType::s32, parameters);
}

void CallRecipe::packed_s8() {
  const bool is_aten = name_.starts_with("aten.");
  if (is_aten)
    exactly(2);
  else
    at_least(1);
  const int64_t outer = wish_.sizes.back(), inner = shared_inner(inner_size(outer));
  Sizes x = wish_.sizes;
  x.back() = inner;
  const DType dtype = is_aten ? wish_.dtype : recipes_.draw_dtype(name("of"), {DType::f32, DType::bf16});
  ask(is_aten ? "self" : "x", dtype, x);
  ask(is_aten ? "mat2" : "weight", DType::s8, {outer, inner});
  ask("scales", dtype, {outer});
  ask("other", dtype, wish_.sizes);
  if (!is_aten) suggest("out_dtype", Argument(is_floating(wish_.dtype) ? wish_.dtype : DType::f32));
}

void CallRecipe::packed_s4() {
  constexpr int64_t kGroup = 32;
  exactly(2);
  const int64_t outer = wish_.sizes[1];
  const int64_t inner = shared_inner(kGroup * static_cast<int64_t>(1 + choose("groups", {2, 1})));
  ask("self", DType::bf16, {wish_.sizes[0], inner});
  ask("mat2", DType::u8, {outer, inner / 2});
  suggest("qGroupSize", Argument(kGroup));
  ask("qScaleAndZeros", DType::bf16, {inner / kGroup, outer, 2});
}

void CallRecipe::int8() {
  if (name_ == "onednn.qmaxpool2d.default") return pool();
  if (name_ == "onednn.qcat.default") return concatenate("tensors");
  if (name_ == "onednn.qmatmul.default") return int8_product();
  if (name_ == "onednn.qembedding_bag.default") return embedding_bag();
  if (name_.find("quantize_float8") != std::string::npos) return float8();
  if (name_ == "onednn.qreshape.default") {
    suggest("shape", sizes_argument(wish_.sizes));
    return ask("x", int8_type("of"), wish_.sizes);
  }
  if (name_ == "onednn.linear_fp16.default") {
    at_least(1);
    const int64_t outer = wish_.sizes.back(), inner = inner_size(outer);
    Sizes from = wish_.sizes;
    from.back() = inner;
    ask("x", DType::f32, from);
    ask("weight", DType::f16, {outer, inner});
    ask("bias", DType::f32, {outer});
    return epilogue();
  }
  const DType activation = int8_type("activation");
  numbers("x_scale", "x_zero_point", activation);
  Sizes channels;
  const Wish result = wish_;
  if (name_.find("conv") != std::string::npos) {
    convolution("x", "weight");
    channels = {wish_.sizes[1]};
  } else {
    at_least(1);
    const int64_t outer = wish_.sizes.back(), inner = inner_size(outer);
    Sizes from = wish_.sizes;
    from.back() = inner;
    ask("x", activation, from);
    ask("weight", DType::s8, {outer, inner});
    channels = {outer};
  }
  ask("weight_scale", DType::f32, choose("one scale", {2, 1}) == 0 ? channels : Sizes{1});
  ask("bias", DType::f32, channels);
  if (signature_.find("other")) {
    const size_t kind = choose("other", {2, 1});
    ask("other", kind == 0 ? DType::f32 : int8_type("other type"), wish_.sizes);
    if (kind != 0) numbers("other_scale", "other_zero_point", DType::s8);
    if (kind == 0) {
      suggest("other_scale", Argument(1.0));
      suggest("other_zero_point", Argument(int64_t{0}));
    }
    suggest("binary", Argument(std::array{"add", "sub", "mul"}[choose("binary", {4, 1, 1})]));
  }
  wish_.dtype = result.dtype;
  epilogue();
}

void CallRecipe::int8_product() {
  at_least(2);
  const size_t rank = wish_.sizes.size();
  const int64_t inner = inner_size(wish_.sizes.back());
  Sizes a = wish_.sizes, b = wish_.sizes;
  if (choose("batched", {3, 1}) == 1) b = {wish_.sizes[rank - 2], wish_.sizes.back()};
  a.back() = inner;
  b[b.size() - 2] = inner;
  const DType left = int8_type("left"), right = int8_type("right");
  numbers("a_scale", "a_zero_point", left);
  numbers("b_scale", "b_zero_point", right);
  ask("a", left, a);
  ask("b", right, b);
  epilogue();
}

void CallRecipe::embedding_bag() {
  exactly(2);
  const int64_t bags = wish_.sizes[0];
  const bool ends = choose("last offset", {2, 1}) == 1;
  suggest("mode", Argument(static_cast<int64_t>(choose("mode", {2, 1, 1}))));
  suggest("include_last_offset", Argument(ends));
  suggest("padding_idx", Argument(int64_t{-1}));
  const DType table = int8_type("table");
  const char* weight = signature_.parameters[0].name.c_str();
  if (signature_.find("weight_scale")) numbers("weight_scale", "weight_zero_point", table);
  ask(weight, signature_.find("weight_scale") ? table : wish_.dtype, {4, wish_.sizes[1]});
  ask("indices", DType::s64, {5});
  ask("offsets", DType::s64, {ends && bags != kBatch ? bags + 1 : bags});
  if (signature_.find("out_dtype")) epilogue();
}

void CallRecipe::float8() {
  const bool stores = name_.find(".quantize") != std::string::npos;
  suggest("scale", Argument(0.1));
  suggest("zero_point", Argument(int64_t{0}));
  DType stored = stores && (wish_.dtype == DType::f8e5m2) ? DType::f8e5m2 : DType::f8e4m3;
  if (const auto given = fixed("dtype"); given && given->get_if<DType>()) stored = *given->get_if<DType>();
  suggest("dtype", Argument(stored));
  suggest("quant_min", Argument(int64_t{stored == DType::f8e4m3 ? -448 : -57344}));
  suggest("quant_max", Argument(int64_t{stored == DType::f8e4m3 ? 448 : 57344}));
  const char* input = signature_.parameters[0].name.c_str();
  ask(input, stores ? DType::f32 : stored, wish_.sizes);
}

void CallRecipe::epilogue() {
  if (signature_.find("out_dtype")) {
    DType out = wish_.dtype;
    if (const auto given = fixed("out_dtype"); given && given->get_if<DType>())
      out = *given->get_if<DType>();
    else if (!is_floating(out) && size_of(out) != 1)
      out = DType::f32;
    suggest("out_dtype", Argument(out));
    if (is_floating(out)) {
      suggest("out_scale", Argument(1.0));
      suggest("out_zero_point", Argument(int64_t{0}));
    } else {
      numbers("out_scale", "out_zero_point", out);
    }
  }
  if (!fixed("post_op")) {
    static constexpr std::array kOps{"none", "relu", "hardtanh", "gelu", "leaky_relu", "tanh"};
    suggest("post_op", Argument(kOps[choose("post op", {8, 2, 1, 1, 1, 1})]));
  }
  const auto post_op = fixed("post_op");
  const std::string text = post_op && post_op->get_if<std::string>() ? *post_op->get_if<std::string>() : "none";
  if (text == "hardtanh")
    suggest("post_op_args", Argument(Argument::List{Argument(-1.0), Argument(2.5)}));
  else if (text == "leaky_relu" || text == "elu")
    suggest("post_op_args", Argument(Argument::List{Argument(0.3)}));
  else
    suggest("post_op_args", Argument(Argument::List{}));
}

}  // namespace qrules::generate
