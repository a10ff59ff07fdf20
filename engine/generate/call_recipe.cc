// Which recipe a call has, and what recipes are made of.

#include <qrules/generate/call_recipe.h>

namespace qrules::generate {

void CallRecipe::run() {
  if (name_.starts_with("quantized_decomposed.dequantize")) return dequantize();
  if (name_.starts_with("quantized_decomposed.quantize")) return quantize();
  if (name_.starts_with("onednn.")) return int8();
  if (name_ == "prims.convert_element_type.default" || name_ == "aten.to.dtype" || name_ == "aten._to_copy.default" ||
      name_ == "quantized_decomposed.convert_element_type.no_fuse")
    return cast();
  if (is_any({"aten.view.default", "aten.reshape.default", "aten._unsafe_view.default"})) return regroup();
  if (name_ == "aten.flatten.using_ints") return flatten();
  if (name_ == "aten.expand.default") return expand();
  if (name_ == "aten.permute.default") return permute();
  if (name_ == "aten.transpose.int") return transpose();
  if (name_ == "aten.t.default") return reversed();
  if (name_ == "aten.squeeze.dim" || name_ == "aten.unsqueeze.default") return one_dimension();
  if (name_ == "_operator.getitem") return part();
  if (name_ == "aten.linear.default") return linear("input", "weight", "bias");
  if (name_ == "aten.addmm.default") return product("mat1", "mat2");
  if (is_any({"aten.mm.default", "aten.bmm.default", "aten._int_mm.default"})) return product("self", "mat2");
  if (is_any({"aten._weight_int8pack_mm.default", "vector.weight_only_linear.default"})) return packed_s8();
  if (name_ == "aten._weight_int4pack_mm_for_cpu.default") return packed_s4();
  if (name_ == "aten.matmul.default") return product("self", "other");
  if (name_.find("conv") != std::string::npos && signature_.find("weight")) return convolution("input", "weight");
  if (name_.find("pool2d") != std::string::npos && !name_.starts_with("aten.adaptive")) return pool();
  if (is_any({"aten.adaptive_avg_pool2d.default", "aten._adaptive_avg_pool2d.default"})) return adaptive_pool();
  if (name_ == "aten.cat.default" || name_ == "vector.cat.default") return concatenate("tensors");
  if (is_any({"aten.sum.dim_IntList", "aten.mean.dim", "aten.amax.default", "aten.amin.default"})) return reduce();
  if (name_.find("layer_norm") != std::string::npos) return layer_norm();
  if (name_ == "vector.gate.default") return gate();
  if (is_any({"vector.attention.default", "vector.qattention.default"})) return attention();
  if (name_ == "torchao.dequantize_affine_float8_non_decomposed.default") return scaled_float8();
  if (name_ == "torchao.quantize_affine.default") return block_affine("output_dtype", DType::f32);
  if (name_ == "torchao.dequantize_affine.default") return block_affine("input_dtype", std::nullopt);
  if (is_any({"aten.constant_pad_nd.default", "aten.pad.default"})) return padded();
  if (name_.find("embedding_bag") != std::string::npos) return embedding_bag();
  pointwise();
}

Term* CallRecipe::operand(std::string_view parameter) const {
  const auto index = signature_.find(parameter);
  return index ? find(term_->arguments[*index]) : nullptr;
}

void CallRecipe::suggest(std::string_view parameter, Argument value) {
  Term* term = operand(parameter);
  if (!term || term->suggestion) return;
  term->suggestion = std::move(value);
  term->firm = !inferred_;
}

std::optional<Argument> CallRecipe::fixed(std::string_view parameter) const {
  const Term* term = operand(parameter);
  if (!term) return std::nullopt;
  if (term->kind == Term::Kind::literal) return term->literal;
  if (term->kind == Term::Kind::list) {
    Argument::List values;
    for (Term* element : term->elements) {
      if (find(element)->kind != Term::Kind::literal) return std::nullopt;
      values.push_back(find(element)->literal);
    }
    return Argument(std::move(values));
  }
  return term->suggestion;
}

std::optional<std::vector<int64_t>> CallRecipe::fixed_integers(std::string_view parameter) const {
  const auto value = fixed(parameter);
  return value ? value->integers() : std::nullopt;
}

void CallRecipe::at_least(size_t rank) {
  while (wish_.sizes.size() < rank)
    wish_.sizes.insert(wish_.sizes.begin(), size(("rank" + std::to_string(wish_.sizes.size())).c_str()));
}

void CallRecipe::exactly(size_t rank) {
  at_least(rank);
  while (wish_.sizes.size() > rank) wish_.sizes.erase(wish_.sizes.begin());
}

Argument CallRecipe::sizes_argument(const Sizes& sizes) {
  Argument::List list;
  for (const int64_t size : sizes) list.emplace_back(size == kBatch ? int64_t{-1} : size);
  return Argument(std::move(list));
}

void CallRecipe::pointwise() {
  size_t tensors = 0;
  for (size_t i = 0; i < signature_.parameters.size(); ++i) {
    const Parameter& parameter = signature_.parameters[i];
    Term* term = find(term_->arguments[i]);
    const bool tensor = parameter.kind == ParameterKind::tensor || parameter.kind == ParameterKind::qparam;
    if (parameter.kind == ParameterKind::tensor_list && term->kind == Term::Kind::list) {
      for (Term* element : term->elements) recipes_.ask(element, wish_);
    }
    if (parameter.kind == ParameterKind::tensor_list) term->wish = wish_;
    if (!tensor) continue;
    Wish wish = wish_;
    if (tensors++ > 0) {
      const std::string which = "operand" + std::to_string(i);
      switch (choose(which.c_str(), {10, 2, 2, 2, 2})) {
        case 1:
          if (!wish.sizes.empty()) wish.sizes = {wish.sizes.back()};
          break;
        case 2:
          if (!wish.sizes.empty()) wish.sizes[0] = 1;
          break;
        case 3: wish.sizes.clear(); break;
        case 4:
          if (!wish.sizes.empty()) wish.sizes.back() = 1;
          break;
        default: break;
      }
      if (choose((which + " type").c_str(), {12, 1}) == 1)
        wish.dtype = recipes_.draw_dtype(name((which + " dtype").c_str()), {DType::f32, DType::bf16});
    }
    recipes_.ask(term, wish);
  }
}

}  // namespace qrules::generate
