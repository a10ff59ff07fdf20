// The tests of docs/differences.md: a row's graph, what must happen to it, and that the answer stays the same.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <qrules/graph/graph.h>

namespace qrules::test {

struct Difference {
  std::string row;  // of docs/differences.md
  std::string what;
  std::string graph;
  std::vector<std::string> fires;   // rules that must fire; named twice: at least twice
  std::vector<std::string> silent;  // rules that must not
  bool numerics =
      true;  // false only where bf16 or f16 rounds at other places; the types of the results are compared all the same
};

// Applies the shipped rules to the row's graph and checks the firings, the results' types and their values before and
// after.
void check_difference(const Difference& difference);

// The graph after the shipped rules; fails the test when they report an error.
std::shared_ptr<const Graph> rewritten(const std::string& text);

// A dequantized u8 activation %xf of sizes `sizes`, from an input %x.
std::string dequantized_input(const std::string& sizes);
// A dequantized weight %wf: s8[4,3] with scales for each row.
extern const std::string kLinearWeight;
// A dequantized weight %wf: s8[3,2,1,1] with scales for each output channel.
extern const std::string kConvWeight;

}  // namespace qrules::test
