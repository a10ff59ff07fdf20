// The text form of a graph: prints like FX, reads back to the same graph.
//
//   graph(%x: u8[1,3,32,32], %s: f32[]) {
//     %w = constant "c1.weight" : s8[32,3,3,3]
//     %z = constant : s64[32] {0}                     # every element 0; {1, 2, 3} lists them in row-major order
//     %xf: f32[1,3,32,32] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.0298, 125, 0, 255, u8)
//     %p: (f32[1,3,16,16], s64[1,3,16,16]) = aten.max_pool2d_with_indices.default(%xf, [2, 2])
//     %y: f32[1,3,16,16] = _operator.getitem(%p, 0)
//     return (%y)
//   }
//
// A symbolic size among arguments is written size(8*s77). Types of calls may be left out (they are inferred where
// infer.h can). Symbolic sizes are expressions: f32[s77, 8*s77]. Strides follow when they are not contiguous:
// f32[1,3,4,4] strides(48,1,12,3). Arguments that equal the signature's default are not printed when no later
// positional one is; keyword-only arguments print as name=value; keywords print bare (memory_format=channels_last), or
// as text when they are not one word (device="cuda:0"). An operator without a signature is written in quotes and keeps
// its arguments as they are: "my.op"(%x, mode=3). `#` starts a comment. Text in double quotes has JSON escapes.
#pragma once

#include <memory>
#include <string>

#include <qrules/graph/graph.h>
#include <qrules/support/result.h>

namespace qrules {

struct PrintOptions {
  bool types = true;
  bool provenance = false;         // a trailing comment: `# rule qconv-prepack from conv2d, dequantize_3`
  int64_t constant_elements = 16;  // constants of at most this many elements print their values
};

std::string print(const Graph& graph, const PrintOptions& options = {});
std::string print(const Node& node, const PrintOptions& options = {});  // one line, no newline
std::string print(const TensorType& type, const DimTable& dims);
std::string print(const Argument& argument, const DimTable& dims);

// Errors: QR05xx, each with its place. The source's positions are kept as given so that a graph inside a rule file
// reports the rule file's lines: `span` is the part of its file that holds the graph (block scalars are passed with
// their own text).
Result<Graph> parse_graph(const Span& span, std::shared_ptr<OperatorTable> operators = OperatorTable::shared());
Result<Graph> parse_graph(std::string name, std::string text,
                          std::shared_ptr<OperatorTable> operators = OperatorTable::shared());

}  // namespace qrules
