// onednn.qmaxpool2d on channels-last integers.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

class PoolHandler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.qmaxpool2d"; }

  Prepared prepare(PrepareContext& context) const override {
    const TensorLayout x = context.input(0);
    if (x.dtype != DType::u8 && x.dtype != DType::s8) return refuse("x is u8 or s8");
    if (x.sizes.size() != 4) return refuse("x has rank 4");
    TensorLayout& result = context.output(0);
    result = TensorLayout::channels_last(result.dtype, result.sizes);
    if (result.element_count() == 0) return make_nothing();
    const TensorLayout source = TensorLayout::channels_last(x.dtype, x.sizes);
    context.require_layout(0, source);
    std::vector<int64_t> kernel = context.integers("kernel_size");
    if (kernel.size() == 1) kernel.push_back(kernel[0]);
    const Windows windows = windows_of(context, kernel, x, result);
    return guarded([&] {
      const dnnl::memory::desc source_desc = describe(source), result_desc = describe(result);
      const dnnl::pooling_forward::primitive_desc description(
          cpu(), dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_max, source_desc, result_desc,
          windows.strides, kernel, windows.dilation, windows.padding, windows.padding_after, make_attributes());
      return make_kernel(context, description, dnnl::pooling_forward(description),
                         {{DNNL_ARG_SRC, Source::input(0, source_desc)}, {DNNL_ARG_DST, Source::result(result_desc)}});
    });
  }
};

}  // namespace

void add_pool(HandlerRegistry& registry) { registry.add("onednn.qmaxpool2d.default", std::make_shared<PoolHandler>()); }

}  // namespace qrules::onednn
