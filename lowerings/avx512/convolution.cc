// onednn.qconv where kernels of our own are not slower than oneDNN's: depthwise windows of several rows, single taps,
// and other windows with weights that are not large.

#include <qrules/lowerings/avx512/handlers.h>

#if defined(__x86_64__)

#include <qrules/lowerings/avx512/depthwise.h>
#include <qrules/lowerings/avx512/product.h>
#include <qrules/lowerings/avx512/target.h>
#include <qrules/lowerings/avx512/window_product.h>

namespace qrules {
namespace avx512 {
namespace {

using int8::Prepared;
using int8::refuse;

// Whether the image is a matrix with a row for each position.
bool is_single(const avx2::Window& window) {
  const auto one = [](const avx2::Axis& axis) { return axis.kernel == 1 && axis.stride == 1 && axis.in == axis.out; };
  return window.groups == 1 && one(window.rows) && one(window.columns) && window.rows.padding == 0 &&
         window.columns.padding == 0;
}

class ConvolutionHandler final : public Handler {
 public:
  explicit ConvolutionHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Prepared prepare(PrepareContext& context) const override {
    if (!supports_vnni()) return refuse("this CPU has no AVX512-VNNI");
    const auto x_operand = context.operand_of("x"), weight_operand = context.operand_of("weight");
    if (!x_operand || !weight_operand) return refuse("x and the weight are tensors");
    const TensorLayout x = context.input(*x_operand);
    const std::vector<int64_t> sizes = context.input(*weight_operand).sizes;
    const auto window = avx2::read_window(context, x, sizes, context.output(0));
    if (!window.ok()) return window.diagnostics();
    const bool depthwise = window->is_depthwise() && window->rows.kernel > 1, single = is_single(*window);
    auto call = int8::read_call(context, window->out_channels, false);
    if (!call.ok()) return call.diagnostics();
    if (x.element_count() == 0 || context.output(0).element_count() == 0) return refuse("there are no elements");
    TensorLayout& result = context.output(0);
    result.strides = TensorLayout::channels_last(result.dtype, result.sizes).strides;
    context.require_layout(call->x, TensorLayout::channels_last(x.dtype, x.sizes));
    if (single) {
      return make_product(
          context, *call,
          {window->batch * window->rows.in * window->columns.in, window->in_channels, window->out_channels});
    }
    return depthwise ? make_depthwise(context, *call, *window) : make_window_product(context, *call, *window);
  }

 private:
  std::string name_;
};

}  // namespace

void add_convolution(HandlerRegistry& registry) {
  for (const char* op : {"qconv", "qconv_binary"})
    registry.add(std::string("onednn.") + op + ".default",
                 std::make_shared<ConvolutionHandler>(std::string("avx512.") + op));
}

}  // namespace avx512
}  // namespace qrules

#endif
