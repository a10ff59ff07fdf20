// Valid graphs from a seed: the same on every machine, for tests of properties that hold for all graphs.
#pragma once

#include <cstdint>

#include <qrules/graph/graph.h>

namespace qrules::testing {

// About `calls` elementwise, linear, view, quantize and dequantize calls over inputs of shape [batch,n], with constants
// that have their data, provenance here and there, and a symbolic batch for every second seed. Every type is what
// inference gives.
Graph random_graph(uint32_t seed, size_t calls);

}  // namespace qrules::testing
