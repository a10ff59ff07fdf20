// onednn.qmaxpool2d, onednn.qavgpool2d and onednn.qadaptive_avgpool2d on channels-last integers.

#include <bit>

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

// Averages where every window is full. oneDNN's padding is the integer 0, not the zero point, and its divisor is the
// window's size.
class AveragePoolHandler final : public Handler {
 public:
  explicit AveragePoolHandler(std::string name, bool adaptive) : name_(std::move(name)), adaptive_(adaptive) {}
  std::string_view name() const override { return name_; }

  Prepared prepare(PrepareContext& context) const override {
    const TensorLayout x = context.input(0);
    if (x.dtype != DType::u8 && x.dtype != DType::s8) return refuse("x is u8 or s8");
    if (x.sizes.size() != 4) return refuse("x has rank 4");
    if (context.output(0).element_count() == 0) return make_nothing();
    dnnl::memory::dims kernel(2), strides(2);
    for (size_t i = 0; i < 2; ++i) {
      const int64_t in = x.sizes[2 + i], out = context.output(0).sizes[2 + i];
      if (adaptive_) {
        if (in % out != 0) return refuse("the windows have different sizes");
        kernel[i] = strides[i] = in / out;
      } else {
        kernel[i] = at(context, "kernel_size", i);
        strides[i] = context.integers("stride").empty() ? kernel[i] : at(context, "stride", i);
        if (at(context, "padding", i) != 0 || (out - 1) * strides[i] + kernel[i] > in)
          return refuse("some windows reach beyond the image");
      }
    }
    const int64_t taps = kernel[0] * kernel[1];
    const Argument* divisor = context.node().argument("divisor_override");
    if (divisor && !divisor->is_none() && divisor->integer() != taps) return refuse("the divisor is another");
    // Integers are averaged without their zero point, by a multiplication with the reciprocal in f32. With an odd count
    // there are no ties, with a power of two they are met exactly, and an even zero point leaves them to the same side.
    constexpr int64_t kMostTaps = 4096;
    const bool no_ties = taps % 2 == 1;
    const bool equal_ties =
        std::has_single_bit(static_cast<uint64_t>(taps)) && context.integers("zero_point").at(0) % 2 == 0;
    if (taps > kMostTaps || !(no_ties || equal_ties))
      return refuse("means of " + std::to_string(taps) + " elements with this zero point may round to another side");
    TensorLayout& result = context.output(0);
    result = TensorLayout::channels_last(result.dtype, result.sizes);
    const TensorLayout source = TensorLayout::channels_last(x.dtype, x.sizes);
    context.require_layout(0, source);
    return guarded([&] {
      const dnnl::memory::desc source_desc = describe(source), result_desc = describe(result);
      const dnnl::memory::dims zeros(2, 0);
      const dnnl::pooling_forward::primitive_desc description(
          cpu(), dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_avg_exclude_padding, source_desc,
          result_desc, strides, kernel, zeros, zeros, zeros, make_attributes());
      return make_kernel(context, description, dnnl::pooling_forward(description),
                         {{DNNL_ARG_SRC, Source::input(0, source_desc)}, {DNNL_ARG_DST, Source::result(result_desc)}});
    });
  }

 private:
  static int64_t at(const PrepareContext& context, std::string_view parameter, size_t i) {
    const std::vector<int64_t> list = context.integers(parameter);
    return list.size() == 1 ? list[0] : list.at(i);
  }

  std::string name_;
  bool adaptive_;
};

}  // namespace

void add_pool(HandlerRegistry& registry) {
  registry.add("onednn.qmaxpool2d.default", std::make_shared<PoolHandler>());
  registry.add("onednn.qavgpool2d.default", std::make_shared<AveragePoolHandler>("onednn.qavgpool2d", false));
  registry.add("onednn.qadaptive_avgpool2d.default",
               std::make_shared<AveragePoolHandler>("onednn.qadaptive_avgpool2d", true));
}

}  // namespace qrules::onednn
