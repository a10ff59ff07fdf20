// aten.index.Tensor by vectors or tensors of positions in neighbouring dimensions, and the positions of triangles.

#include <algorithm>
#include <cstring>

#include <qrules/lowerings/decomposed/blocks_of_work.h>
#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

// result[outer, i, inner] = self[outer, positions of i, inner]
class Gather {
 public:
  int64_t outer = 1, positions = 1, inner = 1;
  struct Dimension {
    size_t operand = 0;
    int64_t size = 0, step = 0;  // of self: elements of `inner`
  };
  std::vector<Dimension> dimensions;
  int64_t outer_step = 1;
  size_t element = 0;  // bytes

  size_t scratch_bytes() const { return static_cast<size_t>(positions) * sizeof(int64_t); }

  // False when a position is none of its dimension.
  bool run(const KernelArguments& arguments) const {
    auto* places = static_cast<int64_t*>(arguments.scratch);
    if (!find_places(arguments, places)) return false;
    constexpr int64_t kParallelBlock = 1 << 14;  // copies
    in_blocks(std::min(outer, outer * positions / kParallelBlock), outer,
              [&](int64_t begin, int64_t end) { copy(arguments, places, begin, end); });
    return true;
  }

 private:
  // Of each position, in elements of self.
  bool find_places(const KernelArguments& arguments, int64_t* places) const {
    for (int64_t i = 0; i < positions; ++i) {
      int64_t from = 0;
      for (const Dimension& dimension : dimensions) {
        int64_t at = static_cast<const int64_t*>(arguments.inputs[dimension.operand])[i];
        if (at < 0) at += dimension.size;
        if (at < 0 || at >= dimension.size) return false;
        from += at * dimension.step;
      }
      places[i] = from;
    }
    return true;
  }

  void copy(const KernelArguments& arguments, const int64_t* places, int64_t first, int64_t end) const {
    const size_t bytes = static_cast<size_t>(inner) * element;
    for (int64_t o = first; o < end; ++o) {
      const char* from = static_cast<const char*>(arguments.inputs[0]) + static_cast<size_t>(o * outer_step) * bytes;
      char* to = static_cast<char*>(arguments.outputs[0]) + static_cast<size_t>(o * positions) * bytes;
      switch (bytes) {
        case 1: gather(from, places, to, uint8_t{}); break;
        case 2: gather(from, places, to, uint16_t{}); break;
        case 4: gather(from, places, to, uint32_t{}); break;
        case 8: gather(from, places, to, uint64_t{}); break;
        default:
          for (int64_t i = 0; i < positions; ++i)
            std::memcpy(to + static_cast<size_t>(i) * bytes, from + static_cast<size_t>(places[i]) * bytes, bytes);
      }
    }
  }

  template <typename T>
  void gather(const char* from, const int64_t* places, char* to, T) const {
    for (int64_t i = 0; i < positions; ++i)
      std::memcpy(to + static_cast<size_t>(i) * sizeof(T), from + static_cast<size_t>(places[i]) * sizeof(T),
                  sizeof(T));
  }
};

