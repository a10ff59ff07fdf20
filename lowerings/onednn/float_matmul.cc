// aten.mm and aten.bmm in f32.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

// oneDNN reads matrices whose elements follow each other along one of the last two dimensions.
TensorLayout readable(const TensorLayout& layout) {
  const size_t rank = layout.sizes.size();
  const bool dense = layout.byte_extent() == static_cast<size_t>(layout.element_count()) * size_of(layout.dtype);
  return dense && (layout.strides[rank - 1] == 1 || layout.strides[rank - 2] == 1)
             ? layout
             : TensorLayout::contiguous(layout.dtype, layout.sizes);
}

class FloatMatmulHandler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.matmul"; }

  Prepared prepare(PrepareContext& context) const override {
    const auto a_operand = context.operand_of("self"), b_operand = context.operand_of("mat2");
    if (!a_operand || !b_operand) return refuse("the operands are tensors");
    const TensorLayout result = context.output(0);
    const size_t rank = result.sizes.size();
    for (const TensorLayout& layout : {context.input(*a_operand), context.input(*b_operand), result}) {
      if (layout.dtype != DType::f32) return refuse("operands and result are f32");
      if (layout.sizes.size() != rank || rank < 2 || rank > 3) return refuse("the operands have rank 2 or 3");
    }
    if (result.element_count() == 0) return make_nothing();
    const TensorLayout a = readable(context.input(*a_operand)), b = readable(context.input(*b_operand));
    if (a.sizes.back() == 0) return refuse("there is nothing to sum over");
    std::vector<int64_t> wanted = a.sizes;
    wanted.back() = b.sizes.back();
    if (a.sizes.back() != b.sizes[rank - 2] || result.sizes != wanted || (rank == 3 && a.sizes[0] != b.sizes[0]))
      return refuse("the operands and the result do not fit each other");
    context.require_layout(*a_operand, a);
    context.require_layout(*b_operand, b);
    return guarded([&] {
      dnnl::primitive_attr attributes = make_attributes();
      if (context.rounds_products()) attributes.set_fpmath_mode(dnnl::fpmath_mode::bf16);
      const dnnl::matmul::primitive_desc description(cpu(), describe(a), describe(b), describe(result), attributes);
      Sources arguments;
      arguments[DNNL_ARG_SRC] = Source::input(*a_operand, describe(a));
      arguments[DNNL_ARG_WEIGHTS] = Source::input(*b_operand, describe(b));
      arguments[DNNL_ARG_DST] = Source::result(describe(result));
      return make_kernel(context, description, dnnl::matmul(description), std::move(arguments));
    });
  }
};

}  // namespace

void add_float_matmul(HandlerRegistry& registry) {
  for (const char* op : {"aten.mm.default", "aten.bmm.default"})
    registry.add(op, std::make_shared<FloatMatmulHandler>());
}

}  // namespace qrules::onednn
