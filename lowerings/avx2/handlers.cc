// onednn.qconv, onednn.qlinear and their binary forms where oneDNN's int8 kernels are not exact: on CPUs with AVX2 and
// without VNNI.

#include <qrules/lowerings/register.h>

#if defined(__x86_64__)

#include <qrules/lowerings/avx2/convolution.h>
#include <qrules/lowerings/avx2/handlers.h>
#include <qrules/lowerings/avx2/tasks.h>

namespace qrules {
namespace avx2 {
namespace {

using int8::Prepared;
using int8::refuse;

std::unique_ptr<Kernel> make_nothing() {
  class Nothing final : public Kernel {
    void run(const KernelArguments&) const override {}
    std::string implementation() const override { return "nothing"; }
  };
  return std::make_unique<Nothing>();
}

class ConvolutionHandler final : public Handler {
 public:
  explicit ConvolutionHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Prepared prepare(PrepareContext& context) const override {
    if (auto refusal = refuse_without_avx2()) return *refusal;
    const auto weight_operand = context.operand_of("weight");
    if (!weight_operand) return refuse("the weight is no tensor");
    const std::vector<int64_t> sizes = context.input(*weight_operand).sizes;
    auto call = int8::read_call(context, sizes[0], false);
    if (!call.ok()) return call.diagnostics();
    const TensorLayout x = context.input(call->x);
    const auto window = read_window(context, x, sizes, context.output(0));
    if (!window.ok()) return window.diagnostics();
    TensorLayout& result = context.output(0);
    result = TensorLayout::channels_last(result.dtype, result.sizes);
    context.require_layout(call->x, TensorLayout::channels_last(x.dtype, x.sizes));
    if (result.element_count() == 0) return make_nothing();
    if (x.element_count() == 0) return refuse("x has no elements");

    auto epilogue = Epilogue::prepare(context, *call, window->out_channels);
    if (!epilogue.ok()) return epilogue.diagnostics();
    const auto* weights = static_cast<const int8_t*>(int8::dense_constant(context, call->weight));
    return (window->is_depthwise() ? make_depthwise : make_convolution)(
        context, *window, Activations::of(context, *call), weights, std::move(*epilogue));
  }

 private:
  std::string name_;
};

class LinearHandler final : public Handler {
 public:
  explicit LinearHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Prepared prepare(PrepareContext& context) const override {
    if (auto refusal = refuse_without_avx2()) return *refusal;
    const auto weight_operand = context.operand_of("weight");
    if (!weight_operand) return refuse("the weight is no tensor");
    const std::vector<int64_t> sizes = context.input(*weight_operand).sizes;
    if (sizes.size() != 2) return refuse("the weight has rank 2");
    auto call = int8::read_call(context, sizes[0], true);
    if (!call.ok()) return call.diagnostics();
    const TensorLayout x = context.input(call->x);
    TensorLayout& result = context.output(0);
    if (result.element_count() == 0) return make_nothing();
    if (sizes[1] == 0) return refuse("there is nothing to sum over");
    context.require_layout(call->x, TensorLayout::contiguous(x.dtype, x.sizes));
    if (call->row_scale_operand) {
      const TensorLayout& scales = context.input(*call->row_scale_operand);
      context.require_layout(*call->row_scale_operand, TensorLayout::contiguous(scales.dtype, scales.sizes));
    }
    Window window;
    window.in_channels = sizes[1];
    window.out_channels = sizes[0];
    window.rows.in = window.rows.out = result.element_count() / sizes[0];
    auto epilogue = Epilogue::prepare(context, *call, window.out_channels);
    if (!epilogue.ok()) return epilogue.diagnostics();
    const auto* weights = static_cast<const int8_t*>(int8::dense_constant(context, call->weight));
    return make_convolution(context, window, Activations::of(context, *call), weights, std::move(*epilogue));
  }

 private:
  std::string name_;
};

}  // namespace
}  // namespace avx2

void register_avx2_handlers(HandlerRegistry& registry) {
  avx2::add_attention(registry);
  avx2::add_layer_norm(registry);
  avx2::add_pointwise(registry);
  avx2::add_weight_int8pack(registry);
  for (const char* op : {"qconv", "qconv_binary"})
    registry.add(std::string("onednn.") + op + ".default",
                 std::make_shared<avx2::ConvolutionHandler>(std::string("avx2.") + op));
  for (const char* op : {"qlinear", "qlinear_binary"})
    registry.add(std::string("onednn.") + op + ".default",
                 std::make_shared<avx2::LinearHandler>(std::string("avx2.") + op));
}

}  // namespace qrules

#else

namespace qrules {
void register_avx2_handlers(HandlerRegistry&) {}
}  // namespace qrules

#endif
