// See recipes.h.

#include <qrules/generate/recipes.h>

#include <algorithm>
#include <array>
#include <numeric>

#include <qrules/graph/infer.h>

namespace qrules::generate {

bool Hints::asks(const std::string& slot, std::string_view function) const {
  const auto found = asked_about.find(slot);
  if (found == asked_about.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const Function* asked) { return asked->name == function; });
}

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

  void run() {
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
    if (name_ == "aten._weight_int8pack_mm.default") return packed_s8();
    if (name_ == "aten._weight_int4pack_mm_for_cpu.default") return packed_s4();
    if (name_ == "aten.matmul.default") return product("self", "other");
    if (name_.find("conv") != std::string::npos && signature_.find("weight")) return convolution("input", "weight");
    if (name_.find("pool2d") != std::string::npos && !name_.starts_with("aten.adaptive")) return pool();
    if (is_any({"aten.adaptive_avg_pool2d.default", "aten._adaptive_avg_pool2d.default"})) return adaptive_pool();
    if (name_ == "aten.cat.default" || name_ == "vector.cat.default") return concatenate("tensors");
    if (is_any({"aten.sum.dim_IntList", "aten.mean.dim", "aten.amax.default", "aten.amin.default"})) return reduce();
    if (name_.find("layer_norm") != std::string::npos) return layer_norm();
    if (is_any({"vector.attention.default", "vector.qattention.default"})) return attention();
    if (name_ == "torchao.dequantize_affine_float8_non_decomposed.default") return scaled_float8();
    if (name_ == "torchao.quantize_affine.default") return block_affine("output_dtype", DType::f32);
    if (name_ == "torchao.dequantize_affine.default") return block_affine("input_dtype", std::nullopt);
    if (is_any({"aten.constant_pad_nd.default", "aten.pad.default"})) return padded();
    if (name_.find("embedding_bag") != std::string::npos) return embedding_bag();
    pointwise();
  }

 private:
  bool is_any(std::initializer_list<std::string_view> names) const {
    return std::find(names.begin(), names.end(), name_) != names.end();
  }
  Term* operand(std::string_view parameter) const {
    const auto index = signature_.find(parameter);
    return index ? find(term_->arguments[*index]) : nullptr;
  }
  void ask(std::string_view parameter, DType dtype, Sizes sizes) {
    if (Term* term = operand(parameter)) recipes_.ask(term, {dtype, std::move(sizes)});
  }
  void suggest(std::string_view parameter, Argument value) {
    Term* term = operand(parameter);
    if (!term || term->suggestion) return;
    term->suggestion = std::move(value);
    term->firm = !inferred_;
  }
  // The value of a parameter that patterns fix, or nothing.
  std::optional<Argument> fixed(std::string_view parameter) const {
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
  std::optional<std::vector<int64_t>> fixed_integers(std::string_view parameter) const {
    const auto value = fixed(parameter);
    return value ? value->integers() : std::nullopt;
  }
  std::string name(const char* what) const { return term_->name + ":" + what; }
  size_t choose(const char* what, std::initializer_list<uint32_t> weights) {
    return recipes_.decisions_.choose(name(what), weights);
  }
  int64_t size(const char* what) { return recipes_.draw_size(name(what)); }
  DType int8_type(const char* what) { return recipes_.draw_dtype(name(what), {DType::u8, DType::s8}); }
  // A wish for at least (or exactly) this many dimensions.
  void at_least(size_t rank) {
    while (wish_.sizes.size() < rank)
      wish_.sizes.insert(wish_.sizes.begin(), size(("rank" + std::to_string(wish_.sizes.size())).c_str()));
  }
  void exactly(size_t rank) {
    at_least(rank);
    while (wish_.sizes.size() > rank) wish_.sizes.erase(wish_.sizes.begin());
  }
  static Argument sizes_argument(const Sizes& sizes) {
    Argument::List list;
    for (const int64_t size : sizes) list.emplace_back(size == kBatch ? int64_t{-1} : size);
    return Argument(std::move(list));
  }

  void range(DType dtype) {
    if (!is_integral(dtype)) return;
    const size_t narrow = choose("narrow range", {12, 1, 1});
    suggest("quant_min", Argument(lowest(dtype) + (narrow == 2 ? 1 : 0)));
    suggest("quant_max", Argument(narrow == 1 ? highest(dtype) / 2 : highest(dtype)));
  }

  // Odd zero points, scales that saturate and that do not; within the range of the type.
  void numbers(const char* scale, const char* zero_point, DType dtype) {
    static constexpr std::array kScales{0.02, 0.1, 1.0, 0.3, 0.003, 2.5};
    static constexpr std::array<int64_t, 7> kUnsigned{0, 113, 128, 3, 255, 127, 1};
    static constexpr std::array<int64_t, 7> kSigned{0, -7, 5, -128, 127, 1, -1};
    suggest(scale, Argument(kScales[choose(scale, {3, 2, 2, 2, 1, 1})]));
    const size_t chosen = choose(zero_point, {3, 3, 2, 2, 1, 1, 1});
    suggest(zero_point, Argument(dtype == DType::u8 ? kUnsigned[chosen] : kSigned[chosen]));
  }

  void per_axis(const Sizes& sizes) {
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

  void dequantize() {
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

  void quantize() {
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

  void cast() {
    if (const auto given = fixed("dtype"); given && given->get_if<DType>()) wish_.dtype = *given->get_if<DType>();
    suggest("dtype", Argument(wish_.dtype));
    const char* input = signature_.parameters[0].name.c_str();
    ask(input, recipes_.draw_dtype(name("from"), {DType::f32, DType::bf16, DType::s8}), wish_.sizes);
  }

  void regroup() {
    const char* shape = signature_.find("size") ? "size" : "shape";
    if (const auto given = fixed_integers(shape)) {
      if (std::all_of(given->begin(), given->end(), [](int64_t s) { return s >= 0; })) wish_.sizes = *given;
    }
    const Sizes& sizes = wish_.sizes;
    suggest(shape, sizes_argument(sizes));
    Sizes from = sizes;
    const bool symbolic = std::count(sizes.begin(), sizes.end(), kBatch) > 0;
    switch (choose("regroup", {3, 3, 3, 1, 1})) {
      case 1:  // the leading two were one
        if (sizes.size() >= 2 && !symbolic) {
          from.erase(from.begin());
          from[0] = sizes[0] * sizes[1];
        }
        break;
      case 2:  // the first was two
        if (!sizes.empty() && sizes[0] != kBatch) {
          const int64_t part = sizes[0] % 2 == 0 && sizes[0] > 0 ? 2 : 1;
          from[0] = sizes[0] / part;
          from.insert(from.begin(), part);
        }
        break;
      case 3:  // flat
        if (!symbolic)
          from = {std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, [](int64_t a, int64_t b) { return a * b; })};
        break;
      case 4: from.push_back(1); break;
      default: break;
    }
    ask("self", wish_.dtype, from);
  }

  void flatten() {
    Sizes from = wish_.sizes;
    at_least(1);
    from = wish_.sizes;
    const size_t way = choose("flatten", {2, 2, 1});
    int64_t first = 0, last = 0;
    if (const auto given = fixed("start_dim"); given && given->integer()) first = *given->integer();
    if (const auto given = fixed("end_dim"); given && given->integer()) last = *given->integer();
    if (last == -1) {
      // All from `first` on are one.
      while (from.size() > static_cast<size_t>(first) + 1) {
        const int64_t joined = from.back();
        from.pop_back();
        if (from.back() != kBatch && joined != kBatch) from.back() *= joined;
      }
      from.push_back(way == 1 ? 1 : 1);
    } else if (way == 1) {
      from.insert(from.begin(), 1);
      last = 1;
    } else if (way == 2 && from[0] != kBatch && from[0] % 2 == 0) {
      from[0] /= 2;
      from.insert(from.begin(), 2);
      last = 1;
    }
    suggest("start_dim", Argument(first));
    suggest("end_dim", Argument(last));
    ask("self", wish_.dtype, from);
  }

  void expand() {
    suggest("size", sizes_argument(wish_.sizes));
    Sizes from = wish_.sizes;
    const size_t way = choose("expand", {3, 2, 2, 1, 2});
    if (way == 4 && !from.empty()) from.back() = 1;
    if (way == 1 && !from.empty()) from[0] = 1;
    if (way == 2 && !from.empty()) from.erase(from.begin());
    if (way == 3) std::fill(from.begin(), from.end(), 1);
    ask("self", wish_.dtype, from);
  }

  void permute() {
    if (const auto given = fixed_integers("dims")) exactly(given->size());
    const size_t rank = wish_.sizes.size();
    std::vector<int64_t> order(rank);
    std::iota(order.begin(), order.end(), 0);
    if (const auto given = fixed_integers("dims")) {
      order = *given;
    } else if (rank > 1) {
      const size_t way = choose("permute", {2, 2, 1});
      if (way == 0) std::swap(order[rank - 1], order[rank - 2]);
      if (way == 1) std::rotate(order.begin(), order.begin() + 1, order.end());
    }
    Argument::List dims;
    for (const int64_t dim : order) dims.emplace_back(dim);
    suggest("dims", Argument(std::move(dims)));
    Sizes from = wish_.sizes;
    for (size_t i = 0; i < rank; ++i) {
      const int64_t dim = order[i] < 0 ? order[i] + static_cast<int64_t>(rank) : order[i];
      if (dim >= 0 && static_cast<size_t>(dim) < rank) from[static_cast<size_t>(dim)] = wish_.sizes[i];
    }
    ask("self", wish_.dtype, from);
  }

  void transpose() {
    at_least(2);
    const int64_t rank = static_cast<int64_t>(wish_.sizes.size());
    if (!fixed("dim0")) suggest("dim0", Argument(choose("from the end", {1, 1}) ? int64_t{-2} : int64_t{0}));
    if (!fixed("dim1")) suggest("dim1", Argument(fixed("dim0")->integer().value_or(0) < 0 ? int64_t{-1} : int64_t{1}));
    Sizes from = wish_.sizes;
    const auto at = [&](const char* parameter) {
      const int64_t dim = fixed(parameter)->integer().value_or(0);
      return static_cast<size_t>(std::clamp<int64_t>(dim < 0 ? dim + rank : dim, 0, rank - 1));
    };
    std::swap(from[at("dim0")], from[at("dim1")]);
    ask("self", wish_.dtype, from);
  }

  void reversed() {
    exactly(2);
    ask("self", wish_.dtype, {wish_.sizes[1], wish_.sizes[0]});
  }

  void one_dimension() {
    Sizes from = wish_.sizes;
    if (!fixed("dim")) suggest("dim", Argument(int64_t{0}));
    if (name_ == "aten.squeeze.dim")
      from.insert(from.begin(), 1);
    else if (!from.empty())
      from.erase(from.begin());
    ask("self", wish_.dtype, from);
  }

  void part() {
    Term* values = operand("values");
    if (values && values->kind == Term::Kind::call &&
        recipes_.operators_.name(values->op).find("embedding_bag") != std::string::npos)
      exactly(2);  // its types are not inferred, so nothing else says so
    if (values) recipes_.ask(values, wish_);
    term_->wish = wish_;
    suggest("index", Argument(int64_t{0}));
  }

  // The scale is a tensor of one element.
  void scaled_float8() {
    suggest("output_dtype", Argument(wish_.dtype));
    ask(signature_.parameters[0].name.c_str(), DType::f8e4m3, wish_.sizes);
    ask("scale", DType::f32, {});
  }

  // Blocks are rows, or the whole value. `from`: the dtype that is quantized; nothing for a dequantize.
  void block_affine(const char* dtype_parameter, std::optional<DType> from) {
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

  // Pairs of padding from the last dimension on: in front and behind.
  void padded() {
    const Term* list = operand("pad");
    Sizes from = wish_.sizes;
    if (list && list->kind == Term::Kind::list) {
      at_least(list->elements.size() / 2);
      from = wish_.sizes;
      for (size_t i = 0; i < list->elements.size(); ++i) {
        Term* amount = find(list->elements[i]);
        if (amount->kind == Term::Kind::hole && !amount->suggestion)
          amount->suggestion = Argument(static_cast<int64_t>(choose(("pad" + std::to_string(i)).c_str(), {2, 2, 1})));
        const Argument& given =
            amount->kind == Term::Kind::literal ? amount->literal : amount->suggestion.value_or(Argument(int64_t{0}));
        int64_t& size = from[from.size() - 1 - i / 2];
        if (size != kBatch) size = std::max<int64_t>(0, size - given.integer().value_or(0));
      }
    }
    ask("self", wish_.dtype, from);
  }

  // A square weight hides a transposition that is missing, and a wrong axis.
  int64_t inner_size(int64_t outer) { return choose("square", {3, 1}) == 1 && outer != kBatch ? outer : size("inner"); }

  void linear(const char* input, const char* weight, const char* bias) {
    at_least(1);
    const int64_t outer = wish_.sizes.back(), inner = inner_size(outer);
    Sizes from = wish_.sizes;
    from.back() = inner;
    const DType result = wish_.dtype;
    ask(input, result, from);
    ask(weight, result, {outer, inner});
    ask(bias, result, {outer});
  }

  void product(const char* left, const char* right) {
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

  // The activation's last size; siblings share it.
  int64_t shared_inner(int64_t drawn) {
    const Term* self = operand("self");
    return self && self->wish && self->wish->sizes.size() == 2 ? self->wish->sizes[1] : drawn;
  }

  void packed_s8() {
    exactly(2);
    const int64_t outer = wish_.sizes[1], inner = shared_inner(inner_size(outer));
    ask("self", wish_.dtype, {wish_.sizes[0], inner});
    ask("mat2", DType::s8, {outer, inner});
    ask("scales", wish_.dtype, {outer});
  }

  // Two weights in each byte; a scale and a zero point for each group of 32.
  void packed_s4() {
    constexpr int64_t kGroup = 32;
    exactly(2);
    const int64_t outer = wish_.sizes[1];
    const int64_t inner = shared_inner(kGroup * static_cast<int64_t>(1 + choose("groups", {2, 1})));
    ask("self", DType::bf16, {wish_.sizes[0], inner});
    ask("mat2", DType::u8, {outer, inner / 2});
    suggest("qGroupSize", Argument(kGroup));
    ask("qScaleAndZeros", DType::bf16, {inner / kGroup, outer, 2});
  }

  // Windows: the input's size that gives one of the result, or nearly.
  int64_t window(int64_t positions, size_t dimension, const Sizes& kernel, const Sizes& stride, const Sizes& padding,
                 const Sizes& dilation) {
    const auto at = [&](const Sizes& list, int64_t otherwise) {
      if (list.empty()) return otherwise;
      return list.size() == 1 ? list[0] : list[std::min(dimension, list.size() - 1)];
    };
    const int64_t k = at(kernel, 1), s = at(stride, k), p = at(padding, 0), d = at(dilation, 1);
    if (positions == kBatch) positions = 3;
    return std::max<int64_t>((positions - 1) * s + d * (k - 1) + 1 - 2 * p, 1) +
           static_cast<int64_t>(choose(dimension == 0 ? "rest0" : "rest1", {3, 1, 1}));
  }
  Sizes same_each(int64_t value, size_t count) { return Sizes(count, value); }
  Sizes or_suggest(const char* parameter, size_t count, std::initializer_list<int64_t> options,
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

  void convolution(const char* input, const char* weight) {
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

  void pool() {
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

  void adaptive_pool() {
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

  void concatenate(const char* parameter) {
    Term* list = operand(parameter);
    at_least(1);
    const int64_t rank = static_cast<int64_t>(wish_.sizes.size());
    if (!fixed("dim")) {
      const size_t way = choose("dim", {2, 2, 1});
      suggest("dim", Argument(way == 0 ? int64_t{0} : way == 1 ? rank - 1 : int64_t{-1}));
    }
    const int64_t dim = fixed("dim")->integer().value_or(0);
    const size_t at = static_cast<size_t>(std::clamp<int64_t>(dim < 0 ? dim + rank : dim, 0, rank - 1));
    if (!list) return;
    if (list->kind != Term::Kind::list) {
      list->wish = wish_;
      return;
    }
    const bool converts = name_.starts_with("vector.");
    if (converts) suggest("dtype", Argument(wish_.dtype));
    for (size_t i = 0; i < list->elements.size(); ++i) {
      const DType dtype = name_.starts_with("onednn.") ? int8_type("of")
                          : converts
                              ? recipes_.draw_dtype(name(("of" + std::to_string(i)).c_str()), {DType::f32, DType::bf16})
                              : wish_.dtype;
      Sizes from = wish_.sizes;
      from[at] = size(("part" + std::to_string(i)).c_str());
      recipes_.ask(list->elements[i], {dtype, from});
    }
  }

  void reduce() {
    Sizes from = wish_.sizes;
    const auto kept = fixed("keepdim");
    if (!kept) suggest("keepdim", Argument(choose("keepdim", {1, 1}) == 1));
    const bool keep = fixed("keepdim") && fixed("keepdim")->get_if<bool>() && *fixed("keepdim")->get_if<bool>();
    auto dims = fixed_integers("dim");
    if (!dims) dims = std::vector<int64_t>{0};
    suggest("dim", sizes_argument(*dims));
    for (int64_t dim : *dims) {
      const int64_t rank = static_cast<int64_t>(from.size());
      if (keep) {
        if (dim < 0) dim += rank;
        if (dim >= 0 && dim < rank) from[static_cast<size_t>(dim)] = size("reduced");
      } else {
        if (dim < 0) dim += rank + 1;
        from.insert(from.begin() + std::clamp<int64_t>(dim, 0, rank), size("reduced"));
      }
    }
    if (signature_.find("dtype") && is_integral(wish_.dtype)) suggest("dtype", Argument(wish_.dtype));
    ask("self", wish_.dtype, from);
  }

  void layer_norm() {
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

  void attention() {
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

  // The int8 operators: docs/operators.md.
  void int8() {
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

  void int8_product() {
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

  // Bags over a table of four rows; their indices are constants, so that they name rows.
  void embedding_bag() {
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

  // Scales of f8 have no zero point.
  void float8() {
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

  void epilogue() {
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

  // Elementwise, and everything that nothing is known of: operands have the result's type, or broadcast to it.
  void pointwise() {
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

  Recipes& recipes_;
  Term* term_;
  Wish wish_;
  const std::string& name_;
  const Signature& signature_;
  bool inferred_;
};

void Recipes::ask(Term* term, Wish wish) {
  term = find(term);
  if (term->wish) return;
  term->wish = wish;
  if (term->kind == Term::Kind::call) CallRecipe(*this, term, std::move(wish)).run();
}

int64_t Recipes::draw_size(const std::string& name) {
  static constexpr std::array<int64_t, 9> kSizes{2, 1, 3, 4, 5, 8, 6, 16, 0};
  std::vector<uint32_t> weights{4, 2, 4, 4, 2, 3, 1, 1, 1};
  weights.insert(weights.end(), hints_.sizes.size(), 3);
  const size_t chosen = decisions_.choose(name, weights);
  return chosen < kSizes.size() ? kSizes[chosen] : hints_.sizes[chosen - kSizes.size()];
}

DType Recipes::draw_dtype(const std::string& name, std::initializer_list<DType> usual) {
  static constexpr std::array kOthers{DType::f32, DType::bf16, DType::u8,  DType::s8,
                                      DType::f16, DType::s32,  DType::f64, DType::s64};
  std::vector<DType> options(usual);
  std::vector<uint32_t> weights(usual.size(), 12);
  options.insert(options.end(), hints_.dtypes.begin(), hints_.dtypes.end());
  weights.insert(weights.end(), hints_.dtypes.size(), 4);
  options.insert(options.end(), kOthers.begin(), kOthers.end());
  weights.insert(weights.end(), {2, 2, 1, 1, 1, 1, 1, 1});
  return options[decisions_.choose(name, weights)];
}

Wish Recipes::draw_wish(const std::string& name) {
  Wish wish;
  const std::array<size_t, 6> ranks{2, 1, 3, 4, 0, 5};
  const size_t rank = ranks[decisions_.choose(name + ":rank", {5, 2, 3, 4, 1, 1})];
  for (size_t i = 0; i < rank; ++i) wish.sizes.push_back(draw_size(name + ":size" + std::to_string(i)));
  // Some mistakes about dimensions show only where the types still fit.
  if (rank > 1 && decisions_.choose(name + ":square", {5, 1}) == 1)
    std::fill(wish.sizes.begin(), wish.sizes.end(), wish.sizes[0]);
  if (rank > 0 && decisions_.choose(name + ":symbolic", {7, 1}) == 1) wish.sizes[0] = kBatch;
  wish.dtype = draw_dtype(name + ":dtype", {DType::f32});
  return wish;
}

}  // namespace qrules::generate
