// What can go wrong between a rewritten graph and its results.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

inline const DiagnosticKind kWrongInputCount{"QR0650", Level::error, "wrong-input-count",
                                             "the model takes {expected} inputs, got {count}",
                                             "Inputs are given in the order of the model's own: with the tool, one "
                                             "--input for each. `qrules opt` shows the model's inputs "
                                             "with their types."};
inline const DiagnosticKind kWrongInputDType{
    "QR0651", Level::error, "wrong-input-dtype", "input {index} (`%{name}`) is {expected}, got {found}",
    "The element type of an input is fixed by the model. Convert the data; values are not converted silently."};
inline const DiagnosticKind kWrongInputShape{
    "QR0652", Level::error, "wrong-input-shape", "input {index} (`%{name}`) has the sizes {expected}, got {found}",
    "Sizes that are numbers are fixed by the model. To leave one free, export the model with that dimension dynamic."};
inline const DiagnosticKind kContradictingSizes{
    "QR0653", Level::error, "contradicting-sizes", "input {index} (`%{name}`): {why}",
    "One symbolic size has one value in all inputs, and sizes computed from it must agree."};
inline const DiagnosticKind kNoLowering{"QR0701", Level::error, "no-lowering", "nothing can run `%{node}` ({op})",
                                        "No handler takes this call with these operands; the notes say what each "
                                        "refused. Rewrite it by a rule to operators that have "
                                        "one, or register a handler."};
inline const DiagnosticKind kTypeNotKnown{"QR0702", Level::error, "type-not-known",
                                          "the type of `%{node}` is not known",
                                          "A plan fixes every buffer, so every value needs a dtype and sizes. Write "
                                          "the type in the graph's text, or use operators "
                                          "that type inference knows."};
inline const DiagnosticKind kSizeNotKnown{"QR0703", Level::error, "size-not-known",
                                          "size `{size}` of `%{node}` is not known",
                                          "The size depends on a symbol that no input determines."};
inline const DiagnosticKind kConstantNotKnown{
    "QR0704", Level::error, "constant-not-known", "the elements of constant `%{node}` are not known",
    "The graph names a constant without its elements; it can be rewritten, not run."};
inline const DiagnosticKind kConstantNotComputed{
    "QR0705", Level::error, "constant-not-computed", "`%{node}` ({op}) does not take its constant operands",
    "What depends on constants only is computed once, before the first run, and the operator refused: its dtypes or "
    "values are none that it takes. PyTorch refuses the same call."};
inline const DiagnosticKind kCacheNotUsed{
    "QR0708", Level::note, "cache-not-used", "the cached plan `{path}` {why}; it is made anew",
    "A file of the plan cache was cut short or changed, or its model or rules were. The model is rewritten and its "
    "weights packed as without a cache, and the file is replaced. Results do not depend on it."};
inline const DiagnosticKind kCacheNotWritten{
    "QR0709", Level::warning, "cache-not-written", "cannot write the cached plan `{path}`: {why}",
    "The run goes on, and the next one starts without a cached plan too. Check that the folder of --cache can be made "
    "and written to, and that the disk is not full."};

}  // namespace qrules