Prepared index(PrepareContext& context) {
  const Argument* argument = context.node().argument("indices");
  const Argument::List* indices = argument ? argument->list() : nullptr;
  if (!indices || !context.operand_of("self")) return refuse_argument(context, "indices", "must be a list");
  const TensorLayout self = context.input(0);
  TensorLayout& out = context.output(0);
  Gather gather;
  gather.element = size_of(self.dtype);
  size_t first = 0, operand = 1;
  while (first < indices->size() && (*indices)[first].is_none()) ++first;
  size_t end = first;
  while (end < indices->size() && !(*indices)[end].is_none()) ++end;
  const bool more = std::any_of(indices->begin() + static_cast<std::ptrdiff_t>(end), indices->end(),
                                [](const Argument& index) { return !index.is_none(); });
  if (first == end || more || end > self.sizes.size() || self.dtype != out.dtype)
    return refuse_argument(context, "indices", "must be in neighbouring dimensions");
  std::vector<int64_t> wanted(self.sizes.begin(), self.sizes.begin() + static_cast<std::ptrdiff_t>(first));
  for (size_t d = first; d < end; ++d, ++operand) {
    const TensorLayout positions = context.input(operand);
    if (positions.dtype != DType::s64) return refuse_dtype(context, "a position", positions.dtype, "s64");
    if (positions.sizes != context.input(1).sizes) return refuse_size(context, "positions have different sizes");
    if (d == first) wanted.insert(wanted.end(), positions.sizes.begin(), positions.sizes.end());
    context.require_layout(operand, TensorLayout::contiguous(positions.dtype, positions.sizes));
    gather.dimensions.push_back({operand, self.sizes[d], 0});
  }
  wanted.insert(wanted.end(), self.sizes.begin() + static_cast<std::ptrdiff_t>(end), self.sizes.end());
  if (out.sizes != wanted) return refuse_size(context, "the result has other sizes than it would");
  for (size_t d = 0; d < first; ++d) gather.outer *= self.sizes[d];
  for (size_t d = end; d < self.sizes.size(); ++d) gather.inner *= self.sizes[d];
  for (const int64_t size : context.input(1).sizes) gather.positions *= size;
  for (size_t d = gather.dimensions.size(); d-- > 0;) {
    gather.dimensions[d].step = gather.outer_step;
    gather.outer_step *= gather.dimensions[d].size;
  }
  context.require_layout(0, TensorLayout::contiguous(self.dtype, self.sizes));
  out = TensorLayout::contiguous(out.dtype, out.sizes);
  context.request_scratch(gather.scratch_bytes());
  return make_kernel("gather", [gather](const KernelArguments& arguments) {
    if (!gather.run(arguments) && arguments.failed) *arguments.failed = true;
  });
}

// Rows, then columns, of the positions of a rows x columns matrix at or below its diagonal `offset` (or at or above).
template <bool kLower>
Prepared triangle(PrepareContext& context) {
  const Node& node = context.node();
  const auto number = [&](const char* name) {
    const Argument* argument = node.argument(name);
    return argument ? argument->integer() : std::nullopt;
  };
  const auto rows = number("row"), columns = number("col"), offset = number("offset");
  TensorLayout& out = context.output(0);
  if (!rows || !columns || !offset) return refuse_argument(context, "row", "must be a number, as col and offset");
  if (out.dtype != DType::s64 || out.sizes.size() != 2) return refuse_dtype(context, "the result", out.dtype, "s64");
  std::vector<int64_t> places[2];
  for (int64_t r = 0; r < *rows; ++r) {
    for (int64_t c = 0; c < *columns; ++c) {
      if (kLower ? c - r > *offset : c - r < *offset) continue;
      places[0].push_back(r);
      places[1].push_back(c);
    }
  }
  if (out.sizes != std::vector<int64_t>{2, static_cast<int64_t>(places[0].size())})
    return refuse_size(context, "the result has other sizes than it would");
  places[0].insert(places[0].end(), places[1].begin(), places[1].end());
  return make_kernel("copy", [all = std::move(places[0])](const KernelArguments& arguments) {
    std::copy(all.begin(), all.end(), static_cast<int64_t*>(arguments.outputs[0]));
  });
}

}  // namespace

void add_index(HandlerRegistry& registry) {
  registry.add("aten.index.Tensor", std::make_shared<FunctionHandler>("decomposed.index", index));
  registry.add("aten.tril_indices.default",
               std::make_shared<FunctionHandler>("decomposed.tril_indices", triangle<true>));
  registry.add("aten.triu_indices.default",
               std::make_shared<FunctionHandler>("decomposed.triu_indices", triangle<false>));
}

}  // namespace qrules::decomposed
