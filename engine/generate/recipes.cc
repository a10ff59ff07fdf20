// See recipes.h.

#include <qrules/generate/recipes.h>

#include <algorithm>
#include <array>

#include <qrules/generate/call_recipe.h>

namespace qrules::generate {

bool Hints::asks(const std::string& slot, std::string_view function) const {
  const auto found = asked_about.find(slot);
  if (found == asked_about.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const Function* asked) { return asked->name == function; });
}

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
