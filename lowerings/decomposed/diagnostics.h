// Why a reference kernel refuses a call.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

inline const DiagnosticKind kReferenceDType{
    "QR0710", Level::error, "reference-dtype", "`{op}`: {what} is {dtype}; the reference kernel takes {wanted}",
    "The exact kernels cover the dtypes that the operator has in quantized models. Cast the value, or let the ATen "
    "dispatcher run the operator when this build has it."};

inline const DiagnosticKind kReferenceRank{"QR0711", Level::error, "reference-rank",
                                           "`{op}`: {what} has rank {rank}; the reference kernel takes {wanted}",
                                           "The exact kernels cover the ranks that the operator's signature documents "
                                           "(docs/operators.md), and 64 dimensions at the most."};

inline const DiagnosticKind kReferenceSize{
    "QR0712", Level::error, "reference-size", "`{op}`: {why}",
    "The sizes of the operands do not fit each other, or the operator has no result for them."};

inline const DiagnosticKind kReferenceArgument{"QR0713", Level::error, "reference-argument",
                                               "`{op}`: `{parameter}` {why}",
                                               "An argument has a value that the reference kernel cannot work with."};

}  // namespace qrules
