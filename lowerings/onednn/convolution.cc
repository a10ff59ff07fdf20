// onednn.qconv and onednn.qconv_binary: u8 or s8 channels-last activations, packed s8 weights.

#include <qrules/lowerings/onednn/epilogue.h>

namespace qrules::onednn {
namespace {

class ConvolutionHandler final : public Handler {
 public:
  explicit ConvolutionHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Prepared prepare(PrepareContext& context) const override {
    const auto weight_operand = context.operand_of("weight");
    if (!weight_operand) return refuse("the weight is no tensor");
    const std::vector<int64_t> weight_sizes = context.input(*weight_operand).sizes;
    auto call = int8::read_call(context, weight_sizes[0], false);
    if (!call.ok()) return call.diagnostics();
    const TensorLayout& x = context.input(call->x);
    if (x.sizes.size() < 3 || x.sizes.size() > 5 || weight_sizes.size() != x.sizes.size())
      return refuse("x and weight have rank 3, 4 or 5");
    if (!exact_int8()) return refuse("this CPU sums int8 products in 16 bits, which may saturate");
    TensorLayout& result = context.output(0);
    result = TensorLayout::channels_last(result.dtype, result.sizes);
    const TensorLayout source = TensorLayout::channels_last(x.dtype, x.sizes);
    context.require_layout(call->x, source);
    if (result.element_count() == 0 || x.element_count() == 0) {
      if (result.element_count() == 0) return make_nothing();
      return refuse("x has no elements");
    }

    const int64_t groups = context.integers("groups").at(0);
    const Windows windows = windows_of(context, {weight_sizes.begin() + 2, weight_sizes.end()}, x, result);

    // Weights in groups are [groups, channels / groups, ...].
    std::vector<int64_t> packed_sizes = weight_sizes;
    if (groups > 1) {
      packed_sizes[0] /= groups;
      packed_sizes.insert(packed_sizes.begin(), groups);
    }
    const TensorLayout plain_weight = TensorLayout::contiguous(DType::s8, packed_sizes);
    const dnnl::memory::desc source_desc = describe(source), result_desc = describe(result);
    const dnnl::memory::desc weight_desc(packed_sizes, dnnl::memory::data_type::s8, dnnl::memory::format_tag::any);
    auto epilogue = make_epilogue(context, *call, groups > 1 ? 3 : 1, weight_sizes[0], result, result_desc);
    if (!epilogue.ok()) return epilogue.diagnostics();
    return guarded([&] {
      const dnnl::memory::desc bias_desc = epilogue->bias ? epilogue->bias->desc : dnnl::memory::desc();
      const dnnl::convolution_forward::primitive_desc description(
          cpu(), dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source_desc, weight_desc,
          bias_desc, result_desc, windows.strides, windows.dilation, windows.padding, windows.padding_after,
          epilogue->attributes);
      const OwnedMemory packed =
          pack(context, dense_constant(context, call->weight), describe(plain_weight), description.weights_desc());
      return make_int8_kernel(context, *call, std::move(*epilogue), description, dnnl::convolution_forward(description),
                              packed, bias_desc, result_desc);
    });
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
