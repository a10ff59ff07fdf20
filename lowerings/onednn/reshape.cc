// onednn.qreshape: other sizes for the same integers, without moving them where the layout allows it.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

class ReshapeHandler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.qreshape"; }

  Prepared prepare(PrepareContext& context) const override {
    const TensorLayout& x = context.input(0);
    TensorLayout& result = context.output(0);
    result = TensorLayout::contiguous(result.dtype, result.sizes);
    if (x.element_count() != result.element_count()) return refuse("x and the result have as many elements");
    context.require_layout(0, TensorLayout::contiguous(x.dtype, x.sizes));
    context.alias(0, 0, 0);
    return std::unique_ptr<Kernel>();
  }
};

}  // namespace

void add_reshape(HandlerRegistry& registry) {
  registry.add("onednn.qreshape.default", std::make_shared<ReshapeHandler>());
}

}  // namespace qrules::onednn
