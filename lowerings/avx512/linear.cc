// onednn.qlinear and onednn.qlinear_binary where kernels of our own are not slower than oneDNN's.

#include <qrules/lowerings/avx512/handlers.h>

#if defined(__x86_64__)

#include <utility>

#include <qrules/lowerings/avx512/product.h>
#include <qrules/lowerings/avx512/target.h>

namespace qrules {
namespace avx512 {
namespace {

using int8::Prepared;
using int8::refuse;

class LinearHandler final : public Handler {
 public:
  explicit LinearHandler(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }

  Prepared prepare(PrepareContext& context) const override {
    if (!supports_vnni()) return refuse("this CPU has no AVX512-VNNI");
    const auto weight_operand = context.operand_of("weight");
    if (!weight_operand) return refuse("the weight is no tensor");
    const std::vector<int64_t> sizes = context.input(*weight_operand).sizes;
    if (sizes.size() != 2 || sizes[0] == 0) return refuse("the weight has rank 2");
    auto call = int8::read_call(context, sizes[0], true);
    if (!call.ok()) return call.diagnostics();
    if (call->reads_qparams() || call->row_scale_operand) return refuse("the scale is known only at run time");
    const TensorLayout x = context.input(call->x);
    context.require_layout(call->x, TensorLayout::contiguous(x.dtype, x.sizes));
    return make_product(context, *call, {context.output(0).element_count() / sizes[0], sizes[1], sizes[0]});
  }

 private:
  std::string name_;
};

}  // namespace

void add_linear(HandlerRegistry& registry) {
  for (const char* op : {"qlinear", "qlinear_binary"})
    registry.add(std::string("onednn.") + op + ".default",
                 std::make_shared<LinearHandler>(std::string("avx512.") + op));
}

}  // namespace avx512
}  // namespace qrules

#endif
