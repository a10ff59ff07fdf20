// Numbers that torch.export stores as codes or expressions: dtypes, layouts, memory formats, sizes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <qrules/graph/argument.h>
#include <qrules/graph/dim.h>
#include <qrules/graph/tensor_type.h>
#include <qrules/runtime/model_json.h>

namespace qrules::model {

// Codes of the schema. Nothing for a code without counterpart here; `dtype_name` names those for messages.
std::optional<DType> dtype_of(int64_t code);
std::string dtype_name(int64_t code);
std::optional<Keyword> layout_of(int64_t code);
std::optional<Keyword> memory_format_of(int64_t code);

// Reads the printed form of a sympy expression, "Add(Mul(Integer(3), Symbol('s27', integer=True)), Integer(1))", into
// the notation of DimTable::parse, "3*s27 + 1". The error is the reason in words.
struct SizeText {
  std::string text;
  std::string error;
};
SizeText size_text(std::string_view expression);

// A size or stride: {"as_int": 3} or {"as_expr": {"expr_str": ...}}. An integer argument when it is a number (also a
// negative one), a Dim otherwise. `what` says in errors whose size it is. Errors: QR0607, QR0621.
Result<Argument> read_size(const Json& json, DimTable& dims, const std::string& what, const std::string& member);

// The type in a TensorMeta. Strides are kept where they differ from the contiguous ones. Errors: QR0607, QR0620,
// QR0621.
Result<TensorType> read_type(const Json& meta, DimTable& dims, const std::string& what, const std::string& member);

}  // namespace qrules::model
