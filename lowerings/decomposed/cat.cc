// Concatenation: onednn.qcat, vector.cat and aten.cat.

#include <algorithm>

#include <qrules/lowerings/decomposed/blocks_of_work.h>
#include <qrules/lowerings/decomposed/handler.h>
#include <qrules/lowerings/round_row.h>

namespace qrules::decomposed {
namespace {

constexpr int64_t kParallelBlock = 1 << 17;  // elements

// One tensor and where its first element goes.
struct Part {
  size_t operand = 0;
  DType dtype = DType::f32;
  int64_t offset = 0;
  StridedLoop<2> loop;
};

Prepared cat(PrepareContext& context) {
  TensorLayout& out = context.output(0);
  const size_t rank = out.sizes.size();
  const Argument* argument = context.node().argument("dim");
  const auto number = argument ? argument->integer() : std::nullopt;
  const auto axis = number ? wrap_dimension(*number, rank) : std::nullopt;
  if (!axis) return refuse_argument(context, "dim", "is no dimension of the result");

  bool channels_last = true;
  for (size_t i = 0; i < context.input_count(); ++i) {
    channels_last = channels_last && !context.input(i).is_contiguous() && context.input(i).is_channels_last();
  }
  if (channels_last) out.strides = TensorLayout::channels_last(out.dtype, out.sizes).strides;

  std::vector<Part> parts;
  int64_t position = 0;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const TensorLayout& in = context.input(i);
    // Vectors without elements are left out whatever the rank of the others: an old habit that torch keeps.
    if (in.sizes == std::vector<int64_t>{0}) continue;
    if (in.sizes.size() != rank)
      return refuse_rank(context, "a tensor", in.sizes.size(), "tensors of the result's rank");
    for (size_t d = 0; d < rank; ++d) {
      if (d != *axis && in.sizes[d] != out.sizes[d])
        return refuse_size(context, "sizes differ in dimension " + std::to_string(d));
    }
    if (in.dtype != out.dtype && !(visit(in.dtype, [](auto) {}) && visit(out.dtype, [](auto) {}))) {
      return refuse_dtype(context, "a tensor", in.dtype, "the result's dtype, or one that converts to it");
    }
    parts.push_back({i, in.dtype, position * out.strides[*axis], StridedLoop<2>(in.sizes, {out.strides, in.strides})});
    position += in.sizes[*axis];
  }
  if (position != out.sizes[*axis]) return refuse_size(context, "the tensors do not add up to the result");

  const DType dtype = out.dtype;
  return make_kernel("copy", [parts = std::move(parts), dtype](const KernelArguments& arguments) {
    const size_t bytes = size_of(dtype);
    for (const Part& part : parts) {
      const auto* from = static_cast<const char*>(arguments.inputs[part.operand]);
      auto* to = static_cast<char*>(arguments.outputs[0]);
      const auto copy = [&](const auto& at, int64_t count, const auto& steps) {
        if (part.dtype == dtype) {
          const auto size = static_cast<int64_t>(bytes);
          copy_row(to + (part.offset + at[0]) * size, steps[0], from + at[1] * size, steps[1], count, bytes);
          return;
        }
        if (part.dtype == DType::f32 && dtype == DType::bf16 && steps[0] == 1 && steps[1] == 1) {
          elements::round_row(reinterpret_cast<const float*>(from) + at[1], count,
                              reinterpret_cast<elements::Bf16*>(to) + part.offset + at[0]);
          return;
        }
        visit(dtype, [&](auto tag) {
          using Out = typename decltype(tag)::type;
          auto* target = reinterpret_cast<Out*>(to) + part.offset + at[0];
          for (int64_t i = 0; i < count; ++i) target[i * steps[0]] = load<Out>(from, part.dtype, at[1] + i * steps[1]);
        });
      };
      const int64_t rows = part.loop.rows();
      in_blocks(std::min(rows, rows * part.loop.row_size() / kParallelBlock), rows,
                [&](int64_t begin, int64_t end) { part.loop.run_rows(begin, end, copy); });
    }
  });
}

}  // namespace

void add_cat(HandlerRegistry& registry) {
  const auto handler = std::make_shared<FunctionHandler>("decomposed.cat", cat);
  for (const char* op : {"onednn.qcat.default", "vector.cat.default", "aten.cat.default", "aten.concat.default",
                         "aten.concatenate.default"})
    registry.add(op, handler);
}

}  // namespace qrules::decomposed
