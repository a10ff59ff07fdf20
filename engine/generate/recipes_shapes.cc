// Calls that move, select or reduce elements.

#include <qrules/generate/call_recipe.h>

namespace qrules::generate {

void CallRecipe::cast() {
  if (const auto given = fixed("dtype"); given && given->get_if<DType>()) wish_.dtype = *given->get_if<DType>();
  suggest("dtype", Argument(wish_.dtype));
  const char* input = signature_.parameters[0].name.c_str();
  ask(input, recipes_.draw_dtype(name("from"), {DType::f32, DType::bf16, DType::s8}), wish_.sizes);
}

void CallRecipe::regroup() {
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

void CallRecipe::flatten() {
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

void CallRecipe::expand() {
  suggest("size", sizes_argument(wish_.sizes));
  Sizes from = wish_.sizes;
  const size_t way = choose("expand", {3, 2, 2, 1, 2});
  if (way == 4 && !from.empty()) from.back() = 1;
  if (way == 1 && !from.empty()) from[0] = 1;
  if (way == 2 && !from.empty()) from.erase(from.begin());
  if (way == 3) std::fill(from.begin(), from.end(), 1);
  ask("self", wish_.dtype, from);
}

void CallRecipe::permute() {
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

void CallRecipe::transpose() {
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

void CallRecipe::reversed() {
  exactly(2);
  ask("self", wish_.dtype, {wish_.sizes[1], wish_.sizes[0]});
}

void CallRecipe::one_dimension() {
  Sizes from = wish_.sizes;
  if (!fixed("dim")) suggest("dim", Argument(int64_t{0}));
  if (name_ == "aten.squeeze.dim")
    from.insert(from.begin(), 1);
  else if (!from.empty())
    from.erase(from.begin());
  ask("self", wish_.dtype, from);
}

void CallRecipe::part() {
  Term* values = operand("values");
  if (values && values->kind == Term::Kind::call &&
      recipes_.operators_.name(values->op).find("embedding_bag") != std::string::npos)
    exactly(2);  // its types are not inferred, so nothing else says so
  if (values) recipes_.ask(values, wish_);
  term_->wish = wish_;
  suggest("index", Argument(int64_t{0}));
}

void CallRecipe::padded() {
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

void CallRecipe::concatenate(const char* parameter) {
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

void CallRecipe::reduce() {
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

}  // namespace qrules::generate
