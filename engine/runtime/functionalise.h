// Graphs have no memory: operators that write to their operand become operators with a new result.
#pragma once

#include <qrules/graph/graph.h>
#include <qrules/support/result.h>

namespace qrules {

// Replaces every in-place operator (`aten.relu_.default`) by its functional form and lets later users of the written
// value, and of views that share its memory, read the new one. Types should carry strides: they tell whether a reshape
// is a view. A write that reaches a placeholder or constant adds the warning QR0632. Errors: QR0630 no functional form,
// QR0631 memory shared in a way that is not followed. On error the graph is valid but partly rewritten.
Status functionalise(Graph& graph, Diagnostics& warnings);

}  // namespace qrules
