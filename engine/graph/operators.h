// Operator names, their signatures, and what is known of each operator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include <qrules/graph/argument.h>
#include <qrules/graph/tensor_type.h>
#include <qrules/support/result.h>

namespace qrules {

class Graph;

// An interned operator name such as aten.conv2d.default. Ids are dense and start at 0.
using OpId = uint32_t;
inline constexpr OpId kNoOp = UINT32_MAX;

// Kind of a parameter. `qparam` is ours: a number or a one-element tensor (scale or zero point known early or at run
// time).
enum class ParameterKind : uint8_t {
  tensor,
  tensor_list,
  scalar,
  integer,
  real,
  boolean,
  text,
  dtype,
  keyword,
  integer_list,
  real_list,
  boolean_list,
  qparam,
  any
};

struct Parameter {
  std::string name;
  ParameterKind kind = ParameterKind::any;
  bool optional = false;  // None is allowed (Tensor?)
  bool keyword_only = false;
  bool has_default = false;
  Argument default_value;
};

// The signature of an operator overload, read from a schema line
//   aten.add.Tensor: "(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
struct Signature {
  std::vector<Parameter> parameters;
  std::vector<std::string> returns;  // "Tensor", "Tensor[]", ...
  bool mutates = false;              // an argument or result is written in place (Tensor(a!))
  // Index of the parameter with this name.
  std::optional<size_t> find(std::string_view parameter) const;
};

Result<Signature> parse_signature(std::string_view schema);

// All operators a process talks about. Append-only and safe to share between threads: ids and references stay valid.
// The signatures of schemas/operators*.yaml are compiled in and parsed when first asked for.
class OperatorTable {
 public:
  OperatorTable();
  ~OperatorTable();
  OperatorTable(const OperatorTable&) = delete;
  OperatorTable& operator=(const OperatorTable&) = delete;

  // One table for a process that needs no other: shared by graphs and rule sets unless they are given their own.
  static std::shared_ptr<OperatorTable> shared();

  // The id of a name, made when it is new. A name without a signature is allowed here ("unknown operator").
  OpId intern(std::string_view name);
  // The id of a name that has a signature or was interned; nothing otherwise.
  std::optional<OpId> find(std::string_view name) const;
  const std::string& name(OpId id) const;
  size_t size() const;

  // The signature, or null for an unknown operator.
  const Signature* signature(OpId id) const;
  // Declares an operator that the shipped schemas lack. Error when it exists with another signature.
  Status declare(std::string_view name, std::string_view schema);

  // Names with a signature that are overloads of a packet: aten.add -> aten.add.Tensor, aten.add.Scalar, ...
  std::vector<std::string> overloads(std::string_view packet) const;
  // All names with a signature, sorted (for did-you-mean and completion; 2,000 or so).
  std::vector<std::string> known_names() const;

  // Operand 0 and 1 may be exchanged when every other parameter has its default: aten.add.Tensor, aten.mul.Tensor, ...
  bool commutative(OpId id) const;
  // No effect but its results, so an unused call may be erased and equal calls merged. False for random and mutating
  // operators.
  bool pure(OpId id) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// True when the name reads as "namespace.name.overload" (a call form that prints and parses).
bool is_operator_name(std::string_view name);

}  // namespace qrules
