// onednn.qmatmul: a batched product of two activations. oneDNN multiplies u8 or s8 with s8 only, so that a u8 second
// operand is shifted by 128 first, together with its zero point.

#include <cstring>

#include <qrules/lowerings/onednn/epilogue.h>

namespace qrules::onednn {
namespace {

std::optional<double> number_of(const PrepareContext& context, std::string_view parameter) {
  const Argument* argument = context.node().argument(parameter);
  return argument ? argument->number() : std::nullopt;
}

// Every element has its own place and there are no gaps.
bool is_dense(const TensorLayout& layout) {
  return layout.byte_extent() == static_cast<size_t>(layout.element_count()) * size_of(layout.dtype);
}

// Turns the sign bit of every byte: u8 x becomes s8 x - 128.
void shift_to_signed(const void* from, void* to, size_t count) {
  const auto* source = static_cast<const uint8_t*>(from);
  auto* target = static_cast<uint8_t*>(to);
  const auto n = static_cast<int64_t>(count);
#pragma omp parallel for simd schedule(static) if (n > (1 << 16))
  for (int64_t i = 0; i < n; ++i) target[i] = source[i] ^ 0x80;
}

class MatmulHandler final : public Handler {
 public:
  std::string_view name() const override { return "onednn.qmatmul"; }

  Prepared prepare(PrepareContext& context) const override {
    const auto a_operand = context.operand_of("a"), b_operand = context.operand_of("b");
    if (!a_operand || !b_operand) return refuse("a and b are tensors");
    if (!exact_int8()) return refuse("this CPU sums int8 products in 16 bits, which may saturate");
    const auto a_scale = number_of(context, "a_scale"), a_zero = number_of(context, "a_zero_point"),
               b_scale = number_of(context, "b_scale"), b_zero = number_of(context, "b_zero_point");
    if (!a_scale || !a_zero || !b_scale || !b_zero) return refuse("a scale or zero point is known only at run time");
    TensorLayout a = context.input(*a_operand), b = context.input(*b_operand);
    const TensorLayout& result = context.output(0);
    const size_t rank = result.sizes.size();
    if (a.sizes.size() != rank || b.sizes.size() != rank) return refuse("a and b have the same rank");
    for (size_t d = 0; d + 2 < rank; ++d) {
      if (a.sizes[d] != b.sizes[d]) return refuse("a and b have the same batch");
    }
    if (result.element_count() == 0) return make_nothing();
    if (a.sizes.back() == 0) return refuse("there is nothing to sum over");
    const bool shifts = b.dtype == DType::u8;
    const auto in_range = [](const TensorLayout& layout, double zero_point) {
      const double low = layout.dtype == DType::s8 ? -128 : 0;
      return zero_point >= low && zero_point <= low + 255;
    };
    if (!in_range(a, *a_zero) || !in_range(b, *b_zero)) return refuse("a zero point is outside of its type's range");

    Int8Call call;
    if (auto status = read_output(context, call); !status.ok()) return status.diagnostics();
    call.x_zero_point = static_cast<int32_t>(*a_zero);
    call.scales = {static_cast<float>(*a_scale * *b_scale)};
    const int32_t b_zero_point = static_cast<int32_t>(*b_zero) - (shifts ? 128 : 0);

    return guarded([&]() -> Prepared {
      // Operands as they come, when a fast implementation takes them so; else in rows.
      const bool plain = a.is_contiguous() && b.is_contiguous();
      if (!plain && is_dense(a) && is_dense(b)) {
        auto description = describe_product(context, call, a, b, b_zero_point);
        if (description && is_fast(description->primitive))
          return make(context, std::move(*description), *a_operand, a, *b_operand, b, shifts);
      }
      a = TensorLayout::contiguous(a.dtype, a.sizes);
      b = TensorLayout::contiguous(b.dtype, b.sizes);
      auto description = describe_product(context, call, a, b, b_zero_point);
      if (!description) return refuse("oneDNN has no product of these operands");
      return make(context, std::move(*description), *a_operand, a, *b_operand, b, shifts);
    });
  }

 private:
  struct Description {
    Epilogue epilogue;
    dnnl::matmul::primitive_desc primitive;
    dnnl::memory::desc a, b, result;
  };

  static bool is_fast(const dnnl::matmul::primitive_desc& primitive) {
    return std::string_view(primitive.impl_info_str()).substr(0, 3) == "brg";
  }

  // Nothing when oneDNN refuses.
  static std::optional<Description> describe_product(PrepareContext& context, const Int8Call& call,
                                                     const TensorLayout& a, const TensorLayout& b,
                                                     int32_t b_zero_point) {
    TensorLayout result = context.output(0);
    Description made;
    made.result = describe(result);
    auto epilogue = make_epilogue(context, call, 0, result.sizes.back(), result, made.result);
    if (!epilogue.ok()) return std::nullopt;
    made.epilogue = std::move(*epilogue);
    if (b_zero_point != 0) {
      made.epilogue.attributes.set_zero_points_mask(DNNL_ARG_WEIGHTS, 0);
      made.epilogue.arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_WEIGHTS] =
          Source::constant(own_integer(b_zero_point));
    }
    made.a = describe(a);
    made.b = dnnl::memory::desc(b.sizes, dnnl::memory::data_type::s8, b.strides);
    try {
      made.primitive = dnnl::matmul::primitive_desc(cpu(), made.a, made.b, made.result, made.epilogue.attributes);
    } catch (const dnnl::error&) {
      return std::nullopt;
    }
    return made;
  }

  static Prepared make(PrepareContext& context, Description description, size_t a_operand, const TensorLayout& a,
                       size_t b_operand, const TensorLayout& b, bool shifts) {
    context.require_layout(a_operand, a);
    context.require_layout(b_operand, b);
    Sources arguments = std::move(description.epilogue.arguments);
    arguments[DNNL_ARG_SRC] = Source::input(a_operand, description.a);
    arguments[DNNL_ARG_DST] = Source::result(description.result);
    if (!shifts) {
      arguments[DNNL_ARG_WEIGHTS] = Source::input(b_operand, description.b);
      return make_kernel(context, description.primitive, dnnl::matmul(description.primitive), std::move(arguments));
    }
    constexpr size_t kAlignment = 64;
    const size_t count = static_cast<size_t>(b.element_count());
    const size_t offset =
        (description.primitive.scratchpad_desc().get_size() + kAlignment - 1) / kAlignment * kAlignment;
    arguments[DNNL_ARG_WEIGHTS] = Source::scratch(offset, description.b);
    auto kernel = make_kernel(context, description.primitive, dnnl::matmul(description.primitive), std::move(arguments),
                              [b_operand, offset, count](const KernelArguments& run) {
                                shift_to_signed(run.inputs[b_operand], static_cast<char*>(run.scratch) + offset, count);
                              });
    context.request_scratch(offset + count);
    return kernel;
  }
};

}  // namespace

void add_matmul(HandlerRegistry& registry) {
  registry.add("onednn.qmatmul.default", std::make_shared<MatmulHandler>());
}

}  // namespace qrules::onednn
