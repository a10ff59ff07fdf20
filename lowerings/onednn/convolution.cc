// onednn.qconv and onednn.qconv_binary: u8 or s8 channels-last activations, packed s8 weights.

#include <qrules/lowerings/onednn/epilogue.h>

namespace qrules::onednn {
namespace {

class ConvolutionHandler final : public Handler {
 public:
  explicit ConvolutionHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    const auto weight_operand = context.operand_of("weight");
    if (!weight_operand) return refuse("the weight is no tensor");
    const std::vector<int64_t> weight_sizes = context.input(*weight_operand).sizes;
    auto call = read_call(context, weight_sizes[0], false);
    if (!call.ok()) return call.diagnostics();
    const TensorLayout& x = context.input(call->x);
    if (x.sizes.size() < 3 || x.sizes.size() > 5 || weight_sizes.size() != x.sizes.size()) return refuse("x and weight have rank 3, 4 or 5");
    if (!exact_int8()) return refuse("this CPU sums int8 products in 16 bits, which may saturate");
    TensorLayout& result = context.output(0);
    result = TensorLayout::channels_last(result.dtype, result.sizes);
    const TensorLayout source = TensorLayout::channels_last(x.dtype, x.sizes);
    context.require_layout(call->x, source);
    if (result.element_count() == 0 || x.element_count() == 0) {
      if (result.element_count() == 0) return make_nothing();
      return refuse("x has no elements");
    }

    const size_t rank = x.sizes.size() - 2;
    const int64_t groups = context.integers("groups").at(0);
    const auto repeated = [&](std::string_view parameter) {
      std::vector<int64_t> values = context.integers(parameter);
      if (values.size() == 1) values.resize(rank, values[0]);
      return values;
    };
    const std::vector<int64_t> strides = repeated("stride"), padding = repeated("padding");
    std::vector<int64_t> dilation = repeated("dilation");
    std::vector<int64_t> padding_after(rank);
    for (size_t i = 0; i < rank; ++i) {
      // What the windows reach beyond the end: with a stride it may be less than the padding.
      const int64_t extent = (weight_sizes[i + 2] - 1) * dilation[i] + 1;
      padding_after[i] = (result.sizes[i + 2] - 1) * strides[i] + extent - x.sizes[i + 2] - padding[i];
      dilation[i] -= 1;
    }

    // Weights in groups are [groups, channels / groups, ...].
    std::vector<int64_t> packed_sizes = weight_sizes;
    if (groups > 1) {
      packed_sizes[0] /= groups;
      packed_sizes.insert(packed_sizes.begin(), groups);
    }
    const TensorLayout plain_weight = TensorLayout::contiguous(DType::s8, packed_sizes);
    context.require_layout(call->weight, TensorLayout::contiguous(DType::s8, weight_sizes));
    const dnnl::memory::desc source_desc = describe(source), result_desc = describe(result);
    const dnnl::memory::desc weight_desc(packed_sizes, dnnl::memory::data_type::s8, dnnl::memory::format_tag::any);
    auto epilogue = make_epilogue(context, *call, groups > 1 ? 3 : 1, weight_sizes[0], result, result_desc);
    if (!epilogue.ok()) return epilogue.diagnostics();
    try {
      dnnl::memory::desc bias_desc;
      if (epilogue->bias) bias_desc = epilogue->bias->desc;
      const dnnl::convolution_forward::primitive_desc description(
          cpu(), dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source_desc, weight_desc, bias_desc, result_desc,
          strides, dilation, padding, padding_after, epilogue->attributes);
      std::map<int, Source> arguments = epilogue->arguments;
      arguments[DNNL_ARG_SRC].index = call->x;
      arguments[DNNL_ARG_SRC].desc = source_desc;
      arguments[DNNL_ARG_DST].kind = Source::Kind::output;
      arguments[DNNL_ARG_DST].desc = result_desc;
      arguments[DNNL_ARG_WEIGHTS].kind = Source::Kind::owned;
      arguments[DNNL_ARG_WEIGHTS].owned = pack(context.constant_data(call->weight), describe(plain_weight), description.weights_desc());
      if (epilogue->bias) {
        arguments[DNNL_ARG_BIAS].kind = Source::Kind::owned;
        arguments[DNNL_ARG_BIAS].owned = *epilogue->bias;
      }
      arguments[DNNL_ARG_SCRATCHPAD].kind = Source::Kind::scratch;
      arguments[DNNL_ARG_SCRATCHPAD].desc = description.scratchpad_desc();
      context.request_scratch(description.scratchpad_desc().get_size());
      const std::string implementation = description.impl_info_str();
      note_slow(context, implementation);
      return std::unique_ptr<Kernel>(std::make_unique<PrimitiveKernel>(dnnl::convolution_forward(description), implementation, std::move(arguments), epilogue->before));
    } catch (const dnnl::error& error) {
      return refuse(std::string("oneDNN: ") + error.what());
    }
  }

 private:
  std::string name_;
};

}  // namespace

void add_convolution(HandlerRegistry& registry) {
  registry.add("onednn.qconv.default", std::make_shared<ConvolutionHandler>("onednn.qconv"));
  registry.add("onednn.qconv_binary.default", std::make_shared<ConvolutionHandler>("onednn.qconv_binary"));
}

}  // namespace qrules::onednn
