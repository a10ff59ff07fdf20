// What only the command line can get wrong.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules::tools {

inline const DiagnosticKind kCannotWrite{
    "QR0790", Level::error, "cannot-write", "cannot write `{path}`: {why}",
    "Check that the folder exists and may be written to, and that the disk is not full."};
inline const DiagnosticKind kNoRulesFolder{"QR0791", Level::error, "no-rules-folder", "no rules were found",
                                           "The rules are looked for in $QRULES_RULES, beside the program and in the "
                                           "source tree it was built from. Give their folder with --rules."};
inline const DiagnosticKind kUnknownNode{"QR0792", Level::error, "unknown-node", "the graph has no node `%{name}`",
                                         "Node names are those that `qrules opt` prints."};
inline const DiagnosticKind kUnknownRuleName{"QR0793", Level::error, "unknown-rule-name", "there is no rule `{name}`",
                                             "Rule names are those of the rule files."};
inline const DiagnosticKind kCannotReadModel{"QR0794", Level::error, "cannot-read-model", "cannot read `{path}`: {why}",
                                             "The file is missing, a folder, or may not be read."};
inline const DiagnosticKind kRunFailed{
    "QR0795", Level::error, "run-failed", "`{path}` did not run to its end",
    "A kernel could not run: an index or offset of an embedding bag names no row, "
    "an operator gives other sizes than the graph says, or the machine is out of memory. Check the "
    "inputs; use smaller ones or fewer threads."};

inline const DiagnosticKind kCannotReadLock{"QR0796", Level::error, "cannot-read-lock", "cannot read `{path}`: {why}",
                                            "The file of --expect is missing, a folder, or may not be read. `qrules "
                                            "opt MODEL --lock FILE` writes one."};
inline const DiagnosticKind kBadLock{"QR0797", Level::error, "bad-lock", "`{path}` is no lock of qrules: {why}",
                                     "The file is damaged, or was written by something else. `qrules opt MODEL --lock "
                                     "FILE` writes it anew."};

}  // namespace qrules::tools
