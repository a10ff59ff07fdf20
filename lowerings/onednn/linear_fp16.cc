// onednn.linear_fp16: the f16 weight is widened while it is packed, the product runs in f32. CPUs without f16 arithmetic widen in
// every run otherwise; the price is the packed weight's memory.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

class LinearFp16Handler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.linear_fp16"; }

  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    const auto x_operand = context.operand_of("x"), weight_operand = context.operand_of("weight"), bias_operand = context.operand_of("bias");
    if (!x_operand || !weight_operand || !context.constant_data(*weight_operand)) return refuse("the weight is known before the run");
    const std::vector<int64_t> weight_sizes = context.input(*weight_operand).sizes;
    const TensorLayout x = context.input(*x_operand);
    TensorLayout& result = context.output(0);
    if (x.dtype != DType::f32 || weight_sizes.size() != 2) return refuse("x is f32, the weight has rank 2");
    if (result.element_count() == 0) return make_nothing();
    const int64_t n = weight_sizes[0], k = weight_sizes[1], m = result.element_count() / n;
    if (k == 0) return refuse("there is nothing to sum over");
    const std::string& post_op = *context.node().argument("post_op")->get_if<std::string>();
    if (post_op != "none" && post_op != "relu") return refuse("no post-op `" + post_op + "`");
    if (bias_operand && (context.input(*bias_operand).dtype != DType::f32 || context.input(*bias_operand).element_count() != n)) return refuse("the bias is f32, one element for each channel");

    context.require_layout(*x_operand, TensorLayout::contiguous(DType::f32, x.sizes));
    context.require_layout(*weight_operand, TensorLayout::contiguous(DType::f16, weight_sizes));
    using Type = dnnl::memory::data_type;
    const dnnl::memory::desc source_desc({m, k}, Type::f32, dnnl::memory::dims{k, 1}), result_desc({m, n}, Type::f32, dnnl::memory::dims{n, 1});
    const dnnl::memory::desc weight_desc({k, n}, Type::f32, dnnl::memory::format_tag::any);
    try {
      dnnl::primitive_attr attributes;
      attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
      dnnl::post_ops post_ops;
      if (post_op == "relu") post_ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
      attributes.set_post_ops(post_ops);
      dnnl::memory::desc bias_desc;
      if (bias_operand) bias_desc = dnnl::memory::desc({1, n}, Type::f32, dnnl::memory::dims{n, 1});
      const dnnl::matmul::primitive_desc description(cpu(), source_desc, weight_desc, bias_desc, result_desc, attributes);
      std::map<int, Source> arguments;
      arguments[DNNL_ARG_SRC].index = *x_operand;
      arguments[DNNL_ARG_SRC].desc = source_desc;
      arguments[DNNL_ARG_DST].kind = Source::Kind::output;
      arguments[DNNL_ARG_DST].desc = result_desc;
      arguments[DNNL_ARG_WEIGHTS].kind = Source::Kind::owned;
      const dnnl::memory::desc plain({k, n}, Type::f16, dnnl::memory::dims{1, k});
      const OwnedMemory widened = pack(context.constant_data(*weight_operand), plain, dnnl::memory::desc({k, n}, Type::f32, dnnl::memory::dims{1, k}));
      arguments[DNNL_ARG_WEIGHTS].owned = pack(widened.data.get(), widened.desc, description.weights_desc());
      if (bias_operand) {
        context.require_layout(*bias_operand, TensorLayout::contiguous(DType::f32, context.input(*bias_operand).sizes));
        arguments[DNNL_ARG_BIAS].index = *bias_operand;
        arguments[DNNL_ARG_BIAS].desc = bias_desc;
      }
      arguments[DNNL_ARG_SCRATCHPAD].kind = Source::Kind::scratch;
      arguments[DNNL_ARG_SCRATCHPAD].desc = description.scratchpad_desc();
      context.request_scratch(description.scratchpad_desc().get_size());
      const std::string implementation = description.impl_info_str();
      note_slow(context, implementation);
      return std::unique_ptr<Kernel>(std::make_unique<PrimitiveKernel>(dnnl::matmul(description), implementation, std::move(arguments)));
    } catch (const dnnl::error& error) {
      return refuse(std::string("oneDNN: ") + error.what());
    }
  }
};

}  // namespace

void add_linear_fp16(HandlerRegistry& registry) { registry.add("onednn.linear_fp16.default", std::make_shared<LinearFp16Handler>()); }

}  // namespace qrules::onednn
