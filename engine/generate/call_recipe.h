// The way from one call's result back to its operands, one operator family after another. Part of recipes.h.
#pragma once

#include <algorithm>
#include <array>
#include <numeric>

#include <qrules/generate/recipes.h>
#include <qrules/graph/infer.h>

namespace qrules::generate {

using Sizes = std::vector<int64_t>;

// One call: its operands by name.
class CallRecipe {
 public:
  CallRecipe(Recipes& recipes, Term* term, Wish wish)
      : recipes_(recipes),
        term_(term),
        wish_(std::move(wish)),
        name_(recipes.operators_.name(term->op)),
        signature_(*recipes.operators_.signature(term->op)),
        inferred_(can_infer(recipes.operators_, term->op)) {}
  void run();

 private:
  bool is_any(std::initializer_list<std::string_view> names) const {
    return std::find(names.begin(), names.end(), name_) != names.end();
  }
  Term* operand(std::string_view parameter) const;
  void ask(std::string_view parameter, DType dtype, Sizes sizes) {
    if (Term* term = operand(parameter)) recipes_.ask(term, {dtype, std::move(sizes)});
  }
  void suggest(std::string_view parameter, Argument value);
  // The value of a parameter that patterns fix, or nothing.
  std::optional<Argument> fixed(std::string_view parameter) const;
  std::optional<std::vector<int64_t>> fixed_integers(std::string_view parameter) const;
  std::string name(const char* what) const { return term_->name + ":" + what; }
  size_t choose(const char* what, std::initializer_list<uint32_t> weights) {
    return recipes_.decisions_.choose(name(what), weights);
  }
  int64_t size(const char* what) { return recipes_.draw_size(name(what)); }
  DType int8_type(const char* what) { return recipes_.draw_dtype(name(what), {DType::u8, DType::s8}); }
  // A wish for at least (or exactly) this many dimensions.
  void at_least(size_t rank);
  void exactly(size_t rank);
  static Argument sizes_argument(const Sizes& sizes);
  // Elementwise, and everything that nothing is known of: operands have the result's type, or broadcast to it.
  void pointwise();

  // recipes_quantized.cc
  void range(DType dtype);
  // Odd zero points, scales that saturate and that do not; within the range of the type.
  void numbers(const char* scale, const char* zero_point, DType dtype);
  void per_axis(const Sizes& sizes);
  void dequantize();
  void quantize();
  // The scale is a tensor of one element.
  void scaled_float8();
  // Blocks are rows, or the whole value. `from`: the dtype that is quantized; nothing for a dequantize.
  void block_affine(const char* dtype_parameter, std::optional<DType> from);
  void packed_s8();
  // Two weights in each byte; a scale and a zero point for each group of 32.
  void packed_s4();
  // The int8 operators: docs/operators.md.
  void int8();
  void int8_product();
  // Bags over a table of four rows; their indices are constants, so that they name rows.
  void embedding_bag();
  // Scales of f8 have no zero point.
  void float8();
  void epilogue();

  // recipes_shapes.cc
  void cast();
  void regroup();
  void flatten();
  void expand();
  void permute();
  void transpose();
  void reversed();
  void one_dimension();
  void part();
  // Pairs of padding from the last dimension on: in front and behind.
  void padded();
  void concatenate(const char* parameter);
  void reduce();

  // recipes_products.cc
  // A square weight hides a transposition that is missing, and a wrong axis.
  int64_t inner_size(int64_t outer) { return choose("square", {3, 1}) == 1 && outer != kBatch ? outer : size("inner"); }
  void linear(const char* input, const char* weight, const char* bias);
  void product(const char* left, const char* right);
  // The activation's last size; siblings share it.
  int64_t shared_inner(int64_t drawn);
  // Windows: the input's size that gives one of the result, or nearly.
  int64_t window(int64_t positions, size_t dimension, const Sizes& kernel, const Sizes& stride, const Sizes& padding,
                 const Sizes& dilation);
  Sizes same_each(int64_t value, size_t count) { return Sizes(count, value); }
  Sizes or_suggest(const char* parameter, size_t count, std::initializer_list<int64_t> options,
                   std::initializer_list<uint32_t> weights);
  void convolution(const char* input, const char* weight);
  void pool();
  void adaptive_pool();
  void layer_norm();
  void gate();
  void attention();

  Recipes& recipes_;
  Term* term_;
  Wish wish_;
  const std::string& name_;
  const Signature& signature_;
  bool inferred_;
};

}  // namespace qrules::generate
