// onednn.qlinear and onednn.qlinear_binary as a matrix product of the rows of x with the packed weight.

#include <qrules/lowerings/onednn/epilogue.h>

namespace qrules::onednn {
namespace {

class LinearHandler final : public Handler {
 public:
  explicit LinearHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Prepared prepare(PrepareContext& context) const override {
    const auto weight_operand = context.operand_of("weight");
    if (!weight_operand) return refuse("the weight is no tensor");
    const std::vector<int64_t> weight_sizes = context.input(*weight_operand).sizes;
    if (weight_sizes.size() != 2) return refuse("the weight has rank 2");
    const int64_t n = weight_sizes[0], k = weight_sizes[1];
    auto call = int8::read_call(context, n, true);
    if (!call.ok()) return call.diagnostics();
    if (!exact_int8()) return refuse("this CPU sums int8 products in 16 bits, which may saturate");
    TensorLayout& result = context.output(0);
    const TensorLayout x = context.input(call->x);
    const int64_t m = n > 0 ? result.element_count() / n : 0;
    if (result.element_count() == 0) return make_nothing();
    if (k == 0) return refuse("there is nothing to sum over");
    if (call->other && context.input(*call->other).sizes != result.sizes)
      return refuse("the addend has other sizes than the result");

    context.require_layout(call->x, TensorLayout::contiguous(x.dtype, x.sizes));
    const dnnl::memory::desc source_desc({m, k}, *data_type(x.dtype), dnnl::memory::dims{k, 1});
    const dnnl::memory::desc result_desc({m, n}, *data_type(result.dtype), dnnl::memory::dims{n, 1});
    const dnnl::memory::desc weight_desc({k, n}, dnnl::memory::data_type::s8, dnnl::memory::format_tag::any);
    auto epilogue = make_epilogue(context, *call, 1 << 1, n, result, result_desc);
    if (!epilogue.ok()) return epilogue.diagnostics();
    return guarded([&] {
      const dnnl::memory::desc bias_desc = epilogue->bias ? epilogue->bias->desc.reshape({1, n}) : dnnl::memory::desc();
      const dnnl::matmul::primitive_desc description(cpu(), source_desc, weight_desc, bias_desc, result_desc,
                                                     epilogue->attributes);
      const dnnl::memory::desc plain({k, n}, dnnl::memory::data_type::s8, dnnl::memory::dims{1, k});
      const OwnedMemory packed =
          pack(context, dense_constant(context, call->weight), plain, description.weights_desc());
      return make_int8_kernel(context, *call, std::move(*epilogue), description, dnnl::matmul(description), packed,
                              bias_desc, result_desc);
    });
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
