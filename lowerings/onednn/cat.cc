// onednn.qcat: concatenation of integers in the layout of the first operand.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

class CatHandler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.qcat"; }

  Prepared prepare(PrepareContext& context) const override {
    TensorLayout& result = context.output(0);
    if (!data_type(result.dtype)) return refuse("the operands are u8, s8, s32, f16, bf16 or f32");
    if (result.element_count() == 0) return make_nothing();
    const int64_t rank = static_cast<int64_t>(result.sizes.size());
    int64_t dimension = context.integers("dim").at(0);
    if (dimension < 0) dimension += rank;
    const bool channels_last = context.input(0).is_channels_last() && !context.input(0).is_contiguous();
    const auto laid_out = [&](const TensorLayout& layout) {
      return channels_last ? TensorLayout::channels_last(layout.dtype, layout.sizes)
                           : TensorLayout::contiguous(layout.dtype, layout.sizes);
    };
    result = laid_out(result);
    std::vector<dnnl::memory::desc> sources;
    Sources arguments;
    for (size_t i = 0; i < context.input_count(); ++i) {
      const TensorLayout layout = laid_out(context.input(i));
      if (layout.sizes.size() != result.sizes.size() || layout.dtype != result.dtype)
        return refuse("operands of one rank and dtype");
      if (layout.element_count() == 0) return refuse("an operand without elements");
      context.require_layout(i, layout);
      sources.push_back(describe(layout));
      arguments[DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i)] = Source::input(i, sources.back());
    }
    return guarded([&] {
      const dnnl::memory::desc result_desc = describe(result);
      const dnnl::concat::primitive_desc description(cpu(), result_desc, static_cast<int>(dimension), sources,
                                                     make_attributes());
      arguments[DNNL_ARG_DST] = Source::result(result_desc);
      return make_kernel(context, description, dnnl::concat(description), std::move(arguments));
    });
  }
};

}  // namespace

void add_cat(HandlerRegistry& registry) { registry.add("onednn.qcat.default", std::make_shared<CatHandler>()); }

}  // namespace qrules::onednn
