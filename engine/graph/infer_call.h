// What a type rule sees of a call; shared by the infer_*.cc files.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <qrules/graph/graph.h>

namespace qrules::infer {

// A refusal in words; turned into a diagnostic by infer_type.
struct Refusal {
  std::string why;
};

// The call whose type is inferred. Accessors throw Refusal, which never leaves infer_type.
class Call {
 public:
  Call(Graph& graph, OpId op, const Signature& signature, std::span<const Argument> arguments)
      : graph_(graph), op_(op), signature_(signature), arguments_(arguments) {}

  DimTable& dims() const { return graph_.dims(); }
  const std::string& op_name() const { return graph_.operators().name(op_); }

  // The argument with this parameter name; None when it is absent.
  const Argument& argument(std::string_view parameter) const;
  // Type of a tensor argument. Unknown types end inference (Unknown is thrown), None and non-tensors are refused.
  const TensorType& tensor(std::string_view parameter) const;
  // Null for None.
  const TensorType* optional_tensor(std::string_view parameter) const;
  std::vector<const TensorType*> tensors(std::string_view parameter) const;
  int64_t integer(std::string_view parameter) const;
  bool boolean(std::string_view parameter) const;
  std::string text(std::string_view parameter) const;
  DType dtype(std::string_view parameter) const;
  std::optional<DType> optional_dtype(std::string_view parameter) const;
  // An integer list; a lone integer or a list of one is repeated to `length` (0: as it is).
  std::vector<int64_t> integers(std::string_view parameter, size_t length = 0) const;
  // A list of sizes, numbers or symbolic; -1 stays as Argument(-1) is resolved by callers.
  std::vector<Argument> list(std::string_view parameter) const;
  // A dimension index, wrapped into [0, rank).
  size_t dimension(std::string_view parameter, size_t rank) const;
  static size_t wrap(int64_t dimension, size_t rank);

 private:
  Graph& graph_;
  OpId op_;
  const Signature& signature_;
  std::span<const Argument> arguments_;
};

// Thrown when an operand's type is not known: the result's is not either.
struct UnknownOperand {};

[[noreturn]] void refuse(std::string why);

// The type of a tensor of which no strides are known.
inline ValueType tensor(DType dtype, std::vector<Dim> sizes) {
  return ValueType::tensor({dtype, std::move(sizes), {}});
}

// Sizes after broadcasting; refuses sizes that cannot broadcast. Two different symbolic sizes are taken to be equal
// when neither is 1.
std::vector<Dim> broadcast(DimTable& dims, const std::vector<Dim>& a, const std::vector<Dim>& b);
// Sizes of a convolution's or pool's window positions along one dimension.
Dim window_positions(DimTable& dims, Dim size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                     bool ceil_mode);
// A size list with at most one -1, which takes what is left of `sizes`.
std::vector<Dim> resolve_shape(DimTable& dims, const std::vector<Dim>& sizes, const std::vector<Argument>& shape);
Dim product(DimTable& dims, std::span<const Dim> sizes);
// Whether two sizes are known to differ; a symbol may be anything.
inline bool differ(Dim a, Dim b) { return a.is_static() && b.is_static() && a != b; }

using Rule = ValueType (*)(const Call&);
using Table = std::map<std::string, Rule, std::less<>>;

void add_quantized_rules(Table& table);     // infer_quantized.cc: quantized_decomposed.*, f8
void add_int8_rules(Table& table);          // infer_int8.cc: onednn.*
void add_vector_rules(Table& table);        // infer_vector.cc: vector.*
void add_block_affine_rules(Table& table);  // infer_block_affine.cc: torchao.*_affine
void add_pointwise_rules(Table& table);     // infer_pointwise.cc
void add_view_rules(Table& table);          // infer_views.cc
void add_contraction_rules(Table& table);   // infer_contractions.cc: linear, matmul, convolution, pooling

}  // namespace qrules::infer
