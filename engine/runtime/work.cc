#include <qrules/runtime/work.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace qrules {
namespace {

// What a product sums over: each element of the result is a sum of as many products as the operand `operand` has
// elements in its dimensions from `first` on (negative: from the end).
struct Product {
  std::string_view op;
  size_t operand;
  int first;
};

// The operands that are tensors, in order; names are compared without their overload.
constexpr std::array kProducts = {Product{"onednn.qlinear", 1, 1},
                                  Product{"onednn.qlinear_binary", 1, 1},
                                  Product{"onednn.linear_fp16", 1, 1},
                                  Product{"onednn.qconv", 1, 1},
                                  Product{"onednn.qconv_binary", 1, 1},
                                  Product{"onednn.qmatmul", 0, -1},
                                  Product{"aten.linear", 1, 1},
                                  Product{"aten.convolution", 1, 1},
                                  Product{"aten.conv1d", 1, 1},
                                  Product{"aten.conv2d", 1, 1},
                                  Product{"aten.conv3d", 1, 1},
                                  Product{"aten.mm", 0, -1},
                                  Product{"aten.bmm", 0, -1},
                                  Product{"aten.matmul", 0, -1},
                                  Product{"aten.addmm", 1, -1},
                                  Product{"aten.baddbmm", 1, -1},
                                  Product{"aten._int_mm", 0, -1},
                                  Product{"aten._weight_int8pack_mm", 0, -1},
                                  Product{"vector.weight_only_linear", 0, -1}};

const Product* product_of(const Node& node, std::span<const TensorLayout> inputs) {
  const std::string_view op = node.op_name();
  const std::string_view packet = op.substr(0, op.rfind('.'));
  const auto* found =
      std::find_if(kProducts.begin(), kProducts.end(), [&](const Product& product) { return product.op == packet; });
  return found != kProducts.end() && found->operand < inputs.size() ? found : nullptr;
}

// Queries, keys and values are the first operands.
bool is_attention(const Node& node) {
  return node.op_name() == "vector.attention.default" || node.op_name() == "vector.qattention.default";
}

int64_t elements(std::span<const TensorLayout> layouts) {
  int64_t count = 0;
  for (const TensorLayout& layout : layouts) count += layout.element_count();
  return count;
}

}  // namespace

int64_t operations_of(const Node& node, std::span<const TensorLayout> inputs, std::span<const TensorLayout> outputs) {
  if (is_attention(node) && inputs.size() >= 3 && !outputs.empty()) {
    // Two products for each element of the scores, with the inner size of queries and with the columns of values.
    const std::vector<int64_t>& values = inputs[2].sizes;
    if (values.size() < 2 || values.back() == 0) return 0;
    const int64_t rows = outputs[0].element_count() / values.back(), keys = values[values.size() - 2];
    return 2 * rows * keys * (inputs[0].sizes.back() + values.back());
  }
  if (const Product* product = product_of(node, inputs)) {
    const TensorLayout& summed = inputs[product->operand];
    const auto rank = static_cast<int>(summed.sizes.size());
    int64_t products = 1;
    for (int d = product->first < 0 ? rank + product->first : product->first; d < rank; ++d)
      products *= d < 0 ? 1 : summed.sizes[static_cast<size_t>(d)];
    return 2 * products * (outputs.empty() ? 0 : outputs[0].element_count());
  }
  if (node.op_name().find("pool") != std::string::npos && !inputs.empty())
    return std::max(inputs[0].element_count(), elements(outputs));
  return elements(outputs);
}

WorkKind work_kind_of(const Node& node, std::span<const TensorLayout> inputs) {
  const Product* product = product_of(node, inputs);
  const bool attends = is_attention(node) && !inputs.empty();
  if (!product && !attends) return WorkKind::other;
  const DType dtype = inputs[attends ? 0 : product->operand].dtype;
  return size_of(dtype) == 1 && !is_floating(dtype) ? WorkKind::int8_product : WorkKind::float_product;
}

}  // namespace qrules
