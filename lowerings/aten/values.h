// Between the graph's arguments and LibTorch's values. Seen only by the files of this folder.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <qrules/graph/argument.h>
#include <qrules/runtime/kernel.h>

namespace qrules::aten {

std::optional<c10::ScalarType> scalar_type(DType dtype);

// What the argument is for a parameter of this type; places of tensors stay empty (None) and are listed in `tensors` as
// pairs of the position in the value (argument index, list index or -1) and the operand. Errors in words: what has no
// value of that type.
struct TensorPosition {
  size_t argument = 0;
  int64_t element = -1;
  size_t operand = 0;
};

struct Converted {
  c10::IValue value;
  std::string error;
};

Converted convert(const Argument& argument, const c10::TypePtr& type, const PrepareContext& context,
                  size_t argument_index, size_t& operand, std::vector<TensorPosition>& tensors);

}  // namespace qrules::aten
