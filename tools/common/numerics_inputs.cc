// See numerics_inputs.h.

#include <common/numerics_inputs.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include <qrules/graph/constant_text.h>
#include <qrules/rewrite/constant_data.h>

namespace qrules::tools {
namespace {

using Random = std::mt19937_64;
enum class Fill { random, wide, lowest, highest, large, zeros, ties, non_finite };
enum class Role { data, scale, zero_point, index, offset };

// How an input is used. An index or offset lies in [0, limit], whatever the seed; `ends`: the last offset is the end of
// the last bag, which is that of the indices.
struct Use {
  Role role = Role::data;
  int64_t limit = 0;
  bool ends = false;
};

// What the first dimension of `parameter` holds in this call, less one; 0 where that is not known.
int64_t last_of(const Node& call, std::string_view parameter) {
  const Argument* argument = call.argument(parameter);
  const Node* node = argument ? argument->node() : nullptr;
  if (!node || node->type().tensors.size() != 1) return 0;
  const TensorType& type = node->type().tensors[0];
  return type.rank() > 0 && type.sizes[0].is_static() ? std::max<int64_t>(type.sizes[0].value() - 1, 0) : 0;
}

// How the graph uses an input, from the names of the parameters it is given to.
Use use_of(const Node& placeholder) {
  for (const Node* user : placeholder.users()) {
    const Signature* signature = user->is_call() ? user->graph().operators().signature(user->op()) : nullptr;
    if (!signature) continue;
    for (size_t i = 0; i < signature->parameters.size() && i < user->arguments().size(); ++i) {
      if (user->argument(i).node() != &placeholder) continue;
      const std::string& name = signature->parameters[i].name;
      if (name.find("scale") != std::string::npos) return {Role::scale};
      if (name.find("zero_point") != std::string::npos) return {Role::zero_point};
      if (name == "indices") return {Role::index, last_of(*user, "weight")};
      if (name == "offsets") {
        const Argument* last = user->argument("include_last_offset");
        const bool* ends = last ? last->get_if<bool>() : nullptr;
        return {Role::offset, last_of(*user, "indices"), ends && *ends};
      }
    }
  }
  return {};
}

// Every scale that the graph writes as a number or holds as a constant.
std::vector<double> scales_of(const Graph& graph) {
  std::set<double> found;
  for (const Node* node = graph.first(); node; node = node->next()) {
    const Signature* signature = node->is_call() ? graph.operators().signature(node->op()) : nullptr;
    if (!signature) continue;
    for (size_t i = 0; i < signature->parameters.size() && i < node->arguments().size(); ++i) {
      if (signature->parameters[i].name.find("scale") == std::string::npos) continue;
      if (auto number = node->argument(i).number()) {
        found.insert(*number);
      } else if (const Node* operand = node->argument(i).node(); operand && operand->kind() == NodeKind::constant) {
        const Constant& constant = *operand->constant();
        if (constant.has_data() && is_floating(constant.dtype) && constant.element_count() > 0)
          found.insert(element_as_double(constant, 0));
      }
    }
  }
  if (found.empty()) found.insert(1.0);
  return {found.begin(), found.end()};
}

// Large, and still far from the end of the type's range after a square or two.
double large_magnitude(DType dtype) {
  switch (dtype) {
    case DType::f16: return 100;
    case DType::f8e4m3:
    case DType::f8e5m2: return 10;
    default: return 1e4;
  }
}

int64_t draw_integer(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}
double draw_real(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

double real_value(Fill fill, DType dtype, const std::vector<double>& scales, Random& random) {
  const double normal = std::normal_distribution<double>()(random);
  const double scale = scales[static_cast<size_t>(draw_integer(random, 0, static_cast<int64_t>(scales.size()) - 1))];
  switch (fill) {
    case Fill::wide: return normal * 40 * scale;  // over most of the range of a quantize
    case Fill::large: return normal * large_magnitude(dtype);
    case Fill::zeros: return random() % 4 == 0 ? -0.0 : 0.0;
    case Fill::ties: {
      const double tie = static_cast<double>(draw_integer(random, -140, 140)) + 0.5;
      return static_cast<double>(static_cast<float>(tie) * static_cast<float>(scale));
    }
    case Fill::non_finite: {
      constexpr double kInfinity = std::numeric_limits<double>::infinity();
      constexpr std::array<double, 3> kSpecial{kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()};
      const uint64_t pick = random() % 6;
      return pick < 3 ? kSpecial[pick] : normal;
    }
    case Fill::random:
    case Fill::lowest:
    case Fill::highest: return normal;
  }
  return normal;
}

int64_t integer_value(Fill fill, DType dtype, Random& random) {
  if (dtype == DType::boolean) return draw_integer(random, 0, 1);
  const bool narrow = size_of(dtype) == 1;
  const int64_t low = narrow ? lowest(dtype) : std::max<int64_t>(lowest(dtype), -100);
  const int64_t high = narrow ? highest(dtype) : 100;
  if (narrow && fill == Fill::lowest) return low;
  if (narrow && fill == Fill::highest) return high;
  return draw_integer(random, low, high);
}

// Element `i` of `count`.
int64_t integer_element(Use use, Fill fill, DType dtype, int64_t i, int64_t count, Random& random) {
  switch (use.role) {
    case Role::scale: return draw_integer(random, 1, 10);
    case Role::zero_point: return draw_integer(random, 0, 10);
    case Role::index: return draw_integer(random, 0, use.limit);
    case Role::offset: return use.ends && i + 1 == count ? use.limit + 1 : std::min(i, use.limit);
    case Role::data: break;
  }
  return integer_value(fill, dtype, random);
}

void fill_tensor(void* data, const TensorLayout& layout, Use use, Fill fill, const std::vector<double>& scales,
                 Random& random) {
  const int64_t count = layout.element_count();
  if (!is_computable(layout.dtype)) {
    std::fill_n(static_cast<unsigned char*>(data), layout.byte_extent(), static_cast<unsigned char>(0));
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    if (is_floating(layout.dtype)) {
      const double value = use.role == Role::scale        ? draw_real(random, 0.01, 0.5)
                           : use.role == Role::zero_point ? static_cast<double>(draw_integer(random, 0, 10))
                                                          : real_value(fill, layout.dtype, scales, random);
      text::store_real(data, layout.dtype, i, value);
    } else {
      text::store_integer(data, layout.dtype, i, integer_element(use, fill, layout.dtype, i, count, random));
    }
  }
}

}  // namespace

std::vector<std::string> symbols_of(const Graph& graph) {
  std::set<std::string> symbols;
  for (const Node* placeholder : graph.placeholders()) {
    for (const TensorType& type : placeholder->type().tensors) {
      for (const Dim size : type.sizes) {
        if (size.is_static()) continue;
        const std::string text = graph.dims().print(size);
        for (size_t i = 0; i < text.size();) {
          const auto is_word = [&](size_t at) {
            return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
          };
          size_t end = i;
          while (is_word(end)) ++end;
          // A word before a bracket is a function, one that begins with a digit a number.
          if (end > i && !std::isdigit(static_cast<unsigned char>(text[i])) && (end == text.size() || text[end] != '('))
            symbols.insert(text.substr(i, end - i));
          i = std::max(end, i + 1);
        }
      }
    }
  }
  return {symbols.begin(), symbols.end()};
}

std::vector<InputSet> make_inputs(const Graph& graph, const std::vector<TensorLayout>& layouts, uint64_t seed,
                                  int random_sets, bool non_finite) {
  const auto& placeholders = graph.placeholders();
  const std::vector<double> scales = scales_of(graph);
  std::vector<Use> uses;
  bool any_narrow = false, any_real = false;
  for (size_t i = 0; i < layouts.size(); ++i) {
    uses.push_back(i < placeholders.size() ? use_of(*placeholders[i]) : Use{});
    if (uses.back().role != Role::data) continue;
    if (is_floating(layouts[i].dtype)) any_real = true;
    if (is_integral(layouts[i].dtype) && size_of(layouts[i].dtype) == 1) any_narrow = true;
  }
  std::vector<std::pair<std::string, Fill>> wanted;
  for (int i = 0; i < random_sets; ++i)
    wanted.emplace_back("random " + std::to_string(i + 1), i % 2 == 0 ? Fill::random : Fill::wide);
  if (any_narrow) wanted.insert(wanted.end(), {{"all lowest", Fill::lowest}, {"all highest", Fill::highest}});
  if (any_real) wanted.insert(wanted.end(), {{"large", Fill::large}, {"zeros", Fill::zeros}, {"ties", Fill::ties}});
  if (any_real && non_finite) wanted.emplace_back("infinities and NaN", Fill::non_finite);

  Random random(seed);
  std::vector<InputSet> sets;
  for (const auto& [name, fill] : wanted) {
    InputSet set{name, {}};
    for (size_t i = 0; i < layouts.size(); ++i) {
      set.tensors.push_back(HostTensor::allocate(TensorLayout::contiguous(layouts[i].dtype, layouts[i].sizes)));
      fill_tensor(set.tensors.back().data.get(), set.tensors.back().layout, uses[i], fill, scales, random);
    }
    sets.push_back(std::move(set));
  }
  return sets;
}

void fill_unknown_constants(Graph& graph, std::map<const Constant*, ConstantPtr>& filled, uint64_t seed) {
  Random random(seed + filled.size());
  for (Node* node : graph.nodes()) {
    if (node->kind() != NodeKind::constant || node->constant()->has_data()) continue;
    const ConstantPtr unknown = node->constant();
    ConstantPtr& known = filled[unknown.get()];
    if (!known) {
      known = Constant::make(unknown->dtype, unknown->sizes, [&](void* data) {
        for (int64_t i = 0; i < unknown->element_count(); ++i) {
          if (!is_computable(unknown->dtype)) return;
          if (is_floating(unknown->dtype))
            text::store_real(data, unknown->dtype, i, draw_real(random, 0.01, 0.5));
          else if (size_of(unknown->dtype) == 1)
            text::store_integer(data, unknown->dtype, i, integer_value(Fill::random, unknown->dtype, random));
        }
      });
    }
    Node* replacement = graph.add_constant(node->name(), known, node, node->constant_name());
    graph.replace_all_uses(node, replacement);
    graph.take_name(replacement, node);
    graph.erase(node);
  }
}

}  // namespace qrules::tools
