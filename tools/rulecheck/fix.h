// `rulecheck --fix`: edits of diagnostics made in the files.
#pragma once

#include <ostream>

#include <qrules/support/diagnostic.h>

namespace qrules::tools {

struct FixOutcome {
  size_t edits = 0;     // made, or shown in a dry run
  bool failed = false;  // a file could not be written; `errors` says which
};

// Makes the edits that a machine may make (applicable_edits): each file is written to a temporary file beside it, which
// then takes its place, so that it is never half written. A file that changed since it was read is left alone. `out`
// gets a line for each edit and, in a dry run, which writes nothing, the lines that differ.
FixOutcome apply_fixes(const Diagnostics& diagnostics, bool dry_run, std::ostream& out, std::ostream& errors);

}  // namespace qrules::tools
