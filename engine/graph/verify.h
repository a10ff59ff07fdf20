// Checks what every pass relies on.
#pragma once

#include <qrules/graph/graph.h>

namespace qrules {

struct VerifyOptions {
  bool types = true;  // recorded types equal inferred ones, where they can be inferred
};

// Operands come before users, belong to the graph and are linked both ways; arguments fit signatures; names are unique;
// one output node at the end; types. Each violation is a diagnostic (QR05xx) that names the node.
Diagnostics verify(const Graph& graph, const VerifyOptions& options = {});

}  // namespace qrules
