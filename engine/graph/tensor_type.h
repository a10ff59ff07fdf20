// What is known of a value before it exists.
#pragma once

#include <optional>
#include <vector>

#include <qrules/graph/dim.h>
#include <qrules/graph/dtype.h>

namespace qrules {

// Type of one tensor. Sizes are in elements; a Dim belongs to the graph's DimTable. Strides (elements) are a hint from
// the archive about the layout of a graph input or output and are empty when unknown or contiguous: values in the graph
// have no layout, the plan chooses one.
struct TensorType {
  DType dtype = DType::f32;
  std::vector<Dim> sizes;
  std::vector<Dim> strides;

  size_t rank() const { return sizes.size(); }
  bool is_static() const;
  // Number of elements when static.
  std::optional<int64_t> element_count() const;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

// Type of a node's result: a tensor, a tuple or list of tensors (taken apart by getitem), or unknown.
struct ValueType {
  enum class Kind : uint8_t { unknown, tensor, tuple };
  Kind kind = Kind::unknown;
  std::vector<TensorType> tensors;

  static ValueType unknown() { return {}; }
  static ValueType tensor(TensorType type) { return {Kind::tensor, {std::move(type)}}; }
  static ValueType tuple(std::vector<TensorType> types) { return {Kind::tuple, std::move(types)}; }
  const TensorType* as_tensor() const { return kind == Kind::tensor ? tensors.data() : nullptr; }
  friend bool operator==(const ValueType&, const ValueType&) = default;
};

}  // namespace qrules
