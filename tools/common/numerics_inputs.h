// Inputs that bring out differences between two graphs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/runtime/tensor.h>

namespace qrules::tools {

struct InputSet {
  std::string name;                 // "random 1", "all lowest", "ties", ...: for messages
  std::vector<HostTensor> tensors;  // in placeholder order, contiguous
};

// Names of the symbolic sizes of the graph's inputs, sorted.
std::vector<std::string> symbols_of(const Graph& graph);

// Sets of inputs with these layouts (those of a plan): random ones; for 8-bit integers all lowest and all highest; for
// floats large, zero, and ties (k + 0.5 times each scale that the graph names); with `non_finite` also infinities and
// NaN. Inputs that the graph uses as scales are small and positive, as zero points small. Wider integers stay within
// +-100.
std::vector<InputSet> make_inputs(const Graph& graph, const std::vector<TensorLayout>& layouts, uint64_t seed,
                                  int random_sets, bool non_finite);

// Gives each constant without elements random ones, the same to the same constant in all graphs that share `filled`:
// graphs of tests name weights without writing them out. s8 and u8 are full range, floats positive (they may be
// scales), other integers zero.
void fill_unknown_constants(Graph& graph, std::map<const Constant*, ConstantPtr>& filled, uint64_t seed);

}  // namespace qrules::tools
