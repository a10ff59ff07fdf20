// onednn.qmaxpool2d on channels-last integers.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

class PoolHandler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.qmaxpool2d"; }

  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    const TensorLayout x = context.input(0);
    if (x.dtype != DType::u8 && x.dtype != DType::s8) return refuse("x is u8 or s8");
    if (x.sizes.size() != 4) return refuse("x has rank 4");
    TensorLayout& result = context.output(0);
    result = TensorLayout::channels_last(result.dtype, result.sizes);
    if (result.element_count() == 0) return make_nothing();
    const TensorLayout source = TensorLayout::channels_last(x.dtype, x.sizes);
    context.require_layout(0, source);
    const auto pair = [&](std::string_view parameter) {
      std::vector<int64_t> values = context.integers(parameter);
      if (values.size() == 1) values.push_back(values[0]);
      return values;
    };
    const std::vector<int64_t> kernel = pair("kernel_size"), padding = pair("padding");
    std::vector<int64_t> strides = pair("stride"), dilation = pair("dilation");
    if (strides.empty()) strides = kernel;
    std::vector<int64_t> padding_after(2);
    for (size_t i = 0; i < 2; ++i) {
      const int64_t extent = (kernel[i] - 1) * dilation[i] + 1;
      padding_after[i] = (result.sizes[i + 2] - 1) * strides[i] + extent - x.sizes[i + 2] - padding[i];
      dilation[i] -= 1;
    }
    try {
      dnnl::primitive_attr attributes;
      attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
      const dnnl::memory::desc source_desc = describe(source), result_desc = describe(result);
      const dnnl::pooling_forward::primitive_desc description(cpu(), dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_max, source_desc,
                                                             result_desc, strides, kernel, dilation, padding, padding_after, attributes);
      std::map<int, Source> arguments;
      arguments[DNNL_ARG_SRC].desc = source_desc;
      arguments[DNNL_ARG_DST].kind = Source::Kind::output;
      arguments[DNNL_ARG_DST].desc = result_desc;
      arguments[DNNL_ARG_SCRATCHPAD].kind = Source::Kind::scratch;
      arguments[DNNL_ARG_SCRATCHPAD].desc = description.scratchpad_desc();
      context.request_scratch(description.scratchpad_desc().get_size());
      const std::string implementation = description.impl_info_str();
      note_slow(context, implementation);
      return std::unique_ptr<Kernel>(std::make_unique<PrimitiveKernel>(dnnl::pooling_forward(description), implementation, std::move(arguments)));
    } catch (const dnnl::error& error) {
      return refuse(std::string("oneDNN: ") + error.what());
    }
  }
};

}  // namespace

void add_pool(HandlerRegistry& registry) { registry.add("onednn.qmaxpool2d.default", std::make_shared<PoolHandler>()); }

}  // namespace qrules::onednn
