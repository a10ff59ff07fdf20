// onednn.qcat: concatenation of integers in the layout of the first operand.

#include <qrules/lowerings/onednn/common.h>

namespace qrules::onednn {
namespace {

class CatHandler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.qcat"; }

  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    TensorLayout& result = context.output(0);
    if (!data_type(result.dtype)) return refuse("the operands are u8, s8, s32, f16, bf16 or f32");
    if (result.element_count() == 0) return make_nothing();
    const int64_t rank = static_cast<int64_t>(result.sizes.size());
    int64_t dimension = context.integers("dim").at(0);
    if (dimension < 0) dimension += rank;
    const bool channels_last = context.input(0).is_channels_last() && !context.input(0).is_contiguous();
    const auto laid_out = [&](const TensorLayout& layout) {
      return channels_last ? TensorLayout::channels_last(layout.dtype, layout.sizes) : TensorLayout::contiguous(layout.dtype, layout.sizes);
    };
    result = laid_out(result);
    std::vector<dnnl::memory::desc> sources;
    std::map<int, Source> arguments;
    for (size_t i = 0; i < context.input_count(); ++i) {
      const TensorLayout layout = laid_out(context.input(i));
      if (layout.sizes.size() != result.sizes.size() || layout.dtype != result.dtype) return refuse("operands of one rank and dtype");
      if (layout.element_count() == 0) return refuse("an operand without elements");
      context.require_layout(i, layout);
      sources.push_back(describe(layout));
      Source& source = arguments[DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i)];
      source.index = i;
      source.desc = sources.back();
    }
    try {
      dnnl::primitive_attr attributes;
      attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
      const dnnl::memory::desc result_desc = describe(result);
      const dnnl::concat::primitive_desc description(cpu(), result_desc, static_cast<int>(dimension), sources, attributes);
      arguments[DNNL_ARG_DST].kind = Source::Kind::output;
      arguments[DNNL_ARG_DST].desc = result_desc;
      arguments[DNNL_ARG_SCRATCHPAD].kind = Source::Kind::scratch;
      arguments[DNNL_ARG_SCRATCHPAD].desc = description.scratchpad_desc();
      context.request_scratch(description.scratchpad_desc().get_size());
      const std::string implementation = description.impl_info_str();
      note_slow(context, implementation);
      return std::unique_ptr<Kernel>(std::make_unique<PrimitiveKernel>(dnnl::concat(description), implementation, std::move(arguments)));
    } catch (const dnnl::error& error) {
      return refuse(std::string("oneDNN: ") + error.what());
    }
  }
};

}  // namespace

void add_cat(HandlerRegistry& registry) { registry.add("onednn.qcat.default", std::make_shared<CatHandler>()); }

}  // namespace qrules::onednn
