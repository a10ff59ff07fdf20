// Do two graphs compute the same? Runs both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/support/result.h>

namespace qrules::tools {

struct NumericsOptions {
  std::vector<int64_t> symbol_values{1, 2, 5};  // every symbolic size gets each of these in turn
  int random_sets = 3;
  uint64_t seed = 20240817;
  double slack = 1;  // times the differences of floats that are allowed below
};

struct NumericsReport {
  bool equal = true;
  std::string difference;  // the first difference in words: sizes, inputs, output, element and both values
  size_t runs = 0;
  int64_t elements = 0;      // compared, over all runs
  int64_t one_apart = 0;     // integers that differ by one where the value before rounding was a tie
  int64_t rounded = 0;       // runs that agree only when the narrow types inside `before` are taken for f32
  double largest_error = 0;  // of floats, relative to the largest magnitude of the output
};

// Runs `before` with the reference handlers and `after` with those of the build on the inputs of numerics_inputs.h.
// Equal means: integers are the same, except for one apart where the reference's value before its quantize is within
// 0.001 quanta of k + 0.5 (where the quantized value passes through other integer calls: at most as many as there are
// such ties); floats are within 1e-5 of the output's largest magnitude plus 1e-6 and 2^-23 of the largest
// floating-point input (coarser when a call of either graph gives f16, bf16 or f8: two roundings of that type), and not
// finite at the same elements. Infinities and NaN are given
// only when every call of both graphs acts on single elements. Sizes that `before` cannot be prepared for are left out.
// Errors: nothing could be prepared, or `after` could not (QR07xx of the plan).
Result<NumericsReport> compare_numerics(const Graph& before, const Graph& after, const NumericsOptions& options = {});

}  // namespace qrules::tools
