// Every kind of diagnostic of the graph room: text, arguments, sizes, signatures, types, structure. Each code is
// declared here and nowhere else.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

// --- graph text (parse.cc)

inline const DiagnosticKind kGraphSyntax{
    "QR0501", Level::error, "graph-syntax", "expected {expected}, found {found}",
    "The text does not read as a graph. A graph is `graph(%x: f32[2,3]) { %y = aten.relu.default(%x) "
    "return (%y) }`, one statement a line; the form is described in engine/graph/text.h."};

inline const DiagnosticKind kUnknownGraphOperator{
    "QR0502", Level::error, "unknown-graph-operator", "unknown operator `{op}`",
    "No signature file declares an operator of this name. Operators are written with their overload: "
    "aten.add.Tensor, aten.conv2d.default. Declare an operator of your own under `operators:` in a "
    "rule file, or write its name in quotes to take the arguments as they are."};

inline const DiagnosticKind kUnboundValue{
    "QR0503", Level::error, "unbound-value", "no value is called `%{name}` here",
    "A value is used before the statement that binds it, or is never bound. Statements are in order "
    "of computation."};

inline const DiagnosticKind kValueBoundTwice{
    "QR0504", Level::error, "value-bound-twice", "`%{name}` is bound twice",
    "Each value of a graph has a name of its own. Give one of the two another name."};

inline const DiagnosticKind kUnknownDType{
    "QR0505", Level::error, "unknown-dtype", "unknown dtype `{text}`",
    "Dtypes are u8 s8 s16 s32 s64 u16 u32 u64 bool f16 bf16 f32 f64 f8e4m3 f8e5m2 c64 c128, or the "
    "names that PyTorch uses."};

inline const DiagnosticKind kUnterminatedText{
    "QR0506", Level::error, "unterminated-text", "the text that starts here is not closed",
    "A text in quotes ends with the same quote on the same line; a quote inside it is written \\\"."};

inline const DiagnosticKind kNestedTooDeeply{"QR0507", Level::error, "nested-too-deeply",
                                             "more than {limit} levels of nesting",
                                             "Lists inside lists are bounded so that no text can exhaust the stack."};

inline const DiagnosticKind kBadConstant{
    "QR0508", Level::error, "bad-constant", "constant `%{name}`: {why}",
    "The elements of a constant are one number for all of them or as many as it has elements, in "
    "row-major order, each in the range of its dtype; its sizes are numbers."};

inline const DiagnosticKind kBadNumber{"QR0509", Level::error, "bad-number", "cannot read the number `{text}`: {why}",
                                       "Integers have 64 bits; reals are written as 1.5, 1e-05, inf or nan."};

// --- arguments of a call (normalise.cc). Without a place: who knows the text adds it.

inline const DiagnosticKind kTooManyArguments{
    "QR0510", Level::error, "too-many-arguments", "`{op}` takes {limit} positional arguments, got {count}",
    "The call has more arguments than the operator has parameters. Parameters after `*` in a "
    "signature are given by name."};

inline const DiagnosticKind kUnknownParameter{
    "QR0511", Level::error, "unknown-parameter", "`{op}` has no parameter `{parameter}`",
    "Arguments are named as in the operator's signature (`qrules` schemas/operators*.yaml)."};

inline const DiagnosticKind kArgumentGivenTwice{"QR0512", Level::error, "argument-given-twice",
                                                "`{parameter}` of `{op}` is given twice",
                                                "A parameter takes one argument, by position or by name."};

inline const DiagnosticKind kMissingArgument{"QR0513", Level::error, "missing-argument", "`{op}` needs `{parameter}`",
                                             "The parameter has no default, so every call gives it."};

inline const DiagnosticKind kWrongArgument{"QR0514", Level::error, "wrong-argument",
                                           "`{parameter}` of `{op}` takes {expected}, got {found}",
                                           "The argument is of another kind than the operator's signature asks for."};

// --- sizes (dim.cc)

inline const DiagnosticKind kBadSize{
    "QR0520", Level::error, "bad-size", "cannot read the size `{text}`: {why}",
    "A size is a number, a symbol, or an expression of them with + - * // and Mod, FloorDiv, "
    "CeilToInt, Max, Min."};

// --- signatures (signature.cc, operators.cc)

inline const DiagnosticKind kBadSignature{
    "QR0521", Level::error, "bad-signature", "cannot read the signature `{schema}`: {why}",
    "An operator signature is written as PyTorch writes schemas: (Tensor x, int[] sizes, *, Scalar "
    "alpha=1) -> Tensor."};

inline const DiagnosticKind kOperatorDeclaredTwice{
    "QR0522", Level::error, "operator-declared-twice", "the operator `{op}` exists with another signature: {signature}",
    "An operator has one signature. Use the existing one or give the new operator another name."};

// --- types (infer.cc)

inline const DiagnosticKind kRefusedOperands{
    "QR0530", Level::error, "refused-operands", "`{op}` refuses its operands: {why}",
    "The operator's definition does not allow these operands: their dtype, rank or sizes. Change the "
    "operand, or the condition of the rule that creates the call."};

// --- structure of a graph (verify.cc)

inline const DiagnosticKind kBrokenGraph{
    "QR0540", Level::error, "broken-graph", "`%{node}`: {why}",
    "The graph breaks a rule that every pass relies on: operands before users, edges linked both "
    "ways, unique names, one output node at the end. Whoever changed the graph last is at fault."};

inline const DiagnosticKind kWrongType{"QR0541", Level::error, "wrong-type",
                                       "`%{node}` is recorded as {recorded}, but is {inferred}",
                                       "The recorded type of a value differs from what its operator computes."};

}  // namespace qrules
