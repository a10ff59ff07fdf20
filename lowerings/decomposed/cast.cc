// Conversion between dtypes: prims.convert_element_type and what exports spell otherwise.

#include <qrules/lowerings/decomposed/blocks_of_work.h>
#include <qrules/lowerings/decomposed/handler.h>
#include <qrules/lowerings/round_row.h>

namespace qrules::decomposed {
namespace {

constexpr int64_t kParallelBlock = 1 << 16;

// Elements that follow each other.
template <typename In, typename Out>
void convert_row(const In* from, int64_t count, Out* to) {
  if constexpr (std::is_same_v<In, float> && std::is_same_v<Out, elements::Bf16>) {
    elements::round_row(from, count, to);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = convert<Out>(from[i]);
  }
}

// Operand 0 in the result's dtype. The same dtype is a view.
Prepared convert_element_type(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  if (in.dtype == out.dtype) {
    out.strides = in.strides;
    context.alias(0, 0, 0);
    return std::unique_ptr<Kernel>();
  }
  adopt_layout(out, in);
  const StridedLoop<2> loop(out.sizes, {out.strides, in.strides});
  std::unique_ptr<Kernel> kernel;
  const bool known_out = visit(out.dtype, [](auto) {});
  const bool known_in = visit(in.dtype, [&](auto in_tag) {
    visit(out.dtype, [&](auto out_tag) {
      using In = typename decltype(in_tag)::type;
      using Out = typename decltype(out_tag)::type;
      kernel = make_kernel(loop.is_flat() ? "ref:flat" : "ref:strided", [loop](const KernelArguments& arguments) {
        const auto* from = static_cast<const In*>(arguments.inputs[0]);
        auto* to = static_cast<Out*>(arguments.outputs[0]);
        if (loop.is_flat() && loop.rows() == 1) {
          return in_blocks(loop.row_size() / kParallelBlock, loop.row_size(),
                           [&](int64_t begin, int64_t end) { convert_row(from + begin, end - begin, to + begin); });
        }
        loop.run([&](const auto& at, int64_t count, const auto& steps) {
          if (steps[0] == 1 && steps[1] == 1) {
            convert_row(from + at[1], count, to + at[0]);
          } else {
            for (int64_t i = 0; i < count; ++i) to[at[0] + i * steps[0]] = convert<Out>(from[at[1] + i * steps[1]]);
          }
        });
      });
    });
  });
  if (!known_in) return refuse_dtype(context, "the value", in.dtype, "integers, bool and floats");
  if (!known_out) return refuse_dtype(context, "the result", out.dtype, "integers, bool and floats");
  return kernel;
}

}  // namespace

void add_casts(HandlerRegistry& registry) {
  const auto handler = std::make_shared<FunctionHandler>("decomposed.cast", convert_element_type);
  for (const char* op : {"prims.convert_element_type.default", "quantized_decomposed.convert_element_type.no_fuse",
                         "aten._to_copy.default", "aten.to.dtype"}) {
    registry.add(op, handler);
  }
}

}  // namespace qrules::decomposed
