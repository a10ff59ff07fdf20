// What the tools find when they run graphs.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

inline const DiagnosticKind kOperandsRefused{
    "QR0735", Level::error, "operands-refused", "an operator of the graph does not take its operands: {why}",
    "The graph as written was to be run so that a rewritten one can be compared with it, and PyTorch refused. The "
    "message is its own. Change the sizes or dtypes of the graph."};

}  // namespace qrules
