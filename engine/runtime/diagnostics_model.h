// What can be wrong with a model archive, the graph in it, and .npy files.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

// --- the archive (archive.cc, archive_torch.cc, model.cc)

inline const DiagnosticKind kCannotReadFile{"QR0601", Level::error, "cannot-read-file", "cannot read `{path}`: {why}",
                                            "The file does not exist, is a folder, or may not be read by this user."};

inline const DiagnosticKind kNotAnArchive{
    "QR0602", Level::error, "not-an-archive", "`{path}` is not a model archive: it does not start as a zip file",
    "Models are read from the .pt2 files that torch.export.save writes, which are zip files."};

inline const DiagnosticKind kDamagedArchive{"QR0603", Level::error, "damaged-archive",
                                            "`{path}` is truncated or damaged: {why}",
                                            "The file starts as a zip file but its directory or one of its members "
                                            "cannot be read, as after a copy that was cut "
                                            "short. Copy or export the model again."};

inline const DiagnosticKind kMissingMember{
    "QR0604", Level::error, "missing-member", "`{path}` has no member `{member}`",
    "Every archive of torch.export.save holds the graph as models/NAME.json, and for its weights and constants a "
    "folder "
    "with a config each. An archive of an older release keeps them in one pickled file: export the model again."};

inline const DiagnosticKind kNotAModel{
    "QR0605", Level::error, "not-a-model", "`{path}` is no archive of torch.export.save: {why}",
    "torch.save and torch.jit.save write zip files too. Export the model with torch.export.export and save it with "
    "torch.export.save."};

inline const DiagnosticKind kBadJson{"QR0606", Level::error, "bad-json", "`{member}` is not JSON: {why}",
                                     "The description of the model is damaged or was edited. Export the model again."};

inline const DiagnosticKind kMalformedModel{
    "QR0607", Level::error, "malformed-model", "`{member}`: {why}",
    "The JSON reads, but does not have the form that schema version 8 of torch.export gives it."};

inline const DiagnosticKind kUnsupportedSchema{
    "QR0608", Level::error, "unsupported-schema", "schema version {version} of the model is not supported, only 8.x is",
    "The major version changes when archives become incompatible. Export the model with PyTorch 2.13."};

inline const DiagnosticKind kPickledWeight{
    "QR0609", Level::error, "pickled-weight", "the {what} `{name}` is pickled",
    "Unpickling runs code from the file, so it is never done. Tensor subclasses and custom objects are stored this "
    "way: "
    "convert the model to plain tensors before the export (torchao: unwrap_tensor_subclass)."};

inline const DiagnosticKind kBadWeight{
    "QR0610", Level::error, "bad-weight", "the {what} `{name}` does not fit its bytes: {why}",
    "Sizes, strides and offset of a stored tensor must stay within the bytes of its member."};

// --- the graph (model_graph.cc, model_arguments.cc, model_sizes.cc)

inline const DiagnosticKind kUnsupportedDType{
    "QR0620", Level::error, "unsupported-dtype", "{what} has the dtype {dtype}, which is not supported",
    "Supported are bool, the integers of 8 to 64 bits, float16, bfloat16, float32, float64, float8_e4m3fn, float8_e5m2 "
    "and the complex types of two of these floats."};

inline const DiagnosticKind kUnsupportedSize{
    "QR0621", Level::error, "unsupported-size", "{what}: the size expression `{expression}` is not supported: {why}",
    "Sizes are sums, products, floor divisions, remainders, minima and maxima of input sizes. Sizes that pass through "
    "floating point cannot be followed: compute them in integers in the model."};

inline const DiagnosticKind kUnsupportedArgument{
    "QR0622", Level::error, "unsupported-argument", "`%{node}`: the argument `{parameter}` of `{op}` is {what}",
    "Arguments are tensors, numbers, texts, dtypes, devices, layouts and lists of these."};

inline const DiagnosticKind kHigherOrderOperator{"QR0623", Level::error, "higher-order-operator",
                                                 "`%{node}` is a `{op}`, which is not supported",
                                                 "Of the operators that take a graph only autocast and grad-mode "
                                                 "regions are, by inlining. Control flow (cond, while_loop, map, "
                                                 "scan) must be decided before the export."};

inline const DiagnosticKind kUnsupportedInput{
    "QR0624", Level::error, "unsupported-input", "the input `{name}` of the model is {what}",
    "Inputs are tensors. Numbers become part of the graph when they are fixed at export."};

inline const DiagnosticKind kNoResults{
    "QR0625", Level::error, "no-results", "`%{node}`: `{op}` has no result that a graph can use",
    "The operator is called for an effect outside the graph, or returns something that is not a tensor."};

inline const DiagnosticKind kUnknownValue{"QR0626", Level::error, "unknown-value",
                                          "`%{node}` uses `{name}`, which nothing before it computes",
                                          "Nodes of a graph are in the order of computation."};

// --- in-place operators (functionalise.cc)

inline const DiagnosticKind kNoFunctionalForm{"QR0630", Level::error, "no-functional-form",
                                              "`%{node}`: `{op}` writes to its operand and has no form that does not",
                                              "Graphs have no memory, so `relu_` is replaced by `relu`. Write the "
                                              "model without this operator, or run the program's "
                                              "run_decompositions() before saving it."};

inline const DiagnosticKind kMutatedAlias{
    "QR0631", Level::error, "mutated-alias",
    "`%{node}` writes to memory that `%{alias}` shares and that is used afterwards: {why}",
    "Views are made again after a write where that is simple. Clone the tensor before writing to it, or run the "
    "program's "
    "run_decompositions() before saving it."};

inline const DiagnosticKind kStateNotKept{
    "QR0632", Level::warning, "state-not-kept",
    "the model writes to its {what} `{name}`: the new value is used in a run but not kept",
    "Each run starts from the values in the archive, and inputs are left as they are given."};

// --- .npy files (npy.cc)

inline const DiagnosticKind kNotNpy{"QR0640", Level::error, "not-npy", "`{path}` is not a .npy file: {why}",
                                    "Arrays are read from files that numpy.save writes."};

inline const DiagnosticKind kTruncatedNpy{
    "QR0641", Level::error, "truncated-npy", "`{path}` ends early: it has {found} of {wanted} bytes",
    "The file is shorter than its header says, as after a copy that was cut short."};

inline const DiagnosticKind kPickledNpy{
    "QR0642", Level::error, "pickled-npy", "`{path}` holds Python objects",
    "Objects are stored as a pickle; unpickling runs code from the file, so it is never done. Save a numeric array."};

inline const DiagnosticKind kUnsupportedNpy{
    "QR0643", Level::error, "unsupported-npy", "`{path}`: elements of type {type} are not supported",
    "Supported are bool, little-endian integers of 8 to 64 bits, float16, float32, float64, complex64 and complex128."};

inline const DiagnosticKind kCannotWriteFile{"QR0644", Level::error, "cannot-write-file",
                                             "cannot write `{path}`: {why}",
                                             "The folder does not exist, may not be written to, or the disk is full."};

inline const DiagnosticKind kCannotConvert{"QR0645", Level::error, "cannot-convert",
                                           "a tensor of {from} cannot stand for one of {to}: {why}",
                                           "Floats are rounded to other floats and integers that fit become other "
                                           "integers; anything else would need a scale."};

}  // namespace qrules
