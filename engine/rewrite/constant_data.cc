#include <qrules/rewrite/constant_data.h>

namespace qrules {

bool fits(DType dtype, int64_t value) {
  if (dtype == DType::boolean) return value == 0 || value == 1;
  return value >= lowest(dtype) && value <= highest(dtype);
}

bool is_computable(DType dtype) { return is_floating(dtype) || is_integral(dtype) || dtype == DType::boolean; }

std::optional<int64_t> product_of(std::span<const int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product)) return std::nullopt;
  }
  return product;
}

std::vector<int64_t> strides_of(std::span<const int64_t> sizes) {
  std::vector<int64_t> strides(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= sizes[i];
  }
  return strides;
}

Evaluated constant_node(const FunctionContext& context, ConstantPtr constant, const Node* base,
                        const std::string& suffix) {
  if (!context.insert_before) return Unknown{"values can only be made in a rewrite"};
  std::string name = base ? base->name() + "_" + suffix : suffix;
  return Argument(context.graph.add_constant(name, std::move(constant), context.insert_before));
}

std::variant<const Node*, Unknown> constant_argument(const Argument& argument, const std::string& what) {
  const Node* node = argument.node();
  if (!node || node->kind() != NodeKind::constant) return Unknown{what + " is not a constant"};
  if (!node->constant()->has_data()) return Unknown{"the data of `" + node->name() + "` is not known"};
  return node;
}

std::variant<std::vector<int64_t>, Unknown> integers_argument(const Argument& argument, const std::string& what) {
  if (auto integers = argument.integers()) return *integers;
  return Unknown{what + " is not a list of known integers"};
}

std::variant<int64_t, Unknown> integer_argument(const Argument& argument, const std::string& what) {
  if (auto integer = argument.integer()) return *integer;
  return Unknown{what + " is not a known integer"};
}

}  // namespace qrules
