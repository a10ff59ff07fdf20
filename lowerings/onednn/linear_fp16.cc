// onednn.linear_fp16: the f16 weight is widened while it is packed, the product runs in f32. CPUs without f16
// arithmetic widen in every run otherwise; the price is the packed weight's memory.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

class LinearFp16Handler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.linear_fp16"; }

  Prepared prepare(PrepareContext& context) const override {
    const auto x_operand = context.operand_of("x"), weight_operand = context.operand_of("weight"),
               bias_operand = context.operand_of("bias");
    if (!x_operand || !weight_operand || !dense_constant(context, *weight_operand))
      return refuse("the weight is known before the run");
    const std::vector<int64_t> weight_sizes = context.input(*weight_operand).sizes;
    const TensorLayout x = context.input(*x_operand);
    TensorLayout& result = context.output(0);
    if (x.dtype != DType::f32 || weight_sizes.size() != 2) return refuse("x is f32, the weight has rank 2");
    if (result.element_count() == 0) return make_nothing();
    const int64_t n = weight_sizes[0], k = weight_sizes[1], m = result.element_count() / n;
    if (k == 0) return refuse("there is nothing to sum over");
    const std::string& post_op = *context.node().argument("post_op")->get_if<std::string>();
    if (post_op != "none" && post_op != "relu") return refuse("no post-op `" + post_op + "`");
    if (bias_operand &&
        (context.input(*bias_operand).dtype != DType::f32 || context.input(*bias_operand).element_count() != n))
      return refuse("the bias is f32, one element for each channel");

    context.require_layout(*x_operand, TensorLayout::contiguous(DType::f32, x.sizes));
    if (bias_operand)
      context.require_layout(*bias_operand, TensorLayout::contiguous(DType::f32, context.input(*bias_operand).sizes));
    using Type = dnnl::memory::data_type;
    const dnnl::memory::desc source_desc({m, k}, Type::f32, dnnl::memory::dims{k, 1}),
        result_desc({m, n}, Type::f32, dnnl::memory::dims{n, 1});
    const dnnl::memory::desc weight_desc({k, n}, Type::f32, dnnl::memory::format_tag::any);
    return guarded([&] {
      dnnl::primitive_attr attributes = make_attributes();
      dnnl::post_ops post_ops;
      if (post_op == "relu") post_ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
      attributes.set_post_ops(post_ops);
      dnnl::memory::desc bias_desc;
      if (bias_operand) bias_desc = dnnl::memory::desc({1, n}, Type::f32, dnnl::memory::dims{n, 1});
      const dnnl::matmul::primitive_desc description(cpu(), source_desc, weight_desc, bias_desc, result_desc,
                                                     attributes);
      const dnnl::memory::desc narrow({k, n}, Type::f16, dnnl::memory::dims{1, k}),
          wide({k, n}, Type::f32, dnnl::memory::dims{1, k});
      const dnnl::memory::desc packed = description.weights_desc();
      const auto widen = [&](void* target) {
        const OwnedMemory widened = own(wide);
        reorder(dense_constant(context, *weight_operand), narrow, widened.data.get(), wide);
        reorder(widened.data.get(), wide, target, packed);
      };
      Sources arguments{{DNNL_ARG_SRC, Source::input(*x_operand, source_desc)},
                        {DNNL_ARG_DST, Source::result(result_desc)},
                        {DNNL_ARG_WEIGHTS, Source::constant(pack(context, packed, widen))}};
      if (bias_operand) arguments[DNNL_ARG_BIAS] = Source::input(*bias_operand, bias_desc);
      return make_kernel(context, description, dnnl::matmul(description), std::move(arguments));
    });
  }
};

}  // namespace

void add_linear_fp16(HandlerRegistry& registry) {
  registry.add("onednn.linear_fp16.default", std::make_shared<LinearFp16Handler>());
}

}  // namespace qrules::onednn
