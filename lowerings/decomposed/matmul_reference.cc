// onednn.qmatmul: exact integer sums of two activations, then the epilogue.

#include <qrules/lowerings/decomposed/epilogue.h>

namespace qrules::decomposed {
namespace {

struct Product {
  size_t a = 0, b = 0;
  bool a_is_signed = false, b_is_signed = false;
  Number a_scale, a_zero_point, b_scale, b_zero_point;
  int64_t rows = 0, inner = 0, columns = 0;
  int64_t a_row = 0, a_step = 0, b_step = 0, b_column = 0, out_row = 0, out_column = 0;
};

template <typename A, typename B>
void multiply(const Product& product, const StridedLoop<3>& batches, const Epilogue& epilogue,
              const KernelArguments& arguments) {
  const EpilogueRun run(epilogue, arguments);
  const double scale = product.a_scale.read(arguments) * product.b_scale.read(arguments);
  const int64_t a_zero = truncate_to_s64(product.a_zero_point.read(arguments)),
                b_zero = truncate_to_s64(product.b_zero_point.read(arguments));
  batches.run([&](const auto& at, int64_t count, const auto& steps) {
    for (int64_t i = 0; i < count; ++i) {
      const A* a = static_cast<const A*>(arguments.inputs[product.a]) + at[1] + i * steps[1];
      const B* b = static_cast<const B*>(arguments.inputs[product.b]) + at[2] + i * steps[2];
      for (int64_t m = 0; m < product.rows; ++m) {
        for (int64_t n = 0; n < product.columns; ++n) {
          int64_t sum = 0;
          for (int64_t k = 0; k < product.inner; ++k) {
            sum += (static_cast<int64_t>(a[m * product.a_row + k * product.a_step]) - a_zero) *
                   (static_cast<int64_t>(b[k * product.b_step + n * product.b_column]) - b_zero);
          }
          run.store_at(at[0] + i * steps[0] + m * product.out_row + n * product.out_column,
                       static_cast<double>(sum) * scale);
        }
      }
    }
  });
}

Prepared qmatmul(PrepareContext& context) {
  Product product;
  auto a_operand = tensor_argument(context, "a"), b_operand = tensor_argument(context, "b");
  if (!a_operand) return a_operand.diagnostics();
  if (!b_operand) return b_operand.diagnostics();
  product.a = *a_operand;
  product.b = *b_operand;
  const TensorLayout &a = context.input(*a_operand), &b = context.input(*b_operand), &out = context.output(0);
  for (const TensorLayout* operand : {&a, &b}) {
    if (operand->dtype != DType::u8 && operand->dtype != DType::s8)
      return refuse_dtype(context, "an operand", operand->dtype, "u8 and s8");
    if (operand->sizes.size() < 2)
      return refuse_rank(context, "an operand", operand->sizes.size(), "two dimensions or more");
  }
  const size_t a_rank = a.sizes.size(), b_rank = b.sizes.size(), rank = out.sizes.size();
  product.rows = a.sizes[a_rank - 2];
  product.inner = a.sizes[a_rank - 1];
  product.columns = b.sizes[b_rank - 1];
  if (b.sizes[b_rank - 2] != product.inner || rank != std::max(a_rank, b_rank) || out.sizes[rank - 2] != product.rows ||
      out.sizes[rank - 1] != product.columns) {
    return refuse_size(context, "the operands and the result do not fit each other");
  }
  product.a_is_signed = a.dtype == DType::s8;
  product.b_is_signed = b.dtype == DType::s8;
  for (const auto& [parameter, number] :
       {std::pair{"a_scale", &product.a_scale}, std::pair{"a_zero_point", &product.a_zero_point},
        std::pair{"b_scale", &product.b_scale}, std::pair{"b_zero_point", &product.b_zero_point}}) {
    auto read = number_argument(context, parameter);
    if (!read) return read.diagnostics();
    *number = *read;
  }
  auto epilogue = Epilogue::prepare(context);
  if (!epilogue) return epilogue.diagnostics();
  product.a_row = a.strides[a_rank - 2];
  product.a_step = a.strides[a_rank - 1];
  product.b_step = b.strides[b_rank - 2];
  product.b_column = b.strides[b_rank - 1];
  product.out_row = out.strides[rank - 2];
  product.out_column = out.strides[rank - 1];

  const std::vector<int64_t> batch(out.sizes.begin(), out.sizes.end() - 2);
  const auto batch_of = [](const TensorLayout& layout) {
    return TensorLayout{layout.dtype,
                        {layout.sizes.begin(), layout.sizes.end() - 2},
                        {layout.strides.begin(), layout.strides.end() - 2}};
  };
  for (const TensorLayout* operand : {&a, &b}) {
    const size_t added = rank - operand->sizes.size();
    for (size_t d = 0; d + 2 < operand->sizes.size(); ++d) {
      if (operand->sizes[d] != 1 && operand->sizes[d] != batch[added + d])
        return refuse_size(context, "the batches do not fit each other");
    }
  }
  const StridedLoop<3> batches(
      batch, {batch_of(out).strides, broadcast_strides(batch_of(a), batch), broadcast_strides(batch_of(b), batch)});
  context.note("exact reference kernel: slow");
  return make_kernel("ref", [product, batches, epilogue = *epilogue](const KernelArguments& arguments) {
    if (product.a_is_signed) {
      product.b_is_signed ? multiply<int8_t, int8_t>(product, batches, epilogue, arguments)
                          : multiply<int8_t, uint8_t>(product, batches, epilogue, arguments);
    } else {
      product.b_is_signed ? multiply<uint8_t, int8_t>(product, batches, epilogue, arguments)
                          : multiply<uint8_t, uint8_t>(product, batches, epilogue, arguments);
    }
  });
}

}  // namespace

void add_matmul(HandlerRegistry& registry) {
  registry.add("onednn.qmatmul.default", std::make_shared<FunctionHandler>("decomposed.qmatmul", qmatmul));
}

}  // namespace qrules::decomposed
