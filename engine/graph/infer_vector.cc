// Types of the fused vector loops: docs/operators.md.

#include <algorithm>
#include <iterator>
#include <string_view>

#include "infer_int8.h"

namespace qrules::infer {
namespace {

// What the vector operators compute with.
void require_real(const TensorType& type, const std::string& what) {
  if (type.dtype != DType::f32 && type.dtype != DType::bf16)
    refuse(what + " must be f32 or bf16, got " + std::string(name(type.dtype)));
}

// Sizes of q, k, v and the mask, whose dtypes the callers check.
ValueType attend(const Call& call) {
  const TensorType &q = call.tensor("q"), &k = call.tensor("k"), &v = call.tensor("v");
  if (differ(q.sizes.back(), k.sizes[k.rank() - 2])) refuse("q and k differ in their inner sizes");
  if (differ(k.sizes.back(), v.sizes[v.rank() - 2])) refuse("k and v differ in their inner sizes");
  std::vector<Dim> sizes;
  for (const TensorType* type : {&q, &k, &v})
    sizes = broadcast(call.dims(), sizes, {type->sizes.begin(), type->sizes.end() - 2});
  std::vector<Dim> scores = sizes;
  scores.insert(scores.end(), {q.sizes[q.rank() - 2], k.sizes.back()});
  if (const TensorType* mask = call.optional_tensor("mask")) {
    if (mask->rank() > scores.size() || broadcast(call.dims(), scores, mask->sizes) != scores)
      refuse("the mask must broadcast to the scores");
  }
  sizes.insert(sizes.end(), {q.sizes[q.rank() - 2], v.sizes.back()});
  return tensor(check_epilogue(call, DType::f32), std::move(sizes));
}

ValueType attention(const Call& call) {
  const TensorType& q = call.tensor("q");
  for (const char* parameter : {"q", "k", "v"}) {
    if (call.tensor(parameter).dtype != q.dtype) refuse("q, k and v must have one dtype");
    if (call.tensor(parameter).rank() < 2) refuse("q, k and v must have two dimensions or more");
  }
  require_real(q, "q");
  const TensorType* mask = call.optional_tensor("mask");
  if (mask && mask->dtype != q.dtype && mask->dtype != DType::f32)
    refuse("the mask must be f32, or have the dtype of q");
  return attend(call);
}

ValueType qattention(const Call& call) {
  for (const char* parameter : {"q", "k", "v"}) {
    require_int8(call.tensor(parameter), parameter);
    if (call.tensor(parameter).rank() < 2) refuse("q, k and v must have two dimensions or more");
  }
  const TensorType* mask = call.optional_tensor("mask");
  if (mask && mask->dtype != DType::bf16 && mask->dtype != DType::f32) refuse("the mask must be f32 or bf16");
  for (const Dim inner : {call.tensor("q").sizes.back(), call.tensor("k").sizes.back()}) require_sums_fit(inner);
  return attend(call);
}

ValueType weight_only_linear(const Call& call) {
  const TensorType &x = call.tensor("x"), &weight = call.tensor("weight"), &scales = call.tensor("scales");
  require_real(x, "x");
  require_real(scales, "scales");
  if (x.rank() < 1) refuse("x must have a dimension");
  if (weight.dtype != DType::s8 || weight.rank() != 2) refuse("the weight must be s8 and have rank 2");
  if (differ(x.sizes.back(), weight.sizes[1])) refuse("the inner sizes differ");
  if (scales.rank() != 1 || scales.sizes[0] != weight.sizes[0])
    refuse("scales must have an element for each row of the weight");
  std::vector<Dim> sizes{x.sizes.begin(), x.sizes.end()};
  sizes.back() = weight.sizes[0];
  if (const TensorType* other = call.optional_tensor("other")) {
    require_real(*other, "other");
    if (std::vector<Dim>(other->sizes.begin(), other->sizes.end()) != sizes)
      refuse("other must have the sizes of the result");
  }
  const DType out = call.dtype("out_dtype");
  if (out != DType::f32 && out != DType::bf16) refuse("the result is f32 or bf16");
  return tensor(out, std::move(sizes));
}

ValueType gate(const Call& call) {
  const TensorType &gate = call.tensor("gate"), &value = call.tensor("value");
  require_real(gate, "gate");
  require_real(value, "value");
  if (gate.sizes != value.sizes) refuse("gate and value must have the same sizes");
  const std::string activation = call.text("activation");
  static constexpr std::string_view kActivations[] = {"relu", "silu", "gelu", "gelu_tanh", "sigmoid"};
  if (std::find(std::begin(kActivations), std::end(kActivations), activation) == std::end(kActivations))
    refuse("the activation is relu, silu, gelu, gelu_tanh or sigmoid, got " + activation);
  return tensor(check_epilogue(call, DType::f32), {gate.sizes.begin(), gate.sizes.end()});
}

ValueType vector_layer_norm(const Call& call) {
  const TensorType& x = call.tensor("x");
  require_real(x, "x");
  if (x.rank() < 1) refuse("x must have a dimension");
  for (const char* parameter : {"weight", "bias"}) {
    const TensorType* type = call.optional_tensor(parameter);
    if (!type) continue;
    require_real(*type, parameter);
    if (type->rank() != 1 || type->sizes[0] != x.sizes.back())
      refuse(std::string(parameter) + " must have an element for each of a row");
  }
  return tensor(check_epilogue(call, DType::f32), {x.sizes.begin(), x.sizes.end()});
}

}  // namespace

void add_vector_rules(Table& table) {
  table["vector.attention.default"] = attention;
  table["vector.qattention.default"] = qattention;
  table["vector.layer_norm.default"] = vector_layer_norm;
  table["vector.weight_only_linear.default"] = weight_only_linear;
  table["vector.gate.default"] = gate;
}

}  // namespace qrules::infer
