// onednn.qlinear and onednn.qlinear_binary as a matrix product of the rows of x with the packed weight.

#include <qrules/lowerings/onednn/epilogue.h>

namespace qrules::onednn {
namespace {

class LinearHandler final : public Handler {
 public:
  explicit LinearHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    const auto weight_operand = context.operand_of("weight");
    if (!weight_operand) return refuse("the weight is no tensor");
    const std::vector<int64_t> weight_sizes = context.input(*weight_operand).sizes;
    if (weight_sizes.size() != 2) return refuse("the weight has rank 2");
    const int64_t n = weight_sizes[0], k = weight_sizes[1];
    auto call = read_call(context, n, true);
    if (!call.ok()) return call.diagnostics();
    if (!exact_int8()) return refuse("this CPU sums int8 products in 16 bits, which may saturate");
    TensorLayout& result = context.output(0);
    const TensorLayout x = context.input(call->x);
    const int64_t m = n > 0 ? result.element_count() / n : 0;
    if (result.element_count() == 0) return make_nothing();
    if (k == 0) return refuse("there is nothing to sum over");
    if (call->other && context.input(*call->other).sizes != result.sizes) return refuse("the addend has other sizes than the result");

    context.require_layout(call->x, TensorLayout::contiguous(x.dtype, x.sizes));
    context.require_layout(call->weight, TensorLayout::contiguous(DType::s8, weight_sizes));
    const dnnl::memory::desc source_desc({m, k}, *data_type(x.dtype), dnnl::memory::dims{k, 1});
    const dnnl::memory::desc result_desc({m, n}, *data_type(result.dtype), dnnl::memory::dims{n, 1});
    const dnnl::memory::desc weight_desc({k, n}, dnnl::memory::data_type::s8, dnnl::memory::format_tag::any);
    auto epilogue = make_epilogue(context, *call, 1 << 1, n, result, result_desc);
    if (!epilogue.ok()) return epilogue.diagnostics();
    try {
      dnnl::memory::desc bias_desc;
      if (epilogue->bias) bias_desc = epilogue->bias->desc.reshape({1, n});
      const dnnl::matmul::primitive_desc description(cpu(), source_desc, weight_desc, bias_desc, result_desc, epilogue->attributes);
      place_scratch(context, *call, description.scratchpad_desc().get_size(), *epilogue);
      std::map<int, Source> arguments = epilogue->arguments;
      arguments[DNNL_ARG_SRC].index = call->x;
      arguments[DNNL_ARG_SRC].desc = source_desc;
      arguments[DNNL_ARG_DST].kind = Source::Kind::output;
      arguments[DNNL_ARG_DST].desc = result_desc;
      arguments[DNNL_ARG_WEIGHTS].kind = Source::Kind::owned;
      const dnnl::memory::desc plain({k, n}, dnnl::memory::data_type::s8, dnnl::memory::dims{1, k});
      arguments[DNNL_ARG_WEIGHTS].owned = pack(context.constant_data(call->weight), plain, description.weights_desc());
      if (epilogue->bias) {
        arguments[DNNL_ARG_BIAS].kind = Source::Kind::owned;
        arguments[DNNL_ARG_BIAS].owned = {bias_desc, epilogue->bias->data};
      }
      arguments[DNNL_ARG_SCRATCHPAD].kind = Source::Kind::scratch;
      arguments[DNNL_ARG_SCRATCHPAD].desc = description.scratchpad_desc();
      const std::string implementation = description.impl_info_str();
      note_slow(context, implementation);
      return std::unique_ptr<Kernel>(std::make_unique<PrimitiveKernel>(dnnl::matmul(description), implementation, std::move(arguments), epilogue->before));
    } catch (const dnnl::error& error) {
      return refuse(std::string("oneDNN: ") + error.what());
    }
  }

 private:
  std::string name_;
};

}  // namespace

void add_linear(HandlerRegistry& registry) {
  registry.add("onednn.qlinear.default", std::make_shared<LinearHandler>("onednn.qlinear"));
  registry.add("onednn.qlinear_binary.default", std::make_shared<LinearHandler>("onednn.qlinear_binary"));
}

}  // namespace qrules::onednn
